use sinew::prelude::*;

#[model]
fn total<B>((h, c): (Tensor<B>, Tensor<B>)) -> Tensor<B> {
    h + c
}

fn main() -> sinew::Result<()> {
    total([1.0, 2.0])?;
    Ok(())
}
