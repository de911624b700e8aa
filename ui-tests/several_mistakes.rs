use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B> {
    let y = x.sum(3);
    let z = x + missing;
    y + z.exp()
}

fn main() {}
