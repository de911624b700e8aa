//! Numbers of files as elements of arrays.

use half::{bf16, f16};

/// A number as a file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A truth value.
    Bool(bool),
    /// An integer of any width.
    Int(i128),
    /// A float of any width.
    Float(f64),
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Bool(value) => write!(f, "{value}"),
            Number::Int(value) => write!(f, "{value}"),
            Number::Float(value) => write!(f, "{value:?}"),
        }
    }
}

/// What arrays of files may be read as.
///
/// Integers take integers in their range, floats that are whole numbers, and truth values as 0 and 1. Floats take floats,
/// rounded, but none that only an infinity would stand for, and integers that they hold exactly. `bool` takes truth
/// values.
pub trait Element: Copy + Default + Send + Sync + 'static {
    /// What messages call it.
    const NAME: &'static str;
    /// The number as one of these; none if it is none.
    fn of(number: Number) -> Option<Self>;
    /// What is written in a cell of a table.
    fn parse(text: &str) -> Option<Self>;
}

macro_rules! integer {
    ($($integer:ident, $name:literal;)*) => {$(
        impl Element for $integer {
            const NAME: &'static str = $name;
            fn of(number: Number) -> Option<Self> {
                match number {
                    Number::Bool(value) => Some(value.into()),
                    Number::Int(value) => value.try_into().ok(),
                    // Past 2^63 not all integers are floats, and one of these would be another than is written.
                    Number::Float(value) if value.fract() == 0.0 && value.abs() < 9.3e18 => {
                        (value as i128).try_into().ok()
                    }
                    Number::Float(_) => None,
                }
            }
            fn parse(text: &str) -> Option<Self> {
                let whole = text.parse().ok();
                whole.or_else(|| Self::of(Number::Float(text.parse().ok()?)))
            }
        }
    )*};
}
integer! {
    i8, "an i8"; i16, "an i16"; i32, "an i32"; i64, "an i64"; isize, "an isize";
    u8, "a u8"; u16, "a u16"; u32, "a u32"; u64, "a u64"; usize, "a usize";
}

/// A float that the value is near, or the same infinity; none past its range.
fn in_range(value: f64, rounded: f64) -> bool {
    value.is_infinite() || !rounded.is_infinite()
}

macro_rules! float {
    ($($float:ident, $name:literal, $from:expr, $to:expr;)*) => {$(
        impl Element for $float {
            const NAME: &'static str = $name;
            fn of(number: Number) -> Option<Self> {
                let (from, to): (fn(f64) -> $float, fn($float) -> f64) = ($from, $to);
                match number {
                    Number::Bool(value) => Some(from(f64::from(u8::from(value)))),
                    Number::Int(value) => {
                        let rounded = from(value as f64);
                        let back = to(rounded);
                        (back.is_finite() && back as i128 == value).then_some(rounded)
                    }
                    Number::Float(value) => {
                        let rounded = from(value);
                        in_range(value, to(rounded)).then_some(rounded)
                    }
                }
            }
            fn parse(text: &str) -> Option<Self> {
                let to: fn($float) -> f64 = $to;
                let wide: f64 = text.parse().ok()?;
                let value: $float = text.parse().ok()?;
                in_range(wide, to(value)).then_some(value)
            }
        }
    )*};
}
float! {
    f32, "an f32", |v| v as f32, f64::from;
    f64, "an f64", |v| v, |v| v;
    f16, "an f16", f16::from_f64, f64::from;
    bf16, "a bf16", bf16::from_f64, f64::from;
}

impl Element for bool {
    const NAME: &'static str = "a bool";
    fn of(number: Number) -> Option<bool> {
        match number {
            Number::Bool(value) => Some(value),
            Number::Int(_) | Number::Float(_) => None,
        }
    }
    fn parse(text: &str) -> Option<bool> {
        match text {
            "true" | "True" | "1" => Some(true),
            "false" | "False" | "0" => Some(false),
            _ => None,
        }
    }
}
