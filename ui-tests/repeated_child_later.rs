use sinew::prelude::*;

#[model]
struct Net {
    layers: [Linear<64, 64>; 4],
}

fn main() {}
