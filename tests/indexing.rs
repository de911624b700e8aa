//! Indices, updates of what they name, and parts of tensors, by plain Rust.

#![deny(warnings)]

use ndarray::{Array, Array1, Array2, Array3, ArrayD, Axis, array, s};
use sinew::ops::meshgrid;
use sinew::prelude::*;

const FIRST: usize = 1;
const LAST: usize = 4;
const STEP: usize = 2;

/// Numbers that differ.
fn of<D: ndarray::Dimension>(shape: impl ndarray::ShapeBuilder<Dim = D>) -> Array<f32, D> {
    let mut k = 0.0;
    Array::from_shape_simple_fn(shape, || {
        k += 1.0;
        k
    })
}

#[model]
fn ellipses<A, B, C>(
    x: Tensor<A, B, C, 5>,
) -> (
    Tensor<A, B, C>,
    Tensor<B, C, 5>,
    Tensor<A, 5>,
    Tensor<A, B, C, 2>,
    Tensor<A, B, 5>,
    Tensor<A, B, C, 5>,
) {
    (
        x[(.., 1)],
        x[-1],
        x[(.., 0, -1, ..)],
        x[(.., 3..)],
        x[(.., .., 0, ..)],
        x[..],
    )
}

#[test]
fn an_ellipsis_stands_for_all_axes_between() -> sinew::Result<()> {
    let x = of((2, 3, 4, 5));
    let (last, first, middle, ends, each, all) = ellipses(&x)?;
    assert_eq!(last, x.slice(s![.., .., .., 1]));
    assert_eq!(first, x.slice(s![-1, .., .., ..]));
    assert_eq!(middle, x.slice(s![.., 0, -1, ..]));
    assert_eq!(ends, x.slice(s![.., .., .., 3..]));
    assert_eq!(each, x.slice(s![.., .., 0, ..]));
    assert_eq!(all, x);
    Ok(())
}

#[model]
fn behind_a_sequence<S, N>(
    x: Tensor<[S], N, 3>,
) -> (
    Tensor<[S], N>,
    Tensor<[S], 3>,
    Tensor<[S], N, 2>,
    Tensor<[S], N, 1, 3>,
    Tensor<[S], N, 3>,
) {
    (
        x[(.., 1)],
        x[(.., 0, ..)],
        x[(.., (..).rev().step_by(2))],
        x[(.., None, ..)],
        x.set((.., 1), 0.0).add_at((.., -1, ..), 1.0),
    )
}

#[test]
fn a_sequence_is_what_the_first_ellipsis_stands_for() -> sinew::Result<()> {
    for lead in [vec![], vec![2], vec![2, 1, 3]] {
        let shape: Vec<usize> = [lead.as_slice(), &[4, 3]].concat();
        let x: ArrayD<f32> = of(shape);
        let rank = lead.len();
        let (column, row, turned, new, updated) = behind_a_sequence(x.view())?;
        assert_eq!(column, x.index_axis(Axis(rank + 1), 1));
        assert_eq!(row, x.index_axis(Axis(rank), 0));
        let wanted = x.slice_axis(Axis(rank + 1), ndarray::Slice::new(0, None, -2));
        assert_eq!(turned, wanted);
        assert_eq!(new, x.clone().insert_axis(Axis(rank + 1)));
        let mut wanted = x.clone();
        wanted.index_axis_mut(Axis(rank + 1), 1).fill(0.0);
        wanted
            .index_axis_mut(Axis(rank), 3)
            .mapv_inplace(|v| v + 1.0);
        assert_eq!(updated, wanted);
    }
    Ok(())
}

