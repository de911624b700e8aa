use sinew::prelude::*;

#[model]
fn sum<B>((h, c): (Tensor<B>, Tensor<B>)) -> Tensor<B> {
    h + c
}

fn main() -> sinew::Result<()> {
    sum([1.0, 2.0])?;
    Ok(())
}
