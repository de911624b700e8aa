mod own {
    use sinew::prelude::*;
    #[model]
    pub fn relu<N>(x: Tensor<N>) -> Tensor<N> {
        x * 10.0
    }
}
use own::*;
use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>) -> Tensor<N> {
    relu(x)
}

fn main() {}
