//! The same elements in another arrangement.

use crate::operations::declaration::special;
use crate::operations::{DefaultValue, Lowering, Operation};
use sinew_ir::compose;

/// The derivative of what only moves elements.
const MOVED: &str = "the cotangent's elements, put back in their places";
/// The derivative of what repeats elements.
const REPEATED: &str = "the cotangent summed over the copies of each element";
/// The derivative of what leaves elements out.
const LEFT_OUT: &str =
    "the cotangent's elements, put back in their places, and 0 for those that were left out";
/// The element types of what only moves elements.
const ANY: &str = "any";
/// The element types of several tensors whose elements are moved.
const ANY_ALIKE: &str = "any, all of one type";

pub(super) fn operations() -> Vec<Operation> {
    let concat = || {
        special(
            "concat",
            "Tensors one after the other along an axis, the first without one.",
            |l, a| l.concat(a),
        )
        .takes_as("parts", "[a, b]")
        .integer("axis", 0)
        .function_only()
        .shapes("a list of `[A, ..], [B, ..] -> [A + B, ..]`")
        .elements(ANY_ALIKE)
        .derivative("for each part its own part of the cotangent")
        .example(
            r#"
#[model]
fn joined<A, B>(x: Tensor<A>, y: Tensor<B>) -> Tensor<{ A + B }> {
    concat([x, y])
}

assert_eq!(joined([1.0, 2.0], [3.0])?, array![1.0, 2.0, 3.0]);
"#,
        )
    };
    vec![
        special(
            "reshape",
            "The same elements in row-major order with other dims; -1 stands for one that is inferred.",
            |l, a| l.reshape(a),
        )
        .takes("x")
        .takes_as("shape", "[B, H * D]")
        .note("with -1 for at most one dim: `x.reshape([B, -1])`")
        .shapes("`[..] -> shape`, of as many elements; a sequence stays in front (`[[S], D]`)")
        .elements(ANY)
        .derivative(MOVED)
        .example(
            r#"
#[model]
fn pairs<N>(x: Tensor<{ 2 * N }>) -> (Tensor<N, 2>, Tensor<2, N>) {
    (x.reshape([N, 2]), x.reshape([2, -1]))
}

let (rows, halves) = pairs([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
assert_eq!(rows, array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
assert_eq!(halves, array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
"#,
        ),
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
        .shapes("as the pattern says")
        .elements(ANY)
        .derivative(MOVED)
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
        .note("or `reduce(\"b (t 2) -> b t\", x, \"max\")`")
        .shapes("as the pattern says")
        .elements("numbers; floats for a mean")
        .derivative("that of the reduction: see [`sum`], [`mean`], [`max`], [`min`] and [`prod`]")
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
        .note("or `repeat(\"b d -> b t d\", x, t = T)`")
        .shapes("as the pattern says")
        .elements(ANY)
        .derivative(REPEATED)
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
        special("flatten", "All elements in one axis.", |l, a| l.flatten(a))
            .takes("x")
            .shapes("`[..] -> [n]`, n being the product of the dims")
            .elements(ANY)
            .derivative(MOVED)
            .example(
                r#"
#[model]
fn row<A, B>(x: Tensor<A, B>) -> Tensor<{ A * B }> {
    x.flatten()
}

assert_eq!(row([[1.0, 2.0], [3.0, 4.0]])?, array![1.0, 2.0, 3.0, 4.0]);
"#,
            ),
        special("permute", "The axes in another order.", |l, a| l.permute(a))
            .takes("x")
            .takes_as("axes", "[0, 2, 1]")
            .shapes("`[A, B, C] -> [A, C, B]` for the axes `[0, 2, 1]`")
            .elements(ANY)
            .derivative(MOVED)
            .example(
                r#"
#[model]
fn turned<A, B, C>(x: Tensor<A, B, C>) -> Tensor<C, A, B> {
    x.permute([2, 0, 1])
}

assert_eq!(turned([[[1.0, 2.0]], [[3.0, 4.0]]])?, array![[[1.0], [3.0]], [[2.0], [4.0]]]);
"#,
            ),
        special(
            "transpose",
            "The axes in another order, reversed without a list.",
            |l, a| l.transpose(a),
        )
        .takes("x")
        .with("axes", "[0, 2, 1]", DefaultValue::Described)
        .note("or, to reverse all axes, `x.transpose()`")
        .shapes("`[A, .., Z] -> [Z, .., A]`, or as [`permute`]")
        .elements(ANY)
        .derivative(MOVED)
        .example(
            r#"
#[model]
fn reversed<A, B, C>(x: Tensor<A, B, C>) -> Tensor<C, B, A> {
    x.transpose()
}

assert_eq!(reversed([[[1.0, 2.0]], [[3.0, 4.0]]])?, array![[[1.0, 3.0]], [[2.0, 4.0]]]);
"#,
        ),
        special("swapaxes", "Two axes in each other's place.", |l, a| {
            l.swapaxes(a)
        })
        .takes("x")
        .takes_as("i", "-1")
        .takes_as("j", "-2")
        .shapes("`[.., A, B] -> [.., B, A]` for the axes -1 and -2")
        .elements(ANY)
        .derivative(MOVED)
        .example(
            r#"
#[model]
fn swapped<A, B>(x: Tensor<A, B, 1>) -> Tensor<B, A, 1> {
    x.swapaxes(0, 1)
}

assert_eq!(swapped([[[1.0], [2.0]]])?, array![[[1.0]], [[2.0]]]);
"#,
        ),
        special("t", "The last two axes in each other's place.", |l, a| {
            l.t(a)
        })
        .takes("x")
        .shapes("`[.., A, B] -> [.., B, A]`")
        .elements(ANY)
        .derivative(MOVED)
        .example(
            r#"
#[model]
fn turned<A, B>(x: Tensor<A, B>) -> Tensor<B, A> {
    x.t()
}

assert_eq!(turned([[1.0, 2.0]])?, array![[1.0], [2.0]]);
"#,
        ),
        special(
            "unsqueeze",
            "A new axis of one index, which is `axis` in the result: 0 in front, -1 behind all others.",
            |l, a| l.unsqueeze(a),
        )
        .takes("x")
        .takes_as("axis", "-1")
        .shapes("`[..] -> [.., 1]` for the axis -1")
        .elements(ANY)
        .derivative(MOVED)
        .example(
            r#"
#[model]
fn products<A, B>(x: Tensor<A>, y: Tensor<B>) -> Tensor<A, B> {
    x.unsqueeze(-1) * y
}

assert_eq!(products([1.0, 2.0], [3.0, 4.0])?, array![[3.0, 4.0], [6.0, 8.0]]);
"#,
        ),
        special(
            "squeeze",
            "Without axes of one index, whose dim must be a literal 1: an axis or a list of them.",
            |l, a| l.squeeze(a),
        )
        .takes("x")
        .takes_as("axis", "-1")
        .shapes("`[.., 1] -> [..]` for the axis -1")
        .elements(ANY)
        .derivative(MOVED)
        .example(
            r#"
#[model]
fn row<B>(x: Tensor<1, B, 1>) -> Tensor<B> {
    x.squeeze([0, 2])
}

assert_eq!(row([[[1.0], [2.0]]])?, array![1.0, 2.0]);
"#,
        ),
        special("broadcast_to", "Repeated to a shape.", |l, a| {
            l.broadcast_to(a)
        })
        .takes("x")
        .takes_as("shape", "[B, D]")
        .shapes("`[..] -> shape`, to which it broadcasts")
        .elements(ANY)
        .derivative(REPEATED)
        .example(
            r#"
#[model]
fn rows<N>(x: Tensor<N>) -> Tensor<2, N> {
    x.broadcast_to([2, N])
}

assert_eq!(rows([1.0, 2.0])?, array![[1.0, 2.0], [1.0, 2.0]]);
"#,
        ),
        special("expand", "Repeated to a shape; -1 keeps a dim.", |l, a| {
            l.expand(a)
        })
        .takes("x")
        .takes_as("shape", "[B, -1]")
        .shapes("`[..] -> shape`, to which it broadcasts")
        .elements(ANY)
        .derivative(REPEATED)
        .example(
            r#"
#[model]
fn rows<N>(x: Tensor<N>) -> Tensor<2, N> {
    x.expand([2, -1])
}

assert_eq!(rows([1.0, 2.0])?, array![[1.0, 2.0], [1.0, 2.0]]);
"#,
        ),
        special(
            "sum_to",
            "Summed back to a shape that broadcasts to x's.",
            |l, a| l.sum_to(a),
        )
        .takes("x")
        .takes_as("shape", "[1, D]")
        .shapes("`[..] -> shape`, which broadcasts to x's")
        .elements("numbers")
        .derivative("the cotangent, broadcast to x's shape")
        .example(
            r#"
#[model]
fn columns<B, N>(x: Tensor<B, N>) -> (Tensor<1, N>, Tensor<N>) {
    (x.sum_to([1, N]), x.sum_to([N]))
}

let (one, none) = columns([[1.0, 2.0], [3.0, 4.0]])?;
assert_eq!((one, none), (array![[4.0, 6.0]], array![4.0, 6.0]));
"#,
        ),
        concat(),
        Operation::alias("cat", concat()),
        special(
            "stack",
            "Tensors along a new axis, the first without one.",
            |l, a| l.stack(a),
        )
        .takes_as("parts", "[a, b]")
        .integer("axis", 0)
        .function_only()
        .shapes("a list of n `[..] -> [n, ..]`")
        .elements(ANY_ALIKE)
        .derivative("for each part its own part of the cotangent")
        .example(
            r#"
#[model]
fn stacked<N>(x: Tensor<N>, y: Tensor<N>) -> (Tensor<2, N>, Tensor<N, 2>) {
    (stack([x, y]), stack([x, y], axis = -1))
}

let (rows, columns) = stacked([1.0, 2.0], [3.0, 4.0])?;
assert_eq!(rows, array![[1.0, 2.0], [3.0, 4.0]]);
assert_eq!(columns, array![[1.0, 3.0], [2.0, 4.0]]);
"#,
        ),
        special(
            "split",
            "Parts of the given sizes along an axis, a tuple of as many: `let (a, b) = x.split([D, D]);`.",
            |l, a| l.split(a),
        )
        .takes("x")
        .takes_as("sizes", "[D, D]")
        .integer("axis", 0)
        .shapes("`[A + B, ..] -> [A, ..], [B, ..]`")
        .elements(ANY)
        .derivative("the cotangents of the parts, one behind the other")
        .example(
            r#"
#[model]
fn parts<N>(x: Tensor<{ N + 1 }>) -> (Tensor<1>, Tensor<N>) {
    let (first, rest) = x.split([1, N]);
    (first, rest)
}

assert_eq!(parts([1.0, 2.0, 3.0])?, (array![1.0], array![2.0, 3.0]));
"#,
        ),
        Operation::new(
            "flip",
            "Backwards along an axis.",
            Lowering::Axis(compose::flip),
        )
        .takes("x")
        .takes_as("axis", "-1")
        .derivative(MOVED)
        .example(
            r#"
#[model]
fn backwards<B, N>(x: Tensor<B, N>) -> Tensor<B, N> {
    x.flip(-1)
}

assert_eq!(backwards([[1.0, 2.0], [3.0, 4.0]])?, array![[2.0, 1.0], [4.0, 3.0]]);
"#,
        ),
        special(
            "roll",
            "Shifted along an axis of a literal size; what leaves one end enters the other.",
            |l, a| l.roll(a),
        )
        .takes("x")
        .takes_as("shift", "1")
        .takes_as("axis", "-1")
        .shapes("`[..] -> [..]`")
        .elements(ANY)
        .derivative(MOVED)
        .example(
            r#"
#[model]
fn shifted(x: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
    (x.roll(1, 0), x.roll(-1, axis = 0))
}

let (right, left) = shifted([1.0, 2.0, 3.0, 4.0])?;
assert_eq!((right, left), (array![4.0, 1.0, 2.0, 3.0], array![2.0, 3.0, 4.0, 1.0]));
"#,
        ),
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
        .shapes("`[.., N] -> [.., low + N + high]` for the widths `[(low, high)]`")
        .elements("numbers")
        .derivative("the cotangent without what was added, to which in the other modes that of the copies is added")
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
        .shapes("`[.., N, ..] -> [.., length, ..]`")
        .elements(ANY)
        .derivative(LEFT_OUT)
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
        .shapes("`[.., N, ..] -> [.., (stop - start) / step, ..]`, rounded up")
        .elements(ANY)
        .derivative(LEFT_OUT)
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
        .shapes("`[n M, ..] -> [M, ..], [M, ..], ..`, a tuple of n")
        .elements(ANY)
        .derivative("the cotangents of the parts, one behind the other")
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
        .shapes("`[.., N, ..] -> [.., (N - dilation (size - 1) - 1) / step + 1, size, ..]`, rounded down")
        .elements("numbers")
        .derivative("the cotangent summed over the windows that an element is in")
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
        .function_only()
        .shapes("a list of `[N], [M] -> [M, N], [M, N]`; `[N, M]` with `\"ij\"`")
        .elements(ANY_ALIKE)
        .derivative(REPEATED)
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
