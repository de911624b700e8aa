use sinew::prelude::*;

#[model]
struct Net {
    inner: Linear<4, 8>,
}

impl Net {
    fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 8> {
        self.inner.forward(x)
    }
}

fn main() {}
