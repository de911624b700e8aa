use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<4, 2>,
}

#[model]
fn loss<B>(x: Tensor<B>) -> Tensor {
    x.square().mean()
}

fn main() -> sinew::Result<()> {
    loss::train(Net::init(0)).build()?;
    Ok(())
}
