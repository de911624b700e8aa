//! Scalar code: each instruction of the kernel IR as CLIF, over one or several lanes.
//!
//! The exhaustive matches over the classes of [`Scalar`] are here; comparisons are in `order`, what formulas
//! of functions are made of in `math`, loads in `lanes`.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use sinew_ir::scalar::{Arithmetic, Bits, Logic, UnaryFloat, UnaryNumber};
use sinew_ir::{DType, Scalar};

use super::EmitError;
use super::array::Row;
use super::frame::Frame;
use super::index::Index;
use super::known::known;
use super::lanes::{Lanes, shifted};
use super::math::Formula;
use super::shim::Shim;
use crate::kernel::{Code, Reg, ScalarKind};

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
    /// Where the row's arrays are.
    pub row: Option<Row<'r>>,
    /// A contraction's sums.
    pub accumulator: Option<Value>,
}

/// The value of each instruction.
pub(super) type Registers = Vec<Value>;

/// The condition of a selection, if it is known.
fn known_at(known: &[Option<bool>], operands: &[Reg]) -> Option<bool> {
    known.get(operands.first()?.0 as usize).copied().flatten()
}

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
        let known_bools = known(code, index, lanes);
        for (inst, known) in code.insts.iter().zip(&known_bools) {
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
                    let size = self.bytes(self.dtype(access.slot))?;
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
                ScalarKind::Element(id) => {
                    self.load_kept(context.row, (*id, dtype), index, lanes)?
                }
                ScalarKind::Accumulator => context
                    .accumulator
                    .ok_or_else(|| self.unsupported("an accumulator outside of a contraction"))?,
                ScalarKind::Apply(..) if known.is_some() => {
                    self.constant(f64::from(*known == Some(true)), dtype, lanes)?
                }
                ScalarKind::Apply(Scalar::Select, operands)
                    if known_at(&known_bools, operands).is_some() =>
                {
                    let first = known_at(&known_bools, operands) == Some(true);
                    registers[operands[if first { 1 } else { 2 }].0 as usize]
                }
                ScalarKind::Apply(op, operands) => {
                    let operands: Vec<ScalarOperand> = operands
                        .iter()
                        .map(|r| ScalarOperand {
                            value: registers[r.0 as usize],
                            dtype: code.insts[r.0 as usize].dtype,
                            constant: match code.insts[r.0 as usize].kind {
                                ScalarKind::Const(c) => Some(c),
                                ScalarKind::Load(_)
                                | ScalarKind::Gather { .. }
                                | ScalarKind::Index { .. }
                                | ScalarKind::Row(_)
                                | ScalarKind::Element(_)
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
            let mut value = registers[store.value.0 as usize];
            if store.adds {
                let sum = self.load(&store.access, index, lanes)?;
                value = self.b.ins().fadd(sum, value);
            }
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
            let steps = self.lane_numbers(step, lanes)?;
            vector = self.b.ins().iadd(vector, steps);
        }
        self.cast(vector, DType::I32, dtype, lanes)
    }

    /// One scalar instruction.
    pub(super) fn apply(
        &mut self,
        scalar: Scalar,
        operands: &[ScalarOperand],
        result: DType,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let a = operands[0];
        match scalar {
            Scalar::Unary(function) => self.function(function, a, lanes),
            Scalar::Number(function) => self.number(function, a, lanes),
            Scalar::Arithmetic(function) => self.arithmetic(function, a, operands[1], lanes),
            Scalar::Compare(order) => self.compare(order, a, operands[1], lanes),
            Scalar::Logic(Logic::And) => Ok(self.b.ins().band(a.value, operands[1].value)),
            Scalar::Logic(Logic::Or) => Ok(self.b.ins().bor(a.value, operands[1].value)),
            Scalar::Logic(Logic::Not) => self.not(a.value, lanes),
            Scalar::Bits(function) => self.of_bits(function, a, operands[1], lanes),
            Scalar::Select => Ok(self.select(a.value, operands[1], operands[2], lanes)),
            Scalar::Cast => self.cast(a.value, a.dtype, result, lanes),
        }
    }

    /// What the verifier lets no schedule do.
    pub(super) fn misfit(&self, scalar: Scalar, dtype: DType) -> EmitError {
        self.unsupported(format!("{scalar} of {dtype}"))
    }

    /// A float to a float.
    fn function(
        &mut self,
        function: UnaryFloat,
        a: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let x = a.value;
        match a.dtype {
            DType::F32 | DType::F64 => {}
            DType::F16 | DType::Bf16 | DType::I32 | DType::U32 | DType::Bool | DType::Float => {
                return Err(self.misfit(Scalar::Unary(function), a.dtype));
            }
        }
        let round = self.caps.round;
        let mut formula = Formula::new(self, x, lanes);
        Ok(match function {
            UnaryFloat::Sqrt => self.b.ins().sqrt(x),
            UnaryFloat::Exp => formula.exp(x),
            UnaryFloat::Log => formula.log(x),
            UnaryFloat::Expm1 => formula.expm1(x),
            UnaryFloat::Log1p => formula.log1p(x),
            UnaryFloat::Tanh => formula.tanh(x),
            UnaryFloat::Erf => formula.erf(x),
            UnaryFloat::Sin | UnaryFloat::Cos => self.sine(function, a, lanes)?,
            UnaryFloat::Atan => formula.atan(x),
            UnaryFloat::Floor if round => self.b.ins().floor(x),
            UnaryFloat::Round if round => self.b.ins().nearest(x),
            UnaryFloat::Floor => formula.floor(x),
            UnaryFloat::Round => formula.round(x),
        })
    }

    /// The reference of a function, called for each lane in f64.
    pub(super) fn reference(
        &mut self,
        function: UnaryFloat,
        a: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let single = a.dtype == DType::F32;
        self.per_lane(a.dtype, lanes, &[a.value], &mut |f, v| {
            let wide = match single {
                true => f.b.ins().fpromote(types::F64, v[0]),
                false => v[0],
            };
            let which = f.b.ins().iconst(types::I32, function as i64);
            let y = f.shim(Shim::Function, &[wide, which]);
            match single {
                true => f.b.ins().fdemote(types::F32, y),
                false => y,
            }
        })
    }

    /// A number to one of its type.
    fn number(
        &mut self,
        function: UnaryNumber,
        a: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let x = a.value;
        Ok(match (function, a.dtype) {
            (UnaryNumber::Neg, DType::F32 | DType::F64) => self.b.ins().fneg(x),
            (UnaryNumber::Neg, DType::I32 | DType::U32) => self.b.ins().ineg(x),
            (UnaryNumber::Abs, DType::F32 | DType::F64) => self.b.ins().fabs(x),
            (UnaryNumber::Abs, DType::I32) => self.b.ins().iabs(x),
            (UnaryNumber::Abs, DType::U32) => x,
            (UnaryNumber::Sign, DType::F32 | DType::F64 | DType::I32 | DType::U32) => {
                self.sign(x, a.dtype, lanes)?
            }
            (
                UnaryNumber::Neg | UnaryNumber::Abs | UnaryNumber::Sign,
                DType::F16 | DType::Bf16 | DType::Bool | DType::Float,
            ) => {
                return Err(self.misfit(Scalar::Number(function), a.dtype));
            }
        })
    }

    /// Two numbers of one type to one of that type.
    fn arithmetic(
        &mut self,
        function: Arithmetic,
        a: ScalarOperand,
        b: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let (x, y, dtype) = (a.value, b.value, a.dtype);
        let float = match dtype {
            DType::F32 | DType::F64 => true,
            DType::I32 | DType::U32 => false,
            DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
                return Err(self.misfit(Scalar::Arithmetic(function), dtype));
            }
        };
        Ok(match function {
            Arithmetic::Add if float => self.b.ins().fadd(x, y),
            Arithmetic::Add => self.b.ins().iadd(x, y),
            Arithmetic::Sub if float => self.b.ins().fsub(x, y),
            Arithmetic::Sub => self.b.ins().isub(x, y),
            Arithmetic::Mul if float => self.b.ins().fmul(x, y),
            Arithmetic::Mul => self.b.ins().imul(x, y),
            Arithmetic::Div if float => self.b.ins().fdiv(x, y),
            Arithmetic::Div => return Err(self.misfit(Scalar::DIV, dtype)),
            Arithmetic::Rem => self.per_lane(dtype, lanes, &[x, y], &mut |f, v| match dtype {
                DType::F32 => f.shim(Shim::RemF32, v),
                DType::F64 => f.shim(Shim::RemF64, v),
                DType::U32 => f.remainder_unsigned(v[0], v[1]),
                DType::I32 | DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
                    f.remainder_signed(v[0], v[1])
                }
            })?,
            Arithmetic::Maximum => self.extreme(true, a, b, lanes)?,
            Arithmetic::Minimum => self.extreme(false, a, b, lanes)?,
        })
    }

    /// Two integers to one by their bits.
    fn of_bits(
        &mut self,
        function: Bits,
        a: ScalarOperand,
        b: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let (x, y, dtype) = (a.value, b.value, a.dtype);
        let signed = match dtype {
            DType::I32 => true,
            DType::U32 => false,
            DType::F32 | DType::F64 | DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
                return Err(self.misfit(Scalar::Bits(function), dtype));
            }
        };
        // Of either type of integers, CLIF's shifts take their counts modulo the bits of a lane.
        let shift = |f: &mut Self, x: Value, by: Value| match (function, signed) {
            (Bits::Shl, _) => f.b.ins().ishl(x, by),
            (Bits::Rotl, _) => f.b.ins().rotl(x, by),
            (_, true) => f.b.ins().sshr(x, by),
            (_, false) => f.b.ins().ushr(x, by),
        };
        Ok(match (function, b.constant) {
            (Bits::And, _) => self.b.ins().band(x, y),
            (Bits::Or, _) => self.b.ins().bor(x, y),
            (Bits::Xor, _) => self.b.ins().bxor(x, y),
            // Vectors have no rotations.
            (Bits::Rotl, Some(count)) if lanes.count > 1 => {
                let count = count as i64 & 31;
                let up = self.b.ins().iconst(types::I32, count);
                let down = self.b.ins().iconst(types::I32, (32 - count) & 31);
                let (up, down) = (self.b.ins().ishl(x, up), self.b.ins().ushr(x, down));
                self.b.ins().bor(up, down)
            }
            // All lanes by one count: vectors have no other shifts.
            (Bits::Shl | Bits::Shr | Bits::Rotl, Some(count)) => {
                let count = self.b.ins().iconst(types::I32, count as i64 & 31);
                shift(self, x, count)
            }
            (Bits::Shl | Bits::Shr | Bits::Rotl, None) => {
                self.per_lane(dtype, lanes, &[x, y], &mut |f, v| shift(f, v[0], v[1]))?
            }
        })
    }

    /// `condition ? a : b`; a zero in vectors of floats is a bit mask, a third of a blend.
    fn select(
        &mut self,
        condition: Value,
        a: ScalarOperand,
        b: ScalarOperand,
        lanes: Lanes,
    ) -> Value {
        let zero = |o: ScalarOperand| o.constant.is_some_and(|c| c.to_bits() == 0);
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
    pub(super) fn not(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        let all = self.constant(1.0, DType::Bool, lanes)?;
        Ok(self.b.ins().bxor(x, all))
    }

    /// The remainder with the divisor's sign; 0 for a zero divisor.
    ///
    /// The divisions that trap are steered around: by 0, and of the least integer by -1, where
    /// dividing by 1 gives the right remainder.
    fn remainder_signed(&mut self, x: Value, y: Value) -> Value {
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
        let rest = self.b.ins().srem(x, divisor);
        let signs = self.b.ins().bxor(rest, y);
        let differ = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, rest, 0);
        let adjust = self.b.ins().band(differ, some);
        let moved = self.b.ins().iadd(rest, y);
        let rest = self.b.ins().select(adjust, moved, rest);
        self.b.ins().select(none, zero, rest)
    }

    /// [`Frame::remainder_signed`] of unsigned integers.
    fn remainder_unsigned(&mut self, x: Value, y: Value) -> Value {
        let zero = self.b.ins().iconst(types::I32, 0);
        let one = self.b.ins().iconst(types::I32, 1);
        let none = self.b.ins().icmp_imm_s(IntCC::Equal, y, 0);
        let divisor = self.b.ins().select(none, one, y);
        let rest = self.b.ins().urem(x, divisor);
        self.b.ins().select(none, zero, rest)
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
            (DType::F16 | DType::Bf16, DType::F32) => self.half_to_f32(x, from, lanes)?,
            (DType::F32, DType::F16 | DType::Bf16) => self.f32_to_half(x, to, lanes)?,
            (DType::F16 | DType::Bf16, _) | (_, DType::F16 | DType::Bf16) => {
                return Err(self.unsupported(format!("a cast from {from} to {to}")));
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

    /// Calls a shim that has a result.
    fn shim(&mut self, shim: Shim, args: &[Value]) -> Value {
        self.call(shim, args).expect("the shim has a result")
    }
}

/// An operand of a scalar instruction.
#[derive(Clone, Copy)]
pub(super) struct ScalarOperand {
    /// The register.
    pub value: Value,
    /// Its element type.
    pub dtype: DType,
    /// Its value where it is a constant.
    pub constant: Option<f64>,
}
