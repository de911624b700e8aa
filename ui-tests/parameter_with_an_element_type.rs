use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    w: Param<f64, 3>,
}

fn main() {}
