use sinew::prelude::*;

struct Plain;

#[model]
struct Net {
    plain: Plain,
}

fn main() {}
