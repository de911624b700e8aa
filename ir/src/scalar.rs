//! The table of scalar instructions: what an elementwise op does to one element.
//!
//! An instruction is one line of its class here: name, meaning, cost, what is known of it. Whoever needs
//! one of these looks it up; what an emitter adds is the formula, found by an exhaustive match over the
//! class. The interpreter, the executor of kernels and the folding of constants share one evaluation,
//! [`Scalar::evaluate`].

use crate::dtype::DType;
use std::fmt;

/// One scalar instruction, by class.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scalar {
    /// A float to a float.
    Unary(UnaryFloat),
    /// A number to a number of its type.
    Number(UnaryNumber),
    /// Two numbers of one type to one of that type.
    Arithmetic(Arithmetic),
    /// Two elements of one type to a bool.
    Compare(Comparison),
    /// Bools to a bool.
    Logic(Logic),
    /// Two integers of one type to one of that type, by their bits.
    Bits(Bits),
    /// `condition ? a : b`; the condition is a bool, `a`, `b` and the result are of one type.
    Select,
    /// To the result's element type: floats to integers truncate and saturate, NaN to 0; integers to
    /// integers keep their low 32 bits; numbers to bool are `a != 0`; bools to numbers are 0 and 1.
    Cast,
}

/// What is known of a scalar instruction.
#[derive(Clone, Copy, Debug)]
pub struct ScalarDef {
    /// Its name: of its op, and in the names of kernels.
    pub name: &'static str,
    /// What it computes, which also says what it takes.
    pub meaning: Meaning,
    /// Whether the order of its two operands does not matter.
    pub commutes: bool,
    /// Whether it leaves its own results as they are.
    pub idempotent: bool,
    /// Its time, in additions.
    pub work: usize,
    /// The arguments that have a result: where tests draw them from, beside `edges`.
    pub domain: (f64, f64),
    /// Arguments at which its formulas change, for tests of emitters.
    pub edges: &'static [f64],
}

/// What an instruction computes: its reference, in f64, and for integers in 64 bits of which the low 32
/// are kept. Without a meaning for integers it takes floats only.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// Of one number.
    One {
        /// Of a float.
        float: fn(f64) -> f64,
        /// Of an integer.
        integer: Option<fn(i64) -> i64>,
    },
    /// Of two numbers of one type.
    Two {
        /// Of floats.
        float: fn(f64, f64) -> f64,
        /// Of integers.
        integer: Option<fn(i64, i64) -> i64>,
    },
    /// Of two integers of one type.
    Integers(fn(i64, i64) -> i64),
    /// Whether something holds of two elements of one type.
    Test {
        /// Whether it does.
        holds: fn(f64, f64) -> bool,
        /// Whether it is asked of bools too.
        bools: bool,
    },
    /// Of one bool.
    Truth(fn(bool) -> bool),
    /// Of two bools.
    Truths(fn(bool, bool) -> bool),
    /// Of [`Scalar::Select`].
    Select,
    /// Of [`Scalar::Cast`].
    Cast,
}

/// The work of a series: exponentials, logarithms, tangents, the error function.
pub const TRANSCENDENTAL: usize = 16;

/// The work of a division or a square root: they keep their unit busy for about four additions.
const DIVISION: usize = 4;

/// Near and far quarter turns: within a few of them, where exact parts of one end, and far beyond.
const QUARTERS: &[f64] = &[
    0.785,
    0.786,
    std::f32::consts::FRAC_PI_2 as f64,
    -(std::f32::consts::PI as f64),
    22.0,
    -355.0,
    8191.0,
    8193.0,
    1e6,
    -1e9,
    1e22,
];

const EVERYWHERE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// What most entries have.
const DEFAULT: ScalarDef = ScalarDef {
    name: "",
    meaning: Meaning::Select,
    commutes: false,
    idempotent: false,
    work: 1,
    domain: EVERYWHERE,
    edges: &[],
};

const fn function(name: &'static str, float: fn(f64) -> f64, work: usize) -> ScalarDef {
    ScalarDef {
        name,
        meaning: Meaning::One {
            float,
            integer: None,
        },
        work,
        ..DEFAULT
    }
}

const fn numeric(
    name: &'static str,
    float: fn(f64) -> f64,
    integer: fn(i64) -> i64,
    idempotent: bool,
) -> ScalarDef {
    ScalarDef {
        name,
        meaning: Meaning::One {
            float,
            integer: Some(integer),
        },
        idempotent,
        ..DEFAULT
    }
}

const fn arithmetic(
    name: &'static str,
    float: fn(f64, f64) -> f64,
    integer: fn(i64, i64) -> i64,
    commutes: bool,
) -> ScalarDef {
    ScalarDef {
        name,
        meaning: Meaning::Two {
            float,
            integer: Some(integer),
        },
        commutes,
        ..DEFAULT
    }
}

