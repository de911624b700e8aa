use sinew::prelude::*;

#[model]
struct Net {
    w: Param<64, 10>,
    #[init(normal(0.0, 0.02))]
    b: Param<10>,
}

#[model]
fn logits<B>(m: &Net, x: Tensor<B, 60>) -> Tensor<B, 10> {
    matmul(x, m.w) + m.b
}

fn main() {}
