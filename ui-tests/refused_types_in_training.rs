use sinew::prelude::*;

#[model]
struct Net {
    inner: Linear<4, 8>,
}

#[model]
fn owned<B>(m: Net, x: Tensor<B, 4>) -> Tensor {
    m.inner.forward(x).mean()
}

#[model]
fn changed<B>(m: &Net, mut x: Tensor<B, 4>) -> Tensor {
    x = x + 1;
    m.inner.forward(x).mean()
}

#[model]
fn labelled<B>(m: &Net, x: Tensor<B, 4>, y: Tensor<i64, B>) -> Tensor {
    cross_entropy(m.inner.forward(x), y)
}

#[model]
fn plain<B>(m: &Net, x: Tensor<B, 4>) -> f32 {
    m.inner.forward(x).mean()
}

#[model]
fn wide<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B> {
    m.inner.forward(x).mean()
}

fn main() -> sinew::Result<()> {
    owned::train(Net::init(0)).build()?.step([[0.0; 4]])?;
    changed::train(Net::init(0)).build()?.step([[0.0; 4]])?;
    labelled::train(Net::init(0)).build()?.step([[0.0; 4]], [1])?;
    plain::train(Net::init(0)).build()?.step([[0.0; 4]])?;
    wide::train(Net::init(0)).build()?.step([[0.0; 4]])?;
    Ok(())
}
