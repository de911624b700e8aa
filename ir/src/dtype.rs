//! Element types.

use std::fmt;

/// The type of a tensor's elements.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DType {
    /// The working float: what a type that names none has. Bound to `F32` or `F64` by the linker.
    Float,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64 (CPU only).
    F64,
    /// IEEE 754 binary16: stored so, and computed with in f32.
    F16,
    /// bfloat16, the upper half of an f32: stored so, and computed with in f32.
    Bf16,
    /// Two's complement, 32 bits.
    I32,
    /// Unsigned, 32 bits.
    U32,
    /// A truth value; stored as a 32-bit 0 or 1.
    Bool,
}

impl DType {
    /// Every element type, in the order of the text form's table.
    pub const ALL: [DType; 8] = [
        DType::Float,
        DType::F32,
        DType::F64,
        DType::F16,
        DType::Bf16,
        DType::I32,
        DType::U32,
        DType::Bool,
    ];

    /// The name in the text form: `float`, `f32`, `f64`, `f16`, `bf16`, `i32`, `u32`, `bool`.
    pub fn name(self) -> &'static str {
        match self {
            DType::Float => "float",
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::F16 => "f16",
            DType::Bf16 => "bf16",
            DType::I32 => "i32",
            DType::U32 => "u32",
            DType::Bool => "bool",
        }
    }

    /// The element type called `name`.
    pub fn parse(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// What it is where the working float is `float`.
    pub fn with_float(self, float: DType) -> DType {
        match self == DType::Float {
            true => float,
            false => self,
        }
    }

    /// Whether it has derivatives.
    pub fn is_float(self) -> bool {
        match self {
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => true,
            DType::I32 | DType::U32 | DType::Bool => false,
        }
    }

    /// Whether it is `F16` or `Bf16`.
    pub fn is_half(self) -> bool {
        self.computes_in() != self
    }

    /// The type that its elements are computed in: f32 for halves, for all others their own.
    pub fn computes_in(self) -> DType {
        match self {
            DType::F16 | DType::Bf16 => DType::F32,
            DType::Float | DType::F32 | DType::F64 | DType::I32 | DType::U32 | DType::Bool => self,
        }
    }

    /// Whether it is `I32` or `U32`.
    pub fn is_integer(self) -> bool {
        match self {
            DType::I32 | DType::U32 => true,
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 | DType::Bool => {
                false
            }
        }
    }

    /// Whether a number is an element of it, rounding aside: integers hold whole numbers of their range.
    pub fn holds(self, number: f64) -> bool {
        let (least, greatest) = match self {
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => return true,
            DType::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
            DType::U32 => (0.0, f64::from(u32::MAX)),
            DType::Bool => (0.0, 1.0),
        };
        number.fract() == 0.0 && (least..=greatest).contains(&number)
    }

    /// The element nearest to a number that it holds; the working float rounds when it is bound.
    pub fn nearest(self, number: f64) -> f64 {
        match self {
            DType::F32 => f64::from(number as f32),
            DType::F16 | DType::Bf16 => crate::half::nearest(self, number),
            DType::Float | DType::F64 | DType::I32 | DType::U32 | DType::Bool => number,
        }
    }

    /// Bytes an element takes in memory; `None` for the working float, which has no size yet.
    pub fn size(self) -> Option<usize> {
        match self {
            DType::Float => None,
            DType::F32 | DType::I32 | DType::U32 | DType::Bool => Some(4),
            DType::F64 => Some(8),
            DType::F16 | DType::Bf16 => Some(2),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
