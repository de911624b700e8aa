use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    #[init(ones)]
    w: Param<64, 10>,
}

fn main() {}
