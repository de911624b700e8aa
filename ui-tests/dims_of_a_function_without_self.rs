use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    w: Param<D>,
}

#[model]
impl<D> Scale<D> {
    fn twice<B>(x: Tensor<B>) -> Tensor<B> {
        x * 2
    }
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    Scale::<3>::twice(x)
}

fn main() {}