#[model]
fn ranges<N>(
    x: Tensor<N, 9>,
) -> (
    Tensor<N, 4>,
    Tensor<N, 9>,
    Tensor<N, 3>,
    Tensor<N, 3>,
    Tensor<N, 2>,
    Tensor<N, { LAST - FIRST }>,
    Tensor<N, 5>,
    Tensor<N>,
) {
    (
        x[(.., (1..9).step_by(2))],
        x[(.., (..).rev())],
        x[(.., (..=-2).step_by(3))],
        x[(.., (2..8).rev().step_by(2))],
        x[(.., (2..8).step_by(2).rev().step_by(2))],
        x[(.., FIRST..LAST)],
        x[(.., (..).step_by(STEP))][(.., (0..5))],
        x[(.., -LAST)],
    )
}

#[test]
fn ranges_have_steps_and_go_backwards() -> sinew::Result<()> {
    let x = of((2, 9));
    let found = ranges(&x)?;
    assert_eq!(found.0, x.slice(s![.., 1..9;2]));
    assert_eq!(found.1, x.slice(s![.., ..;-1]));
    assert_eq!(found.2, x.slice(s![.., ..8;3]));
    assert_eq!(found.3, x.slice(s![.., 2..8;-2]));
    assert_eq!(found.4, x.select(Axis(1), &[6, 2]));
    assert_eq!(found.5, x.slice(s![.., 1..4]));
    assert_eq!(found.6, x.slice(s![.., ..;2]));
    assert_eq!(found.7, x.slice(s![.., 5]));
    Ok(())
}

#[model]
fn steps_of_any_size<N, K>(x: Tensor<{ 3 * N }>, k: Tensor<K>) -> (Tensor<N>, Tensor, Tensor) {
    (
        x[(..).step_by(3)],
        x[(..).step_by(K)].sum() + 0 * k.sum(),
        x[-K],
    )
}

#[test]
fn steps_are_sizes_too() -> sinew::Result<()> {
    for (n, k) in [(1, 1), (2, 4), (3, 5), (2, 6)] {
        let x = of(3 * n);
        let (third, sum, from_end) = steps_of_any_size(&x, Array1::<f32>::zeros(k))?;
        assert_eq!(third, x.slice(s![..;3]));
        assert_eq!(sum, x.slice(s![..;k as isize]).sum());
        assert_eq!(from_end, x[3 * n - k]);
    }
    Ok(())
}

#[model]
fn new_axes<A, B>(
    x: Tensor<A, B>,
    i: Tensor<i32, 2>,
) -> (
    Tensor<1, A, B>,
    Tensor<A, 1, B, 1>,
    Tensor<A, B>,
    Tensor<1, 2, 1, B>,
) {
    (
        x[None],
        x[(.., None, .., None)],
        x[(.., 0, None)] - x[(.., 0)][(.., None)] + x,
        x[(None, i, None)],
    )
}

#[test]
fn none_is_a_new_axis() -> sinew::Result<()> {
    let x = of((3, 4));
    let (front, around, same, taken) = new_axes(&x, [2, 0])?;
    assert_eq!(front, x.clone().insert_axis(Axis(0)));
    assert_eq!(around, x.clone().insert_axis(Axis(1)).insert_axis(Axis(3)));
    assert_eq!(same, x);
    let wanted = x.select(Axis(0), &[2, 0]);
    assert_eq!(taken, wanted.insert_axis(Axis(1)).insert_axis(Axis(0)));
    Ok(())
}

#[model]
fn by_tensors<N, K>(
    x: Tensor<N, 4, 5>,
    i: Tensor<i32, K, 2>,
    j: Tensor<i32, 2>,
    one: Tensor<i32>,
) -> (
    Tensor<K, 2, 4, 5>,
    Tensor<N, K, 2, 2>,
    Tensor<N, 4>,
    Tensor<K, 2, 5>,
    Tensor<K, 2>,
    Tensor<K, 2>,
    Tensor<2, 4, 5>,
) {
    (
        x[i],
        x[(.., i, 1..3)],
        x[(.., one)],
        x[(i, j)],
        x[(i, j, 3)],
        x[(i, j, one)],
        x[(j + 1,)],
    )
}

