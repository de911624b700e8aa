use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let y = for v in x {
        v.exp()
    };
    y
}

fn main() {}
