use sinew::prelude::*;

#[model]
struct Net {
    w: Param<64, 10>,
}

fn main() {}
