//! Initialisers: how a parameter starts.
//!
//! The definitions and names are those of `torch.nn.init` with its default arguments (gain 1 for
//! Xavier; `a = 0`, `fan_in`, so gain sqrt(2), for Kaiming). Glorot and Bengio 2010; He et al. 2015.
//! `fan_in_uniform` is what PyTorch's layers start with (its `kaiming_uniform` with `a = sqrt(5)`).
//! Fans follow this library's layouts: a matrix is [in, out]; with more axes the layout is
//! [out, in, window..] as in PyTorch, both fans multiplied by the window's elements. With fewer than
//! two axes both fans are the number of elements.

use crate::random::Stream;

/// How a parameter's elements are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Every element is the value.
    Constant(f64),
    /// Normal around 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Uniform from `low` to `high`.
    Uniform {
        /// Least value.
        low: f64,
        /// Upper end: what is drawn in f64 is below it, and may be rounded to it in f32.
        high: f64,
    },
    /// Uniform on ±sqrt(6 / (fan_in + fan_out)).
    XavierUniform,
    /// Normal with standard deviation sqrt(2 / (fan_in + fan_out)).
    XavierNormal,
    /// Uniform on ±sqrt(6 / fan_in).
    KaimingUniform,
    /// Normal with standard deviation sqrt(2 / fan_in).
    KaimingNormal,
}

/// Zeros: `#[init(zeros)]`.
pub const fn zeros() -> Init {
    Init::Constant(0.0)
}

/// Ones: `#[init(ones)]`.
pub const fn ones() -> Init {
    Init::Constant(1.0)
}

/// One value: `#[init(constant(0.5))]`.
pub const fn constant(value: f64) -> Init {
    Init::Constant(value)
}

/// Normal around 0 with the given standard deviation: `#[init(normal(0.02))]`.
pub const fn normal(std: f64) -> Init {
    Init::Normal { std }
}

/// Uniform from `low` to `high`: `#[init(uniform(-0.1, 0.1))]`.
pub const fn uniform(low: f64, high: f64) -> Init {
    Init::Uniform { low, high }
}

/// Uniform on ±1 / sqrt(inputs): `#[init(fan_in_uniform(I))]`, as the weights and biases of PyTorch's layers start.
///
/// The number of inputs is told, since a bias has no axis of them; none counts as one.
pub fn fan_in_uniform(inputs: usize) -> Init {
    let bound = 1.0 / (inputs.max(1) as f64).sqrt();
    Init::Uniform {
        low: -bound,
        high: bound,
    }
}

/// [`Init::XavierUniform`]: `#[init(xavier_uniform)]`.
pub const fn xavier_uniform() -> Init {
    Init::XavierUniform
}

/// [`Init::XavierNormal`]: `#[init(xavier_normal)]`.
pub const fn xavier_normal() -> Init {
    Init::XavierNormal
}

/// [`Init::KaimingUniform`]: `#[init(kaiming_uniform)]`.
pub const fn kaiming_uniform() -> Init {
    Init::KaimingUniform
}

/// [`Init::KaimingNormal`]: `#[init(kaiming_normal)]`.
pub const fn kaiming_normal() -> Init {
    Init::KaimingNormal
}

/// (fan_in, fan_out) of a parameter; at least 1 each, so that an empty one divides nothing by 0.
fn fans(shape: &[usize]) -> (f64, f64) {
    let (fan_in, fan_out) = match shape {
        [rows, columns] => (*rows, *columns),
        [out, inputs, window @ ..] => {
            let window: usize = window.iter().product();
            (inputs * window, out * window)
        }
        few => (few.iter().product(), few.iter().product()),
    };
    (fan_in.max(1) as f64, fan_out.max(1) as f64)
}

