use sinew::prelude::*;

#[model]
struct Line {
    #[init(zeros)]
    slope: Param,
}

#[model]
fn f<B>(m: &Line, x: Tensor<B>) -> Tensor<B> {
    m.slope += 1.0;
    x * m.slope
}

fn main() {}
