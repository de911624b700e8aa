use sinew::prelude::*;

#[model]
struct Line {
    #[init(zeros)]
    slope: Param,
}

#[model]
fn height<N>(m: &Line, x: Tensor<N>) -> Tensor<N> {
    m.slope * x
}

#[model]
fn loss<N>(m: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    mse(height(m, x), y)
}

fn main() -> sinew::Result<()> {
    let train = loss::train(Line::init(0)).optimizer(Sgd::new(0.1));
    height::attach(&train)?;
    Ok(())
}
