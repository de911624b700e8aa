use sinew::prelude::*;
use std::collections::HashMap;

#[model(methods)]
struct Net {
    inner: Linear<4, 8>,
    names: HashMap<u32, u32>,
}

#[model]
impl Net {
    fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 8> {
        self.inner.forward(x)
    }
}

fn main() {}
