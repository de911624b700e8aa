use sinew::nn::{BiLstm, BiRnn, Gru, GruCell, LstmCell, Rnn, RnnCell};
use sinew::prelude::*;

#[model]
fn layers<B, T>(a: &Rnn<4, 2, 1>, b: &BiRnn<4, 2, 1>, c: &BiLstm<4, 2, 1>, d: &Gru<4, 2, 1>, x: Tensor<B, T, 3>) -> Tensor<B> {
    let over = (a.forward(x), b.forward(x), c.forward(x), d.forward(x));
    x.sum([1, 2])
}

#[model]
fn cells<B>(a: &RnnCell<4, 2>, b: &LstmCell<4, 2>, c: &GruCell<4, 2>, x: Tensor<B, 3>, h: Tensor<B, 2>) -> Tensor<B> {
    let next = (a.step(x, h), b.step(x, h, h), c.step(x, h));
    x.sum(1)
}

fn main() {}
