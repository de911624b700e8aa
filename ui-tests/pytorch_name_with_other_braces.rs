use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    #[pytorch("{}_w")]
    w: Param<4>,
    #[pytorch("layer{0..}")]
    one: Linear<4, 4>,
    #[pytorch("{}_l0")]
    many: [Linear<4, 4>; 2],
}

fn main() {}
