use sinew::prelude::*;

mod layers {
    use sinew::prelude::*;

    #[model]
    fn double<B>(x: Tensor<B>) -> Tensor<B> {
        x * 2.0
    }

    #[model]
    pub fn fourfold<B>(x: Tensor<B>) -> Tensor<B> {
        double(double(x))
    }
}

#[model]
fn eightfold<B>(x: Tensor<B>) -> Tensor<B> {
    layers::double(layers::fourfold(x))
}

fn main() {
    let _ = eightfold([1.0]);
}
