use sinew::prelude::*;

#[model]
struct Net {
    fc: Linear<4, 1>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>, y: Tensor<B, 1>) -> Tensor {
    losses::mse(m.fc.forward(x), y)
}

fn main() -> sinew::Result<()> {
    let mut train = loss::train(Net::init(0)).build()?;
    train.step([[0.0; 4]], [[0.0; 1]])?;
    loss::attach(&train)?.run([[0.0; 4]], [[0.0; 1]])?;
    loss::compile(Net::init(0)).build()?;
    println!("{} {}", loss::signature(), loss::IR);
    Ok(())
}
