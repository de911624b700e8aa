use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    b: Param<10>,
}

#[model]
fn f<B>(m: &Net, x: Tensor<B, 10>) -> Tensor<B, 10> {
    x + m
}

fn main() {}
