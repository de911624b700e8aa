use sinew::prelude::*;

#[model]
struct Net<N, L> { layers: [Linear<N, N>; L], last: Linear<N, 1> }
#[model]
fn loss<N, L>(m: &Net<N, L>, x: Tensor<N>) -> Tensor {
    m.last.forward(x).sum()
}
#[model]
fn f<B, N, L>(m: &Net<N, L>, x: Tensor<B, N>) -> Tensor<B> {
    let g = vmap(|x| grad(|m| loss(m, x), m), x);
    for l in &g.layers {}
    g.last.forward(x)
}
fn main() {}
