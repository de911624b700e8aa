use sinew::prelude::*;

const PARTS: usize = 0;

#[model]
struct Layer {
    #[init(ones)]
    w: Param<{ 8 / PARTS }>,
}

fn main() {}
