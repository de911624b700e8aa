use sinew::prelude::*;

#[model]
#[derive(Default)]
struct Net {
    fc: Linear<4, 1>,
}

fn main() {}
