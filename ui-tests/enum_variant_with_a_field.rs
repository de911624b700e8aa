use sinew::prelude::*;

#[model]
enum Activation {
    Relu,
    Leaky(f32),
}

fn main() {}
