use sinew::prelude::*;

#[model]
struct Net {
    #[pytorch]
    hidden: Linear<8, 4>,
    #[init(zeros)]
    #[pytorch(weight)]
    w: Param<4, 2>,
}

fn main() {}
