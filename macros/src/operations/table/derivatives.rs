//! Derivatives of functions that are written in a body, and when they are computed again.

use crate::operations::Operation;
use crate::operations::declaration::special;

pub(super) fn operations() -> Vec<Operation> {
    let of_closure = |operation: Operation, example| {
        operation
            .takes_as("f", example)
            .takes_many("x", "x")
            .by_name()
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
        ),
        of_closure(
            special(
                "value_and_grad",
                "The scalar that a closure gives, and its gradient as of [`fn@grad`].",
                |l, a| l.value_and_grad(a),
            ),
            "|x| f(x)",
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
        .note("with a vector behind: `vjp(|x| f(x), x, v)`"),
        of_closure(
            special(
                "checkpoint",
                "What a closure gives. The derivative computes it again from what it takes, so that \
                 nothing in between is kept until then.",
                |l, a| l.checkpoint(a),
            ),
            "|x| f(x)",
        ),
    ]
}
