//! The language's spelling of operations: what names, defaults and operators mean, by plain Rust.
//!
//! That each op computes what PyTorch does is tested below the language, over the whole table.

#![deny(warnings)]

use ndarray::{Array, Array1, Array2, Array3, ArrayD, arr0, array};
use sinew::prelude::*;

const EPS: f32 = 1e-5;
const SCALE: f64 = -2.5;
const COUNT: usize = 3;
const SHIFT: i32 = -7;

mod cfg {
    pub const EPS: f64 = 0.125;
}

fn close(found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape());
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-5 * e.abs().max(1.0),
            "{found} for {expected}"
        );
    }
}

#[model]
fn consts<B>(x: Tensor<B>, y: Tensor<i32, B>) -> (Tensor<B>, Tensor<B>, Tensor<i32, B>) {
    let a = (x + EPS) * SCALE / COUNT;
    let b = cfg::EPS - self::EPS * B + x % SCALE;
    (a, b, y * SHIFT + COUNT)
}

#[test]
fn rust_consts_are_numbers() -> sinew::Result<()> {
    let x = array![1.0f32, -2.0, 0.5];
    let (a, b, c) = consts(&x, [1, 2, 3])?;
    close(
        &a.into_dyn(),
        &x.mapv(|x| (x + EPS) * -2.5 / 3.0).into_dyn(),
    );
    // The remainder has the divisor's sign, as NumPy's.
    let b_expected = x.mapv(|x| 0.125 - EPS * 3.0 + x - -2.5 * (x / -2.5).floor());
    close(&b.into_dyn(), &b_expected.into_dyn());
    assert_eq!(c.to_vec(), [-4, -11, -18]);
    Ok(())
}

#[model]
fn operators<S>(x: Tensor<[S], 4>, y: Tensor<4>) -> Tensor<[S], 8> {
    let n = 2.0 * (1.0 - x) / 3 + -x % 2.5;
    let s = select(n > 0.5 && !(y == 0) || x <= y, n, minimum(x, 0.0));
    concat([s, s.relu() - 1], axis = -1)
}

#[test]
fn operators_broadcast_and_take_numbers_on_either_side() -> sinew::Result<()> {
    let x = Array::from_shape_fn((2, 3, 4), |(i, j, k)| {
        ((i * 12 + j * 4 + k) as f32 * 0.7).sin() * 2.0
    });
    let y = array![0.0f32, 0.3, -0.3, 1.0];
    let found = operators(&x, &y)?;
    let expected = Array3::from_shape_fn((2, 3, 8), |(i, j, k)| {
        let (x, y) = (x[(i, j, k % 4)], y[k % 4]);
        let neg = -x;
        let n = 2.0 * (1.0 - x) / 3.0 + (neg - 2.5 * (neg / 2.5).floor());
        let s = if n > 0.5 && y != 0.0 || x <= y {
            n
        } else {
            x.min(0.0)
        };
        if k < 4 { s } else { s.max(0.0) - 1.0 }
    });
    close(&found, &expected.into_dyn());
    Ok(())
}

#[model]
fn shapes<B, C>(
    x: Tensor<B, C, 4>,
) -> (
    Tensor<B, 4, C>,
    Tensor<B, { C * 4 }>,
    Tensor<C>,
    Tensor<B, C, 2>,
    Tensor<B, C>,
    Tensor<4, C, B>,
) {
    let c = x[(-1, .., 1)];
    let d = x[(.., .., 1..-1)];
    let (e, _) = x.split([1, 3], axis = 2);
    (
        x.swapaxes(-1, 1),
        x.reshape([B, -1]),
        c,
        d,
        e.squeeze(2),
        x.transpose(),
    )
}

#[test]
fn views_are_numpys() -> sinew::Result<()> {
    let x = Array::from_shape_fn((2, 3, 4), |(i, j, k)| (100 * i + 10 * j + k) as f32);
    let (a, b, c, d, e, f) = shapes(&x)?;
    assert_eq!(a, x.clone().permuted_axes([0, 2, 1]));
    assert_eq!(
        b.row(1).to_vec(),
        x.index_axis(ndarray::Axis(0), 1)
            .iter()
            .copied()
            .collect::<Vec<_>>()
    );
    assert_eq!(c.to_vec(), [101.0, 111.0, 121.0]);
    assert_eq!(d, x.slice(ndarray::s![.., .., 1..3]));
    assert_eq!(e, x.slice(ndarray::s![.., .., 0]));
    assert_eq!(f, x.t());
    Ok(())
}

