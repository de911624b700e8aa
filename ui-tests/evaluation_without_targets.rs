use sinew::data::{Batches, metrics::MeanAbsoluteError};
use sinew::prelude::*;

#[model]
fn doubled<N>(x: Tensor<N>) -> Tensor<N> {
    2.0 * x
}

fn main() {
    let batches = Batches::new(sinew::ndarray::Array1::<f32>::zeros(4), 2).unwrap();
    let run = doubled::compile().build().unwrap();
    let _ = sinew::evaluate(&run, &batches, MeanAbsoluteError::new());
}
