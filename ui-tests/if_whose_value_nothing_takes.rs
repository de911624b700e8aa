use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    if B > 4 {
        x + 1.0
    };
    x
}

fn main() {}
