use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<4, 2>,
}

#[model]
struct Other {
    out: Linear<4, 2>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.out.forward(x).square().mean()
}

#[model]
fn outputs<B>(m: &Other, x: Tensor<B, 4>) -> Tensor<B, 2> {
    m.out.forward(x)
}

fn main() -> sinew::Result<()> {
    let train = loss::train(Net::init(0)).build()?;
    outputs::attach(&train)?;
    Ok(())
}
