use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;
    pub struct Layer {}
    impl Layer {
        pub fn run<B>(&self, x: Tensor<f128, B>) -> Tensor<B> { x }
    }
    pub fn g<B>(x: Tensor<B>) -> Tensor<B> { x.relu() }
    pub fn f<B>(m: &Layer, x: Tensor<B>) -> Tensor<B> { m.run(x) }
}

fn main() {
    let _ = net::f(&net::Layer::init(0), [1.0]);
}
