use sinew::{Tensor, model};

#[model]
fn f<N>(x: Tensor<N>) -> Tensor<N> {
    relu(x)
}

fn main() {}
