use sinew::prelude::*;

#[model]
type Row<B> = Tensor<B, 64>;

fn main() {}
