use sinew::prelude::*;

mod parts {
    #[sinew::model(methods)]
    pub struct Layer {}
}
#[model]
impl parts::Layer {
    fn one<B>(&self, x: Tensor<B>) -> Tensor<B> { x }
}

fn main() {}
