//! What memory holds before a run, as files of kernels and programs say it: `1 2 3`, or `between -1 9`.

use super::numbers;
use sinew_ir::DType;

/// What a buffer or a parameter holds.
pub enum Data {
    /// These numbers.
    List(Vec<f64>),
    /// Random ones in a range.
    Between(f64, f64),
}

impl Data {
    /// # Panics
    /// At what is none.
    pub fn parse(text: &str) -> Data {
        match text.strip_prefix("between ") {
            None => Data::List(list(text)),
            Some(range) => match list(range)[..] {
                [low, high] => Data::Between(low, high),
                _ => panic!("`{text}` has two ends"),
            },
        }
    }

    /// The elements of a type; integers in place of random numbers, and bools of all.
    pub fn elements(&self, dtype: DType, count: usize, seed: usize) -> Vec<f64> {
        let elements = match self {
            Data::List(list) => list.clone(),
            Data::Between(low, high) => {
                let random = numbers(count, seed).into_iter();
                let random = random.map(|x| low + (x + 0.5) * (high - low));
                match dtype.is_float() {
                    true => random.collect(),
                    false => random.map(f64::round).collect(),
                }
            }
        };
        match dtype {
            DType::Bool => truths(elements),
            DType::Float | DType::F32 | DType::F64 | DType::I32 | DType::U32 => elements,
        }
    }

    /// What there is where nothing is said: numbers between -0.5 and 0.5, integers from 0 to 4.
    pub fn unsaid(dtype: DType, count: usize, seed: usize) -> Vec<f64> {
        if dtype.is_float() {
            return numbers(count, seed + 1);
        }
        let elements = (0..count).map(|e| ((e * 7 + seed) % 5) as f64).collect();
        match dtype {
            DType::Bool => truths(elements),
            DType::Float | DType::F32 | DType::F64 | DType::I32 | DType::U32 => elements,
        }
    }
}

fn truths(elements: Vec<f64>) -> Vec<f64> {
    let truth = |v: f64| f64::from(u8::from(v != 0.0));
    elements.into_iter().map(truth).collect()
}

/// The numbers of a line.
pub fn list(text: &str) -> Vec<f64> {
    let list = text.split_whitespace();
    list.map(|n| n.parse().expect("a number")).collect()
}
