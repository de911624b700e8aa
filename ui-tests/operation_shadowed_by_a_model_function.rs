use sinew::prelude::*;

mod other {
    use sinew::prelude::*;

    #[model]
    pub fn relu<B>(x: Tensor<B>) -> Tensor<B> {
        x
    }
}
use other::relu;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    relu(x)
}

fn main() {}
