use sinew::prelude::*;

#[model]
struct Net {
    #[cfg(debug_assertions)]
    first: Linear<64, 64>,
    out: Linear<64, 10>,
}

fn main() {}
