use sinew::prelude::*;

const HIDDEN: i32 = 128;

#[model]
struct Net {
    first: Linear<64, HIDDEN>,
    second: Linear<HIDDEN, 10>,
}

fn main() {}
