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
                "jvp",
                "What a closure gives, and its derivative in the direction of the last argument: the \
                 product of the Jacobian and that vector. The direction is of the type of what the closure \
                 takes, a tuple for several parameters, and of a model a model. It costs about as much as \
                 the closure does, however many elements there are, where [`fn@vjp`] gives all slopes of one \
                 value at once. Over [`fn@grad`] it is the product of the Hessian and a vector.",
                |l, a| l.jvp(a),
            ),
            "|x| f(x)",
        )
        .note("with a direction behind: `jvp(|x| f(x), x, v)`")
        .shapes("a closure, its arguments and a direction of their types `->` what the closure gives, twice: `let (value, along) = ..`")
        .example(
            r#"
#[model]
fn curvature<N>(x: Tensor<N>, v: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    jvp(|x| grad(|x| (x * x * x).sum(), x), x, v)
}

let (gradient, along) = curvature([1.0, 2.0], [1.0, 0.5])?;
assert_eq!(gradient, array![3.0, 12.0]);
assert_eq!(along, array![6.0, 6.0]);
"#,
        ),
        of_closure(
            special(
                "vmap",
                "What a closure gives for each slice of its arguments along an axis, computed at once: the \
                 closure is written for one slice, and each result has an axis more, in front unless \
                 `out_axis` says where. All arguments have the same number of slices. What the closure uses \
                 of the outside, models too, is the same for every slice; random elements are others for \
                 each. A gradient by a model gives one for each slice, whose fields have the axis in front. \
                 It nests, in itself and in derivatives, and these in it.",
                |l, a| l.vmap(a),
            ),
            "|x| f(x)",
        )
        .integer("axis", 0)
        .integer("out_axis", 0)
        .shapes("a closure of slices, and their stacks `->` the stack of what it gives")
        .example(
            r#"
#[model]
struct Line {
    #[init(ones)]
    slope: Param,
}

#[model]
fn norms<B, D>(x: Tensor<B, D>) -> Tensor<B> {
    vmap(|x| x.square().sum().sqrt(), x)
}

/// The gradient for each example.
#[model]
fn each<B>(m: &Line, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let g = vmap(|x, y| grad(|m| (m.slope * x - y).square(), m), x, y);
    g.slope
}

assert_eq!(norms(&[[3.0, 4.0], [5.0, 12.0]])?, array![5.0, 13.0]);
assert_eq!(each(&Line::init(0), [1.0, 2.0], [0.0, 1.0])?, array![2.0, 4.0]);
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
