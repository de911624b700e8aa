use sinew::prelude::*;

#[model]
enum Activation {
    Relu,
    Gelu,
}

#[model]
enum Norm {
    Batch,
    Layer,
}

#[model]
struct Net {
    #[default(Silu)]
    activation: Activation,
    norm: Norm,
}

#[model]
struct Other {
    #[init(zeros)]
    w: Param<4>,
    activation: Activation,
    norm: Norm,
}

#[model]
fn misspelt(m: &Other, x: Tensor<4>) -> Tensor<4> {
    if m.activation == Activation::Silu { x } else { -x }
}

#[model]
fn two_enums(m: &Other, x: Tensor<4>) -> Tensor<4> {
    if m.activation == m.norm { x } else { -x }
}

#[model]
fn not_all(m: &Other, x: Tensor<4>) -> Tensor<4> {
    match m.activation {
        Activation::Relu => x.relu(),
    }
}

#[model]
fn a_field(m: &Other, x: Tensor<4>) -> Tensor<4> {
    x * m.activation.relu
}

#[model]
fn with_a_number(m: &Other, x: Tensor<4>) -> Tensor<4> {
    if m.activation == 1 { x } else { -x }
}

fn main() {}
