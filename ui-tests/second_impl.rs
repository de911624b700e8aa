use sinew::prelude::*;

#[model(methods)]
struct Layer {}
#[model]
impl Layer {
    fn one<B>(&self, x: Tensor<B>) -> Tensor<B> { x }
}
#[model]
impl Layer {
    fn two<B>(&self, x: Tensor<B>) -> Tensor<B> { self.one(x) }
}

#[model]
fn both<B>(m: &Layer, x: Tensor<B>) -> Tensor<B> {
    m.one(m.two(x))
}

fn main() {
    let _ = Layer::init(0).two([1.0]);
    let _ = both::compile(Layer::init(0));
}
