use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    counts: Param<i32, 10>,
}

fn main() {}
