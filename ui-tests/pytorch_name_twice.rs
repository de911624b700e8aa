use sinew::prelude::*;

#[model]
struct Net {
    #[pytorch("head")]
    #[pytorch("fc")]
    out: Linear<8, 2>,
}

fn main() {}
