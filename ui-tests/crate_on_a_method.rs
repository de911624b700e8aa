use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    w: Param<D>,
}

#[model]
impl<D> Scale<D> {
    #[model(crate = sinew)]
    fn of(&self, x: Tensor<D>) -> Tensor<D> {
        x * self.w
    }
}

fn main() {}
