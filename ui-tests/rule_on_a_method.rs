use sinew::prelude::*;

#[model(methods)]
struct Scale {
    #[init(ones)]
    by: Param,
}
#[model]
impl Scale {
    #[model(vjp = rule)]
    fn forward<N>(&self, x: Tensor<N>) -> Tensor<N> {
        x * self.by
    }
}
fn main() {}
