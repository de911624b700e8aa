use sinew::prelude::*;

#[derive(Clone, Debug)]
#[model]
struct Net {
    fc: Linear<4, 1>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.fc.forward(x).mean()
}

fn main() {
    let net = Net::init(0);
    println!("{:?}", net.clone());
    let _ = loss::train(net);
}