#[test]
fn tensors_are_indices() -> sinew::Result<()> {
    let x = of((4, 4, 5));
    let i = array![[3, 0], [1, 1], [2, 3]];
    let j = array![1, 2];
    let (slices, middle, last, pairs, elements, triples, next) = by_tensors(&x, &i, &j, 4)?;
    let at = |k: usize, l: usize| i[(k, l)] as usize;
    for k in 0..3 {
        for l in 0..2 {
            let index = at(k, l);
            assert_eq!(slices.slice(s![k, l, .., ..]), x.slice(s![index, .., ..]));
            assert_eq!(middle.slice(s![.., k, l, ..]), x.slice(s![.., index, 1..3]));
            assert_eq!(pairs.slice(s![k, l, ..]), x.slice(s![index, j[l], ..]));
            assert_eq!(elements[(k, l)], x[(index, j[l] as usize, 3)]);
            assert_eq!(triples[(k, l)], x[(index, j[l] as usize, 4)]);
        }
    }
    assert_eq!(last, x.slice(s![.., .., 4]));
    assert_eq!(next, x.select(Axis(0), &[2, 3]));
    Ok(())
}

#[model]
fn behind_any_dims<S, K>(
    x: Tensor<[S], 4, 3>,
    i: Tensor<i32, K>,
) -> (
    Tensor<[S], K, 3>,
    Tensor<[S], 4, K>,
    Tensor<[S], 4, 3>,
    Tensor<[S], 4, 3>,
) {
    (
        x[(.., i, ..)],
        x[(.., i)],
        x.add_at((.., i, ..), 1.0),
        x.set((.., i), -1.0),
    )
}

#[test]
fn tensors_are_indices_behind_a_sequence() -> sinew::Result<()> {
    for lead in [vec![], vec![2], vec![2, 1, 3]] {
        let shape: Vec<usize> = [lead.as_slice(), &[4, 3]].concat();
        let x: ArrayD<f32> = of(shape);
        let rank = lead.len();
        let (rows, columns, added, set) = behind_any_dims(x.view(), [2, 0, 2, 1])?;
        assert_eq!(rows, x.select(Axis(rank), &[2, 0, 2, 1]));
        assert_eq!(columns, x.select(Axis(rank + 1), &[2, 0, 2, 1]));
        let mut wanted = x.clone();
        for i in [2, 0, 2, 1] {
            wanted
                .index_axis_mut(Axis(rank), i)
                .mapv_inplace(|v| v + 1.0);
        }
        assert_eq!(added, wanted);
        assert!(set.iter().all(|v| *v == -1.0));
    }
    Ok(())
}

#[model]
fn picked<B, C>(x: Tensor<B, C>, labels: Tensor<i32, B>) -> Tensor<B> {
    x[(arange(B), labels)]
}

#[test]
fn a_row_and_its_label_pick_together() -> sinew::Result<()> {
    let x = of((3, 4));
    assert_eq!(picked(&x, [1, 3, 0])?, array![2.0, 8.0, 9.0]);
    Ok(())
}

#[model]
fn updates<N>(
    x: Tensor<N, 6>,
    row: Tensor<6>,
    column: Tensor<N>,
    k: Tensor<i32>,
    flags: Tensor<bool, 6>,
) -> (
    Tensor<N, 6>,
    Tensor<N, 6>,
    Tensor<N, 6>,
    Tensor<N, 6>,
    Tensor<bool, 6>,
    Tensor<N, 6>,
) {
    (
        x.set(0, row).add_at(-1, 10.0),
        x.set((.., 2), column)
            .set((.., (0..5).step_by(4)), column[(.., None)]),
        x.set((.., k), column).add_at((.., k), 1.0),
        x.set((0, 1..3), row[2..4]).set((.., FIRST), 0.0),
        flags.set(1..4, true).set(k, false),
        x.set(.., row).add_at((), 2.0 * x).set((.., 3..3), 5.0),
    )
}

