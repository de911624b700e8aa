//! What `allow` silences: the file compiles where every warning is an error.

#![deny(warnings)]

use sinew::ops::softmax;
use sinew::prelude::*;

#[model(allow(softmax_before_cross_entropy))]
fn twice<B>(x: Tensor<B, 4>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(softmax(x), y)
}

#[model(allow(broadcast_of_both, unused_symbol))]
fn pairs<B, Spare>(x: Tensor<B, 1>, y: Tensor<B>) -> Tensor<B, B> {
    x - y
}

#[model]
fn all_pairs<B>(x: Tensor<B, 1>, y: Tensor<B>) -> Tensor<B, B> {
    pairs::<B, 4>(x, y)
}

#[model]
#[allow(unused_variables)]
fn first<B>(x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let z = x + x;
    x
}

/// A mask of all pairs, an explicit row, what starts with `_`, what is used in another way than read.
#[model]
fn usual<B, T>(
    x: Tensor<B, T>,
    p: Tensor<B, 1>,
    y: Tensor<B>,
    _spare: Tensor,
) -> (Tensor<B, T>, Tensor<B, B>) {
    let i = arange(T);
    let mask = (i.unsqueeze(1) >= i).cast(float).sum(0);
    let mut sum = zeros_like(x);
    for t in 0..T {
        sum += x * x[(.., t)].unsqueeze(-1);
    }
    let safe = (x.softmax() + 1e-6).log();
    (sum * mask + safe, p - y.unsqueeze(0))
}

#[model(methods)]
struct Scale {
    #[init(ones)]
    by: Param<4>,
}

#[model(allow(log_of_softmax))]
impl Scale {
    fn of_all<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        (x * self.by).softmax().log()
    }

    #[model(allow(softmax_before_cross_entropy))]
    fn of_one<B>(&self, x: Tensor<B, 4>, y: Tensor<i32, B>) -> Tensor {
        cross_entropy(x.softmax(), y)
    }
}

#[model(allow(log_of_softmax))]
mod inside {
    use sinew::prelude::*;

    pub fn f<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x.softmax().log()
    }

    pub mod deeper {
        use sinew::prelude::*;

        pub fn g<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
            x.softmax().log()
        }
    }
}

#[test]
fn what_is_allowed_runs() -> sinew::Result<()> {
    let x = [[0.0f32; 4]; 2];
    let loss = twice(x, [0, 1])?;
    assert!((loss - 4f32.ln()).abs() < 1e-6);
    assert_eq!(all_pairs([[1.0], [2.0]], [1.0, 1.0])?[[1, 0]], 1.0);
    assert_eq!(first([1.0], [2.0])?[0], 1.0);
    let model = Scale::init(0);
    assert_eq!(model.of_all(x)?, inside::f(x)?);
    assert_eq!(inside::deeper::g(x)?, inside::f(x)?);
    assert!((model.of_one(x, [0, 1])? - loss).abs() < 1e-6);
    let (sum, pairs) = usual([[1.0, 2.0]], [[3.0]], [1.0], 0.0)?;
    assert_eq!((sum.dim(), pairs[[0, 0]]), ((1, 2), 2.0));
    Ok(())
}

/// A size that the body alone names, behind a dim in braces.
#[model]
fn in_a_body<B, N>(x: Tensor<B, 4>) -> Tensor<{ B * 4 }> {
    x.reshape([B * 4]) + zeros([N]).sum()
}
