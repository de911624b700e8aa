use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<64>,
}

fn main() {}
