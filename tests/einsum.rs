//! Texts that name axes: einsum, and the patterns of `rearrange`, `reduce` and `repeat`, by plain Rust.

#![deny(warnings)]

use ndarray::{Array, Array1, Array2, Array3, Array4, ArrayD, Axis, array};
use sinew::ops::{rearrange, reduce, repeat};
use sinew::prelude::*;

fn close(found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape());
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-5 * e.abs().max(1.0),
            "{found} for {expected}"
        );
    }
}

/// Numbers that differ.
fn of<D: ndarray::Dimension>(
    shape: impl ndarray::ShapeBuilder<Dim = D>,
    seed: f32,
) -> Array<f32, D> {
    let mut k = 0.0;
    Array::from_shape_simple_fn(shape, || {
        k += 1.0;
        (k * 1.7 + seed).sin()
    })
}

#[model]
fn diagonals<N, M>(
    x: Tensor<N, M, N>,
    y: Tensor<N, N, N>,
) -> (Tensor<N, M>, Tensor<M>, Tensor<N>, Tensor, Tensor<M, N>) {
    (
        einsum("imi->im", x),
        einsum("imi->m", x),
        einsum("iii->i", y),
        einsum("iii->", y),
        einsum("imi", x).unsqueeze(1) + einsum("iji->ji", x),
    )
}

#[test]
fn a_letter_twice_is_the_diagonal() -> sinew::Result<()> {
    for (n, m) in [(3, 2), (1, 1), (2, 3), (5, 1)] {
        let (x, y) = (of((n, m, n), 0.0), of((n, n, n), 0.5));
        let (rows, trace, line, all, both) = diagonals(&x, &y)?;
        let wanted = Array2::from_shape_fn((n, m), |(i, j)| x[(i, j, i)]);
        let sums = wanted.sum_axis(Axis(0));
        close(&rows.into_dyn(), &wanted.clone().into_dyn());
        close(&trace.into_dyn(), &sums.clone().into_dyn());
        let third = Array1::from_shape_fn(n, |i| y[(i, i, i)]);
        assert_eq!(line, third);
        assert!((all - third.sum()).abs() < 1e-5);
        let both_wanted = sums.insert_axis(Axis(1)) + wanted.t();
        close(&both.into_dyn(), &both_wanted.into_dyn());
    }
    Ok(())
}

#[model]
fn implied<A, B, C>(
    x: Tensor<B, A>,
    y: Tensor<A, C>,
    z: Tensor<7, C, B>,
) -> (Tensor<A, B>, Tensor<B, C>, Tensor<A, B>, Tensor<7>) {
    (
        einsum("ba", x),
        einsum("ij,jk", x, y),
        einsum("ba,ac,zcb,z->ab", x, y, z, ones([7])),
        einsum("ba,ac,...cb", x, y, z),
    )
}

#[test]
fn without_an_arrow_the_result_is_numpys() -> sinew::Result<()> {
    let (x, y, z) = (of((3, 2), 0.0), of((2, 4), 0.5), of((7, 4, 3), 0.9));
    let (t, product, _, traces) = implied(&x, &y, &z)?;
    assert_eq!(t, x.t());
    close(&product.into_dyn(), &x.dot(&y).into_dyn());
    let wanted = Array1::from_shape_fn(7, |i| {
        let z = z.index_axis(Axis(0), i);
        x.dot(&y).dot(&z).diag().sum()
    });
    close(&traces.into_dyn(), &wanted.into_dyn());
    Ok(())
}

#[model]
fn between<S, N>(
    x: Tensor<N, 2, 3, 4>,
    y: Tensor<4, 3, 5>,
    z: Tensor<[S], N, 3>,
) -> (Tensor<2, 3, N, 5>, Tensor<[S], 3>, Tensor<4, 2, 3, N>) {
    (
        einsum("i...j,j...k->...ik", x, y),
        einsum("...ni,...ni->...i", z, z),
        einsum("a...b->b...a", x),
    )
}

#[test]
fn an_ellipsis_stands_anywhere_and_broadcasts() -> sinew::Result<()> {
    let (x, y) = (of((6, 2, 3, 4), 0.0), of((4, 3, 5), 0.5));
    let z: ArrayD<f32> = of((2, 1, 6, 3), 0.1).into_dyn();
    let (products, squares, turned) = between(&x, &y, z.view())?;
    let wanted = Array4::from_shape_fn((2, 3, 6, 5), |(a, b, i, k)| {
        (0..4).map(|j| x[(i, a, b, j)] * y[(j, b, k)]).sum()
    });
    close(&products.into_dyn(), &wanted.into_dyn());
    close(&squares, &(&z * &z).sum_axis(Axis(2)));
    assert_eq!(turned, x.view().permuted_axes([3, 1, 2, 0]));
    Ok(())
}

