//! Batches of arrays: their order, their sizes, what they cost.

use crate::allocation::allocations;
use ndarray::{Array1, Array2, Array3, ArrayD, IxDyn, ShapeBuilder, array, s};
use sinew_data::{Batches, Epochs, Error, order, prefetch, split};
use std::collections::BTreeSet;

/// Rows of two numbers, and their numbers.
fn rows(count: usize) -> (Array2<f32>, Array1<i64>) {
    let x = Array2::from_shape_fn((count, 2), |(row, column)| (10 * row + column) as f32);
    (x, Array1::from_iter(0..count as i64))
}

fn numbers(batches: &Batches<(Array2<f32>, Array1<i64>)>, epoch: u64) -> Vec<Vec<i64>> {
    let batch = |(x, y): (ndarray::ArcArray2<f32>, ndarray::ArcArray1<i64>)| {
        assert_eq!(x.dim(), (y.len(), 2));
        for (x, y) in x.rows().into_iter().zip(&y) {
            assert_eq!(x.to_vec(), [10.0 * *y as f32, 10.0 * *y as f32 + 1.0]);
        }
        y.to_vec()
    };
    batches.epoch(epoch).map(batch).collect()
}

#[test]
fn the_last_batch_has_the_rest_or_is_left_out() {
    let batches = Batches::new(rows(7), 3).expect("they fit");
    assert_eq!((batches.rows(), batches.len()), (7, 3));
    assert_eq!(
        numbers(&batches, 0),
        [vec![0, 1, 2], vec![3, 4, 5], vec![6]]
    );
    assert_eq!(numbers(&batches, 5), numbers(&batches, 0));
    assert_eq!(batches.epoch(0).len(), 3);
    let batches = batches.drop_last();
    assert_eq!((batches.rows(), batches.len()), (7, 2));
    assert_eq!(numbers(&batches, 0), [vec![0, 1, 2], vec![3, 4, 5]]);
    let batches = Batches::new(rows(6), 3).expect("they fit").drop_last();
    assert_eq!(numbers(&batches, 0), [vec![0, 1, 2], vec![3, 4, 5]]);
}

#[test]
fn padded_batches_repeat_the_last_row_and_tell_how_many_are_real() {
    let batches = Batches::new(rows(7), 3).expect("they fit");
    let found: Vec<_> = batches
        .padded(0)
        .map(|(rows, (x, y))| (rows, x.nrows(), y.to_vec()))
        .collect();
    let expected = [
        (3, 3, vec![0, 1, 2]),
        (3, 3, vec![3, 4, 5]),
        (1, 3, vec![6, 6, 6]),
    ];
    assert_eq!(found, expected);
    // All rows are fewer than a batch: there is one size without padding.
    let batches = Batches::new(rows(2), 5).expect("they fit");
    let found: Vec<_> = batches
        .padded(0)
        .map(|(rows, (_, y))| (rows, y.to_vec()))
        .collect();
    assert_eq!(found, [(2, vec![0, 1])]);
}

#[test]
fn without_rows_there_are_no_batches() {
    let batches = Batches::new(rows(0), 3).expect("none fit too");
    assert!(
        batches.is_empty()
            && batches.epoch(0).next().is_none()
            && batches.padded(0).next().is_none()
    );
    // A batch that is larger than the data has all of it, or is left out.
    let batches = Batches::new(rows(2), usize::MAX).expect("no more room than for two rows");
    assert_eq!(numbers(&batches, 0), [vec![0, 1]]);
    assert!(batches.drop_last().is_empty());
    // Rows of no elements are rows.
    let batches = Batches::new(Array2::<f32>::zeros((5, 0)), 2).expect("they fit");
    let found: Vec<_> = batches.epoch(0).map(|x| x.dim()).collect();
    assert_eq!(found, [(2, 0), (2, 0), (1, 0)]);
}

#[test]
fn what_makes_no_batches_is_an_error() {
    let said = |error: Error| error.to_string();
    let error = Batches::new((array![1.0], array![1, 2]), 1).expect_err("of other lengths");
    assert_eq!(
        said(error),
        "arrays of one set of rows must have the same first axis: array 0 has 1 rows, and array 1 2"
    );
    let error = Batches::new(array![1.0], 0).expect_err("of nothing");
    assert_eq!(said(error), "the batch size is 0, and must be at least 1");
    let scalar = ArrayD::<f32>::zeros(IxDyn(&[]));
    let error = Batches::new((array![1.0], &scalar), 1).expect_err("no rows");
    assert!(matches!(error, Error::Rows { number: 1, .. }), "{error}");
    assert!(Batches::new(&scalar, 1).is_err());
    // 2^60 rows that lie in no memory.
    let one = Array1::<f64>::zeros(1);
    let many = one.broadcast(1 << 60).expect("a view");
    let error = Batches::new(many, 1 << 60).expect_err("too much");
    assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
}

/// The order of seed 42's first epoch, worked out by the formula in Python's integers:
/// a machine with other words has the same.
#[test]
fn an_order_follows_from_seed_and_epoch_alone() {
    assert_eq!(order(10, 42, 0), ORDER);
    let shuffled = || Batches::new(rows(10), 4).expect("they fit").shuffle(42);
    let flat = |batches: &Batches<_>, epoch| numbers(batches, epoch).concat();
    let batches = shuffled();
    assert_eq!(flat(&batches, 0), ORDER.map(|row| row as i64));
    assert_eq!(flat(&batches, 3), flat(&shuffled(), 3));
    assert_ne!(flat(&batches, 3), flat(&batches, 4));
    let all: BTreeSet<i64> = flat(&batches, 9).into_iter().collect();
    assert!(all.into_iter().eq(0..10));
    // Seeds and epochs that add up to the same do not share orders.
    assert_ne!(order(10, 42, 1), order(10, 43, 0));
}

