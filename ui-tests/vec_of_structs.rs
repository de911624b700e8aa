use sinew::prelude::*;

#[model]
struct Net {
    blocks: Vec<Linear<64, 64>>,
}

fn main() {}
