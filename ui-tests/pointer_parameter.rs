use sinew::prelude::*;

#[model]
fn f(x: *const f32) -> Tensor<3> {
    x
}

fn main() {}
