use sinew::prelude::*;

#[model]
struct Net {
    out: &Linear<64, 10>,
}

fn main() {}
