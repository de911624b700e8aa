//! Products of tensors.

use crate::operations::Operation;
use crate::operations::declaration::special;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        special(
            "matmul",
            "The matrix product of the last two axes; those in front broadcast.",
            |l, a| l.matmul(a),
        )
        .takes("x")
        .takes("y")
        .by_name()
        .shapes(
            "`[.., M, K], [.., K, N] -> [.., M, N]`; of a row in front `[K], [.., K, N] -> [.., N]`, of one behind \
             `[.., M, K], [K] -> [.., M]`",
        )
        .elements("floats, both of one type")
        .derivative("`g y^T` by x and `x^T g` by y of a cotangent g, summed over axes that broadcast")
        .example(
            r#"
#[model]
fn product<B, K, N>(x: Tensor<B, K>, y: Tensor<K, N>) -> Tensor<B, N> {
    matmul(x, y)
}

let product = product([[1.0, 2.0]], [[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]])?;
assert_eq!(product, array![[1.0, 2.0, 11.0]]);
"#,
        ),
        special(
            "einsum",
            "Einstein's sums of up to eight tensors: letters name axes, and those that are not behind `->` are \
             summed over. A letter that a tensor has twice takes its diagonal, `...` stands for the axes \
             without a letter, which broadcast. Without `->` the result has, in the order of the alphabet, \
             the letters that occur once.\n\nThe order in which tensors are multiplied is the one of the \
             fewest products. Where sizes are symbols it is the one whose number of products grows least if all \
             symbols grow alike, and among those what the known sizes make the least.",
            |l, a| l.einsum(a),
        )
        .takes_as("spec", "\"bthd,bshd->bhts\"")
        .takes_many("operands", "q, k")
        .function_only()
        .shapes("one dim for each letter, `...` for `..`: `\"bthd,bshd->bhts\"` is `[B, T, H, D], [B, S, H, D] -> [B, H, T, S]`")
        .elements("floats, all of one type; of one operand numbers")
        .derivative("for each operand, the einsum of the cotangent and the other operands")
        .example(
            r#"
#[model]
fn scores<T, D>(q: Tensor<T, D>, k: Tensor<T, D>) -> (Tensor<T, T>, Tensor) {
    let s = einsum("td,sd->ts", q, k);
    (s, einsum("tt->", s))
}

let (scores, trace) = scores(array![[1.0, 2.0], [3.0, 4.0]], array![[1.0, 0.0], [0.0, 1.0]])?;
assert_eq!(scores, array![[1.0, 2.0], [3.0, 4.0]]);
assert_eq!(trace, 5.0);
"#,
        ),
    ]
}
