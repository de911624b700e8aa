//! Sources of rows: stacking, errors, threads.

use ndarray::{Array1, Array2, array};
use sinew_data::{AnyError, Error, Loader, Source, prefetch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Rows that fail, panic or differ where that is asked for.
#[derive(Default)]
struct Rows {
    count: usize,
    failing: Option<usize>,
    panicking: Option<usize>,
    longer: Option<usize>,
    asked: Arc<AtomicUsize>,
    dropped: Told,
}

/// Says that it is gone.
#[derive(Default)]
struct Told(Arc<AtomicBool>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Source for Rows {
    type Row = (Array1<f32>, Array2<u8>, i32, bool);

    fn len(&self) -> usize {
        self.count
    }

    fn get(&self, row: usize) -> Result<Self::Row, AnyError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.failing == Some(row) {
            return Err("the disk is full of holes".into());
        }
        assert!(self.panicking != Some(row), "row {row} is cursed");
        let width = 2 + usize::from(self.longer == Some(row));
        let image = Array2::from_elem((2, 3), row as u8);
        Ok((
            Array1::from_elem(width, row as f32),
            image,
            row as i32,
            row.is_multiple_of(2),
        ))
    }
}

fn loaders(rows: fn() -> Rows, size: usize) -> [Loader<Rows>; 3] {
    let loader = || Loader::new(rows(), size).expect("a size");
    [loader(), loader().prefetch(0), loader().prefetch(2)]
}

#[test]
fn rows_are_stacked() {
    for loader in loaders(
        || Rows {
            count: 5,
            ..Rows::default()
        },
        2,
    ) {
        let batches: Vec<_> = loader
            .epoch(0)
            .map(|batch| batch.expect("nothing fails"))
            .collect();
        assert_eq!((loader.len(), batches.len()), (3, 3));
        let (x, images, labels, even) = &batches[1];
        assert_eq!(x, array![[2.0, 2.0], [3.0, 3.0]]);
        assert_eq!((images.dim(), images[[1, 0, 2]]), ((2, 2, 3), 3));
        assert_eq!(
            (labels.to_vec(), even.to_vec()),
            (vec![2, 3], vec![true, false])
        );
        assert_eq!(batches[2].2.to_vec(), [4]);
    }
}

#[test]
fn orders_are_those_of_arrays() {
    let loader = Loader::new(
        Rows {
            count: 9,
            ..Rows::default()
        },
        4,
    )
    .expect("a size");
    let loader = loader.shuffle(11).drop_last().prefetch(3);
    let labels: Vec<usize> = loader
        .epoch(6)
        .flat_map(|batch| {
            batch
                .expect("nothing fails")
                .2
                .mapv(|label| label as usize)
                .to_vec()
        })
        .collect();
    assert_eq!(labels, sinew_data::order(9, 11, 6)[..8]);
}

#[test]
fn an_error_of_the_source_comes_through_and_is_the_last() {
    for loader in loaders(
        || Rows {
            count: 9,
            failing: Some(5),
            ..Rows::default()
        },
        2,
    ) {
        let found: Vec<_> = loader.epoch(0).collect();
        assert_eq!(found.len(), 3);
        assert!(found[0].is_ok() && found[1].is_ok());
        let error = found[2].as_ref().expect_err("row 5 fails").to_string();
        assert_eq!(error, "row 5 of the source: the disk is full of holes");
    }
}

#[test]
fn a_panic_of_the_source_is_an_error() {
    for loader in loaders(
        || Rows {
            count: 9,
            panicking: Some(3),
            ..Rows::default()
        },
        2,
    ) {
        let found: Vec<_> = loader.epoch(0).collect();
        assert_eq!(found.len(), 2);
        let error = found[1].as_ref().expect_err("row 3 panics");
        assert!(matches!(error, Error::Panicked { .. }));
        let expected = "the source, asked for row 3, panicked: row 3 is cursed";
        assert_eq!(error.to_string(), expected);
        // The next epoch begins anew.
        assert!(loader.epoch(1).next().is_some_and(|batch| batch.is_ok()));
    }
}

#[test]
fn rows_that_do_not_stack_are_an_error() {
    for loader in loaders(
        || Rows {
            count: 4,
            longer: Some(1),
            ..Rows::default()
        },
        3,
    ) {
        let error = loader
            .epoch(0)
            .next()
            .expect("an error")
            .expect_err("row 1 is longer");
        assert_eq!(
            error.to_string(),
            "row 1 has shape [3] in part 0, and the batch began with rows of shape [2]"
        );
    }
    // Batches may differ from each other.
    let loader = Loader::new(
        Rows {
            count: 3,
            longer: Some(1),
            ..Rows::default()
        },
        1,
    )
    .expect("a size");
    let widths: Vec<usize> = loader
        .epoch(0)
        .map(|batch| batch.expect("each fits").0.ncols())
        .collect();
    assert_eq!(widths, [2, 3, 2]);
}

#[test]
fn without_rows_there_are_no_batches() {
    for loader in loaders(Rows::default, 3) {
        assert!(loader.is_empty() && loader.epoch(0).next().is_none());
    }
    assert!(Loader::new(Rows::default(), 0).is_err());
}

/// The thread makes no more than may wait, and is gone when the epoch is dropped.
#[test]
fn an_epoch_that_is_dropped_early_ends_its_thread() {
    let rows = Rows {
        count: 1000,
        ..Rows::default()
    };
    let (asked, dropped) = (rows.asked.clone(), rows.dropped.0.clone());
    let loader = Loader::new(rows, 1).expect("a size").prefetch(3);
    let mut epoch = loader.epoch(0);
    drop(epoch.next());
    drop(epoch);
    let so_far = asked.load(Ordering::SeqCst);
    // The one that was taken, three that waited, and one that was to be sent, twice while the first was taken.
    assert!(so_far <= 6, "{so_far}");
    drop(loader);
    // The thread held the source too: it has ended.
    assert!(dropped.load(Ordering::SeqCst));
}

#[test]
fn a_panic_of_any_iterator_is_an_error() {
    let items = (0..3).inspect(|n| assert!(*n < 2, "there is no {n}"));
    let found: Vec<_> = prefetch(items, 1).expect("a thread").collect();
    assert!(matches!(found[..2], [Ok(0), Ok(1)]), "{found:?}");
    let error = found[2].as_ref().expect_err("it panics").to_string();
    assert_eq!(
        (found.len(), error.as_str()),
        (3, "what makes items ahead panicked: there is no 2")
    );
    // So many places would be taken at once.
    assert!(prefetch(0..3, usize::MAX).is_err());
}