const fn comparison(
    name: &'static str,
    holds: fn(f64, f64) -> bool,
    bools: bool,
    commutes: bool,
) -> ScalarDef {
    ScalarDef {
        name,
        meaning: Meaning::Test { holds, bools },
        commutes,
        ..DEFAULT
    }
}

const fn bits(name: &'static str, meaning: fn(i64, i64) -> i64, commutes: bool) -> ScalarDef {
    ScalarDef {
        name,
        meaning: Meaning::Integers(meaning),
        commutes,
        ..DEFAULT
    }
}

const fn logic(name: &'static str, meaning: Meaning, commutes: bool) -> ScalarDef {
    ScalarDef {
        name,
        meaning,
        commutes,
        ..DEFAULT
    }
}

/// Makes the enum of each class, a constant of [`Scalar`] for each instruction, and the table.
macro_rules! table {
    ($(
        $(#[$about:meta])*
        $class:ident($kind:ident) {
            $($(#[$doc:meta])* $constant:ident $variant:ident = $def:expr;)*
        }
    )*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
            pub enum $kind {
                $($(#[$doc])* $variant,)*
            }

            impl $kind {
                const TABLE: &'static [ScalarDef] = &[$($def),*];

                /// The instructions of the class, each at its own place (`as usize`).
                pub const ALL: &'static [$kind] = &[$($kind::$variant),*];

                /// Its entry.
                pub const fn def(self) -> &'static ScalarDef {
                    &$kind::TABLE[self as usize]
                }
            }
        )*

        impl Scalar {
            $($($(#[$doc])* pub const $constant: Scalar = Scalar::$class($kind::$variant);)*)*
            /// `condition ? a : b`
            pub const SELECT: Scalar = Scalar::Select;
            /// To another element type.
            pub const CAST: Scalar = Scalar::Cast;

            /// Every instruction.
            pub const TABLE: &'static [Scalar] = &[
                $($(Scalar::$constant,)*)*
                Scalar::Select,
                Scalar::Cast,
            ];

            /// Its entry.
            pub const fn def(self) -> &'static ScalarDef {
                match self {
                    $(Scalar::$class(kind) => kind.def(),)*
                    Scalar::Select => &SELECT,
                    Scalar::Cast => &CAST,
                }
            }
        }
    };
}

const SELECT: ScalarDef = ScalarDef {
    name: "select",
    ..DEFAULT
};

const CAST: ScalarDef = ScalarDef {
    name: "cast",
    meaning: Meaning::Cast,
    ..DEFAULT
};

table! {
    /// Functions of a float.
    Unary(UnaryFloat) {
        /// The square root.
        SQRT Sqrt = ScalarDef {
            domain: (0.0, f64::INFINITY),
            ..function("sqrt", f64::sqrt, DIVISION)
        };
        /// `e^a`
        EXP Exp = ScalarDef {
            edges: &[88.5, 88.8, -87.0, -95.0, -103.9, -110.0],
            ..function("exp", f64::exp, TRANSCENDENTAL)
        };
        /// The natural logarithm.
        LOG Log = ScalarDef {
            domain: (0.0, f64::INFINITY),
            ..function("log", f64::ln, TRANSCENDENTAL)
        };
        /// `e^a - 1`, exact near 0.
        EXPM1 Expm1 = ScalarDef {
            edges: &[0.346, 0.347, -0.346, -0.347, 1e-30, 88.5, 88.8, -17.0, -104.0],
            ..function("expm1", f64::exp_m1, TRANSCENDENTAL)
        };
        /// `log(1 + a)`, exact near 0.
        LOG1P Log1p = ScalarDef {
            domain: (-1.0, f64::INFINITY),
            edges: &[-0.293, -0.292, 0.414, 0.415, 1e-30, -0.999, 1e30],
            ..function("log1p", f64::ln_1p, TRANSCENDENTAL)
        };
        /// The hyperbolic tangent.
        TANH Tanh = ScalarDef {
            edges: &[0.624, 0.626, 9.5, -9.5, 20.0],
            ..function("tanh", f64::tanh, TRANSCENDENTAL)
        };
        /// The error function.
        ERF Erf = ScalarDef {
            edges: &[0.99, 1.01, -1.01, 3.9, 4.1],
            ..function("erf", libm::erf, TRANSCENDENTAL)
        };
        /// The sine.
        SIN Sin = ScalarDef {
            edges: QUARTERS,
            ..function("sin", libm::sin, TRANSCENDENTAL)
        };
        /// The cosine.
        COS Cos = ScalarDef {
            edges: QUARTERS,
            ..function("cos", libm::cos, TRANSCENDENTAL)
        };
        /// The arc tangent.
        ATAN Atan = ScalarDef {
            edges: &[0.414, 0.4143, 2.414, 2.4143, -2.5, 1e10],
            ..function("atan", libm::atan, TRANSCENDENTAL)
        };
        /// The nearest integer, the even one of two.
        ROUND Round = ScalarDef {
            idempotent: true,
            edges: &[-0.5, 1.5, 2.5, -3.5, 0.49999997, 8388609.0, 4503599627370497.0],
            ..function("round", f64::round_ties_even, 1)
        };
        /// The greatest integer not above `a`.
        FLOOR Floor = ScalarDef {
            idempotent: true,
            ..function("floor", f64::floor, 1)
        };
    }

    /// Functions of a number that have its type.
    Number(UnaryNumber) {
        /// `-a`
        NEG Neg = numeric("neg", |a| -a, |a| -a, false);
        /// `|a|`
        ABS Abs = numeric("abs", f64::abs, i64::abs, true);
        /// -1, 0 or 1; NaN for NaN, and a zero keeps its sign.
        SIGN Sign = numeric("sign", sign, i64::signum, true);
    }

    /// Arithmetic of two numbers.
    Arithmetic(Arithmetic) {
        /// `a + b`
        ADD Add = arithmetic("add", |a, b| a + b, i64::wrapping_add, true);
        /// `a - b`
        SUB Sub = arithmetic("sub", |a, b| a - b, i64::wrapping_sub, false);
        /// `a * b`
        MUL Mul = arithmetic("mul", |a, b| a * b, i64::wrapping_mul, true);
        /// `a / b`, of floats.
        DIV Div = ScalarDef {
            name: "div",
            meaning: Meaning::Two { float: |a, b| a / b, integer: None },
            work: DIVISION,
            ..DEFAULT
        };
        /// The remainder with the sign of the divisor, of a zero too (NumPy's `%`); a zero integer
        /// divisor gives 0.
        REM Rem = ScalarDef {
            work: DIVISION,
            ..arithmetic("rem", remainder, integer_remainder, false)
        };
        /// The greater one; NaN if either is (NumPy's `maximum`).
        MAXIMUM Maximum = arithmetic("maximum", maximum, i64::max, true);
        /// The smaller one; NaN if either is.
        MINIMUM Minimum = arithmetic("minimum", minimum, i64::min, true);
    }

    /// Comparisons.
    Compare(Comparison) {
        /// `a < b`, of numbers.
        LT Lt = comparison("lt", |a, b| a < b, false, false);
        /// `a <= b`, of numbers.
        LE Le = comparison("le", |a, b| a <= b, false, false);
        /// `a == b`
        EQ Eq = comparison("eq", |a, b| a == b, true, true);
        /// `a != b`
        NE Ne = comparison("ne", |a, b| a != b, true, true);
    }

    /// Logic.
    Logic(Logic) {
        /// Both.
        AND And = logic("and", Meaning::Truths(|a, b| a && b), true);
        /// Either.
        OR Or = logic("or", Meaning::Truths(|a, b| a || b), true);
        /// The other one.
        NOT Not = logic("not", Meaning::Truth(|a| !a), false);
    }

    /// Functions of the bits of integers. A u32 comes to them with zeros above its 32 bits, an i32 with
    /// copies of its sign: so one shift is both.
    Bits(Bits) {
        /// The bits that both have.
        BITAND And = bits("bitand", |a, b| a & b, true);
        /// The bits that either has.
        BITOR Or = bits("bitor", |a, b| a | b, true);
        /// The bits that one has.
        BITXOR Xor = bits("bitxor", |a, b| a ^ b, true);
        /// The bits moved up; counts are taken modulo 32.
        SHL Shl = bits("shl", |a, b| a << (b & 31), false);
        /// The bits moved down, copies of the sign of an i32 behind them; counts are taken modulo 32.
        SHR Shr = bits("shr", |a, b| a >> (b & 31), false);
        /// The bits moved up, those that leave coming in below; counts are taken modulo 32.
        ROTL Rotl = bits("rotl", rotated, false);
    }
}

impl Scalar {
    /// Its name.
    pub const fn name(self) -> &'static str {
        self.def().name
    }

    /// How many operands it takes.
    pub const fn arity(self) -> usize {
        match self.def().meaning {
            Meaning::One { .. } | Meaning::Truth(_) | Meaning::Cast => 1,
            Meaning::Two { .. }
            | Meaning::Integers(_)
            | Meaning::Test { .. }
            | Meaning::Truths(_) => 2,
            Meaning::Select => 3,
        }
    }

    /// Whether operands of these types and a result of that type are what it takes.
    pub fn fits(self, operands: &[DType], result: DType) -> bool {
        if operands.len() != self.arity() {
            return false;
        }
        let all = |dtype: DType| operands.iter().all(|o| *o == dtype);
        let number = |integers: bool| result.is_float() || (integers && result.is_integer());
        match self.def().meaning {
            Meaning::One { integer, .. } => all(result) && number(integer.is_some()),
            Meaning::Two { integer, .. } => all(result) && number(integer.is_some()),
            Meaning::Integers(_) => all(result) && result.is_integer(),
            Meaning::Test { bools, .. } => {
                let dtype = operands[0];
                all(dtype) && (bools || dtype != DType::Bool) && result == DType::Bool
            }
            Meaning::Truth(_) | Meaning::Truths(_) => all(DType::Bool) && result == DType::Bool,
            Meaning::Select => operands == [DType::Bool, result, result],
            Meaning::Cast => true,
        }
    }

    /// Floating-point operations that it counts as: none where it only compares, chooses, converts or moves
    /// bits.
    pub const fn flops(self) -> usize {
        match self {
            Scalar::Unary(_) | Scalar::Number(_) | Scalar::Arithmetic(_) => match self.def().work {
                TRANSCENDENTAL => TRANSCENDENTAL,
                _ => 1,
            },
            Scalar::Compare(_)
            | Scalar::Logic(_)
            | Scalar::Bits(_)
            | Scalar::Select
            | Scalar::Cast => 0,
        }
    }

    /// What it makes of operands of type `from` (for a select, that of its branches): an element of type
    /// `to`, integers wrapped, floats as exact as f64 is ([`DType::nearest`] rounds them).
    ///
    /// `None` for another number of operands than it takes.
    pub fn evaluate(self, from: DType, to: DType, operands: &[f64]) -> Option<f64> {
        let truth = |t: bool| f64::from(u8::from(t));
        let whole = from.is_integer();
        Some(match (self.def().meaning, operands) {
            (Meaning::One { float, integer }, &[a]) => match integer.filter(|_| whole) {
                Some(integer) => wrapped(integer(a as i64), to),
                None => float(a),
            },
            (Meaning::Two { float, integer }, &[a, b]) => match integer.filter(|_| whole) {
                Some(integer) => wrapped(integer(a as i64, b as i64), to),
                None => float(a, b),
            },
            (Meaning::Integers(function), &[a, b]) => wrapped(function(a as i64, b as i64), to),
            (Meaning::Test { holds, .. }, &[a, b]) => truth(holds(a, b)),
            (Meaning::Truth(holds), &[a]) => truth(holds(a != 0.0)),
            (Meaning::Truths(holds), &[a, b]) => truth(holds(a != 0.0, b != 0.0)),
            (Meaning::Select, &[condition, a, b]) => match condition != 0.0 {
                true => a,
                false => b,
            },
            (Meaning::Cast, &[a]) => match to {
                DType::Bool => truth(a != 0.0),
                DType::I32 | DType::U32 if whole => wrapped(a as i64, to),
                // `as` truncates, saturates, and makes NaN 0.
                DType::I32 => f64::from(a as i32),
                DType::U32 => f64::from(a as u32),
                DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => a,
            },
            (
                Meaning::One { .. }
                | Meaning::Two { .. }
                | Meaning::Integers(_)
                | Meaning::Test { .. }
                | Meaning::Truth(_)
                | Meaning::Truths(_)
                | Meaning::Select
                | Meaning::Cast,
                _,
            ) => return None,
        })
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The low 32 bits as an element of the type.
fn wrapped(value: i64, to: DType) -> f64 {
    match to {
        DType::U32 => f64::from(value as u32),
        DType::I32
        | DType::Bool
        | DType::Float
        | DType::F32
        | DType::F64
        | DType::F16
        | DType::Bf16 => f64::from(value as i32),
    }
}

fn sign(a: f64) -> f64 {
    match a.is_nan() || a == 0.0 {
        true => a,
        false => a.signum(),
    }
}

fn maximum(a: f64, b: f64) -> f64 {
    match a.is_nan() || b.is_nan() {
        true => f64::NAN,
        false => a.max(b),
    }
}

fn minimum(a: f64, b: f64) -> f64 {
    match a.is_nan() || b.is_nan() {
        true => f64::NAN,
        false => a.min(b),
    }
}

/// What [`Scalar::REM`] makes of floats.
pub fn remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    match rest == 0.0 {
        true => rest.copysign(b),
        false if (rest < 0.0) != (b < 0.0) => rest + b,
        false => rest,
    }
}

fn rotated(a: i64, b: i64) -> i64 {
    i64::from((a as u32).rotate_left(b as u32 & 31))
}

fn integer_remainder(a: i64, b: i64) -> i64 {
    match a.checked_rem(b) {
        None => 0,
        Some(rest) if rest != 0 && (rest < 0) != (b < 0) => rest + b,
        Some(rest) => rest,
    }
}
