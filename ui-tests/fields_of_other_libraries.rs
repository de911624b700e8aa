use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    w: Param<8, 4>,
}

#[model]
fn f<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 8> {
    matmul(x, m.w.T)
}

#[model]
fn g<B>(x: Tensor<B, 4>) -> Tensor<B> {
    x.sum(1) / x.shape[1]
}

fn main() {}
