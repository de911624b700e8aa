use sinew::prelude::*;

const WIDTH: usize = 24;

#[model]
fn f<B>(x: Tensor<B, WIDTH>) -> Tensor<4, B, 5> {
    x.rearrange("b (h d) -> h b d", h = 4, d = 5)
}

fn main() {}
