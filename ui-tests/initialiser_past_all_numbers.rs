use sinew::prelude::*;

#[model]
struct Layer {
    #[init(constant(1e999))]
    w: Param<4>,
}

fn main() {}
