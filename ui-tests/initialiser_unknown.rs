use sinew::prelude::*;

#[model]
struct Net {
    #[init(orthogonal)]
    w: Param<64, 10>,
}

fn main() {}
