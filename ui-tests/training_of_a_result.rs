use sinew::prelude::*;

#[model]
struct Net<D> {
    inner: Linear<D, 8>,
}

#[model]
fn loss<B, D>(m: &Net<D>, x: Tensor<B, D>) -> Tensor {
    m.inner.forward(x).mean()
}

fn main() -> sinew::Result<()> {
    let net = Net::init(&NetConfig { D: 4 }, 0);
    let train = loss::train(net).build()?;
    drop(train);
    Ok(())
}
