use sinew::prelude::*;

#[model]
struct Net {
    #[init(kaiming_unifrom)]
    w: Param<64, 10>,
}

fn main() {}
