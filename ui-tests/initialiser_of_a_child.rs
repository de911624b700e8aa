use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    out: Linear<64, 10>,
}

fn main() {}
