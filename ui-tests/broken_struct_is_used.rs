use sinew::prelude::*;

#[model]
struct Layer<N> {
    w: Param<N>,
}
#[model]
fn f<N>(m: &Layer<N>, x: Tensor<N>) -> Tensor<N> {
    m.w * x
}

fn main() -> sinew::Result<()> {
    let m = Layer::init(&LayerConfig { N: 4 }, 0)?;
    f(&m, [1.0; 4]).map(|_| ())
}
