use sinew::prelude::*;

#[model]
fn f<B, T>(x: Tensor<B, T>) -> Tensor<T, B> {
    x.rearrange("T B -> B T")
}

fn main() {}
