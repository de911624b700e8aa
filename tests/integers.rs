//! Integers of any width as labels and indices: the same values, or an error that names the one that does
//! not fit.

use crate::floats::floats as floats_of_devices;
use sinew::Error;
use sinew::ndarray::{Array1, Array3, array};
use sinew::prelude::*;

#[model]
fn picked<B, N>(x: Tensor<N>, i: Tensor<i32, B>) -> Tensor<B> {
    x[i]
}

#[model]
fn same<N>(i: Tensor<u32, N>) -> Tensor<u32, N> {
    i
}

const X: [f32; 4] = [10.0, 11.0, 12.0, 13.0];

#[test]
fn every_width_is_taken() -> sinew::Result<()> {
    let expected = array![13.0f32, 10.0, 11.0];
    assert_eq!(picked(X, [3i8, 0, 1])?, expected);
    assert_eq!(picked(X, [3i16, 0, 1])?, expected);
    assert_eq!(picked(X, [3, 0, 1])?, expected);
    assert_eq!(picked(X, vec![3i64, 0, 1])?, expected);
    assert_eq!(picked(X, array![3isize, 0, 1])?, expected);
    assert_eq!(picked(X, &[3u8, 0, 1][..])?, expected);
    assert_eq!(picked(X, [3u16, 0, 1])?, expected);
    assert_eq!(picked(X, array![3u32, 0, 1].view())?, expected);
    assert_eq!(picked(X, Array1::from(vec![3u64, 0, 1]))?, expected);
    assert_eq!(picked(X, vec![3usize, 0, 1])?, expected);
    // One kept program serves them all.
    let run = picked::compile().build()?;
    assert_eq!(run.run(X, [3u8, 0, 1])?, expected);
    assert_eq!(run.run(X, [3i64, 0, 1])?, expected);
    let stats = run.cache_stats();
    assert_eq!(stats.compiles + stats.shared, 1);
    Ok(())
}

#[model]
fn brightness<B, H, W>(pictures: Tensor<B, H, W>) -> Tensor<B> {
    (pictures / 255).mean(axis = (1, 2))
}

/// A picture is what it would be of floats, on each device and in each float, and in another order.
#[test]
fn pictures_of_bytes_are_floats() -> sinew::Result<()> {
    let bytes = Array3::from_shape_fn((3, 5, 7), |(b, i, j)| (b * 97 + i * 31 + j * 5) as u8);
    let floats = bytes.mapv(f64::from);
    for (device, precision, _) in floats_of_devices() {
        let run = brightness::compile()
            .device(device)
            .precision(precision)
            .build()?;
        assert_eq!(run.run_f64(&bytes)?, run.run_f64(&floats)?);
        assert_eq!(run.run_f64(bytes.t())?, run.run_f64(floats.t())?);
        assert_eq!(run.compiles(), 2);
    }
    let white = brightness([[[255u8; 2]; 4]])?;
    assert_eq!(white, array![1.0]);
    Ok(())
}

#[test]
fn reversed_and_strided_views_are_read_in_order() -> sinew::Result<()> {
    let all = array![9i64, 3, 9, 0, 9, 1];
    let odd = all.slice(sinew::ndarray::s![1..;2]);
    assert_eq!(picked(X, odd)?, array![13.0f32, 10.0, 11.0]);
    assert_eq!(
        picked(X, odd.slice(sinew::ndarray::s![..;-1]))?,
        array![11.0f32, 10.0, 13.0]
    );
    Ok(())
}

#[test]
fn what_does_not_fit_is_named() -> sinew::Result<()> {
    let run = same::compile().build()?;
    let refused = |error: Option<Error>, at: usize, expected: f64| match error {
        Some(Error::Range {
            argument,
            position,
            value,
            ..
        }) => {
            assert_eq!(
                (argument.as_str(), position, value),
                ("i", vec![at], expected)
            );
        }
        other => panic!("{other:?}"),
    };
    let most = u64::from(u32::MAX);
    assert_eq!(run.run([most, 1])?, array![u32::MAX, 1]);
    refused(run.run([1u64, most + 1]).err(), 1, 4_294_967_296.0);
    refused(run.run([-1i32, 0]).err(), 0, -1.0);
    refused(run.run([0i64, 5, i64::MIN]).err(), 2, i64::MIN as f64);
    let text = run.run([-7i8]).err().map(|e| e.to_string());
    let expected = "`i` holds -7 at [0], and is declared with elements of u32";
    assert_eq!(text.as_deref(), Some(expected));
    Ok(())
}
