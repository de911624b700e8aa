use sinew::prelude::*;

fn rule(g: f32) -> f32 {
    g
}

#[model(vjp = rule)]
fn f<N>(x: Tensor<N>) -> Tensor<N> {
    x.exp()
}

fn main() {}
