//! What a program's results owe to rounding.

use super::random::Random;
use sinew_ir::{Array, DType, Function, interpret_through};

/// The meaning of a program in f32, and how far its results move when the last digits of all values on
/// the way do.
pub struct Rounding {
    /// Every value rounded to f32: what is expected.
    pub expected: Vec<Array>,
    /// The least and the greatest of what was found, element by element.
    bounds: Vec<Vec<(f64, f64)>>,
}

/// Runs with other last digits each. A comparison that rounding can turn comes out either way in some.
const RUNS: u64 = 24;

/// By how much values are disturbed, relatively: up to eight units in the last place of an f32. Compiled
/// code rounds sums in another order, and its functions are within four.
const DISTURBANCE: f64 = 1.0 / (1u64 << 20) as f64;

impl Rounding {
    /// Interprets a program in f32 as it is, and disturbed.
    pub fn new(function: &Function, inputs: &[Array]) -> Rounding {
        let run = |through: &mut dyn FnMut(&mut Array)| {
            interpret_through(function, inputs, through).unwrap_or_else(|e| panic!("{e}"))
        };
        let expected = run(&mut round);
        let point = |x: &f64| (*x, *x);
        let points = |a: &Array| a.data.iter().map(point).collect();
        let mut bounds: Vec<Vec<(f64, f64)>> = expected.iter().map(points).collect();
        for seed in 0..RUNS {
            let mut random = Random((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let disturbed = run(&mut |a: &mut Array| {
                if a.dtype == DType::F32 {
                    for x in &mut a.data {
                        let unit = random.below(2001) as f64 / 1000.0 - 1.0;
                        *x *= 1.0 + unit * DISTURBANCE;
                    }
                }
                round(a);
            });
            for (bounds, a) in bounds.iter_mut().zip(&disturbed) {
                for ((low, high), x) in bounds.iter_mut().zip(&a.data) {
                    (*low, *high) = match x.is_nan() {
                        true => (f64::NEG_INFINITY, f64::INFINITY),
                        false => (low.min(*x), high.max(*x)),
                    };
                }
            }
        }
        Rounding { expected, bounds }
    }

    /// What the disturbed runs found, for people.
    pub fn range(&self, result: usize, element: usize) -> String {
        let (low, high) = self.bounds[result][element];
        format!("between {low} and {high} with other last digits")
    }

    /// Whether rounding explains a result: it lies among those of the disturbed runs, or as far beside
    /// them as they are apart.
    pub fn explains(&self, result: usize, element: usize, found: f64) -> bool {
        let (low, high) = self.bounds[result][element];
        let apart = high - low;
        let infinite = low.is_infinite() || high.is_infinite();
        infinite || (low - apart <= found && found <= high + apart)
    }
}

/// Elements as their type holds them.
fn round(array: &mut Array) {
    if array.dtype == DType::F32 {
        array
            .data
            .iter_mut()
            .for_each(|x| *x = f64::from(*x as f32));
    }
}
