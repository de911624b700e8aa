use sinew::ndarray::Array1;
use sinew::nn::LinearConfig;
use sinew::prelude::*;

#[model]
fn loss<B>(m: &Linear<64, 10>, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(m.forward(x), y)
}

fn main() -> sinew::Result<()> {
    let mut train = loss::train(Linear::init(&LinearConfig { I: 64, O: 10 }, 0)?).build()?;
    let (x, y) = (Array1::<f32>::zeros(64), Array1::<i32>::zeros(3));
    train.step(&x, &y)?;
    Ok(())
}
