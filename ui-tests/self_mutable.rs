use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    g: Param<D>,
}
#[model]
impl<D> Scale<D> {
    fn forward<B>(&mut self, x: Tensor<B, D>) -> Tensor<B, D> {
        x * self.g
    }
}

fn main() {}
