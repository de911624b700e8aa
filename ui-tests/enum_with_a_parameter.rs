use sinew::prelude::*;

#[model]
enum Activation<T> {
    Relu,
}

fn main() {}
