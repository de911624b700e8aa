use sinew::prelude::*;

#[model(methods)]
struct Net {
    inner: Linear<4, 4>,
}

#[model]
impl Net {
    fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        self.back(self.inner.forward(x))
    }

    fn back<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        self.forward(x)
    }
}

fn main() {}
