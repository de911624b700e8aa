use sinew::prelude::*;

const N: usize = 1;

#[model]
#[rustfmt::skip]
fn f(x: Tensor<N>) -> Tensor {
    let n = N + N;
    let n = n + n; let n = n + n; let n = n + n; let n = n + n; let n = n + n;
    let n = n + n; let n = n + n; let n = n + n; let n = n + n; let n = n + n;
    x.sum() * n
}

fn main() {}
