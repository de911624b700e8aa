use sinew::prelude::*;

#[model]
struct Net {
    #[pytorch("head", transposed)]
    out: Linear<8, 2>,
}

fn main() {}