#[model]
fn reductions<B>(
    x: Tensor<B, 3, 4>,
) -> (
    Tensor,
    Tensor<B>,
    Tensor<B, 1, 1>,
    Tensor<B, 4>,
    Tensor<i32, B, 3>,
    Tensor<B, 3>,
) {
    (
        x.sum(),
        x.mean([1, 2]),
        x.max([-1, -2], keepdims = true),
        x.min(axis = 1),
        argmax(x, -1),
        x.var(-1),
    )
}

#[test]
fn reductions_name_axes_from_both_ends() -> sinew::Result<()> {
    let x = Array::from_shape_fn((2, 3, 4), |(i, j, k)| {
        ((i * 12 + j * 4 + k) as f32 * 1.3).sin()
    });
    let (sum, mean, max, min, position, var) = reductions(&x)?;
    close(&arr0(sum).into_dyn(), &arr0(x.sum()).into_dyn());
    for i in 0..2 {
        let part = x.index_axis(ndarray::Axis(0), i);
        close(
            &arr0(mean[i]).into_dyn(),
            &arr0(part.sum() / 12.0).into_dyn(),
        );
        assert_eq!(
            max[(i, 0, 0)],
            part.iter().copied().fold(f32::MIN, f32::max)
        );
        assert_eq!(
            min[(i, 2)],
            part.column(2).iter().copied().fold(f32::MAX, f32::min)
        );
        for j in 0..3 {
            let row = part.row(j);
            let best = (0..4).max_by(|a, b| row[*a].total_cmp(&row[*b]));
            assert_eq!(Some(position[(i, j)] as usize), best);
            close(
                &arr0(var[(i, j)]).into_dyn(),
                &arr0(row.var(0.0)).into_dyn(),
            );
        }
    }
    Ok(())
}

#[model(where(E == H * D))]
fn heads<B, E, H, D>(
    q: Tensor<B, 5, E>,
    k: Tensor<B, 5, E>,
    like: Tensor<H, D>,
) -> Tensor<B, H, 5, 5> {
    let q = q.reshape([B, 5, H, D]) + 0 * like;
    let k = k.reshape([B, 5, H, D]);
    let scores = einsum("bthd,bshd->bhts", q, k) / sqrt(D);
    let row = iota([5, 5], 0);
    where_(arange(5) <= row, scores, -1e9).softmax()
}

#[test]
fn attention_is_causal() -> sinew::Result<()> {
    let q = Array::from_shape_fn((2, 5, 6), |(i, j, k)| ((i * 30 + j * 6 + k) as f32).sin());
    let p = heads(&q, &q, Array2::<f32>::zeros((2, 3)))?;
    assert_eq!(p.shape(), [2, 2, 5, 5]);
    for b in 0..2 {
        for h in 0..2 {
            for t in 0..5 {
                let score = |s: usize| -> f32 {
                    let dot: f32 = (0..3)
                        .map(|d| q[(b, t, h * 3 + d)] * q[(b, s, h * 3 + d)])
                        .sum();
                    (dot / 3f32.sqrt()).exp()
                };
                let total: f32 = (0..=t).map(score).sum();
                for s in 0..5 {
                    let expected = if s <= t { score(s) / total } else { 0.0 };
                    assert!((p[(b, h, t, s)] - expected).abs() < 1e-5);
                }
            }
        }
    }
    Ok(())
}

#[model]
fn indexed<B, V>(
    table: Tensor<V, 3>,
    i: Tensor<i32, B>,
    x: Tensor<B, V>,
) -> (Tensor<B, 3>, Tensor<B>, Tensor<B, V>) {
    let rows = table.take(i, 0);
    let own = x.take_along_axis(i.unsqueeze(-1), -1).squeeze(-1);
    (rows, own, one_hot(i, V))
}

