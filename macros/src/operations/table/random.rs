//! Random tensors, and dropout.
//!
//! All draw with one generator, Threefry-2x32 with 20 rounds, whose elements follow from the seed of the
//! trainer or runner, the number of the step, the place of the draw in the program, and the element's
//! index.

use crate::operations::Operation;
use crate::operations::declaration::special;
use sinew_ir::DType;

/// What holds for all of them.
const DRAWN: &str = "Each step or run draws others, and so does each place in a program and each iteration \
                     of a loop; the same seed draws the same again, on every device.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        special(
            "dropout",
            "In a trainer's step: 0 with the probability `p`, else `x / (1 - p)`. Everywhere else, in \
             runners and in plain calls: x itself.",
            |l, a| l.dropout(a),
        )
        .also(DRAWN)
        .also("The derivative leaves the same elements out.")
        .takes("x")
        .number("p", 0.5),
        special(
            "training",
            "Whether this is a trainer's step: what an `if` asks for, `if training() { .. } else { .. }`. \
             In runners, in plain calls and in gradients outside of a trainer it is not.",
            |l, a| l.training(a),
        )
        .by_name()
        .example(
            r#"
#[model]
fn scaled<N>(x: Tensor<N>) -> Tensor<N> {
    if training() { x * 2.0 } else { x }
}

assert_eq!(scaled([1.0, 2.0])?, array![1.0, 2.0]);
"#,
        ),
        special(
            "uniform",
            "Numbers of a shape from `low` to below `high`, all as likely.",
            |l, a| l.uniform(a),
        )
        .also(DRAWN)
        .takes_as("shape", "[B, D]")
        .number("low", 0.0)
        .number("high", 1.0)
        .dtype(DType::Float)
        .by_name(),
        special(
            "randn",
            "Numbers of a shape of the normal distribution with mean 0 and variance 1.",
            |l, a| l.randn(a),
        )
        .also(DRAWN)
        .takes_as("shape", "[B, D]")
        .dtype(DType::Float)
        .by_name(),
        special(
            "bernoulli",
            "Bools of a shape, true with the probability `p`.",
            |l, a| l.bernoulli(a),
        )
        .also(DRAWN)
        .also("Of probabilities that are a tensor: `uniform([B, D]) < p`.")
        .takes_as("shape", "[B, D]")
        .number("p", 0.5)
        .by_name(),
        special(
            "randint",
            "Integers (i32) of a shape from `low` to below `high`, all as likely: no probability is off by \
             more than 2^-64.",
            |l, a| l.randint(a),
        )
        .also(DRAWN)
        .takes_as("shape", "[B, D]")
        .takes_as("low", "0")
        .takes_as("high", "10")
        .by_name(),
    ]
}
