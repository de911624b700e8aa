//! A shape is filled with a number, not with a list of them.
use sinew::prelude::*;

#[model]
fn pair() -> Tensor<2> {
    full([2], [1.0, 2.0])
}

fn main() {}
