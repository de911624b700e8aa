//! Places in a function that runs look at, or whose value they replace.

use crate::operations::Operation;
use crate::operations::declaration::special;

/// What a name is of.
const NAMED: &str = "The name is of letters, digits and `_`, in parts between dots. Where a program has several \
                     places of one name, since a function is called more than once, they are numbered in its \
                     order: `attn.0`, `attn.1`. In a loop there is a slice for each iteration, along a new \
                     axis in front.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        special(
            "capture",
            "x itself, which a runner gives back beside its results where it is asked to, by \
             [`Runner::capture`](crate::Runner::capture). It costs nothing where none does.",
            |l, a| l.capture(a),
        )
        .also(NAMED)
        .takes_as("name", "\"hidden\"")
        .takes("x")
        .by_name()
        .shapes("`[..] -> [..]`")
        .elements("any")
        .derivative("that of x")
        .example(
            r#"
#[model]
fn doubled_sum<N>(x: Tensor<N>) -> Tensor {
    let sum = capture("sum", x.sum());
    2 * sum
}

let mut run = doubled_sum::compile().build()?;
run.capture("sum");
assert_eq!(run.run([1.0, 2.0])?, 6.0);
let sum: sinew::ndarray::Array0<f32> = run.captured("sum")?;
assert_eq!(sum.into_scalar(), 3.0);
"#,
        ),
        special(
            "patch",
            "x, or what a runner was given in its place, by [`Runner::patch`](crate::Runner::patch). It costs \
             nothing where none was.",
            |l, a| l.patch(a),
        )
        .also(NAMED)
        .also("What is given in its place is of its shape and element type, and does not depend on x: \
               derivatives of x through it are 0.")
        .takes_as("name", "\"hidden\"")
        .takes("x")
        .by_name()
        .shapes("`[..] -> [..]`")
        .elements("floats")
        .derivative("that of x; 0 where another array stands in its place")
        .example(
            r#"
#[model]
fn doubled<N>(x: Tensor<N>) -> Tensor<N> {
    2.0 * patch("input", x)
}

let mut run = doubled::compile().build()?;
assert_eq!(run.run([1.0, 2.0])?, array![2.0, 4.0]);
run.patch("input", &array![5.0f32, 6.0]);
assert_eq!(run.run([1.0, 2.0])?, array![10.0, 12.0]);
"#,
        ),
    ]
}
