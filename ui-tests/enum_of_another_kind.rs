use sinew::prelude::*;

#[model]
enum Activation {
    None,
    Gelu,
}

#[model]
enum Norm {
    None,
    Layer,
}

#[model]
struct Net {
    #[init(zeros)]
    w: Param<4>,
    activation: Activation,
}

#[model]
fn of_another(m: &Net, x: Tensor<4>) -> Tensor<4> {
    if m.activation == Norm::None { x } else { x * m.w }
}

fn main() {}
