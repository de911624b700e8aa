//! Attention.

use crate::operations::Operation;
use crate::operations::declaration::special;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        special(
            "scaled_dot_product_attention",
            "`softmax(q k^T * scale) v` over the positions of k. `mask` is a bool, true for what is seen, or a float that \
             is added to the scores; it broadcasts with these, `[.., H, L, S]`. A row that sees nothing gives 0. With \
             `causal = true` position i of q sees those up to i of k. `dropout` leaves weights out in a trainer's steps. \
             `scale` is one over the root of `D` without one. Where k and v have fewer heads than q, each is for as many \
             of q that follow each other (grouped queries).",
            |l, a| l.attention(a),
        )
        .takes("q")
        .takes("k")
        .takes("v")
        .may_take("mask")
        .flag("causal")
        .number("dropout", 0.0)
        .may_take("scale")
        .by_name()
        .shapes("`[.., H, L, D], [.., G, S, D], [.., G, S, E] -> [.., H, L, E]`, where `G` divides `H`")
        .elements("floats, all of one type; the mask may be of bools")
        .derivative(
            "with weights P and the cotangent g: by v `P^T g`, by q `Q k * scale` and by k `Q^T q * scale` with \
             `Q = P (g v^T - sum(P g v^T))`",
        )
        .example(
            r#"
use sinew::ops::scaled_dot_product_attention;

#[model]
fn seen<H, T, D>(q: Tensor<H, T, D>, k: Tensor<H, T, D>, v: Tensor<H, T, D>) -> Tensor<H, T, D> {
    scaled_dot_product_attention(q, k, v, causal = true)
}

let (q, k, v) = ([[[0.0], [0.0]]], [[[1.0], [2.0]]], [[[1.0], [3.0]]]);
assert_eq!(seen(q, k, v)?, array![[[1.0], [2.0]]]);
"#,
        ),
        special(
            "softmax_causal",
            "Softmax along the last axis where position i of the axis before sees positions up to i; 0 for the others.",
            |l, a| l.softmax_causal(a),
        )
        .takes("x")
        .shapes("`[.., L, S] -> [.., L, S]`")
        .elements("floats")
        .derivative("`y (g - sum(g y))` of a cotangent g, with the result y")
        .example(
            r#"
#[model]
fn shares<B, T>(x: Tensor<B, T, T>) -> Tensor<B, T, T> {
    x.softmax_causal()
}

assert_eq!(shares([[[0.0, 9.0], [1.0, 1.0]]])?, array![[[1.0, 0.0], [0.5, 0.5]]]);
"#,
        ),
        special(
            "where_causal",
            "x where the index of the last axis is at most that of the axis before, y elsewhere.",
            |l, a| l.where_causal(a),
        )
        .takes("x")
        .takes_as("y", "0.0")
        .shapes("`[.., L, S], [..] -> [.., L, S]`, which broadcast")
        .elements("any, both of one type")
        .derivative("that of x where x is taken, that of y elsewhere")
        .example(
            r#"
#[model]
fn lower<T>(x: Tensor<T, T>) -> Tensor<T, T> {
    x.where_causal(-1.0)
}

assert_eq!(lower([[1.0, 2.0], [3.0, 4.0]])?, array![[1.0, -1.0], [3.0, 4.0]]);
"#,
        ),
        special(
            "split_heads",
            "The last axis as heads, in front of the positions.",
            |l, a| l.split_heads(a),
        )
        .takes("x")
        .takes_as("heads", "H")
        .shapes("`[.., T, H * D] -> [.., H, T, D]`")
        .elements("any")
        .derivative("1: the cotangent with its heads merged")
        .example(
            r#"
#[model]
fn heads<T, D>(x: Tensor<T, { 2 * D }>) -> Tensor<2, T, D> {
    x.split_heads(2)
}

assert_eq!(heads([[1.0, 2.0], [3.0, 4.0]])?, array![[[1.0], [3.0]], [[2.0], [4.0]]]);
"#,
        ),
        special(
            "merge_heads",
            "Heads, in front of the positions, as parts of the last axis: back from [`fn@split_heads`].",
            |l, a| l.merge_heads(a),
        )
        .takes("x")
        .shapes("`[.., H, T, D] -> [.., T, H * D]`")
        .elements("any")
        .derivative("1: the cotangent with its heads split")
        .example(
            r#"
#[model]
fn merged<T, D>(x: Tensor<2, T, D>) -> Tensor<T, { 2 * D }> {
    x.merge_heads()
}

assert_eq!(merged([[[1.0], [3.0]], [[2.0], [4.0]]])?, array![[1.0, 2.0], [3.0, 4.0]]);
"#,
        ),
    ]
}
