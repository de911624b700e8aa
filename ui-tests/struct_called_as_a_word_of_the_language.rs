use sinew::prelude::*;

#[model]
struct State {
    #[init(zeros)]
    w: Param<4>,
}

fn main() {}
