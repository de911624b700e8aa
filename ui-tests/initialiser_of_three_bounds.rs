use sinew::prelude::*;

#[model]
struct Net {
    #[init(uniform(-1.0, 0.0, 1.0))]
    w: Param<4>,
}

fn main() {}
