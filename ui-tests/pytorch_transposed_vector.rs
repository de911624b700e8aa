use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    #[pytorch("bias", transposed)]
    b: Param<4>,
}

fn main() {}
