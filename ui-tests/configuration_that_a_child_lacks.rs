use sinew::prelude::*;

#[model]
struct Block {
    causal: bool,
    heads: usize,
}

#[model]
struct Net {
    block: Block,
    heads: f32,
}

fn main() {}
