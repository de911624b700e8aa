use sinew::prelude::*;

#[model]
fn twice<B>(x: Tensor<B>) -> Tensor<B> {
    let y = x + x
    y.relu()
}

#[model]
fn loss<B>(x: Tensor<B>) -> Tensor {
    twice(x).sum()
}

fn main() -> sinew::Result<()> {
    twice([1.0])?;
    loss([1.0])?;
    Ok(())
}
