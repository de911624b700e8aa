use sinew::prelude::*;

#[model(methods)]
struct Net {
    out: Linear<4, 2>,
}

#[model(no_derivative)]
impl Net {
    fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 2> {
        self.out.forward(x)
    }
}

fn main() {}
