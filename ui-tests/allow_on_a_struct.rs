use sinew::prelude::*;

#[model(allow(log_of_softmax))]
struct Net {
    first: Linear<4, 4>,
}

fn main() {}
