use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    g: Param<D>,
}
#[model]
impl<D> Scale<D> {
    #[cfg(debug_assertions)]
    fn gains(&self) -> Tensor<D> { self.g }
}

fn main() {}
