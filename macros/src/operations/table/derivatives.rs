//! Derivatives of functions that are written in a body, and when they are computed again.

use crate::operations::Operation;
use crate::operations::declaration::special;

/// What holds for what they differentiate.
const AGAIN: &str =
    "that of what it computes: derivatives of any order are made when the crate compiles";

pub(super) fn operations() -> Vec<Operation> {
    let of_closure = |operation: Operation, example| {
        operation
            .takes_as("f", example)
            .takes_many("x", "x")
            .function_only()
            .elements("floats; others may be taken along from outside of the closure")
            .derivative(AGAIN)
    };
    vec![
        of_closure(
            special(
                "grad",
                "The gradient of a scalar by what a closure takes: tensors, tuples of them, or a model, \
                 whose gradient has its fields. A closure of several parameters gives a tuple. Gradients \
                 of gradients are functions like others: they nest.",
                |l, a| l.grad(a),
            ),
            "|x| f(x)",
        )
        .shapes("a closure that gives `[]`, and its arguments `->` the types of the arguments")
        .example(
            r#"
#[model]
fn slopes<N>(x: Tensor<N>, w: Tensor) -> (Tensor<N>, Tensor) {
    grad(|x, w| (w * x * x).sum(), x, w)
}

let (by_x, by_w) = slopes([1.0, 2.0], 3.0)?;
assert_eq!((by_x, by_w), (array![6.0, 12.0], 5.0));
"#,
        ),
        of_closure(
            special(
                "value_and_grad",
                "The scalar that a closure gives, and its gradient as of [`fn@grad`].",
                |l, a| l.value_and_grad(a),
            ),
            "|x| f(x)",
        )
        .shapes("as [`fn@grad`], with the `[]` in front: `let (value, slope) = ..`")
        .example(
            r#"
#[model]
fn squares<N>(x: Tensor<N>) -> (Tensor, Tensor<N>) {
    value_and_grad(|x| x.square().sum(), x)
}

assert_eq!(squares([1.0, 2.0])?, (5.0, array![2.0, 4.0]));
"#,
        ),
        of_closure(
            special(
                "vjp",
                "What a closure gives, and its pullback of the last argument, which is of the type of \
                 what it gives: the product of that vector and the Jacobian.",
                |l, a| l.vjp(a),
            ),
            "|x| f(x)",
        )
        .note("with a vector behind: `vjp(|x| f(x), x, v)`")
        .shapes("a closure, its arguments, and a vector of the type of what it gives `->` that, and the types of the arguments")
        .example(
            r#"
#[model]
fn product<N>(x: Tensor<N>, v: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    vjp(|x| x * x, x, v)
}

assert_eq!(product([1.0, 3.0], [1.0, 10.0])?, (array![1.0, 9.0], array![2.0, 60.0]));
"#,
        ),
        of_closure(
            special(
                "checkpoint",
                "What a closure gives. The derivative computes it again from what it takes, so that \
                 nothing in between is kept until then.",
                |l, a| l.checkpoint(a),
            ),
            "|x| f(x)",
        )
        .elements("any")
        .derivative("that of the closure, which is computed again for it")
        .shapes("a closure and its arguments `->` what it gives")
        .example(
            r#"
#[model]
fn slope<N>(x: Tensor<N>) -> Tensor<N> {
    grad(|x| checkpoint(|x| (x * x * x).sum(), x), x)
}

assert_eq!(slope([1.0, 2.0])?, array![3.0, 12.0]);
"#,
        ),
    ]
}
