use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<2, 3>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 2>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(m.out.forward(x), y)
}

fn main() {
    let mut train = loss::train(Net::init(0)).build().unwrap();
    let x = sinew::ndarray::Array2::<f32>::zeros((4, 2));
    let batches = sinew::data::Batches::new(x, 2).unwrap();
    let _ = sinew::fit(&mut train, &batches).run();
}
