use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    #[pytorch("weight", transpose)]
    w: Param<4, 2>,
    #[init(zeros)]
    #[pytorch("head", transposed, 2)]
    head: Param<4, 2>,
}

fn main() {}
