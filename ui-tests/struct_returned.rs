use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<64, 10>,
}

#[model]
fn f(m: &Net) -> &Linear<64, 10> {
    m.out
}

fn main() {}
