use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros(1.0))]
    w: Param<4>,
}

fn main() {}
