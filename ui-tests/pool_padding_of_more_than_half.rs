use sinew::prelude::*;

#[model]
fn f<B, C>(x: Tensor<B, C, 8, 8>) -> Tensor<B, C, 6, 6> {
    x.avg_pool2d(2, padding = 2)
}

fn main() {}
