use sinew::data::{Batches, metrics::Accuracy};
use sinew::prelude::*;

#[model]
fn doubled<N>(x: Tensor<N>) -> Tensor<N> {
    2.0 * x
}

fn main() {
    let numbers = sinew::ndarray::Array1::<f32>::zeros(4);
    let batches = Batches::new((&numbers, &numbers), 2).unwrap();
    let run = doubled::compile().build().unwrap();
    let _ = sinew::evaluate(&run, &batches, Accuracy::new());
}
