use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    w: Param<D>,
}

#[model]
impl Scale<3> {
    fn of(&self, x: Tensor<3>) -> Tensor<3> {
        x * self.w
    }
}

#[model]
fn f(m: &Scale<3>, x: Tensor<3>) -> Tensor<3> {
    Scale::<4>::of(m, x)
}

fn main() {}