#[test]
fn updates_replace_and_add_to_what_an_index_names() -> sinew::Result<()> {
    let x = of((3, 6));
    let row = Array1::from_iter((0..6).map(|i| -(i as f32)));
    let column = array![100.0f32, 200.0, 300.0];
    let flags = array![false, false, true, false, true, false];
    let found = updates(&x, &row, &column, 4, &flags)?;
    let mut wanted = x.clone();
    wanted.row_mut(0).assign(&row);
    wanted.row_mut(2).mapv_inplace(|v| v + 10.0);
    assert_eq!(found.0, wanted);
    let mut wanted = x.clone();
    for c in [2, 0, 4] {
        wanted.column_mut(c).assign(&column);
    }
    assert_eq!(found.1, wanted);
    let mut wanted = x.clone();
    wanted.column_mut(4).assign(&(&column + 1.0));
    assert_eq!(found.2, wanted);
    let mut wanted = x.clone();
    wanted.slice_mut(s![0, 1..3]).assign(&row.slice(s![2..4]));
    wanted.column_mut(1).fill(0.0);
    assert_eq!(found.3, wanted);
    assert_eq!(found.4.to_vec(), [false, true, true, true, false, false]);
    let wanted = &x * 2.0 + &row;
    assert_eq!(found.5, wanted);
    Ok(())
}

#[model]
fn at_rows<N, K>(
    x: Tensor<N, 3>,
    i: Tensor<i32, K>,
    y: Tensor<K, 3>,
    n: Tensor<i32, 5>,
) -> (
    Tensor<N, 3>,
    Tensor<N, 3>,
    Tensor<N, 3>,
    Tensor<i32, 5>,
    Tensor<3, N>,
) {
    (
        x.set(i, y),
        x.add_at(i, y),
        x.set(i, 0.5),
        n.set(i, 7).add_at(i, 1),
        x.t().set((.., i), y.t()),
    )
}

#[test]
fn of_equal_indices_the_last_is_set_and_all_are_added() -> sinew::Result<()> {
    let x = of((4, 3));
    let i = [2, 0, 2];
    let y = array![
        [f32::NAN, f32::INFINITY, 1.0],
        [-1.0, -2.0, -3.0],
        [7.0, 8.0, 9.0]
    ];
    let (set, added, same, whole, turned) = at_rows(&x, i, &y, [1, 2, 3, 4, 5])?;
    let mut wanted = x.clone();
    wanted.row_mut(0).assign(&y.row(1));
    wanted.row_mut(2).assign(&y.row(2));
    assert_eq!(set, wanted);
    assert_eq!(turned, wanted.t());
    assert_eq!(added.row(0), &x.row(0) + &y.row(1));
    assert_eq!(added[(2, 2)], x[(2, 2)] + 10.0);
    assert!(added[(2, 0)].is_nan() && added[(2, 1)].is_infinite());
    assert_eq!(same.row(2).to_vec(), [0.5; 3]);
    assert_eq!(same.row(1), x.row(1));
    assert_eq!(whole.to_vec(), [8, 2, 9, 4, 5]);
    Ok(())
}

#[model]
fn in_a_loop<T>(x: Tensor<T, 3>) -> (Tensor<T, 3>, Tensor<T>) {
    let mut y = 0 * x;
    let mut sums = zeros([T]);
    for t in 0..T {
        y = y.set((t, ..), 2 * x[(t, ..)]);
        sums = sums.add_at(t, x[(t, None)].sum());
    }
    (y, sums)
}

#[test]
fn a_loops_index_is_set() -> sinew::Result<()> {
    for t in [1, 5] {
        let x = of((t, 3));
        let (doubled, sums) = in_a_loop(&x)?;
        assert_eq!(doubled, &x * 2.0);
        assert_eq!(sums, x.sum_axis(Axis(1)));
    }
    Ok(())
}

