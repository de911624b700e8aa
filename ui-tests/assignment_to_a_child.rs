use sinew::prelude::*;

#[model]
struct Line {
    slope: State,
}

#[model]
struct Net {
    line: Line,
}

#[model]
fn f(m: &Net, x: Tensor) -> Tensor {
    m.line = x;
    x
}

fn main() {}
