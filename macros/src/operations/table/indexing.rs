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
            "tril",
            "The elements on and below the `k`th diagonal, 0 elsewhere.",
            |l, a| l.tril(a),
        )
        .takes("x")
        .integer("k", 0),
    ]
}