#[model]
fn padded<N>(
    x: Tensor<2, N>,
) -> (
    Tensor<2, { N + 3 }>,
    Tensor<3, { N + 1 }>,
    Tensor<2, { N + 4 }>,
    Tensor<4, N>,
    Tensor<2, { N + 3 }>,
) {
    (
        x.pad([(1, 2)], mode = "edge"),
        x.pad([(1, 0), (0, 1)], "edge"),
        x.pad([(2, 2)], "reflect"),
        x.pad([(1, 1), (0, 0)], mode = "reflect"),
        x.pad([(1, 2)], value = -1.5),
    )
}

#[test]
fn edges_are_repeated_and_mirrored() -> sinew::Result<()> {
    for n in [3, 4, 5] {
        let x = of((2, n));
        let (edge, both, mirrored, rows, constant) = padded(&x)?;
        let at = |i: isize, n: usize| i.clamp(0, n as isize - 1) as usize;
        let wanted = Array2::from_shape_fn((2, n + 3), |(r, c)| x[(r, at(c as isize - 1, n))]);
        assert_eq!(edge, wanted);
        let wanted = Array2::from_shape_fn((3, n + 1), |(r, c)| {
            x[(at(r as isize - 1, 2), at(c as isize, n))]
        });
        assert_eq!(both, wanted);
        let mirror = |i: isize| {
            let last = n as isize - 1;
            (last - (last - i.abs()).abs()) as usize
        };
        let wanted = Array2::from_shape_fn((2, n + 4), |(r, c)| x[(r, mirror(c as isize - 2))]);
        assert_eq!(mirrored, wanted);
        let wanted = x.select(Axis(0), &[1, 0, 1, 0]);
        assert_eq!(rows, wanted);
        assert_eq!((constant[(1, 0)], constant[(1, 1)]), (-1.5, x[(1, 0)]));
    }
    Ok(())
}

#[test]
fn an_axis_that_is_too_short_is_mirrored_nowhere() {
    let error = padded(of((2, 2))).expect_err("two elements have one beside the end");
    let told = error.to_string();
    assert!(
        told.contains("1..3 step 1 does not fit an axis of 2"),
        "{told}"
    );
}

const EVEN: usize = 6;

#[model]
fn parts<N>(
    x: Tensor<{ 2 * N }, EVEN>,
    y: Tensor<N>,
    z: Tensor<N, N>,
) -> (
    Tensor<N, EVEN>,
    Tensor<{ 2 * N }, { EVEN / 3 }>,
    Tensor<{ N - 1 }>,
    Tensor<2>,
    Tensor<{ N - 1 }>,
    Tensor<N, N>,
    Tensor<N, N>,
) {
    let (top, bottom) = x.chunk(2);
    let (a, b, c) = x.chunk(3, axis = -1);
    (
        top - bottom,
        a + b - c,
        y.narrow(0, 1, N - 1),
        y.narrow(0, start = -2, length = 2),
        y.slice(0, 0, -1),
        z.triu(),
        z.triu(k = -1) + z.tril(-2),
    )
}

#[test]
fn parts_are_narrow_equal_and_triangular() -> sinew::Result<()> {
    let (x, y, z) = (of((8, 6)), of(4), of((4, 4)));
    let (halves, thirds, behind, last, before, upper, whole) = parts(&x, &y, &z)?;
    assert_eq!(halves, &x.slice(s![..4, ..]) - &x.slice(s![4.., ..]));
    let wanted = &x.slice(s![.., ..2]) + &x.slice(s![.., 2..4]) - x.slice(s![.., 4..]);
    assert_eq!(thirds, wanted);
    assert_eq!(behind, y.slice(s![1..]));
    assert_eq!(last, y.slice(s![2..]));
    assert_eq!(before, y.slice(s![..3]));
    let wanted = Array2::from_shape_fn((4, 4), |(i, j)| if i <= j { z[(i, j)] } else { 0.0 });
    assert_eq!(upper, wanted);
    assert_eq!(whole, z);
    Ok(())
}