impl Init {
    /// The elements of the leaf at `path` in row-major order; `None` if there is no memory for them.
    pub(crate) fn values(self, seed: u64, path: &str, shape: &[usize]) -> Option<Vec<f32>> {
        let n = elements(shape)?;
        let mut values = Vec::new();
        values.try_reserve_exact(n).ok()?;
        let stream = Stream::new(seed, path);
        let (fan_in, fan_out) = fans(shape);
        let indices = 0..n as u64;
        let uniform = |values: &mut Vec<f32>, low: f64, high: f64| {
            let draw = |i| (low + (high - low) * stream.uniform(i)) as f32;
            values.extend(indices.clone().map(draw));
        };
        let normal = |values: &mut Vec<f32>, std: f64| {
            let draw = |i| (std * stream.normal(i)) as f32;
            values.extend(indices.clone().map(draw));
        };
        match self {
            Init::Constant(value) => values.resize(n, value as f32),
            Init::Uniform { low, high } => uniform(&mut values, low, high),
            Init::XavierUniform => {
                let bound = (6.0 / (fan_in + fan_out)).sqrt();
                uniform(&mut values, -bound, bound);
            }
            Init::KaimingUniform => {
                let bound = (6.0 / fan_in).sqrt();
                uniform(&mut values, -bound, bound);
            }
            Init::Normal { std } => normal(&mut values, std),
            Init::XavierNormal => normal(&mut values, (2.0 / (fan_in + fan_out)).sqrt()),
            Init::KaimingNormal => normal(&mut values, (2.0 / fan_in).sqrt()),
        }
        Some(values)
    }
}

/// The number of elements of a shape, if their bytes can be counted in f64 at all. An extent of 0
/// does not hide the others: libraries multiply them too.
fn elements(shape: &[usize]) -> Option<usize> {
    let mut others = shape.iter().filter(|e| **e != 0);
    let bytes = others.try_fold(size_of::<f64>(), |n, e| n.checked_mul(*e))?;
    isize::try_from(bytes).ok()?;
    Some(shape.iter().product())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Standard deviation of a 200 x 300 matrix, which five standard errors (1.5%) surround.
    fn deviation(init: Init) -> f64 {
        let values = init.values(3, "w", &[200, 300]).expect("little memory");
        let squares = values.iter().map(|v| f64::from(*v).powi(2));
        (squares.sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn deviations_are_pytorchs() {
        for (init, expected) in [
            (normal(0.02), 0.02),
            (uniform(-0.3, 0.3), 0.3 / 3f64.sqrt()),
            (fan_in_uniform(16), 0.25 / 3f64.sqrt()),
            (xavier_uniform(), (2.0 / 500f64).sqrt()),
            (xavier_normal(), (2.0 / 500f64).sqrt()),
            (kaiming_uniform(), (2.0 / 200f64).sqrt()),
            (kaiming_normal(), (2.0 / 200f64).sqrt()),
        ] {
            let found = deviation(init);
            assert!(
                (found / expected - 1.0).abs() < 0.015,
                "{init:?}: {found} for {expected}"
            );
        }
    }

    #[test]
    fn bounds_hold() {
        let bound = (6.0f32 / 5.0).sqrt();
        let values = kaiming_uniform()
            .values(0, "w", &[5, 999])
            .expect("little memory");
        assert!(values.iter().all(|v| v.abs() <= bound));
        assert!(values.iter().any(|v| v.abs() > 0.99 * bound));
    }

    #[test]
    fn no_inputs_are_one() {
        assert_eq!(fan_in_uniform(0), uniform(-1.0, 1.0));
        assert_eq!(fan_in_uniform(4), uniform(-0.5, 0.5));
    }

    #[test]
    fn windows_count_into_fans() {
        assert_eq!(fans(&[8, 3, 5, 5]), (75.0, 200.0));
        assert_eq!(fans(&[7]), (7.0, 7.0));
        assert_eq!(fans(&[]), (1.0, 1.0));
        assert_eq!(fans(&[0, 4]), (1.0, 4.0));
    }

    /// The first numbers, fixed: a change would silently start every model elsewhere. They come from
    /// Philox4x32-10, FNV-1a and Box and Muller's formula written again in Python.
    #[test]
    fn values_stay_the_same() {
        let values = |init: Init| init.values(42, "hidden.w", &[3]).expect("little memory");
        assert_eq!(values(normal(1.0)), [-1.4453543, -0.8786382, -0.31405282]);
        assert_eq!(
            values(uniform(-0.5, 0.5)),
            [0.19221449, -0.143765, -0.21921775]
        );
    }
}
