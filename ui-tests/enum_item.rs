use sinew::prelude::*;

#[model]
enum E {
    A,
}

fn main() {}
