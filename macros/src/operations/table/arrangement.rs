//! The same elements in another arrangement.

use crate::operations::declaration::special;
use crate::operations::{DefaultValue, Lowering, Operation};
use sinew_ir::compose;

pub(super) fn operations() -> Vec<Operation> {
    let concat = || {
        special(
            "concat",
            "Tensors one after the other along an axis, the first without one.",
            |l, a| l.concat(a),
        )
        .takes_as("parts", "[a, b]")
        .integer("axis", 0)
        .by_name()
    };
    vec![
        special(
            "reshape",
            "The same elements in row-major order with other dims; -1 stands for one that is inferred.",
            |l, a| l.reshape(a),
        )
        .takes("x")
        .takes_as("shape", "[B, H * D]")
        .note("with -1 for at most one dim: `x.reshape([B, -1])`"),
        special(
            "rearrange",
            "The axes in another order, split and merged, as a pattern says: names are axes, and those in \
             parentheses are one axis. All but one of the sizes in parentheses on the left are given by name, \
             unless they are called as symbols are; `1` and `()` are an axis of one index, `...` is all axes \
             without a name.",
            |l, a| l.rearrange(a),
        )
        .takes("x")
        .takes_as("pattern", "\"b t (h d) -> b h t d\"")
        .sizes("h = H")
        .note("or `rearrange(\"b t (h d) -> b h t d\", x, h = H)`")
        .example(
            r#"
#[model]
fn heads<T, H, D>(x: Tensor<T, { H * D }>, like: Tensor<H>) -> Tensor<H, T, D> {
    x.rearrange("t (h d) -> h t d", h = H) + 0 * like.rearrange("h -> h 1 1")
}

let x = array![[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]];
let heads = heads(x, [0.0, 0.0])?;
assert_eq!(heads, array![[[1.0, 2.0], [5.0, 6.0]], [[3.0, 4.0], [7.0, 8.0]]]);
"#,
        ),
        special(
            "reduce",
            "The axes that the right side of a pattern lacks reduced, the others as [`fn@rearrange`] has them; \
             a number on the left is such an axis without a name.",
            |l, a| l.reduce(a),
        )
        .takes("x")
        .takes_as("pattern", "\"b (t 2) -> b t\"")
        .choice("reduction", &["sum", "mean", "max", "min", "prod"])
        .sizes("t = T")
        .example(
            r#"
#[model]
fn pooled<B>(x: Tensor<B, 6>) -> Tensor<B, 3> {
    x.reduce("b (t 2) -> b t", "max")
}

assert_eq!(pooled([[1.0, 5.0, 2.0, 0.0, 3.0, 4.0]])?, array![[5.0, 2.0, 4.0]]);
"#,
        ),
        special(
            "repeat",
            "Repeated along the axes that the left side of a pattern lacks, the others as [`fn@rearrange`] has \
             them. Sizes of new axes are given by name, or stand there as numbers.",
            |l, a| l.repeat(a),
        )
        .takes("x")
        .takes_as("pattern", "\"b d -> b t d\"")
        .sizes("t = T")
        .example(
            r#"
#[model]
fn doubled<B>(x: Tensor<B>) -> (Tensor<{ B * 2 }>, Tensor<3, B>) {
    (x.repeat("b -> (b 2)"), x.repeat("b -> n b", n = 3))
}

let (twice, rows) = doubled([1.0, 2.0])?;
assert_eq!(twice, array![1.0, 1.0, 2.0, 2.0]);
assert_eq!(rows, array![[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]);
"#,
        ),
        special("flatten", "All elements in one axis.", |l, a| l.flatten(a)).takes("x"),
        special("permute", "The axes in another order.", |l, a| l.permute(a))
            .takes("x")
            .takes_as("axes", "[0, 2, 1]"),
        special(
            "transpose",
            "The axes in another order, reversed without a list.",
            |l, a| l.transpose(a),
        )
        .takes("x")
        .with("axes", "[0, 2, 1]", DefaultValue::Described)
        .note("or, to reverse all axes, `x.transpose()`"),
        special("swapaxes", "Two axes in each other's place.", |l, a| {
            l.swapaxes(a)
        })
        .takes("x")
        .takes_as("i", "-1")
        .takes_as("j", "-2"),
        special("t", "The last two axes in each other's place.", |l, a| {
            l.t(a)
        })
        .takes("x"),
        special("unsqueeze", "A new axis of one index.", |l, a| {
            l.unsqueeze(a)
        })
        .takes("x")
        .takes_as("axis", "-1"),
        special("squeeze", "Without axes of one index.", |l, a| l.squeeze(a))
            .takes("x")
            .takes_as("axis", "-1"),
        special("broadcast_to", "Repeated to a shape.", |l, a| {
            l.broadcast_to(a)
        })
        .takes("x")
        .takes_as("shape", "[B, D]"),
        special("expand", "Repeated to a shape; -1 keeps a dim.", |l, a| {
            l.expand(a)
        })
        .takes("x")
        .takes_as("shape", "[B, -1]"),
        special(
            "sum_to",
            "Summed back to a shape that broadcasts to x's.",
            |l, a| l.sum_to(a),
        )
        .takes("x")
        .takes_as("shape", "[1, D]"),
        concat(),
        Operation::alias("cat", concat()),
        special(
            "stack",
            "Tensors along a new axis, the first without one.",
            |l, a| l.stack(a),
        )
        .takes_as("parts", "[a, b]")
        .integer("axis", 0)
        .by_name(),
        special("split", "Parts of the given sizes along an axis.", |l, a| {
            l.split(a)
        })
        .takes("x")
        .takes_as("sizes", "[D, D]")
        .integer("axis", 0),
        Operation::new(
            "flip",
            "Backwards along an axis.",
            Lowering::Axis(compose::flip),
        )
        .takes("x")
        .takes_as("axis", "-1"),
        special(
            "roll",
            "Shifted along an axis; what leaves one end enters the other.",
            |l, a| l.roll(a),
        )
        .takes("x")
        .takes_as("shift", "1")
        .takes_as("axis", "-1"),
        special(
            "pad",
            "With so many elements before and behind each of the last axes: a `value`, or in the mode `edge` \
             those at its ends, or in `reflect` those beside its ends, mirrored in them (fewer than the axis has).",
            |l, a| l.pad(a),
        )
        .takes("x")
        .takes_as("widths", "[(0, 0), (1, 1)]")
        .choice("mode", &["constant", "edge", "reflect"])
        .number("value", 0.0)
        .example(
            r#"
#[model]
fn around<N>(x: Tensor<N>) -> (Tensor<{ N + 3 }>, Tensor<{ N + 2 }>, Tensor<{ N + 2 }>) {
    (
        x.pad([(1, 2)], value = 9.0),
        x.pad([(1, 1)], mode = "edge"),
        x.pad([(1, 1)], mode = "reflect"),
    )
}

let (constant, edge, reflect) = around([1.0, 2.0, 3.0])?;
assert_eq!(constant, array![9.0, 1.0, 2.0, 3.0, 9.0, 9.0]);
assert_eq!(edge, array![1.0, 1.0, 2.0, 3.0, 3.0]);
assert_eq!(reflect, array![2.0, 1.0, 2.0, 3.0, 2.0]);
"#,
        ),
        special(
            "narrow",
            "`length` indices of an axis from `start` on; a negative start counts from the end.",
            |l, a| l.narrow(a),
        )
        .takes("x")
        .takes_as("axis", "0")
        .takes_as("start", "1")
        .takes_as("length", "2")
        .example(
            r#"
#[model]
fn middle<N>(x: Tensor<{ N + 2 }>) -> (Tensor<N>, Tensor<2>) {
    (x.narrow(0, start = 1, length = N), x.narrow(0, -2, 2))
}

let (middle, end) = middle([1.0, 2.0, 3.0, 4.0])?;
assert_eq!((middle, end), (array![2.0, 3.0], array![3.0, 4.0]));
"#,
        ),
        special(
            "slice",
            "The indices `start, start + step, ..` below `stop` of an axis, as `x[(start..stop).step_by(step)]` \
             takes them; negative ends count from the end.",
            |l, a| l.slice(a),
        )
        .takes("x")
        .takes_as("axis", "0")
        .takes_as("start", "0")
        .takes_as("stop", "-1")
        .integer("step", 1)
        .example(
            r#"
#[model]
fn every_other<B>(x: Tensor<B, 5>) -> Tensor<B, 2> {
    x.slice(axis = -1, start = 0, stop = -1, step = 2)
}

assert_eq!(every_other([[1.0, 2.0, 3.0, 4.0, 5.0]])?, array![[1.0, 3.0]]);
"#,
        ),
        special(
            "chunk",
            "So many equal parts of an axis, of which it must be a multiple for all sizes: \
             `let (a, b) = x.chunk(2);`.",
            |l, a| l.chunk(a),
        )
        .takes("x")
        .takes_as("chunks", "2")
        .integer("axis", 0)
        .example(
            r#"
#[model]
fn gated<B, D>(x: Tensor<B, { 2 * D }>) -> Tensor<B, D> {
    let (a, gate) = x.chunk(2, axis = -1);
    a * gate
}

assert_eq!(gated([[1.0, 2.0, 3.0, 4.0]])?, array![[3.0, 8.0]]);
"#,
        ),
        special(
            "windows",
            "Windows of `size` elements that slide along an axis, `step` apart, their elements `dilation` apart: \
             the axis becomes the windows, and one behind it the places in a window. No window is stored.",
            |l, a| l.windows(a),
        )
        .takes("x")
        .takes_as("size", "3")
        .integer("axis", -1)
        .integer("step", 1)
        .integer("dilation", 1)
        .example(
            r#"
#[model]
fn means<N>(x: Tensor<{ N + 2 }>) -> Tensor<N> {
    x.windows(3).mean(-1)
}

assert_eq!(means([3.0, 6.0, 0.0, 9.0])?, array![3.0, 5.0]);
"#,
        ),
        special(
            "meshgrid",
            "Rows of coordinates as a grid: each along an axis of its own, repeated along those of the others. \
             With `indexing = \"xy\"` the first two axes are in each other's place, as in NumPy: two rows of N \
             and M make grids of (M, N).",
            |l, a| l.meshgrid(a),
        )
        .takes_as("rows", "[x, y]")
        .choice("indexing", &["xy", "ij"])
        .by_name()
        .example(
            r#"
use sinew::ops::meshgrid;

#[model]
fn distance<N, M>(x: Tensor<N>, y: Tensor<M>) -> Tensor<M, N> {
    let (x, y) = meshgrid([x, y]);
    x.square() + y.square()
}

assert_eq!(distance([1.0, 2.0], [0.0, 3.0])?, array![[1.0, 4.0], [10.0, 13.0]]);
"#,
        ),
    ]
}
