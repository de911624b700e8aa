use sinew::prelude::*;

#[model]
fn outputs<B>(m: &Linear<4, 2>, x: Tensor<B, 4>) -> Tensor<B, 2> {
    m.forward(x)
}

fn main() -> sinew::Result<()> {
    let m = Linear::init(&sinew::nn::LinearConfig { I: 4, O: 2 }, 0)?;
    outputs::attach(&m)?;
    Ok(())
}
