//! Tensors out of nothing but a shape.

use crate::operations::declaration::special;
use crate::operations::{Lowering, Operation};
use sinew_ir::DType;

/// What holds for the derivative of all of them.
const CONSTANT: &str = "none is asked for: it depends on nothing";

pub(super) fn operations() -> Vec<Operation> {
    let filled = |name, doc: &str, value| {
        Operation::new(name, doc, Lowering::Filled(value))
            .takes_as("shape", "[B, D]")
            .dtype(DType::Float)
            .function_only()
            .derivative(CONSTANT)
    };
    let like = |name, doc: &str, value| {
        Operation::new(name, doc, Lowering::Like(value))
            .takes("x")
            .by_name()
            .derivative("0: of x it has the type alone")
    };
    vec![
        special("arange", "0, 1, .. below a size.", |l, a| l.arange(a))
            .takes_as("n", "N")
            .dtype(DType::I32)
            .function_only()
            .shapes("`-> [n]`")
            .elements("numbers, as `dtype` says")
            .derivative(CONSTANT)
            .example(
                r#"
#[model]
fn counted<N>(x: Tensor<N>) -> (Tensor<N>, Tensor<i32, 3>) {
    (x * arange(N).cast(float), arange(3))
}

assert_eq!(counted([1.0, 2.0, 3.0])?, (array![0.0, 2.0, 6.0], array![0, 1, 2]));
"#,
            ),
        special(
            "linspace",
            "`n` numbers from `start` to `stop`, which both are among them, all as far from the next.",
            |l, a| l.linspace(a),
        )
        .takes_as("start", "0.0")
        .takes_as("stop", "1.0")
        .takes_as("n", "N")
        .function_only()
        .shapes("`[], [] -> [n]`")
        .elements("floats; `float` of numbers")
        .derivative("`1 - i / (n - 1)` by `start`, `i / (n - 1)` by `stop`")
        .example(
            r#"
use sinew::ops::linspace;

#[model]
fn places<N>(x: Tensor<N>, to: Tensor) -> (Tensor<N>, Tensor<3>) {
    (x * linspace(0.0, to, N), linspace(-1, 1, 3))
}

assert_eq!(places([1.0, 1.0], 4.0)?, (array![0.0, 4.0], array![-1.0, 0.0, 1.0]));
"#,
        ),
        special("iota", "Each element's index along an axis.", |l, a| {
            l.iota(a)
        })
        .takes_as("shape", "[B, T]")
        .takes_as("axis", "1")
        .dtype(DType::I32)
        .function_only()
        .shapes("`-> shape`")
        .elements("numbers, as `dtype` says")
        .derivative(CONSTANT)
        .example(
            r#"
use sinew::ops::iota;

#[model]
fn columns() -> Tensor<i32, 2, 3> {
    iota([2, 3], 1)
}

assert_eq!(columns()?, array![[0, 1, 2], [0, 1, 2]]);
"#,
        ),
        filled("zeros", "Zeros of a shape; `false` of bools.", 0.0).example(
            r#"
#[model]
fn with_zeros<N>(x: Tensor<N>) -> Tensor<{ N + 2 }> {
    concat([x, zeros([2])])
}

assert_eq!(with_zeros([1.0])?, array![1.0, 0.0, 0.0]);
"#,
        ),
        filled("ones", "Ones of a shape; `true` of bools.", 1.0).example(
            r#"
#[model]
fn all_ones() -> (Tensor<2>, Tensor<i32, 2>) {
    (ones([2]), ones([2], i32))
}

assert_eq!(all_ones()?, (array![1.0, 1.0], array![1, 1]));
"#,
        ),
        special("full", "One number in a shape: a literal, a Rust const, a setting, a size, or a tensor, which is broadcast and keeps its \
             element type where `dtype` says no other.", |l, a| l.full(a))
            .takes_as("shape", "[B, D]")
            .takes_as("value", "0.5")
            .dtype(DType::Float)
            .function_only()
            .shapes("`-> shape`")
            .elements("any, as `dtype` says")
            .derivative("the sum over the copies of the value, where it is a tensor")
            .example(
                r#"
#[model]
fn halves<N>(x: Tensor<N>) -> (Tensor<2, 1>, Tensor<N, 2>) {
    (full([2, 1], 0.5), full([N, 2], x.sum()))
}

assert_eq!(halves([1.0, 3.0])?, (array![[0.5], [0.5]], array![[4.0, 4.0], [4.0, 4.0]]));
"#,
            ),
        like("zeros_like", "Zeros of x's type.", 0.0).example(
            r#"
#[model]
fn cleared<S>(x: Tensor<[S]>) -> Tensor<[S]> {
    zeros_like(x)
}

assert_eq!(cleared([1.0, 2.0])?, array![0.0, 0.0].into_dyn());
"#,
        ),
        like("ones_like", "Ones of x's type.", 1.0).example(
            r#"
#[model]
fn filled<S>(x: Tensor<[S]>) -> Tensor<[S]> {
    ones_like(x)
}

assert_eq!(filled([5.0, 2.0])?, array![1.0, 1.0].into_dyn());
"#,
        ),
    ]
}
