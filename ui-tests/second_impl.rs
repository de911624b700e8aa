use sinew::prelude::*;

#[model(methods)]
struct Layer {}
#[model]
impl Layer {
    fn one<B>(&self, x: Tensor<B>) -> Tensor<B> { x }
}
#[model]
impl Layer {
    fn two<B>(&self, x: Tensor<B>) -> Tensor<B> { x }
}

fn main() {}
