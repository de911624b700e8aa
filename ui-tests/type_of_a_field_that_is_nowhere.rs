use sinew::prelude::*;

#[model]
struct Block {
    fc: Linear<4, 4>,
    relu: ReLU,
    drop: Dropout<0.1>,
    out: nn::Linear<4, 4>,
    attention: Attention<4>,
}

#[model]
struct Net {
    first: Block,
    out: Linear<4, 1>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.out.forward(m.first.relu.forward(m.first.fc.forward(x))).mean()
}

fn main() -> sinew::Result<()> {
    let mut train = loss::train(Net::init(1)).build()?;
    train.step([[0.0; 4]])?;
    Ok(())
}
