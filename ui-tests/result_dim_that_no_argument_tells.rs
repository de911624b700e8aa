use sinew::prelude::*;

#[model]
fn columns<B, K>(x: Tensor<B>) -> Tensor<B, K> {
    x.unsqueeze(-1).expand([B, K])
}

#[model]
fn four<B>(x: Tensor<B>) -> Tensor<B, 4> {
    columns::<B, 4>(x)
}

fn main() {
    let _ = four([1.0, 2.0]);
    let _ = columns([1.0, 2.0]);
}