#[model]
fn eight(
    a: Tensor<2, 3>,
    b: Tensor<3, 4>,
    c: Tensor<4, 2>,
    d: Tensor<2, 5>,
    e: Tensor<5, 1>,
    f: Tensor<1, 3>,
    g: Tensor<3>,
    h: Tensor,
) -> Tensor<2, 3> {
    einsum("ab,bc,cd,de,ef,fg,g,->ag", a, b, c, d, e, f, g, h)
}

#[test]
fn eight_operands_are_one_product() -> sinew::Result<()> {
    let (a, b, c) = (of((2, 3), 0.1), of((3, 4), 0.2), of((4, 2), 0.3));
    let (d, e, f) = (of((2, 5), 0.4), of((5, 1), 0.5), of((1, 3), 0.6));
    let g = of(3, 0.7);
    let found = eight(&a, &b, &c, &d, &e, &f, &g, 2.0)?;
    let wanted = a.dot(&b).dot(&c).dot(&d).dot(&e).dot(&f) * &g * 2.0;
    close(&found.into_dyn(), &wanted.into_dyn());
    Ok(())
}

const WIDTH: usize = 6;
const HEADS: usize = 2;
const HEAD: usize = 3;

#[model(where(E == H * D))]
fn split<B, T, E, H, D>(
    x: Tensor<B, T, E>,
    y: Tensor<B, T, WIDTH>,
    like: Tensor<H, D>,
) -> (
    Tensor<B, H, T, D>,
    Tensor<B, HEADS, T, HEAD>,
    Tensor<{ B * T }, H, 1, D>,
    Tensor<B, T, E>,
) {
    let heads = x.rearrange("b t (h d) -> b h t d", h = H) + 0 * like.unsqueeze(1);
    (
        heads,
        rearrange("b t (h d) -> b h t d", y, h = HEADS, d = HEAD),
        // Names that are called as symbols have their sizes.
        x.rearrange("B T (H D) -> (B T) H () D"),
        rearrange("b h t d -> b t (h d)", heads),
    )
}

#[test]
fn axes_are_split_moved_and_merged() -> sinew::Result<()> {
    let x = of((2, 5, 12), 0.0);
    let y = of((2, 5, WIDTH), 0.5);
    let (heads, of_consts, merged, back) = split(&x, &y, Array2::<f32>::zeros((3, 4)))?;
    let at = |b: usize, t: usize, h: usize, d: usize| x[(b, t, h * 4 + d)];
    let wanted = Array4::from_shape_fn((2, 3, 5, 4), |(b, h, t, d)| at(b, t, h, d));
    assert_eq!(heads, wanted);
    let wanted = Array4::from_shape_fn((2, 2, 5, 3), |(b, h, t, d)| y[(b, t, h * 3 + d)]);
    assert_eq!(of_consts, wanted);
    let wanted = Array4::from_shape_fn((10, 3, 1, 4), |(r, h, _, d)| at(r / 5, r % 5, h, d));
    assert_eq!(merged, wanted);
    assert_eq!(back, x);
    Ok(())
}

#[model]
fn images<S, B, H, W>(
    x: Tensor<B, 3, { H * 2 }, { W * 2 }>,
    y: Tensor<[S], H, { W * 5 }>,
    like: Tensor<H, W>,
) -> (
    Tensor<B, 3, H, W>,
    Tensor<B, 3>,
    Tensor<B, 3, 1, 1>,
    Tensor<{ B * H * W }, 12>,
    Tensor<[S], W, H>,
    Tensor<[S]>,
    Tensor<H>,
) {
    (
        reduce("b c (h 2) (w 2) -> b c h w", x, "max") + 0 * like,
        x.reduce("b c ... -> b c", "mean"),
        x.reduce("b c h w -> b c () 1"),
        x.rearrange("b c (h p) (w q) -> (b h w) (c p q)", p = 2, q = 2),
        y.reduce("... h (w k) -> ... w h", "min", k = 5),
        y.reduce("... h w -> ...", "prod"),
        y.reduce("... h w -> h", "sum"),
    )
}

