use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    g: Param<D>,
}
#[model]
impl<D> Scale<D> {
    const LIMIT: f32 = 6.0;
}

fn main() {}
