use sinew::prelude::*;

#[model]
struct Net<I, O> {
    #[init(fan_in_uniform(Inputs))]
    w: Param<I, O>,
}

fn main() {}