const ORDER: [usize; 10] = include!("data/order.txt");

#[test]
fn passes_over_a_reference_are_epochs_one_after_the_other() {
    let batches = Batches::new(Array1::from_iter(0..20), 20)
        .expect("they fit")
        .shuffle(1);
    let pass = || (&batches).into_iter().next().expect("a batch").to_vec();
    let epoch = |epoch| batches.epoch(epoch).next().expect("a batch").to_vec();
    assert_eq!([pass(), pass()], [epoch(0), epoch(1)]);
}

/// Views of any layout have the rows that they show.
#[test]
fn rows_of_any_layout_are_copied() {
    let x = Array3::from_shape_fn((4, 3, 2), |(i, j, k)| 100 * i + 10 * j + k);
    let columns = Array3::from_shape_fn((4, 3, 2).f(), |(i, j, k)| 100 * i + 10 * j + k);
    let backwards = x.slice(s![..;-1, .., ..]);
    let batches = Batches::new((&x, columns.view(), backwards), 3).expect("they fit");
    let mut seen = 0;
    for (number, (a, b, c)) in (&batches).into_iter().enumerate() {
        assert!(a.is_standard_layout() && b.is_standard_layout());
        for row in 0..a.shape()[0] {
            let at = 3 * number + row;
            assert_eq!(a.slice(s![row, .., ..]), x.slice(s![at, .., ..]));
            assert_eq!(b.slice(s![row, .., ..]), x.slice(s![at, .., ..]));
            assert_eq!(c.slice(s![row, .., ..]), x.slice(s![3 - at, .., ..]));
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
    let dynamic = x.into_dyn();
    let batch = Batches::new(&dynamic, 2).expect("they fit").epoch(0).next();
    assert_eq!(batch.expect("a batch").shape(), [2, 3, 2]);
}

#[test]
fn an_epoch_asks_for_memory_once() {
    let batches = Batches::new(rows(1000), 10).expect("they fit").shuffle(3);
    let mut epoch = batches.epoch(0);
    drop(epoch.next());
    let before = allocations();
    let mut sum = 0;
    for (_, y) in epoch {
        sum += y.sum();
    }
    assert_eq!(allocations() - before, 0);
    assert!(sum > 0);
}

#[test]
fn batches_that_are_kept_stay_as_they_are() {
    let batches = Batches::new(Array1::from_iter(0..100), 3).expect("they fit");
    let all: Vec<_> = batches.epoch(0).collect();
    let found: Vec<i32> = all.iter().flat_map(|batch| batch.to_vec()).collect();
    assert!(found.into_iter().eq(0..100));
}

#[test]
fn epochs_count_rows() {
    let batches = Batches::new(rows(7), 3).expect("they fit");
    assert_eq!(batches.batches(), 3);
    let found: Vec<usize> = batches
        .pass(0)
        .map(|batch| batch.expect("nothing fails").0)
        .collect();
    assert_eq!(found, [3, 3, 1]);
}

#[test]
fn batches_are_made_ahead_by_a_thread() {
    let batches = Batches::new(rows(50), 4).expect("they fit").shuffle(5);
    let ahead = prefetch(batches.epoch(2), 3).expect("a thread");
    let found: Vec<i64> = ahead
        .flat_map(|batch| batch.expect("nothing fails").1.to_vec())
        .collect();
    assert_eq!(found, numbers(&batches, 2).concat());
}

#[test]
fn splits_follow_from_the_seed_and_keep_rows_together() {
    let (x, y) = rows(10);
    let ((x1, y1), (x2, y2)) = split((&x, &y), 0.25, 7).expect("both have rows");
    assert_eq!((y1.len(), y2.len()), (7, 3));
    for (x, y) in x1
        .rows()
        .into_iter()
        .chain(x2.rows())
        .zip(y1.iter().chain(&y2))
    {
        assert_eq!(x[0], 10.0 * *y as f32);
    }
    let all: BTreeSet<i64> = y1.iter().chain(&y2).copied().collect();
    assert_eq!(all.len(), 10);
    let (_, (_, again)) = split((&x, &y), 0.25, 7).expect("both have rows");
    assert_eq!(again, y2);
    // A share is rounded up, but not for what binary fractions add: 0.07 of 100 are 7.
    for (rows, share, tests) in [
        (100, 0.07, 7),
        (30, 0.1, 3),
        (3, 0.5, 2),
        (2, 0.01, 1),
        (1797, 0.2, 360),
    ] {
        let (_, test) = split(Array1::<u8>::zeros(rows), share, 0).expect("both have rows");
        assert_eq!(test.len(), tests, "{share} of {rows}");
    }
    for share in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        assert!(split((&x, &y), share, 0).is_err(), "{share}");
    }
    let error = split(array![1], 0.5, 0).expect_err("one row").to_string();
    assert_eq!(
        error,
        "the test set's share is 0.5 of 1 rows, and must be such that both sets have rows"
    );
}
