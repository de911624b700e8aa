use sinew::prelude::*;

#[model]
struct Net {
    #[init(normal(0.0, 0.02))]
    w: Param<4>,
}

fn main() {}
