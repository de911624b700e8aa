use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    weights: [Param<64, 64>; 4],
}

fn main() {}
