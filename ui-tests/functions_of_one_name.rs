use sinew::prelude::*;

#[model]
pub struct Net {
    pub l: Linear<4, 4>,
}

#[model]
pub fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.l.forward(x).mean()
}

#[model]
pub fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.l.forward(x).square().mean()
}

#[model]
pub fn twice<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    2.0 * loss(m, x)
}

fn main() {
    let _ = loss::train(Net::init(0));
    let _ = loss(&Net::init(0), [[1.0; 4]; 2]);
}
