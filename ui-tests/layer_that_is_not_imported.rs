use sinew::prelude::*;

#[model]
struct Net {
    norm: LayerNorm<8>,
    recurrent: LSTM<8, 8, 1>,
}

fn main() {}
