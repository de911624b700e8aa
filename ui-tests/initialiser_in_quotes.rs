use sinew::prelude::*;

#[model]
struct Net {
    #[init("zeros")]
    w: Param<64, 10>,
}

fn main() {}
