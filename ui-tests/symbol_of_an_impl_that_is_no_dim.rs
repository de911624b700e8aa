use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    g: Param<D>,
}
#[model]
impl<B, D> Scale<D> {
    fn forward(&self, x: Tensor<B, D>) -> Tensor<B, D> {
        x * self.g
    }
}

fn main() {}