#[model]
fn sliding<N>(
    x: Tensor<2, { N + 2 }>,
) -> (
    Tensor<2, N, 3>,
    Tensor<2, { N - 2 }, 3>,
    Tensor<2, { (N + 2) / 2 }, 2>,
    Tensor<1, 2, { N + 2 }>,
) {
    (
        x.windows(3),
        x.windows(size = 3, dilation = 2),
        x.windows(2, step = 2, axis = -1),
        x.windows(2, axis = 0),
    )
}

#[test]
fn windows_slide() -> sinew::Result<()> {
    for n in [2, 3, 5] {
        let x = of((2, n + 2));
        let (plain, wide, apart, rows) = sliding(&x)?;
        let wanted = Array3::from_shape_fn((2, n, 3), |(r, o, k)| x[(r, o + k)]);
        assert_eq!(plain, wanted);
        let wanted = Array3::from_shape_fn((2, n - 2, 3), |(r, o, k)| x[(r, o + 2 * k)]);
        assert_eq!(wide, wanted);
        let wanted = Array3::from_shape_fn((2, (n + 2) / 2, 2), |(r, o, k)| x[(r, 2 * o + k)]);
        assert_eq!(apart, wanted);
        assert_eq!(rows, x.clone().insert_axis(Axis(0)));
    }
    Ok(())
}

#[model]
fn grids<N, M>(
    x: Tensor<N>,
    y: Tensor<M>,
    n: Tensor<i32, 2>,
    mask: Tensor<bool, M, N>,
) -> (
    Tensor<M, N>,
    Tensor<N, M>,
    Tensor<N, M, 2>,
    Tensor<M, N>,
    Tensor<M, N>,
    Tensor<i32, 2>,
) {
    let (a, b) = meshgrid([x, y]);
    let (c, d) = meshgrid([x, y], indexing = "ij");
    let (e, f, g) = meshgrid([x, y, n.cast(float)], "ij");
    (
        a - b,
        c - d,
        e + f * g,
        where_(mask, a, 0.5),
        where_(mask, 1, -1.0),
        where_(n > 1, n, 0),
    )
}

#[test]
fn grids_and_choices() -> sinew::Result<()> {
    let (x, y) = (of(3), of(2) * 10.0);
    let mask = array![[true, false, true], [false, false, true]];
    let (xy, ij, three, some, signs, whole) = grids(&x, &y, [1, 2], &mask)?;
    assert_eq!(xy, Array2::from_shape_fn((2, 3), |(i, j)| x[j] - y[i]));
    assert_eq!(ij, Array2::from_shape_fn((3, 2), |(i, j)| x[i] - y[j]));
    let n = [1.0, 2.0];
    let wanted = Array3::from_shape_fn((3, 2, 2), |(i, j, k)| x[i] + y[j] * n[k]);
    assert_eq!(three, wanted);
    let wanted = Array2::from_shape_fn((2, 3), |(i, j)| if mask[(i, j)] { x[j] } else { 0.5 });
    assert_eq!(some, wanted);
    assert_eq!(signs, mask.mapv(|m| if m { 1.0 } else { -1.0 }));
    assert_eq!(whole.to_vec(), [0, 2]);
    Ok(())
}

#[model]
fn of_few<N>(x: Tensor<N, 3>) -> (Tensor<N, 3>, Tensor<N>, Tensor<{ N + 1 }, 3>, Tensor<N, 0>) {
    (
        x.set((.., 1), 2.0).triu(),
        x[(.., -1)],
        x.pad([(1, 0), (0, 0)], value = 1.0),
        x[((..).rev(), 2..2)],
    )
}

#[test]
fn axes_of_one_and_no_index() -> sinew::Result<()> {
    let (a, b, c, d) = of_few([[1.0, 3.0, 5.0]])?;
    assert_eq!(a, array![[1.0, 2.0, 5.0]]);
    assert_eq!(b, array![5.0]);
    assert_eq!(c, array![[1.0, 1.0, 1.0], [1.0, 3.0, 5.0]]);
    assert_eq!(d.shape(), [1, 0]);
    Ok(())
}
