use sinew::prelude::*;

const W: usize = 4;

#[model]
struct Layer {
    #[init(ones)]
    w: Param<{ W - 8 }>,
}

fn main() {}
