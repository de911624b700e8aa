use sinew::prelude::*;

const W: usize = 100;
const HIDDEN: usize = 128;

#[model]
fn f<B>(x: Tensor<B, HIDDEN>) -> Tensor<B, W> {
    x.relu()
}

fn main() {}