#[test]
fn axes_that_the_right_side_lacks_are_reduced() -> sinew::Result<()> {
    let x = of((2, 3, 4, 6), 0.0);
    let y: ArrayD<f32> = of((3, 1, 2, 15), 0.2).into_dyn();
    let (pooled, mean, sum, patches, least, product, all) =
        images(&x, y.view(), Array2::<f32>::zeros((2, 3)))?;
    let wanted = Array4::from_shape_fn((2, 3, 2, 3), |(b, c, h, w)| {
        let part = x.slice(ndarray::s![b, c, 2 * h..2 * h + 2, 2 * w..2 * w + 2]);
        part.iter().copied().fold(f32::MIN, f32::max)
    });
    assert_eq!(pooled, wanted);
    let sums = x.sum_axis(Axis(3)).sum_axis(Axis(2));
    close(&mean.into_dyn(), &(&sums / 24.0).into_dyn());
    let kept = sums.insert_axis(Axis(2)).insert_axis(Axis(3));
    close(&sum.into_dyn(), &kept.into_dyn());
    let wanted = Array2::from_shape_fn((12, 12), |(r, k)| {
        let (b, h, w) = (r / 6, r / 3 % 2, r % 3);
        x[(b, k / 4, h * 2 + k / 2 % 2, w * 2 + k % 2)]
    });
    assert_eq!(patches, wanted);
    let wanted = ArrayD::from_shape_fn(vec![3, 1, 3, 2], |i| {
        let row = (0..5).map(|k| y[[i[0], i[1], i[3], i[2] * 5 + k]]);
        row.fold(f32::MAX, f32::min)
    });
    assert_eq!(least, wanted);
    let wanted = ArrayD::from_shape_fn(vec![3, 1], |i| {
        let part = y.index_axis(Axis(0), i[0]);
        part.iter().product::<f32>()
    });
    close(&product, &wanted);
    let wanted = y.sum_axis(Axis(3)).sum_axis(Axis(0)).sum_axis(Axis(0));
    close(&all.into_dyn(), &wanted);
    Ok(())
}

#[model]
fn repeated<S, B, T>(
    x: Tensor<B, 2>,
    y: Tensor<[S], T>,
    n: Tensor<i32, B>,
) -> (
    Tensor<B, T, 2>,
    Tensor<{ B * 3 }, 2>,
    Tensor<{ 3 * B }, 4>,
    Tensor<[S], 2, { T * 2 }>,
    Tensor<i32, B, 1, 3>,
) {
    (
        repeat("b d -> b t d", x, t = T),
        x.repeat("b d -> (b 3) d"),
        x.repeat("b d -> (n b) (2 d)", n = 3),
        y.repeat("... t -> ... 2 (t k)", k = 2),
        n.repeat("b -> b 1 n", n = 3),
    )
}

#[test]
fn new_axes_repeat() -> sinew::Result<()> {
    let x = array![[1.0f32, 2.0], [3.0, 4.0]];
    let y: ArrayD<f32> = array![[5.0, 6.0, 7.0]].into_dyn();
    let (rows, each, all, twice, whole) = repeated(&x, y.view(), [8, 9])?;
    assert_eq!(
        rows,
        Array3::from_shape_fn((2, 3, 2), |(b, _, d)| x[(b, d)])
    );
    assert_eq!(each, Array2::from_shape_fn((6, 2), |(r, d)| x[(r / 3, d)]));
    assert_eq!(
        all,
        Array2::from_shape_fn((6, 4), |(r, d)| x[(r % 2, d % 2)])
    );
    let wanted = array![[
        [5.0, 5.0, 6.0, 6.0, 7.0, 7.0],
        [5.0, 5.0, 6.0, 6.0, 7.0, 7.0]
    ]];
    assert_eq!(twice, wanted.into_dyn());
    assert_eq!(whole, array![[[8, 8, 8]], [[9, 9, 9]]]);
    Ok(())
}

#[model]
fn odd<B, H>(
    x: Tensor<B, { H * 4 }>,
) -> (Tensor<H, { B * 4 }>, Tensor<B>, Tensor<B, 2, { H * 4 }>) {
    (
        x.rearrange("b (h d) -> h (b d)", d = 4),
        x.reduce("b (h d) -> b", "sum", d = 4),
        x.repeat("b d -> b 2 d"),
    )
}

#[test]
fn axes_of_one_index_are_axes() -> sinew::Result<()> {
    for (b, h) in [(1, 3), (3, 1), (1, 1), (5, 3)] {
        let x = of((b, h * 4), 0.3);
        let (moved, sums, twice) = odd(&x)?;
        let wanted = Array2::from_shape_fn((h, b * 4), |(h, k)| x[(k / 4, h * 4 + k % 4)]);
        assert_eq!(moved, wanted);
        close(&sums.into_dyn(), &x.sum_axis(Axis(1)).into_dyn());
        assert_eq!(twice.shape(), [b, 2, h * 4]);
    }
    Ok(())
}
