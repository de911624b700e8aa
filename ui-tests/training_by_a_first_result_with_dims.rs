use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<4, 2>,
}

#[model]
fn both<B>(m: &Net, x: Tensor<B, 4>) -> (Tensor<B, 2>, Tensor) {
    let y = m.out.forward(x);
    (y, y.mean())
}

fn main() -> sinew::Result<()> {
    both::train(Net::init(0)).build()?;
    Ok(())
}
