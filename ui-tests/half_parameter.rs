use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    w: Param<bf16, 3>,
    #[init(zeros)]
    mean: State<f16, 3>,
}

fn main() {}
