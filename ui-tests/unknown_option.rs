use sinew::prelude::*;

#[model(method)]
struct Scale<D> {
    #[init(ones)]
    g: Param<D>,
}

fn main() {}
