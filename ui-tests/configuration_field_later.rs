use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<64, 10>,
    rate: f32,
}

fn main() {}
