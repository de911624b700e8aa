use sinew::prelude::*;

const WIDTH: usize = 10;
const HEADS: usize = 3;
const DIM: usize = 4;

#[model(where(WIDTH == HEADS * DIM))]
fn f<B>(x: Tensor<B, WIDTH>) -> Tensor<B, HEADS, DIM> {
    x.reshape([B, HEADS, DIM])
}

fn main() {}
