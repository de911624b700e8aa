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

/// Of those that take nothing but numbers.
const DRAWS: &str = "none is asked for: it depends on nothing";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        special(
            "dropout",
            "In a trainer's step: 0 with the probability `p`, else `x / (1 - p)`. Everywhere else, in \
             runners and in plain calls: x itself.",
            |l, a| l.dropout(a),
        )
        .also(DRAWN)
        .takes("x")
        .number("p", 0.5)
        .shapes("`[..] -> [..]`")
        .elements("floats; `p` is a literal, a Rust const or a field of the configuration")
        .derivative("`1 / (1 - p)` where x stays, 0 where it is left out: the mask is drawn again, and is the same")
        .example(
            r#"
#[model]
fn thinned<N>(x: Tensor<N>) -> Tensor<N> {
    x.dropout(0.25)
}

assert_eq!(thinned([1.0, 2.0])?, array![1.0, 2.0]); // no trainer's step
"#,
        ),
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
        .function_only()
        .shapes("`-> shape`")
        .elements("floats, as `dtype` says")
        .derivative(DRAWS)
        .example(
            r#"
use sinew::ops::uniform;

#[model]
fn drawn() -> Tensor<1000> {
    uniform([1000], -1.0, 1.0)
}

let drawn = drawn()?;
assert!(drawn.iter().all(|v| (-1.0..1.0).contains(v)));
assert!(drawn.mean().is_some_and(|mean| mean.abs() < 0.1));
"#,
        ),
        special(
            "randn",
            "Numbers of a shape of the normal distribution with mean 0 and variance 1.",
            |l, a| l.randn(a),
        )
        .also(DRAWN)
        .takes_as("shape", "[B, D]")
        .dtype(DType::Float)
        .function_only()
        .shapes("`-> shape`")
        .elements("floats, as `dtype` says")
        .derivative(DRAWS)
        .example(
            r#"
use sinew::ops::randn;

#[model]
fn drawn() -> Tensor<1000> {
    2.0 * randn([1000])
}

let drawn = drawn()?;
assert!((drawn.std(0.0) - 2.0).abs() < 0.2);
"#,
        ),
        special(
            "bernoulli",
            "Bools of a shape, true with the probability `p`.",
            |l, a| l.bernoulli(a),
        )
        .also(DRAWN)
        .also("Of probabilities that are a tensor: `uniform([B, D]) < p`.")
        .takes_as("shape", "[B, D]")
        .number("p", 0.5)
        .function_only()
        .shapes("`-> shape`")
        .elements("the result is bool")
        .derivative(DRAWS)
        .example(
            r#"
use sinew::ops::bernoulli;

#[model]
fn share() -> Tensor {
    bernoulli([1000], 0.75).cast(float).mean()
}

assert!((share()? - 0.75).abs() < 0.05);
"#,
        ),
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
        .function_only()
        .shapes("`-> shape`")
        .elements("the result is i32")
        .derivative(DRAWS)
        .example(
            r#"
use sinew::ops::randint;

#[model]
fn rolled() -> Tensor<i32, 100> {
    randint([100], 1, 7)
}

assert!(rolled()?.iter().all(|v| (1..=6).contains(v)));
"#,
        ),
    ]
}
