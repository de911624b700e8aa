use sinew::prelude::*;

#[model]
struct Net {
    #[init(normal)]
    w: Param<64, 10>,
}

fn main() {}
