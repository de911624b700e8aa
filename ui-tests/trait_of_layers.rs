use sinew::prelude::*;

#[model]
struct Net {
    fc: Linear<4, 8>,
}

#[model]
impl Module for Net {
    fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 8> {
        self.fc.forward(x)
    }
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.forward(x).mean()
}

fn main() {}
