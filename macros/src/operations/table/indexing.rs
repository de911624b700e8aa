//! What indices pick, and what gives indices.

use crate::operations::declaration::special;
use crate::operations::{Lowering, Operation};
use sinew_ir::{DType, compose, ops};

/// What becomes of an index that is outside.
const OUTSIDE: &str = "An index outside of it is an error for an argument, and clamped to the axis where \
                       it is computed.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "take",
            "x's slices at i32 indices along an axis.",
            Lowering::Gather(compose::take),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("indices")
        .takes("axis"),
        Operation::new(
            "take_along_axis",
            "x's elements at i32 indices along an axis.",
            Lowering::Gather(compose::take_along_axis),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("indices")
        .takes("axis"),
        Operation::new(
            "scatter_add",
            "x with updates added at i32 indices along an axis.",
            Lowering::Scatter(ops::SCATTER_ADD),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("axis")
        .takes("indices")
        .takes("updates"),
        Operation::new(
            "index_add",
            "x with slices added at i32 indices along an axis.",
            Lowering::Scatter(ops::INDEX_ADD),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("axis")
        .takes("indices")
        .takes("updates"),
        special(
            "argsort",
            "The indices (i32) of the elements along an axis from the least to the greatest, or with \
             `descending` the other way round. Equal elements stay in their order, and NaN is the greatest.",
            |l, a| l.argsort(a),
        )
        .takes("x")
        .integer("axis", -1)
        .flag("descending"),
        special(
            "sort",
            "The elements along an axis from the least to the greatest, or with `descending` the other way \
             round, and their indices as [`argsort`] gives them: `let (values, indices) = x.sort();`.",
            |l, a| l.sort(a),
        )
        .takes("x")
        .integer("axis", -1)
        .flag("descending"),
        special(
            "topk",
            "The `k` greatest elements along an axis, the greatest first, and their indices: \
             `let (values, indices) = x.topk(5);`. Of equal elements the first count.",
            |l, a| l.topk(a),
        )
        .takes("x")
        .takes_as("k", "5")
        .integer("axis", -1),
        special(
            "one_hot",
            "1 at each index along a new last axis, 0 elsewhere: a row of zeros for an index that is none \
             of the classes.",
            |l, a| l.one_hot(a),
        )
        .takes("indices")
        .takes_as("classes", "10")
        .dtype(DType::Float)
        .by_name(),
        special(
            "set",
            "x with an update in place of what an index names, as it stands in brackets (`x[(.., t)]`); the \
             update broadcasts. One tensor of indices (i32) sets slices; of equal indices the last counts.",
            |l, a| l.set(a),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes_as("index", "(.., 0)")
        .takes_as("update", "y")
        .example(
            r#"
#[model]
fn edged<N>(x: Tensor<N, 3>, i: Tensor<i32, 2>, y: Tensor<3>) -> (Tensor<N, 3>, Tensor<N, 3>) {
    (x.set((.., 1..), 0.0), x.set(i, y))
}

let x = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
let (cleared, rows) = edged(x, [1, 1], [7.0, 8.0, 9.0])?;
assert_eq!(cleared, array![[1.0, 0.0, 0.0], [4.0, 0.0, 0.0]]);
assert_eq!(rows, array![[1.0, 2.0, 3.0], [7.0, 8.0, 9.0]]);
"#,
        ),
        special(
            "add_at",
            "x with an update added to what an index names, as it stands in brackets (`x[(.., t)]`); the update \
             broadcasts. Of one tensor of indices (i32), slices at equal indices add up.",
            |l, a| l.add_at(a),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes_as("index", "i")
        .takes_as("update", "y")
        .example(
            r#"
#[model]
fn counts<N>(i: Tensor<i32, N>) -> Tensor<4> {
    zeros([4]).add_at(i, 1.0).add_at(3, 0.5)
}

assert_eq!(counts([0, 2, 2])?, array![1.0, 0.0, 2.0, 0.5]);
"#,
        ),
        special(
            "triu",
            "The elements on and above the `k`th diagonal of the last two axes, 0 elsewhere.",
            |l, a| l.triu(a),
        )
        .takes("x")
        .integer("k", 0)
        .example(
            r#"
#[model]
fn upper<N>(x: Tensor<N, N>) -> Tensor<N, N> {
    x.triu(1)
}

assert_eq!(upper([[1.0, 2.0], [3.0, 4.0]])?, array![[0.0, 2.0], [0.0, 0.0]]);
"#,
        ),
        special(
            "tril",
            "The elements on and below the `k`th diagonal, 0 elsewhere.",
            |l, a| l.tril(a),
        )
        .takes("x")
        .integer("k", 0),
    ]
}