#[test]
fn indices_take_rows_and_elements() -> sinew::Result<()> {
    let table = Array::from_shape_fn((4, 3), |(i, j)| (10 * i + j) as f32);
    let x = Array::from_shape_fn((2, 4), |(i, j)| (4 * i + j) as f32);
    let (rows, own, hot) = indexed(&table, [3, 1], &x)?;
    assert_eq!(rows, array![[30.0, 31.0, 32.0], [10.0, 11.0, 12.0]]);
    assert_eq!(own.to_vec(), [3.0, 5.0]);
    assert_eq!(hot, array![[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]]);
    Ok(())
}

#[model]
fn losses<B>(
    x: Tensor<B, 3>,
    y: Tensor<i32, B>,
    z: Tensor<B, 3>,
) -> (Tensor, Tensor, Tensor<B>, Tensor) {
    let a = cross_entropy(x, y);
    let b = x.cross_entropy(y, reduction = "sum", ignore_index = 1);
    let c = nll_loss(x.log_softmax(), y, reduction = "none");
    (a, b, c, mse(x, z))
}

#[test]
fn losses_have_pytorchs_defaults() -> sinew::Result<()> {
    let x = array![[0.2f32, -1.0, 0.5], [1.5, 0.0, -0.5]];
    let z: Array2<f32> = Array2::ones((2, 3));
    let (a, b, c, d) = losses(&x, [2, 1], &z)?;
    let each: Array1<f32> = [(0, 2), (1, 1)]
        .iter()
        .map(|(i, y)| x.row(*i).mapv(f32::exp).sum().ln() - x[(*i, *y)])
        .collect();
    close(&c.into_dyn(), &each.clone().into_dyn());
    close(&arr0(a).into_dyn(), &arr0(each.sum() / 2.0).into_dyn());
    close(&arr0(b).into_dyn(), &arr0(each[0]).into_dyn());
    let squares = (&x - &z).mapv(|d| d * d).sum() / 6.0;
    close(&arr0(d).into_dyn(), &arr0(squares).into_dyn());
    Ok(())
}

#[model]
fn rest<B>(
    x: Tensor<B, 4>,
) -> (
    Tensor<B, 7>,
    Tensor<B, 4>,
    Tensor<B, 4>,
    Tensor<2, B, 4>,
    Tensor<1, 4>,
) {
    let padded = x.pad([(1, 2)], value = 9.0);
    let a = x.roll(1, -1).clamp(-0.5, 0.5);
    let b = x.pow(3) + x.abs().pow(0.5) - x.leaky_relu(negative_slope = 0.1);
    (padded, a, b, stack([x, x.flip(-1)]), x.sum_to([1, 4]))
}

#[test]
fn parts_move_and_pad() -> sinew::Result<()> {
    let x = array![
        [0.1f32, -0.7, 2.0, -1.5],
        [0.0, 0.4, -0.2, 0.9],
        [1.0, 1.0, 1.0, -1.0]
    ];
    let (padded, a, b, stacked, sum) = rest(&x)?;
    assert_eq!(
        padded.row(0).to_vec(),
        [9.0, 0.1, -0.7, 2.0, -1.5, 9.0, 9.0]
    );
    assert_eq!(a.row(0).to_vec(), [-0.5, 0.1, -0.5, 0.5]);
    let expected = x.mapv(|x| x * x * x + x.abs().sqrt() - if x > 0.0 { x } else { 0.1 * x });
    close(&b.into_dyn(), &expected.into_dyn());
    assert_eq!(stacked.index_axis(ndarray::Axis(0), 0), x);
    assert_eq!(stacked[(1, 2, 0)], -1.0);
    close(
        &sum.into_dyn(),
        &x.sum_axis(ndarray::Axis(0))
            .insert_axis(ndarray::Axis(0))
            .into_dyn(),
    );
    Ok(())
}

#[model]
fn rows<S>(x: Tensor<1, 4>, like: Tensor<[S], 3, 4>) -> Tensor<[S], 3, 4> {
    x.expand([[S], 3, -1]) + 0 * like
}

/// Every -1 of an expansion keeps its dim.
#[model]
fn doubled<S, N>(x: Tensor<[S], N>) -> Tensor<[S], { 2 * N }> {
    let n = N * 2;
    x.unsqueeze(-1).expand([[S], -1, 2]).reshape([[S], n])
}

#[model]
fn kept<A, B>(x: Tensor<A, B, 1>) -> Tensor<A, B, 2> {
    x.expand([-1, -1, 2])
}

