//! The digits: 1797 pictures of 8 by 8 pixels, and what they show.

use ndarray::{Array1, Array2, Axis};
use std::error::Error;

/// Pixels of a picture.
pub const PIXELS: usize = 64;
/// Pictures that are trained on; the rest tests.
pub const TRAIN_ROWS: usize = 1437;
/// The order in which the data's rows are dealt to training and test, the same in every run: rows of
/// one writer stand together in the file.
const SPLIT_SEED: u64 = 1998;

/// Pictures with pixels from 0 to 1, one a row, and their digits.
pub struct Digits {
    pub x: Array2<f32>,
    pub y: Array1<i32>,
}

impl Digits {
    /// Those to train on, and those to test with.
    pub fn read() -> Result<(Digits, Digits), Box<dyn Error>> {
        let text = include_str!("../data/digits.csv");
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for line in text.lines().skip(1) {
            let mut numbers = line.split(',').map(str::parse::<i32>);
            for pixel in numbers.by_ref().take(PIXELS) {
                pixels.push(pixel? as f32 / 16.0);
            }
            labels.push(numbers.next().ok_or("a row without a label")??);
        }
        let x = Array2::from_shape_vec((labels.len(), PIXELS), pixels)?;
        let all = Digits {
            x,
            y: Array1::from(labels),
        };
        let dealt = shuffled(all.y.len(), &mut SPLIT_SEED.clone());
        let (train, test) = dealt.split_at(TRAIN_ROWS);
        Ok((all.rows(train), all.rows(test)))
    }

    /// These rows of them.
    pub fn rows(&self, rows: &[usize]) -> Digits {
        Digits {
            x: self.x.select(Axis(0), rows),
            y: self.y.select(Axis(0), rows),
        }
    }
}

/// A permutation of `0..n`: Fisher-Yates on a 64-bit congruential generator (Knuth's MMIX constants).
pub fn shuffled(n: usize, state: &mut u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        *state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        order.swap(i, (*state >> 33) as usize % (i + 1));
    }
    order
}
