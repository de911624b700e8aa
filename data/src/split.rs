//! Rows dealt to two sets: training and test.

use crate::arrays::{Arrays, Buffers, rows_of};
use crate::error::{Error, Result};
use crate::order::order;

/// Deals the rows of arrays that share their first axis to two sets: one to train on, and `share` of the rows (rounded
/// up) to test with. Which row goes where follows from the seed alone. Both sets are copies.
///
/// ```
/// use ndarray::Array1;
/// use sinew_data::split;
///
/// let (x, y) = (Array1::range(0.0f32, 10.0, 1.0), Array1::from_iter(0..10));
/// let ((x, y), (test_x, test_y)) = split((&x, &y), 0.25, 42)?;
/// assert_eq!((x.len(), y.len(), test_x.len(), test_y.len()), (7, 7, 3, 3));
/// assert_eq!(test_x.mapv(|x| x as i32), test_y);      // rows stay together
/// # Ok::<(), sinew_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::Rows`] for arrays whose first axes differ; [`Error::Setting`] for a share that is not between 0 and 1, or
/// that leaves one of the sets without rows; [`Error::OutOfMemory`].
pub fn split<A: Arrays>(arrays: A, share: f64, seed: u64) -> Result<(A::Batch, A::Batch)> {
    let rows = rows_of(&arrays)?;
    let wrong = |range| Error::Setting {
        setting: "the test set's share",
        value: format!("{share:?} of {rows} rows"),
        range,
    };
    if !(share > 0.0 && share < 1.0) {
        return Err(wrong("above 0 and below 1"));
    }
    // A share like 0.1 is a little more than a tenth: 0.1 of 30 rows are 3 all the same.
    let tests = (share * rows as f64 * (1.0 - f64::EPSILON)).ceil() as usize;
    if tests == 0 || tests >= rows {
        return Err(wrong("such that both sets have rows"));
    }
    let order = order(rows, seed, 0);
    let (test, train) = order.split_at(tests);
    let set = |rows: &[usize]| -> Result<A::Batch> {
        let mut set = arrays.room(rows.len())?;
        arrays.copy(rows.iter().copied(), &mut set);
        set.cut(rows.len());
        Ok(set)
    };
    Ok((set(train)?, set(test)?))
}
