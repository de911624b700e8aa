//! One error at the impl, none at what calls its methods.
use sinew::prelude::*;

#[model]
struct Net<I, O> {
    a: Linear<I, O>,
}

#[model]
impl<I, O> Net<I, O> {
    pub fn forward<B>(&self, x: Tensor<B, I>) -> Tensor<B, O> {
        self.a.forward(x).relu()
    }
}

#[model]
struct Pair<I, O> {
    net: Net<I, O>,
}

#[model]
fn loss<B, I, O>(m: &Net<I, O>, x: Tensor<B, I>) -> Tensor {
    m.forward(x).mean()
}

#[model]
fn of_child<B, I, O>(m: &Pair<I, O>, x: Tensor<B, I>) -> Tensor<B, O> {
    m.net.forward(x)
}

fn main() -> sinew::Result<()> {
    let config = NetConfig { I: 3, O: 2 };
    let mut train = loss::train(Net::init(&config, 0)?).build()?;
    train.step([[1.0, 2.0, 3.0]])?;
    let pair = Pair::init(&PairConfig { I: 3, O: 2 }, 0)?;
    of_child(&pair, [[1.0, 2.0, 3.0]])?;
    Ok(())
}
