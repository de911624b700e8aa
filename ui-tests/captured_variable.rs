use sinew::prelude::*;

fn main() {
    let scale = 2.0;
    #[model]
    fn f<B>(x: Tensor<B>) -> Tensor<B> {
        x * scale
    }
    drop(scale);
}
