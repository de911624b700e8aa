//! Scalar code: each instruction of the kernel IR as CLIF, over one or several lanes.
//!
//! The exhaustive match over [`Scalar`] is here; polynomials are in `math`, loads in `lanes`.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use sinew_ir::{DType, Scalar};

use super::EmitError;
use super::frame::{Frame, Index};
use super::lanes::{Lanes, shifted};
use super::shim::Shim;
use crate::kernel::{Code, ScalarKind};

/// A row register's value: a scalar, or one element a lane where lanes are rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowValue {
    /// The register.
    pub value: Value,
    /// Its shape.
    pub lanes: usize,
}

/// What scalar code may refer to besides memory.
#[derive(Clone, Copy, Default)]
pub(super) struct Context<'r> {
    /// Row registers set so far.
    pub rows: &'r [Option<RowValue>],
    /// A contraction's sums.
    pub accumulator: Option<Value>,
}

/// The value of each instruction.
pub(super) type Registers = Vec<Value>;

impl Frame<'_> {
    /// Emits the instructions of `code`, not its stores.
    pub(super) fn code(
        &mut self,
        code: &Code,
        index: &[Index],
        lanes: Lanes,
        context: Context<'_>,
    ) -> Result<Registers, EmitError> {
        let mut registers: Registers = Vec::with_capacity(code.insts.len());
        for inst in &code.insts {
            let dtype = inst.dtype;
            let value = match &inst.kind {
                ScalarKind::Load(access) => self.load(access, index, lanes)?,
                ScalarKind::Gather {
                    access,
                    index: at,
                    extent,
                    stride,
                } => {
                    let at = registers[at.0 as usize];
                    let size = self.bytes(self.dtype(access.buffer))?;
                    self.gather(dtype, lanes, &mut |f, lane| {
                        let place = f.lane(at, DType::I32, lanes, lane);
                        let place = f.clamped(place, *extent);
                        let far = f.scaled(place, stride * size);
                        let index = shifted(index, lanes, lane);
                        let (address, offset) = f.address(access, &index)?;
                        let address = f.b.ins().iadd(address, far);
                        let address = f.b.ins().iadd_imm_s(address, i64::from(offset));
                        f.load_where(access, &index, address)
                    })?
                }
                ScalarKind::Const(value) => self.constant(*value, dtype, lanes)?,
                ScalarKind::Index { offset, strides } => {
                    self.place(*offset, strides, index, dtype, lanes)?
                }
                ScalarKind::Row(row) => {
                    let row = context.rows[row.0 as usize].ok_or_else(|| {
                        self.unsupported("a row register is read before it is set")
                    })?;
                    if row.lanes == lanes.count {
                        row.value
                    } else {
                        self.splat(row.value, dtype, lanes)?
                    }
                }
                ScalarKind::Accumulator => context
                    .accumulator
                    .ok_or_else(|| self.unsupported("an accumulator outside of a contraction"))?,
                ScalarKind::Apply(op, operands) => {
                    let operands: Vec<Operand> = operands
                        .iter()
                        .map(|r| Operand {
                            value: registers[r.0 as usize],
                            dtype: code.insts[r.0 as usize].dtype,
                            constant: match code.insts[r.0 as usize].kind {
                                ScalarKind::Const(c) => Some(c),
                                ScalarKind::Load(_)
                                | ScalarKind::Gather { .. }
                                | ScalarKind::Index { .. }
                                | ScalarKind::Row(_)
                                | ScalarKind::Accumulator
                                | ScalarKind::Apply(..) => None,
                            },
                        })
                        .collect();
                    self.apply(*op, &operands, dtype, lanes)?
                }
            };
            registers.push(value);
        }
        Ok(registers)
    }

    /// Emits the stores of `code`.
    pub(super) fn stores(
        &mut self,
        code: &Code,
        registers: &Registers,
        index: &[Index],
        lanes: Lanes,
    ) -> Result<(), EmitError> {
        for store in &code.stores {
            let value = registers[store.value.0 as usize];
            self.store(&store.access, value, index, lanes)?;
        }
        Ok(())
    }

    /// `clamp(index, 0, extent - 1)` of an i32, as an i64.
    pub(super) fn clamped(&mut self, index: Value, extent: usize) -> Value {
        let wide = self.b.ins().sextend(types::I64, index);
        let zero = self.b.ins().iconst(types::I64, 0);
        let last = self.b.ins().iconst(types::I64, extent as i64 - 1);
        let low = self.b.ins().smax(wide, zero);
        self.b.ins().smin(low, last)
    }

    /// An affine function of the index as an element.
    pub(super) fn place(
        &mut self,
        offset: i64,
        strides: &[i64],
        index: &[Index],
        dtype: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let value = self.affine(offset, strides, index);
        let value = self.b.ins().ireduce(types::I32, value);
        let mut vector = self.splat(value, DType::I32, lanes)?;
        let step = strides.get(lanes.dim).copied().unwrap_or(0);
        if lanes.count > 1 && step != 0 {
            let ty = self.ty(DType::I32, lanes)?;
            let steps = self.pattern(ty, lanes, |lane| lane as i64 * step);
            vector = self.b.ins().iadd(vector, steps);
        }
        self.cast(vector, DType::I32, dtype, lanes)
    }

    /// One scalar instruction.
    fn apply(
        &mut self,
        op: Scalar,
        operands: &[Operand],
        result: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let refuse = |f: &Self, dtype: DType| Err(f.unsupported(format!("{op:?} of {dtype}")));
        let a = operands[0];
        let Operand {
            value: x, dtype, ..
        } = a;
        let second = || operands[1];
        Ok(match op {
            Scalar::Add => {
                let y = second().value;
                match dtype {
                    DType::F32 | DType::F64 => self.b.ins().fadd(x, y),
                    DType::I32 | DType::U32 => self.b.ins().iadd(x, y),
                    DType::Bool => self.b.ins().bor(x, y),
                    DType::Float => return refuse(self, dtype),
                }
            }
            Scalar::Sub => {
                let y = second().value;
                match dtype {
                    DType::F32 | DType::F64 => self.b.ins().fsub(x, y),
                    DType::I32 | DType::U32 => self.b.ins().isub(x, y),
                    DType::Bool | DType::Float => return refuse(self, dtype),
                }
            }
            Scalar::Mul => {
                let y = second().value;
                match dtype {
                    DType::F32 | DType::F64 => self.b.ins().fmul(x, y),
                    DType::I32 | DType::U32 => self.b.ins().imul(x, y),
                    DType::Bool => self.b.ins().band(x, y),
                    DType::Float => return refuse(self, dtype),
                }
            }
            Scalar::Div | Scalar::Rem => {
                let y = second().value;
                match dtype {
                    DType::F32 | DType::F64 if op == Scalar::Div => self.b.ins().fdiv(x, y),
                    DType::F32 => {
                        self.per_lane(dtype, lanes, &[x, y], &mut |f, v| f.shim(Shim::RemF32, v))?
                    }
                    DType::F64 => {
                        self.per_lane(dtype, lanes, &[x, y], &mut |f, v| f.shim(Shim::RemF64, v))?
                    }
                    DType::I32 => self.per_lane(dtype, lanes, &[x, y], &mut |f, v| {
                        f.divide_signed(op == Scalar::Rem, v[0], v[1])
                    })?,
                    DType::U32 => self.per_lane(dtype, lanes, &[x, y], &mut |f, v| {
                        f.divide_unsigned(op == Scalar::Rem, v[0], v[1])
                    })?,
                    DType::Bool | DType::Float => return refuse(self, dtype),
                }
            }
            Scalar::Maximum => self.extreme(true, a, second(), lanes)?,
            Scalar::Minimum => self.extreme(false, a, second(), lanes)?,
            Scalar::Neg => match dtype {
                DType::F32 | DType::F64 => self.b.ins().fneg(x),
                DType::I32 | DType::U32 => self.b.ins().ineg(x),
                DType::Bool | DType::Float => return refuse(self, dtype),
            },
            Scalar::Abs => match dtype {
                DType::F32 | DType::F64 => self.b.ins().fabs(x),
                DType::I32 => self.b.ins().iabs(x),
                DType::U32 | DType::Bool => x,
                DType::Float => return refuse(self, dtype),
            },
            Scalar::Sqrt => match dtype {
                DType::F32 | DType::F64 => self.b.ins().sqrt(x),
                DType::I32 | DType::U32 | DType::Bool | DType::Float => {
                    return refuse(self, dtype);
                }
            },
            Scalar::Exp => match dtype {
                DType::F32 => self.exp(x, lanes)?,
                DType::F64 => self.libm(Shim::ExpF64, x, lanes)?,
                DType::I32 | DType::U32 | DType::Bool | DType::Float => {
                    return refuse(self, dtype);
                }
            },
            Scalar::Log => match dtype {
                DType::F32 => self.log(x, lanes)?,
                DType::F64 => self.libm(Shim::LogF64, x, lanes)?,
                DType::I32 | DType::U32 | DType::Bool | DType::Float => {
                    return refuse(self, dtype);
                }
            },
            Scalar::Tanh => match dtype {
                DType::F32 => self.tanh(x, lanes)?,
                DType::F64 => self.libm(Shim::TanhF64, x, lanes)?,
                DType::I32 | DType::U32 | DType::Bool | DType::Float => {
                    return refuse(self, dtype);
                }
            },
            Scalar::Erf => match dtype {
                DType::F32 => self.erf(x, lanes)?,
                DType::F64 => self.libm(Shim::ErfF64, x, lanes)?,
                DType::I32 | DType::U32 | DType::Bool | DType::Float => {
                    return refuse(self, dtype);
                }
            },
            Scalar::Floor => match dtype {
                DType::F32 if self.caps.round => self.b.ins().floor(x),
                DType::F64 if self.caps.round => self.b.ins().floor(x),
                DType::F32 => {
                    self.per_lane(dtype, lanes, &[x], &mut |f, v| f.shim(Shim::FloorF32, v))?
                }
                DType::F64 => self.libm(Shim::FloorF64, x, lanes)?,
                DType::I32 | DType::U32 | DType::Bool => x,
                DType::Float => return refuse(self, dtype),
            },
            Scalar::Sign => self.sign(x, dtype, lanes)?,
            Scalar::Lt => self.compare(Order::Less, a, second(), lanes)?,
            Scalar::Le => self.compare(Order::LessEqual, a, second(), lanes)?,
            Scalar::Eq => self.compare(Order::Equal, a, second(), lanes)?,
            Scalar::Ne => self.compare(Order::NotEqual, a, second(), lanes)?,
            Scalar::And => self.b.ins().band(x, second().value),
            Scalar::Or => self.b.ins().bor(x, second().value),
            Scalar::Not => self.not(x, lanes)?,
            Scalar::Select => self.select(x, operands[1], operands[2], lanes),
            Scalar::Cast => self.cast(x, dtype, result, lanes)?,
        })
    }

    /// `condition ? a : b`; a zero in vectors of floats is a bit mask, a third of a blend.
    fn select(&mut self, condition: Value, a: Operand, b: Operand, lanes: Lanes) -> Value {
        let zero = |o: Operand| o.constant.is_some_and(|c| c.to_bits() == 0);
        let float = matches!(a.dtype, DType::F32 | DType::F64);
        if lanes.count == 1 || !float || !(zero(a) || zero(b)) {
            return self.choose(condition, a.value, b.value, lanes);
        }
        let floats = self.b.func.dfg.value_type(a.value);
        let masks = self.b.func.dfg.value_type(condition);
        let kept = if zero(b) { a } else { b };
        let bits = self.cast_bits(kept.value, masks);
        let bits = if zero(b) {
            self.b.ins().band(bits, condition)
        } else {
            self.b.ins().band_not(bits, condition)
        };
        self.cast_bits(bits, floats)
    }

    /// The other bool.
    fn not(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        let all = self.constant(1.0, DType::Bool, lanes)?;
        Ok(self.b.ins().bxor(x, all))
    }

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
        a: Operand,
        b: Operand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let (x, y) = (a.value, b.value);
        Ok(match (a.dtype, greatest) {
            (DType::F32 | DType::F64, _) => {
                let number = |o: Operand| o.constant.is_some_and(|c| !c.is_nan());
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
            (DType::Bool, true) => self.b.ins().bor(x, y),
            (DType::Bool, false) => self.b.ins().band(x, y),
            (DType::Float, _) => {
                return Err(self.unsupported("the working float type was not bound"));
            }
        })
    }

    fn sign(&mut self, x: Value, dtype: DType, lanes: Lanes) -> Result<Value, EmitError> {
        let zero = self.constant(0.0, dtype, lanes)?;
        let one = self.constant(1.0, dtype, lanes)?;
        Ok(match dtype {
            DType::F32 | DType::F64 => {
                let minus = self.constant(-1.0, dtype, lanes)?;
                let below = self.b.ins().fcmp(FloatCC::LessThan, x, zero);
                let rest = self.choose(below, minus, x, lanes);
                let above = self.b.ins().fcmp(FloatCC::GreaterThan, x, zero);
                self.choose(above, one, rest, lanes)
            }
            DType::I32 => {
                let minus = self.constant(-1.0, dtype, lanes)?;
                let low = self.b.ins().smax(x, minus);
                self.b.ins().smin(low, one)
            }
            DType::U32 => self.b.ins().umin(x, one),
            DType::Bool => x,
            DType::Float => return Err(self.unsupported("the working float type was not bound")),
        })
    }

    fn compare(
        &mut self,
        order: Order,
        a: Operand,
        b: Operand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let (x, y) = (a.value, b.value);
        Ok(match a.dtype {
            DType::F32 | DType::F64 => {
                let order = match order {
                    Order::Less => FloatCC::LessThan,
                    Order::LessEqual => FloatCC::LessThanOrEqual,
                    Order::Equal => FloatCC::Equal,
                    Order::NotEqual => FloatCC::NotEqual,
                };
                self.b.ins().fcmp(order, x, y)
            }
            DType::I32 | DType::U32 => {
                let order = match (order, a.dtype == DType::I32) {
                    (Order::Less, true) => IntCC::SignedLessThan,
                    (Order::Less, false) => IntCC::UnsignedLessThan,
                    (Order::LessEqual, true) => IntCC::SignedLessThanOrEqual,
                    (Order::LessEqual, false) => IntCC::UnsignedLessThanOrEqual,
                    (Order::Equal, _) => IntCC::Equal,
                    (Order::NotEqual, _) => IntCC::NotEqual,
                };
                self.b.ins().icmp(order, x, y)
            }
            DType::Bool => match order {
                Order::Less => self.b.ins().band_not(y, x),
                Order::LessEqual => {
                    let not = self.not(x, lanes)?;
                    self.b.ins().bor(not, y)
                }
                Order::Equal => {
                    let differ = self.b.ins().bxor(x, y);
                    self.not(differ, lanes)?
                }
                Order::NotEqual => self.b.ins().bxor(x, y),
            },
            DType::Float => return Err(self.unsupported("the working float type was not bound")),
        })
    }

    /// Truncating division or the remainder with the divisor's sign; 0 for a zero divisor.
    ///
    /// The divisions that trap are steered around: by 0, and of the least integer by -1, where
    /// dividing by 1 gives the wrapped quotient and the right remainder.
    fn divide_signed(&mut self, remainder: bool, x: Value, y: Value) -> Value {
        let zero = self.b.ins().iconst(types::I32, 0);
        let one = self.b.ins().iconst(types::I32, 1);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, y, 0);
        let least = self
            .b
            .ins()
            .icmp_imm_s(IntCC::Equal, x, i64::from(i32::MIN));
        let minus = self.b.ins().icmp_imm_s(IntCC::Equal, y, -1);
        let wraps = self.b.ins().band(least, minus);
        let traps = self.b.ins().bor(none, wraps);
        let divisor = self.b.ins().select(traps, one, y);
        if !remainder {
            let quotient = self.b.ins().sdiv(x, divisor);
            return self.b.ins().select(none, zero, quotient);
        }
        let rest = self.b.ins().srem(x, divisor);
        let signs = self.b.ins().bxor(rest, y);
        let differ = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, rest, 0);
        let adjust = self.b.ins().band(differ, some);
        let moved = self.b.ins().iadd(rest, y);
        let rest = self.b.ins().select(adjust, moved, rest);
        self.b.ins().select(none, zero, rest)
    }

    fn divide_unsigned(&mut self, remainder: bool, x: Value, y: Value) -> Value {
        let zero = self.b.ins().iconst(types::I32, 0);
        let one = self.b.ins().iconst(types::I32, 1);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, y, 0);
        let divisor = self.b.ins().select(none, one, y);
        let value = if remainder {
            self.b.ins().urem(x, divisor)
        } else {
            self.b.ins().udiv(x, divisor)
        };
        self.b.ins().select(none, zero, value)
    }

    /// An element as another type.
    pub(super) fn cast(
        &mut self,
        x: Value,
        from: DType,
        to: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        if from == to {
            return Ok(x);
        }
        let ty = self.ty(to, lanes)?;
        Ok(match (from, to) {
            (DType::Float, _) | (_, DType::Float) => {
                return Err(self.unsupported("the working float type was not bound"));
            }
            (DType::F32, DType::F64) => self.b.ins().fpromote(ty, x),
            (DType::F64, DType::F32) => self.b.ins().fdemote(ty, x),
            (DType::F32 | DType::F64, DType::I32) => self.b.ins().fcvt_to_sint_sat(ty, x),
            (DType::F32 | DType::F64, DType::U32) => self.b.ins().fcvt_to_uint_sat(ty, x),
            (DType::I32, DType::F32 | DType::F64) => self.b.ins().fcvt_from_sint(ty, x),
            (DType::U32, DType::F32 | DType::F64) => self.b.ins().fcvt_from_uint(ty, x),
            (DType::I32, DType::U32) | (DType::U32, DType::I32) => x,
            (DType::F32 | DType::F64, DType::Bool) => {
                let zero = self.constant(0.0, from, lanes)?;
                self.b.ins().fcmp(FloatCC::NotEqual, x, zero)
            }
            (DType::I32 | DType::U32, DType::Bool) => {
                let zero = self.constant(0.0, from, lanes)?;
                self.b.ins().icmp(IntCC::NotEqual, x, zero)
            }
            (DType::Bool, DType::I32 | DType::U32) if lanes.count == 1 => {
                self.b.ins().uextend(types::I32, x)
            }
            (DType::Bool, DType::F32 | DType::F64 | DType::I32 | DType::U32) => {
                let one = self.constant(1.0, to, lanes)?;
                let zero = self.constant(0.0, to, lanes)?;
                self.choose(x, one, zero, lanes)
            }
            (DType::F32, DType::F32)
            | (DType::F64, DType::F64)
            | (DType::I32, DType::I32)
            | (DType::U32, DType::U32)
            | (DType::Bool, DType::Bool) => x,
        })
    }

    /// A scalar function of each active lane.
    fn per_lane(
        &mut self,
        dtype: DType,
        lanes: Lanes,
        args: &[Value],
        each: &mut dyn FnMut(&mut Self, &[Value]) -> Value,
    ) -> Result<Value, EmitError> {
        self.gather(dtype, lanes, &mut |f, lane| {
            let scalars: Vec<Value> = args
                .iter()
                .map(|&arg| f.lane(arg, dtype, lanes, lane))
                .collect();
            Ok(each(f, &scalars))
        })
    }

    /// A function of f64 that is called.
    fn libm(&mut self, shim: Shim, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        self.per_lane(DType::F64, lanes, &[x], &mut |f, v| f.shim(shim, v))
    }

    /// Calls a shim that has a result.
    fn shim(&mut self, shim: Shim, args: &[Value]) -> Value {
        self.call(shim, args).expect("the shim has a result")
    }
}

/// An operand of a scalar instruction.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    /// The register.
    pub value: Value,
    /// Its element type.
    pub dtype: DType,
    /// Its value where it is a constant.
    pub constant: Option<f64>,
}

/// The comparisons.
#[derive(Clone, Copy)]
enum Order {
    Less,
    LessEqual,
    Equal,
    NotEqual,
}
