use sinew::prelude::*;

#[model]
struct Line {
    #[init(zeros)]
    slope: Param,
}

#[model]
fn loss<N>(m: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    mse(m.slope * x, y)
}

fn main() -> sinew::Result<()> {
    let mut train = loss::train(Line::init(0)).optimizer(Sgd::new(0.1));
    train.step([1.0], [2.0])?;
    Ok(())
}
