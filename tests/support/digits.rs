//! The digits that training runs are made of.

use ndarray::{Array1, Array2};

/// The digits' pixels / 16 and labels.
pub fn digits() -> (Array2<f64>, Array1<i32>) {
    let text = include_str!("../../examples/data/digits.csv");
    let numbers = |line: &str| -> Vec<i32> {
        line.split(',')
            .map(|n| n.parse().expect("a number"))
            .collect()
    };
    let rows: Vec<Vec<i32>> = text.lines().skip(1).map(numbers).collect();
    let x = Array2::from_shape_fn((rows.len(), 64), |(i, j)| f64::from(rows[i][j]) / 16.0);
    (x, rows.iter().map(|r| r[64]).collect())
}
