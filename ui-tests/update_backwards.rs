use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>, y: Tensor<6>) -> Tensor<B, 6> {
    x.add_at((.., (..).rev()), y)
}

fn main() {}
