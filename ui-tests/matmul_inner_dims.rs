use sinew::prelude::*;

#[model]
struct Net {
    #[init(zeros)]
    first: Param<64, 10>,
}

#[model]
fn f<B>(m: &Net, h: Tensor<B, 32>) -> Tensor<B, 10> {
    matmul(h, m.first)
}

fn main() {}
