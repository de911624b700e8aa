use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B>
where
    B: Copy,
{
    x
}

fn main() {}
