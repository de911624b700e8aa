use sinew::prelude::*;

#[model]
struct Net {
    rate: bf16,
}

fn main() {}
