use sinew::prelude::*;

#[model]
struct Net {
    w: Tensor<64, 10>,
}

fn main() {}
