use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 12>) -> Tensor<3, B, 4> {
    x.rearrange("b (h d) -> h b d", h = 3, d = 5)
}

fn main() {}
