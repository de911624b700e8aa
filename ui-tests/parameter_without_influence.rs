#![deny(warnings)]

use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<4, 2>,
    #[init(zeros)]
    scale: Param<2>,
    #[init(zeros)]
    shift: Param<2>,
}

#[model]
fn scores<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 2> {
    m.out.forward(x)
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>, y: Tensor<B, 2>) -> Tensor {
    mse(m.out.forward(x) + stop_gradient(m.shift), y)
}

#[model]
fn through_a_call<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    scores(m, x).mean()
}

#[model(allow(parameter_without_influence))]
fn silent<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.out.forward(x).mean()
}

fn main() {
    let _ = loss::train(Net::init(1));
    let _ = through_a_call::train(Net::init(1));
    let _ = silent::train(Net::init(1));
}