/// Parts of a const that add up, and letters of an einsum that are consts and numbers of one size.
#[model]
fn parts(
    x: Tensor<COUNT>,
    w: Tensor<3, 2>,
    one: Tensor<1, 2>,
) -> (Tensor<2>, Tensor<1>, Tensor<2>) {
    let (a, b) = x.split([2, 1]);
    (a, b, einsum("i,ij,kj,kj->j", x, w, one, w))
}

#[model]
fn sized<B>(x: Tensor<B, 3>, y: Tensor<4>) -> (Tensor<{ B * COUNT }>, Tensor<2>, Tensor) {
    let n = B * COUNT;
    let end = COUNT - 1;
    (x.reshape([n]), y[(0..end)], y.sum() * n)
}

#[test]
fn shapes_are_written_out_of_sequences_and_sizes() -> sinew::Result<()> {
    let x = Array2::from_shape_fn((1, 4), |(_, j)| j as f32);
    let y = rows(&x, Array3::<f32>::zeros((2, 3, 4)))?;
    assert_eq!(y.shape(), [2, 3, 4]);
    assert!(y.indexed_iter().all(|(i, v)| *v == i[2] as f32));
    let y = doubled([[1.0f32, 2.0]])?;
    assert_eq!(y.into_raw_vec_and_offset().0, [1.0, 1.0, 2.0, 2.0]);
    let y = kept([[[1.0f32], [2.0]]])?;
    assert_eq!(y.into_raw_vec_and_offset().0, [1.0, 1.0, 2.0, 2.0]);
    let w = [[1.0f32, 0.0], [0.0, 1.0], [1.0, 1.0]];
    let (a, b, c) = parts([1.0f32, 2.0, 3.0], w, [[1.0f32, 10.0]])?;
    assert_eq!((a.to_vec(), b.to_vec()), (vec![1.0, 2.0], vec![3.0]));
    // (1 + 3) * 1 * 2 and (2 + 3) * 10 * 2
    assert_eq!(c.to_vec(), [8.0, 100.0]);
    let x = Array2::from_shape_fn((2, 3), |(i, j)| (3 * i + j) as f32);
    let (x, y, z) = sized(&x, [1.0f32, 2.0, 3.0, 4.0])?;
    assert_eq!(x.to_vec(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!((y.to_vec(), z), (vec![1.0, 2.0], 60.0));
    Ok(())
}

#[model]
#[allow(clippy::type_complexity)]
fn in_order<B, N>(
    x: Tensor<B, N>,
) -> (
    Tensor<B, N>,
    Tensor<i32, B, N>,
    Tensor<i32, B, N>,
    Tensor<B, 2>,
    Tensor<i32, B, 2>,
    Tensor<B, N>,
    Tensor<B, N>,
) {
    let (sorted, indices) = x.sort(axis = 0, descending = true);
    let (best, places) = x.topk(2);
    (
        sorted,
        indices,
        x.argsort(),
        best,
        places,
        x.cumsum(0),
        x.cumprod(-1),
    )
}

#[model]
fn best_of(x: Tensor<4>) -> Tensor {
    let (values, _) = x.topk(COUNT - 1);
    (values * values).sum()
}

#[test]
fn rows_are_put_in_order() -> sinew::Result<()> {
    let x = array![[3.0f32, -1.0, 2.0], [3.0, 4.0, -5.0]];
    let (sorted, indices, order, best, places, sums, products) = in_order(&x)?;
    assert_eq!(sorted, array![[3.0, 4.0, 2.0], [3.0, -1.0, -5.0]]);
    assert_eq!(indices, array![[0, 1, 0], [1, 0, 1]]);
    assert_eq!(order, array![[1, 2, 0], [2, 0, 1]]);
    assert_eq!(best, array![[3.0, 2.0], [4.0, 3.0]]);
    assert_eq!(places, array![[0, 2], [1, 0]]);
    assert_eq!(sums, array![[3.0, -1.0, 2.0], [6.0, 3.0, -3.0]]);
    assert_eq!(products, array![[3.0, -3.0, -6.0], [3.0, 12.0, -60.0]]);
    let x = array![1.0f32, 5.0, -2.0, 3.0];
    assert_eq!(best_of(&x)?, 34.0);
    Ok(())
}
