use sinew::prelude::*;

#[model]
struct Net {
    #[init(constant(1.0, 2.0))]
    w: Param<4>,
}

fn main() {}
