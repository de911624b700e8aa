//! Scalar code that asks for the order of numbers: comparisons, extremes and signs.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value};
use sinew_ir::scalar::Comparison;
use sinew_ir::{DType, Scalar};

use super::EmitError;
use super::frame::Frame;
use super::lanes::Lanes;
use super::scalar::ScalarOperand;

impl Frame<'_> {
    /// `y < x ? x : y`, one instruction in this very form; `y` if either is a NaN.
    pub(super) fn greater(&mut self, x: Value, y: Value, lanes: Lanes) -> Value {
        let below = self.b.ins().fcmp(FloatCC::LessThan, y, x);
        self.choose(below, x, y, lanes)
    }

    /// `x < y ? x : y`; `y` if either is a NaN.
    pub(super) fn lesser(&mut self, x: Value, y: Value, lanes: Lanes) -> Value {
        let below = self.b.ins().fcmp(FloatCC::LessThan, x, y);
        self.choose(below, x, y, lanes)
    }

    /// Maximum or minimum; a NaN operand wins.
    ///
    /// CLIF's own `fmax` is a slow sequence. Here both orders are taken: they differ only where one
    /// operand is a NaN, one giving the NaN, and a NaN's bits or'ed with others are a NaN. (Zeros of
    /// both signs become -0.) If one operand is a known number, one order does.
    pub(super) fn extreme(
        &mut self,
        greatest: bool,
        a: ScalarOperand,
        b: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let (x, y) = (a.value, b.value);
        Ok(match (a.dtype, greatest) {
            (DType::F32 | DType::F64, _) => {
                let number = |o: ScalarOperand| o.constant.is_some_and(|c| !c.is_nan());
                let (x, y) = if number(b) { (y, x) } else { (x, y) };
                let mut pick = |x, y| {
                    if greatest {
                        self.greater(x, y, lanes)
                    } else {
                        self.lesser(x, y, lanes)
                    }
                };
                let one = pick(x, y);
                if number(a) || number(b) {
                    one
                } else {
                    let other = pick(y, x);
                    self.b.ins().bor(one, other)
                }
            }
            (DType::I32, true) => self.b.ins().smax(x, y),
            (DType::I32, false) => self.b.ins().smin(x, y),
            (DType::U32, true) => self.b.ins().umax(x, y),
            (DType::U32, false) => self.b.ins().umin(x, y),
            (DType::F16 | DType::Bf16 | DType::Bool | DType::Float, _) => {
                return Err(self.unsupported(format!("an extreme of {}", a.dtype)));
            }
        })
    }

    /// -1, 0 or 1; zeros with their sign and NaN stay.
    pub(super) fn sign(
        &mut self,
        x: Value,
        dtype: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let zero = self.constant(0.0, dtype, lanes)?;
        let one = self.constant(1.0, dtype, lanes)?;
        Ok(match dtype {
            DType::F32 | DType::F64 => {
                let minus = self.constant(-1.0, dtype, lanes)?;
                // What is neither: a zero with its sign, a NaN, or a subnormal number where the
                // processor takes those for zeros. The product is what `x` itself need not be.
                let neither = self.b.ins().fmul(x, zero);
                let below = self.b.ins().fcmp(FloatCC::LessThan, x, zero);
                let rest = self.choose(below, minus, neither, lanes);
                let above = self.b.ins().fcmp(FloatCC::GreaterThan, x, zero);
                self.choose(above, one, rest, lanes)
            }
            DType::I32 => {
                let minus = self.constant(-1.0, dtype, lanes)?;
                let low = self.b.ins().smax(x, minus);
                self.b.ins().smin(low, one)
            }
            DType::U32 => self.b.ins().umin(x, one),
            DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
                return Err(self.misfit(Scalar::SIGN, dtype));
            }
        })
    }

    /// A bool of the order of two numbers, or of whether two bools are equal.
    pub(super) fn compare(
        &mut self,
        order: Comparison,
        a: ScalarOperand,
        b: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let (x, y) = (a.value, b.value);
        Ok(match a.dtype {
            DType::F32 | DType::F64 => {
                let order = match order {
                    Comparison::Lt => FloatCC::LessThan,
                    Comparison::Le => FloatCC::LessThanOrEqual,
                    Comparison::Eq => FloatCC::Equal,
                    Comparison::Ne => FloatCC::NotEqual,
                };
                self.b.ins().fcmp(order, x, y)
            }
            DType::I32 | DType::U32 => {
                let order = match (order, a.dtype == DType::I32) {
                    (Comparison::Lt, true) => IntCC::SignedLessThan,
                    (Comparison::Lt, false) => IntCC::UnsignedLessThan,
                    (Comparison::Le, true) => IntCC::SignedLessThanOrEqual,
                    (Comparison::Le, false) => IntCC::UnsignedLessThanOrEqual,
                    (Comparison::Eq, _) => IntCC::Equal,
                    (Comparison::Ne, _) => IntCC::NotEqual,
                };
                self.b.ins().icmp(order, x, y)
            }
            DType::Bool => {
                let differ = self.b.ins().bxor(x, y);
                match order {
                    Comparison::Eq => self.not(differ, lanes)?,
                    Comparison::Ne => differ,
                    Comparison::Lt | Comparison::Le => {
                        return Err(self.misfit(Scalar::Compare(order), DType::Bool));
                    }
                }
            }
            DType::F16 | DType::Bf16 | DType::Float => {
                return Err(self.misfit(Scalar::Compare(order), a.dtype));
            }
        })
    }
}
