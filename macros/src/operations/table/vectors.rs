//! How alike vectors are, and losses of that.

use crate::operations::Operation;
use crate::operations::declaration::{defined, loss};

/// What becomes of the losses of vectors, the mean without a word.
const REDUCTIONS: &[&str] = &["mean", "sum", "none"];

pub(super) fn operations() -> Vec<Operation> {
    vec![
        defined(
            "cosine_similarity",
            "The cosine of the angle between vectors along an axis, `sum(x y) / (max(|x|, eps) max(|y|, eps))`. A norm below \
             `eps` counts as that, with the slope of what it counts as, as in PyTorch.",
            "{
                let (x, y) = (where_(true, x, y), where_(true, y, x));
                let (of_x, of_y) = (x.norm(axis, keepdims = true), y.norm(axis, keepdims = true));
                let of_x = (of_x < eps).where_(of_x - of_x.stop_gradient() + eps, of_x);
                let of_y = (of_y < eps).where_(of_y - of_y.stop_gradient() + eps, of_y);
                (x / of_x * (y / of_y)).sum(axis)
            }",
        )
        .takes("y")
        .integer("axis", 1)
        .number("eps", 1e-8)
        .by_name()
        .shapes("`[..], [..] -> [..]`, which broadcast, without the axis")
        .derivative("`(y / |y| - c x / |x|) / |x|` by x with the cosine c, and likewise by y")
        .example(
            r#"
use sinew::ops::cosine_similarity;

#[model]
fn alike<A, B, D>(x: Tensor<A, D>, y: Tensor<B, D>) -> (Tensor<A>, Tensor<A, B>) {
    let each = cosine_similarity(x.unsqueeze(1), y, axis = -1);
    (cosine_similarity(x, x), each)
}

let (same, each) = alike([[3.0, 0.0], [0.0, 2.0]], [[0.5, 0.0]])?;
assert_eq!((same, each), (array![1.0, 1.0], array![[1.0], [0.0]]));
"#,
        ),
        loss(
            "cosine_embedding_loss",
            "Of the cosine c of the angle between rows of x and y: `1 - c` where `target` is 1, `max(0, c - margin)` where it \
             is -1.",
            // The constant is PyTorch's 1e-12, which is an f32 for all types.
            "{
                let norms = ((x * x).sum(-1) + 9.999999960041972e-13) * ((y * y).sum(-1) + 9.999999960041972e-13);
                let c = (x * y).sum(-1) / norms.sqrt();
                (target == 1.0).where_(1.0 - c, 0.0) + (target == -1.0).where_((c - margin).relu(), 0.0)
            }",
        )
        .takes("x")
        .takes("y")
        .like_first()
        .takes("target")
        .for_rows()
        .choice("reduction", REDUCTIONS)
        .number("margin", 0.0)
        .shapes("`[.., D], [.., D], [..] -> []`, or `[..]` with `reduction = \"none\"`")
        .derivative("minus the cosine's where `target` is 1, the cosine's where it is -1 and the cosine above the margin; divided by n with the mean")
        .example(
            r#"
use sinew::ops::cosine_embedding_loss;

#[model]
fn loss<B, D>(x: Tensor<B, D>, y: Tensor<B, D>, target: Tensor<B>) -> Tensor<B> {
    cosine_embedding_loss(x, y, target, reduction = "none")
}

let rows = [[1.0, 0.0], [1.0, 0.0]];
let loss = loss(rows, [[2.0, 0.0], [2.0, 0.0]], [1.0, -1.0])?;
assert!((loss - array![0.0, 1.0]).iter().all(|d| d.abs() < 1e-6));
"#,
        ),
        loss(
            "triplet_margin_loss",
            "`max(0, d(anchor, positive) - d(anchor, negative) + margin)` of rows, with the distance \
             `d(a, b) = |a - b + eps|` of the norm of power `p` (Balntas et al., \"Learning local feature descriptors with \
             triplets\", 2016). With `swap = true`, `d(positive, negative)` stands for the second distance where it is \
             smaller.",
            "{
                let near = (anchor - positive + eps).norm(-1, ord = p);
                let far = (anchor - negative + eps).norm(-1, ord = p);
                let far = if swap { far.minimum((positive - negative + eps).norm(-1, ord = p)) } else { far };
                (near - far + margin).relu()
            }",
        )
        .takes("anchor")
        .takes("positive")
        .like_first()
        .takes("negative")
        .like_first()
        .choice("reduction", REDUCTIONS)
        .number("margin", 1.0)
        .number("p", 2.0)
        .number("eps", 1e-6)
        .flag("swap")
        .shapes("`[.., D], [.., D], [.., D] -> []`, all of one shape, or `[..]` with `reduction = \"none\"`")
        .derivative("that of the distances where the loss is above 0, 0 elsewhere; divided by n with the mean")
        .example(
            r#"
use sinew::ops::triplet_margin_loss;

#[model]
fn loss<B, D>(a: Tensor<B, D>, p: Tensor<B, D>, n: Tensor<B, D>) -> Tensor<B> {
    triplet_margin_loss(a, p, n, reduction = "none", eps = 0.0)
}

let (a, p, n) = ([[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [0.0, 0.0]], [[0.0, 5.5], [2.0, 0.0]]);
assert_eq!(loss(a, p, n)?, array![0.5, 0.0]);
"#,
        ),
    ]
}
