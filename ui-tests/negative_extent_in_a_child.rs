use sinew::prelude::*;

#[model]
struct Inner<N> {
    #[init(ones)]
    w: Param<{ N - 8 }>,
}

#[model]
struct Outer {
    inner: Inner<4>,
}

fn main() {}
