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
            DType::F16 | DType::Bf16 => rounded(elements, dtype),
            DType::Float | DType::F32 | DType::F64 | DType::I32 | DType::U32 => elements,
        }
    }

    /// What there is where nothing is said: numbers between -0.5 and 0.5, integers from 0 to 4.
    pub fn unsaid(dtype: DType, count: usize, seed: usize) -> Vec<f64> {
        if dtype.is_float() {
            return rounded(numbers(count, seed + 1), dtype);
        }
        let elements = (0..count).map(|e| ((e * 7 + seed) % 5) as f64).collect();
        match dtype {
            DType::Bool => truths(elements),
            DType::Float
            | DType::F32
            | DType::F64
            | DType::F16
            | DType::Bf16
            | DType::I32
            | DType::U32 => elements,
        }
    }
}

/// Halves as they are in memory.
fn rounded(mut elements: Vec<f64>, dtype: DType) -> Vec<f64> {
    if dtype.is_half() {
        elements.iter_mut().for_each(|x| *x = dtype.nearest(*x));
    }
    elements
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

/// Numbers of f32 at which the cast to a half decides: each half, the middle to the next one and what lies
/// beside it, with both signs, and some all over f32.
pub fn around_halves(dtype: DType) -> Vec<f64> {
    let mut numbers: Vec<f32> = Vec::new();
    for bits in 0..=dtype.half_bits(f64::INFINITY) {
        let half = dtype.of_half_bits(bits);
        let next = dtype.of_half_bits(bits + 1);
        numbers.push(half as f32);
        let middle = ((half + next) / 2.0) as f32;
        numbers.extend([middle, middle.next_up(), middle.next_down()]);
    }
    numbers.extend((0..0x7fff_0000u32).step_by(70_001).map(f32::from_bits));
    numbers.extend([65519.996, 65520.0, f32::MAX, f32::NAN, f32::MIN_POSITIVE]);
    // Below those there are none: they count as zeros.
    numbers.retain(|x| x.is_nan() || *x == 0.0 || x.is_normal() || x.is_infinite());
    let both = numbers.iter().flat_map(|x| [f64::from(*x), -f64::from(*x)]);
    both.collect()
}
