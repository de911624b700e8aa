use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<4, 2>,
}

#[model]
fn logits<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 2> {
    m.out.forward(x)
}

fn main() -> sinew::Result<()> {
    let mut train = logits::train(Net::init(0)).build()?;
    train.step([[1.0; 4]])?;
    Ok(())
}
