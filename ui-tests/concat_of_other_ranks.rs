use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 4>, y: Tensor<B, 4>, z: Tensor<B, 4, 1>) -> Tensor<B, 12> {
    concat([x, y, z], axis = 1)
}

fn main() {}
