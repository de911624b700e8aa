use sinew::prelude::*;

#[model]
struct Net {
    #[init(kaiming)]
    w: Param<8, 4>,
}

fn main() {}
