use sinew::ops::ctc_loss;
use sinew::prelude::*;

#[model]
fn f<T, B, S>(x: Tensor<T, B, 5>, y: Tensor<i32, B, S>, n: Tensor<i32, B>) -> Tensor {
    let batch_first = ctc_loss(x.swapaxes(0, 1), y, n, n);
    let alone = ctc_loss(x[(.., 0)], y, n, n);
    let rows = (ctc_loss(x, y.sum(1), n, n), ctc_loss(x, y, 3, n), ctc_loss(x, y, n, y));
    let blanks = (ctc_loss(x, y, n, n, blank = 5), ctc_loss(x, y, n, n, blank = -1));
    ctc_loss(x, y.cast(float), n, n) + ctc_loss(y, y, n, n)
}

fn main() {}
