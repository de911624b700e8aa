use sinew::prelude::*;

#[model]
struct Net<S> {
    #[init(zeros)]
    w: Param<[S], 10>,
}

fn main() {}
