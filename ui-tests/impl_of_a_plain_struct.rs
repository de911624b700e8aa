use sinew::prelude::*;

struct Plain;

#[model]
impl Plain {
    fn forward<B>(&self, x: Tensor<B>) -> Tensor<B> {
        x
    }
}

fn main() {}
