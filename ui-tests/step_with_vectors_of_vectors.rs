use sinew::nn::LinearConfig;
use sinew::prelude::*;

#[model]
fn loss<B>(m: &Linear<64, 10>, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(m.forward(x), y)
}

fn main() -> sinew::Result<()> {
    let mut train = loss::train(Linear::init(&LinearConfig { I: 64, O: 10 }, 0)?).build()?;
    let (x, y) = (vec![vec![0.0f32; 64]; 3], vec![1, 2, 3]);
    train.step(&x, &y)?;
    Ok(())
}
