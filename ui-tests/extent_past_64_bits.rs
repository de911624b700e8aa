use sinew::prelude::*;

const LARGE: usize = 1 << 40;

#[model]
struct Table {
    #[init(zeros)]
    w: Param<{ LARGE * LARGE }>,
}

fn main() {}
