use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<4, 2>,
}

#[model(no_derivative)]
fn accuracy<B>(m: &Net, x: Tensor<B, 4>, y: Tensor<i32, B>) -> Tensor {
    (m.out.forward(x).argmax(-1) == y).cast(float).mean()
}

fn main() -> sinew::Result<()> {
    accuracy::train(Net::init(0)).build()?;
    Ok(())
}
