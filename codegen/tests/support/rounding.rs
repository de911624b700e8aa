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

    /// What a result that was found is; an error that says what it is otherwise.
    ///
    /// # Errors
    /// Where rounding does not explain it.
    pub fn judge(&self, result: usize, element: usize, found: f64) -> Result<Verdict, String> {
        let expected = self.expected[result].data[element];
        let near = (found - expected).abs() <= 1e-5 * (1.0 + expected.abs());
        if near || found == expected || (found.is_nan() && expected.is_nan()) {
            return Ok(Verdict::Right);
        }
        let (low, high) = self.bounds[result][element];
        // It lies among those of the disturbed runs, or as far beside them as they are apart.
        let apart = high - low;
        let infinite = low.is_infinite() || high.is_infinite();
        match infinite || (low - apart <= found && found <= high + apart) {
            true => Ok(Verdict::Rounded),
            false => Err(format!(
                "{found} and not {expected}, between {low} and {high} with other last digits"
            )),
        }
    }
}

/// Why a result is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what the interpreter says that rounds each value to f32.
    Right,
    /// It is what the interpreter says of values with other last digits: a comparison, a floor or a
    /// difference of nearly equal numbers came out otherwise.
    Rounded,
}

/// Counts results that only other last digits explain, and says how many there were at its end.
#[derive(Default)]
pub struct Flips(std::cell::Cell<(u64, u64)>);

impl Flips {
    /// As [`Rounding::judge`].
    ///
    /// # Errors
    /// Where rounding does not explain a result.
    pub fn judge(
        &self,
        rounding: &Rounding,
        (result, element): (usize, usize),
        found: f64,
    ) -> Result<(), String> {
        let (all, rounded) = self.0.get();
        let verdict = rounding.judge(result, element, found)?;
        let flipped = u64::from(verdict == Verdict::Rounded);
        self.0.set((all + 1, rounded + flipped));
        Ok(())
    }
}

impl Drop for Flips {
    fn drop(&mut self) {
        let (all, rounded) = self.0.get();
        println!("{rounded} of {all} results are explained by other last digits alone");
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
