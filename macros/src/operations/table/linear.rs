//! Linear algebra of small matrices.

use crate::operations::Operation;
use crate::operations::declaration::special;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        special(
            "cholesky",
            "The lower triangular matrix whose product with its transpose is x, symmetric and positive definite; NaN where \
             it is not. It is for matrices of tens of rows: a loop over columns, whose derivative keeps a matrix for each.",
            |l, a| l.cholesky(a),
        )
        .takes("x")
        .shapes("`[.., N, N] -> [.., N, N]`")
        .elements("floats")
        .derivative("that of the mean of x and its transpose, as in PyTorch: it is symmetric")
        .example(
            r#"
#[model]
fn root<N>(x: Tensor<N, N>) -> Tensor<N, N> {
    x.cholesky()
}

assert_eq!(root([[4.0, 2.0], [2.0, 10.0]])?, array![[2.0, 0.0], [1.0, 3.0]]);
"#,
        ),
        special(
            "triangular_solve",
            "The z with `matmul(x, z) == y`, of a triangular x, whose other half is not looked at: lower, or with \
             `upper = true` upper; `transposed = true` takes x transposed, `unit_diagonal = true` ones for its diagonal. It \
             is for matrices of tens of rows.",
            |l, a| l.triangular_solve(a),
        )
        .takes("x")
        .takes("y")
        .flag("upper")
        .flag("transposed")
        .flag("unit_diagonal")
        .by_name()
        .shapes("`[.., N, N], [.., N, M] -> [.., N, M]`, where what is in front broadcasts")
        .elements("floats, both of one type")
        .derivative("by y the solution for the cotangent with x transposed, by x minus its product with the result, in x's half")
        .example(
            r#"
use sinew::ops::triangular_solve;

#[model]
fn solved<N, M>(x: Tensor<N, N>, y: Tensor<N, M>) -> Tensor<N, M> {
    triangular_solve(x, y)
}

assert_eq!(solved([[2.0, 0.0], [1.0, 4.0]], [[2.0], [9.0]])?, array![[1.0], [2.0]]);
"#,
        ),
        special(
            "solve",
            "The z with `matmul(x, z) == y`: Gauss and Jordan's elimination with the greatest pivot of each column. It is for \
             matrices of tens of rows; of one that is not invertible comes no finite number.",
            |l, a| l.solve(a),
        )
        .takes("x")
        .takes("y")
        .by_name()
        .shapes("`[.., N, N], [.., N, M] -> [.., N, M]`, where what is in front broadcasts")
        .elements("floats, both of one type")
        .derivative("by y the solution for the cotangent with x transposed, by x minus its product with the result")
        .example(
            r#"
use sinew::ops::solve;

#[model]
fn solved<N, M>(x: Tensor<N, N>, y: Tensor<N, M>) -> Tensor<N, M> {
    solve(x, y)
}

assert_eq!(solved([[0.0, 2.0], [1.0, 4.0]], [[2.0], [9.0]])?, array![[5.0], [1.0]]);
"#,
        ),
        special(
            "inverse",
            "The inverse, as [`fn@solve`] finds it for the unit matrix.",
            |l, a| l.inverse(a),
        )
        .takes("x")
        .shapes("`[.., N, N] -> [.., N, N]`")
        .elements("floats")
        .derivative("`-y^T g y^T` of a cotangent g, with the inverse y")
        .example(
            r#"
#[model]
fn inverse_of<N>(x: Tensor<N, N>) -> Tensor<N, N> {
    x.inverse()
}

assert_eq!(inverse_of([[0.0, 2.0], [4.0, 0.0]])?, array![[0.0, 0.25], [0.5, 0.0]]);
"#,
        ),
        special(
            "logdet",
            "The logarithm of the determinant: negative infinity where that is 0, NaN where it is negative.",
            |l, a| l.logdet(a),
        )
        .takes("x")
        .shapes("`[.., N, N] -> [..]`")
        .elements("floats")
        .derivative("the inverse, transposed")
        .example(
            r#"
#[model]
fn volumes<B, N>(x: Tensor<B, N, N>) -> Tensor<B> {
    x.logdet()
}

let volumes = volumes([[[0.0, 2.0], [-3.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])?;
assert!((volumes - array![6f32.ln(), 0.0]).iter().all(|d| d.abs() < 1e-6));
"#,
        ),
    ]
}
