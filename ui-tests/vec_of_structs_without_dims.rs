use sinew::prelude::*;

#[model]
struct Net {
    layers: Vec<Linear>,
}

fn main() {}
