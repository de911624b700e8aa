//! What indices pick, and what gives indices.

use crate::operations::declaration::special;
use crate::operations::{Lowering, Operation};
use sinew_ir::{DType, compose, ops};

/// What becomes of an index that is outside.
const OUTSIDE: &str = "An index outside of it is an error for an argument, and clamped to the axis where \
                       it is computed.";

/// The derivative of elements that indices pick.
const PICKED: &str = "the cotangent added up at the indices; the indices have none";
/// The derivative of updates that are added.
const ADDED: &str =
    "the cotangent itself by x, its elements at the indices by the updates; the indices have none";
/// What has elements at indices, and these.
const WITH_INDICES: &str = "numbers, and indices of i32";

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
        .takes_as("axis", "0")
        .shapes("`[A, N, B], [I, J] -> [A, I, J, B]` along axis 1: the dims of the indices take the axis's place")
        .elements(WITH_INDICES)
        .derivative(PICKED)
        .example(
            r#"
#[model]
fn rows<N, D, K>(table: Tensor<N, D>, i: Tensor<i32, K>) -> Tensor<K, D> {
    table.take(i, 0)
}

let table = [[1.0, 2.0], [3.0, 4.0]];
assert_eq!(rows(table, [1, 1, 0])?, array![[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]);
assert!(rows(table, [2]).is_err());
"#,
        ),
        Operation::new(
            "take_along_axis",
            "x's elements at i32 indices along an axis.",
            Lowering::Gather(compose::take_along_axis),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("indices")
        .takes_as("axis", "-1")
        .shapes("`[.., N], [.., K] -> [.., K]` along the last axis: the other axes broadcast")
        .elements(WITH_INDICES)
        .derivative(PICKED)
        .example(
            r#"
#[model]
fn picked<B, N>(x: Tensor<B, N>, i: Tensor<i32, B, 1>) -> Tensor<B, 1> {
    x.take_along_axis(i, axis = -1)
}

assert_eq!(picked([[1.0, 2.0], [3.0, 4.0]], [[1], [0]])?, array![[2.0], [3.0]]);
"#,
        ),
        Operation::new(
            "scatter_add",
            "x with updates added at i32 indices along an axis.",
            Lowering::Scatter(ops::SCATTER_ADD),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("indices")
        .takes("updates")
        .takes_as("axis", "0")
        .shapes("`[.., N], [.., K], [.., K] -> [.., N]` along the last axis")
        .elements(WITH_INDICES)
        .derivative(ADDED)
        .example(
            r#"
#[model]
fn counts<K>(i: Tensor<i32, K>) -> Tensor<3> {
    scatter_add(zeros([3]), i, ones([K]), axis = 0)
}

assert_eq!(counts([0, 2, 2])?, array![1.0, 0.0, 2.0]);
"#,
        ),
        Operation::new(
            "index_add",
            "x with slices added at i32 indices along an axis.",
            Lowering::Scatter(ops::INDEX_ADD),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("indices")
        .takes("updates")
        .takes_as("axis", "0")
        .shapes("`[N, ..], [K], [K, ..] -> [N, ..]` along axis 0: updates as [`fn@take`] gives them")
        .elements(WITH_INDICES)
        .derivative(ADDED)
        .example(
            r#"
#[model]
fn gathered<K>(i: Tensor<i32, K>, rows: Tensor<K, 2>) -> Tensor<3, 2> {
    zeros([3, 2]).index_add(i, rows, axis = 0)
}

let sums = gathered([2, 2], [[1.0, 2.0], [3.0, 4.0]])?;
assert_eq!(sums, array![[0.0, 0.0], [0.0, 0.0], [4.0, 6.0]]);
"#,
        ),
        special(
            "argsort",
            "The indices (i32) of the elements along an axis from the least to the greatest, or with \
             `descending` the other way round. Equal elements stay in their order, and NaN is the greatest.",
            |l, a| l.argsort(a),
        )
        .takes("x")
        .integer("axis", -1)
        .flag("descending")
        .shapes("`[..] -> [..]`")
        .elements("numbers; the result is i32")
        .derivative("0: an index has none")
        .example(
            r#"
#[model]
fn order<N>(x: Tensor<N>) -> (Tensor<i32, N>, Tensor<i32, N>) {
    (x.argsort(), x.argsort(descending = true))
}

let (up, down) = order([2.0, 1.0, 2.0])?;
assert_eq!((up, down), (array![1, 0, 2], array![0, 2, 1]));
"#,
        ),
        special(
            "sort",
            "The elements along an axis from the least to the greatest, or with `descending` the other way \
             round, and their indices as [`argsort`] gives them: `let (values, indices) = x.sort();`.",
            |l, a| l.sort(a),
        )
        .takes("x")
        .integer("axis", -1)
        .flag("descending")
        .shapes("`[..] -> [..], [..]`")
        .elements("numbers; the indices are i32")
        .derivative("the cotangent of the values, put back in their places; the indices have none")
        .example(
            r#"
#[model]
fn sorted<N>(x: Tensor<N>) -> (Tensor<N>, Tensor<i32, N>) {
    x.sort()
}

assert_eq!(sorted([3.0, 1.0, 2.0])?, (array![1.0, 2.0, 3.0], array![1, 2, 0]));
"#,
        ),
        special(
            "topk",
            "The `k` greatest elements along an axis, the greatest first, and their indices: \
             `let (values, indices) = x.topk(5);`. Of equal elements the first count.",
            |l, a| l.topk(a),
        )
        .takes("x")
        .takes_as("k", "5")
        .integer("axis", -1)
        .shapes("`[.., N] -> [.., k], [.., k]`")
        .elements("numbers; the indices are i32")
        .derivative("the cotangent of the values, put back in their places, and 0 for the others; the indices have none")
        .example(
            r#"
#[model]
fn best<N>(x: Tensor<{ N + 2 }>) -> (Tensor<2>, Tensor<i32, 2>) {
    x.topk(2)
}

assert_eq!(best([3.0, 1.0, 4.0, 4.0])?, (array![4.0, 4.0], array![2, 3]));
"#,
        ),
        special(
            "one_hot",
            "1 at each index along a new last axis, 0 elsewhere: a row of zeros for an index that is none \
             of the classes.",
            |l, a| l.one_hot(a),
        )
        .takes("indices")
        .takes_as("classes", "10")
        .dtype(DType::Float)
        .by_name()
        .shapes("`[..] -> [.., classes]`")
        .elements("integers; the result is as `dtype` says")
        .derivative("0: an index has none")
        .example(
            r#"
#[model]
fn rows<B>(labels: Tensor<i32, B>) -> Tensor<B, 3> {
    one_hot(labels, 3)
}

assert_eq!(rows([2, 0])?, array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
"#,
        ),
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
        .shapes("`[..], [..] -> [..]`: the update broadcasts to the part")
        .elements("any, and numbers where a tensor of indices (i32) is given")
        .derivative("the cotangent by x, 0 where it was replaced; its elements there by the update")
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
        .shapes("`[..], [..] -> [..]`: the update broadcasts to the part")
        .elements(WITH_INDICES)
        .derivative(ADDED)
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
        .shapes("`[.., N, M] -> [.., N, M]`")
        .elements("any")
        .derivative("the cotangent, 0 where x is left out")
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
        .integer("k", 0)
        .shapes("`[.., N, M] -> [.., N, M]`")
        .elements("any")
        .derivative("the cotangent, 0 where x is left out")
        .example(
            r#"
#[model]
fn causal<T>(scores: Tensor<T, T>) -> Tensor<T, T> {
    where_(ones([T, T], bool).tril(), scores, -1e9).softmax()
}

assert_eq!(causal([[5.0, 7.0], [1.0, 1.0]])?, array![[1.0, 0.0], [0.5, 0.5]]);
"#,
        ),
    ]
}
