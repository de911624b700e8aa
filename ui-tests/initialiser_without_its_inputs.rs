use sinew::prelude::*;

#[model]
struct Net<I, O> {
    #[init(fan_in_uniform(I))]
    w: Param<I, O>,
    #[init(fan_in_uniform)]
    b: Param<O>,
}

fn main() {}
