use sinew::prelude::*;

#[model]
struct Net {
    #[default(true)]
    rate: f32,
    #[default(0.5)]
    heads: usize,
    #[default("yes")]
    causal: bool,
    #[default(1)]
    #[default(2)]
    layers: usize,
    #[init(zeros)]
    #[default(1.0)]
    w: Param<4>,
}

fn main() {}
