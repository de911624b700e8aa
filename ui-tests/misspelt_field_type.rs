use sinew::prelude::*;

#[model]
struct Net {
    hidden: Liner<4, 8>,
    out: Linear<8, 2>,
}

#[model]
fn scores<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 2> {
    m.out.forward(m.hidden.forward(x).relu())
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>, y: Tensor<B, 2>) -> Tensor {
    mse(scores(m, x), y)
}

fn main() -> sinew::Result<()> {
    let mut train = loss::train(Net::init(1)).build()?;
    train.step(&[[0.0; 4]], &[[0.0; 2]])?;
    scores::attach(&train)?.run(&[[0.0; 4]])?;
    Ok(())
}
