use sinew::prelude::*;

#[model]
fn f(x: Tensor<2, 3>, i: Tensor<i32, 2, 1>) -> Tensor<2, 3> {
    let reduced = (x.prod(2), x.logsumexp(2), x.var(2), x.std(2), x.argmax(2), x.argmin(2), x.count_nonzero(2));
    let truths = ((x > 0).any(2), (x > 0).all(2));
    let along = (x.cumsum(2), x.cumprod(2), x.diff(axis = 2), x.argsort(2), x.take_along_axis(i, 2), x.softmax(2));
    let arranged = (x.flip(2), x.unsqueeze(4), x.swapaxes(0, 2), x.permute([0, 2]), cat([x, x], 2), stack([x, x], 3));
    x
}

fn main() {}
