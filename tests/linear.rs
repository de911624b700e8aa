//! Linear algebra of small matrices: what products of the results give, and differences.

use crate::differences::numbers;
use crate::floats::{close, floats};
use sinew::ndarray::{Array, Array2, Array3, Axis, array};
use sinew::ops::{cholesky, inverse, logdet, solve, triangular_solve};
use sinew::prelude::*;

/// Matrices with what is greatest beside the diagonal, so that rows are swapped; the first has a 0 on it.
fn matrices(count: usize, rows: usize, columns: usize, seed: f64) -> Array3<f64> {
    let values = numbers(count * rows * columns, seed);
    let mut out = Array::from_shape_vec((count, rows, columns), values).expect("as many");
    out[(0, 0, 0)] = 0.0;
    for ((_, i, j), v) in out.indexed_iter_mut() {
        *v += 3.0 * f64::from(u8::from((i + 1) % columns == j));
    }
    out
}

fn flat<D: sinew::ndarray::Dimension>(x: Array<f64, D>) -> Vec<f64> {
    x.into_iter().collect()
}

/// The product of each pair of matrices.
fn products(x: &Array3<f64>, y: &Array3<f64>) -> Array3<f64> {
    let each = x.outer_iter().zip(y.outer_iter()).map(|(x, y)| x.dot(&y));
    let each: Vec<Array2<f64>> = each.collect();
    let views: Vec<_> = each.iter().map(|m| m.view()).collect();
    sinew::ndarray::stack(Axis(0), &views).expect("of one shape")
}

#[model]
fn solved<B, N, M>(x: Tensor<B, N, N>, y: Tensor<B, N, M>) -> (Tensor<B, N, M>, Tensor<B, N, N>) {
    (solve(x, y), inverse(x))
}

#[test]
fn solutions_solve() -> sinew::Result<()> {
    for n in [1, 2, 5, 7] {
        let x = matrices(3, n, n, 0.15);
        let y = matrices(3, n, 3, 0.4);
        let ones = Array3::from_shape_fn((3, n, n), |(_, i, j)| f64::from(u8::from(i == j)));
        for (device, precision, tolerance) in floats() {
            let run = solved::compile().precision(precision);
            let run = run.device(device).build()?;
            let (z, inverse) = run.run_f64(&x, &y)?;
            close(
                "solve",
                &flat(products(&x, &z)),
                &flat(y.clone()),
                tolerance,
            );
            close(
                "inverse",
                &flat(products(&x, &inverse)),
                &flat(ones.clone()),
                tolerance,
            );
        }
    }
    Ok(())
}

#[model]
fn roots<B, N>(x: Tensor<B, N, N>) -> (Tensor<B, N, N>, Tensor<B, N, N>) {
    let root = cholesky(x);
    (root, matmul(root, root.t()))
}

#[model]
fn halves<B, N, M>(
    x: Tensor<B, N, N>,
    y: Tensor<N, M>,
) -> (
    Tensor<B, N, M>,
    Tensor<B, N, M>,
    Tensor<B, N, M>,
    Tensor<B, N, M>,
) {
    (
        triangular_solve(x, y),
        triangular_solve(x, y, upper = true),
        triangular_solve(x, y, transposed = true),
        triangular_solve(x, y, upper = true, transposed = true, unit_diagonal = true),
    )
}

#[test]
fn triangles_are_roots_and_solve() -> sinew::Result<()> {
    for n in [1, 3, 6] {
        // The diagonal is greater than what is beside it.
        let x = Array::from_shape_vec((2, n, n), numbers(2 * n * n, 0.3))
            .expect("as many")
            .mapv(|v| 0.25 * v)
            + 2.0 * Array3::from_shape_fn((2, n, n), |(_, i, j)| f64::from(u8::from(i == j)));
        let square = products(
            &x,
            &x.clone()
                .permuted_axes([0, 2, 1])
                .as_standard_layout()
                .to_owned(),
        );
        let y = Array::from_shape_vec((n, 2), numbers(2 * n, 0.7)).expect("as many");
        let both = sinew::ndarray::stack(Axis(0), &[y.view(), y.view()]).expect("of one shape");
        let part = |keep: fn(usize, usize) -> bool| {
            Array3::from_shape_fn(
                (2, n, n),
                |(b, i, j)| if keep(i, j) { x[(b, i, j)] } else { 0.0 },
            )
        };
        let turned = |x: Array3<f64>| x.permuted_axes([0, 2, 1]).as_standard_layout().to_owned();
        let (lower, upper) = (part(|i, j| i >= j), part(|i, j| i <= j));
        let unit = part(|i, j| i < j)
            + Array3::from_shape_fn((2, n, n), |(_, i, j)| f64::from(u8::from(i == j)));
        for (device, precision, tolerance) in floats() {
            let run = roots::compile()
                .precision(precision)
                .device(device.clone())
                .build()?;
            let (root, again) = run.run_f64(&square)?;
            close("cholesky", &flat(again), &flat(square.clone()), tolerance);
            assert!(root.indexed_iter().all(|((_, i, j), v)| if i == j {
                *v > 0.0
            } else {
                i > j || *v == 0.0
            }));
            let run = halves::compile()
                .precision(precision)
                .device(device)
                .build()?;
            let (a, b, c, d) = run.run_f64(&x, &y)?;
            for (x, z) in [
                (lower.clone(), a),
                (upper.clone(), b),
                (turned(lower.clone()), c),
                (turned(unit.clone()), d),
            ] {
                close(
                    "triangular",
                    &flat(products(&x, &z)),
                    &flat(both.clone()),
                    tolerance,
                );
            }
        }
    }
    Ok(())
}

#[model]
fn volumes<B, N>(x: Tensor<B, N, N>) -> Tensor<B> {
    logdet(x)
}

#[test]
fn determinants_have_signs() -> sinew::Result<()> {
    let x = array![
        [[0.0, 2.0, 1.0], [-3.0, 1.0, 0.0], [1.0, 1.0, 2.0]],
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
        [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]],
    ];
    for (device, precision, tolerance) in floats() {
        let run = volumes::compile().precision(precision);
        let run = run.device(device).build()?;
        let found = run.run_f64(&x)?;
        // 0 (2 - 0) - 2 (-6 - 0) + 1 (-3 - 1)
        close("logdet", &[found[0]], &[8f64.ln()], tolerance);
        assert!(found[1].is_nan());
        assert_eq!(found[2], f64::NEG_INFINITY);
    }
    Ok(())
}

differences!(root_of_a_square: |x: [2, 3, 3], w: [3, 3]| cholesky(matmul(x, x.t()) + matmul(w, w.t()) + where_(arange(3).unsqueeze(-1) == arange(3), 2.0, 0.0)));
differences!(triangles_solved: |x: [3, 3], w: [2, 3, 2]| triangular_solve(x + where_(arange(3).unsqueeze(-1) == arange(3), 2.0, 0.0), w) + triangular_solve(x, w, upper = true, unit_diagonal = true));
differences!(systems_solved: |x: [2, 3, 3], w: [3, 2]| solve(x + where_((arange(3).unsqueeze(-1) + 1) % 3 == arange(3), 3.0, 0.0), w));
differences!(logarithms_of_determinants: |x: [2, 3, 3], w: [1]| logdet(matmul(x, x.t()) + where_(arange(3).unsqueeze(-1) == arange(3), 2.0 + w, 0.0)) + inverse(w.unsqueeze(0) + 2.0).sum());
