use sinew::prelude::*;

#[model]
struct Net {
    fc: Linear<4, 1>,
}

#[model]
fn loss<B>(x: Tensor<B, 4>) -> Tensor {
    let m = Net::init(0);
    m.fc.forward(x).mean()
}

fn main() {
    let _ = loss::train(Net::init(0));
}
