use sinew::prelude::*;

#[model]
fn f(x: [f32; 3]) -> Tensor<3> {
    x
}

fn main() {}
