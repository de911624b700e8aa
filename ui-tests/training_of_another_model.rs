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
fn loss<B>(m: &Net, other: &Other, x: Tensor<B, 4>) -> Tensor {
    mse(m.out.forward(x), other.out.forward(x))
}

fn main() -> sinew::Result<()> {
    loss::train(Net::init(0), Net::init(1)).build()?;
    Ok(())
}
