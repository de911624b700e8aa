use sinew::prelude::*;

#[model(methods, methods)]
struct Scale<D> {
    #[init(ones)]
    w: Param<D>,
}

fn main() {}
