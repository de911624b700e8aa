use sinew::prelude::*;

#[model]
struct Net {
    fc: Linear<4, 8>,
    fc: Linear<8, 1>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.fc.forward(m.fc.forward(x)).mean()
}

fn main() {
    let _ = loss::train(Net::init(0));
}
