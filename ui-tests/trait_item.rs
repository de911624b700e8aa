use sinew::prelude::*;

#[model]
trait Layer {
    fn forward<B>(&self, x: Tensor<B>) -> Tensor<B>;
}

fn main() {}
