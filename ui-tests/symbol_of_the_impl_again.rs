use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    g: Param<D>,
}
#[model]
impl<D> Scale<D> {
    fn forward<D>(&self, x: Tensor<D>) -> Tensor<D> {
        x * self.g
    }
}

fn main() {}
