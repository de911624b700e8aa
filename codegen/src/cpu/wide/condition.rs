//! Conditions of the flags: comparisons of scalars and bools, for branches, moves and bytes.

use cranelift_codegen::ir::condcodes::{CondCode, FloatCC, IntCC};
use cranelift_codegen::ir::{Inst, InstructionData, Value, types};
use iced_x86::Code;
use regalloc2::VReg;

use super::codes;
use super::machine::{Condition, INTEGER, Operand, View};
use super::select::{Select, Selected};

impl Select<'_> {
    /// Sets the flags by a bool and says which condition they fulfil where it holds.
    pub fn condition(&mut self, value: Value) -> Selected<Condition> {
        if let Some(inst) = self.maker(value)
            && let Some(condition) = self.compare_flags(inst)?
        {
            return Ok(condition);
        }
        let ty = self.ty(self.behind_casts(value));
        let register = self.register(value)?;
        let (code, view) = match ty {
            types::I8 => (iced_x86::Code::Test_rm8_r8, View::B8),
            types::I64 => (iced_x86::Code::Test_rm64_r64, View::B64),
            _ => (iced_x86::Code::Test_rm32_r32, View::B32),
        };
        let operand = || Operand::Use(register, view);
        self.emit(code, vec![operand(), operand()]);
        Ok(Condition::NotEqual)
    }

    /// 1 in a new register where a condition holds, which any number but 0 does, else 0.
    pub(super) fn one_where(&mut self, condition: Value) -> Selected<VReg> {
        let condition = self.condition(condition)?;
        let (byte, one) = (self.fresh(INTEGER), self.fresh(INTEGER));
        self.emit(condition.set(), vec![Operand::Def(byte, View::B8)]);
        let operands = vec![Operand::Def(one, View::B32), Operand::Use(byte, View::B8)];
        self.emit(Code::Movzx_r32_rm8, operands);
        Ok(one)
    }

    /// A comparison as a byte of 0 or 1.
    pub(super) fn compare(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        if let Some(condition) = self.compare_flags(inst)? {
            self.emit(condition.set(), vec![Operand::Def(to, View::B8)]);
            return Ok(());
        }
        self.compare_scalars(inst, to)
    }

    /// Sets the flags by a comparison of scalars: the condition that they fulfil where it holds; none if it
    /// is no comparison, or one that takes more than one condition.
    pub(super) fn compare_flags(&mut self, inst: Inst) -> Selected<Option<Condition>> {
        match self.func.dfg.insts[inst] {
            InstructionData::IntCompare { cond, args, .. } if !self.ty(args[0]).is_vector() => {
                self.compare_integers(cond, args).map(Some)
            }
            InstructionData::FloatCompare { cond, args, .. } if !self.ty(args[0]).is_vector() => {
                let ty = self.ty(args[0]);
                let (condition, swaps) = match cond {
                    FloatCC::GreaterThan => (Condition::Above, false),
                    FloatCC::GreaterThanOrEqual => (Condition::AboveOrEqual, false),
                    FloatCC::LessThan => (Condition::Above, true),
                    FloatCC::LessThanOrEqual => (Condition::AboveOrEqual, true),
                    FloatCC::UnorderedOrLessThan => (Condition::Below, false),
                    FloatCC::UnorderedOrLessThanOrEqual => (Condition::BelowOrEqual, false),
                    FloatCC::UnorderedOrGreaterThan => (Condition::Below, true),
                    FloatCC::UnorderedOrGreaterThanOrEqual => (Condition::BelowOrEqual, true),
                    FloatCC::UnorderedOrEqual => (Condition::Equal, false),
                    FloatCC::OrderedNotEqual => (Condition::NotEqual, false),
                    FloatCC::Unordered => (Condition::Unordered, false),
                    FloatCC::Ordered => (Condition::Ordered, false),
                    FloatCC::Equal | FloatCC::NotEqual => return Ok(None),
                };
                let [x, y] = match swaps {
                    false => args,
                    true => [args[1], args[0]],
                };
                let operands = vec![self.read(x)?, self.read(y)?];
                self.emit(codes::COMPARE_FLAGS.of(self.width, ty), operands);
                Ok(Some(condition))
            }
            _ => Ok(None),
        }
    }

    fn compare_integers(&mut self, cond: IntCC, args: [Value; 2]) -> Selected<Condition> {
        let [mut x, mut y] = args.map(|v| self.behind_casts(v));
        let (ty, mut cond) = (self.ty(x), cond);
        if self.integer_constant(x).is_some() {
            (x, y, cond) = (y, x, cond.swap_args());
        }
        let condition = match cond {
            IntCC::Equal => Condition::Equal,
            IntCC::NotEqual => Condition::NotEqual,
            IntCC::SignedLessThan => Condition::Less,
            IntCC::SignedGreaterThanOrEqual => Condition::GreaterOrEqual,
            IntCC::SignedGreaterThan => Condition::Greater,
            IntCC::SignedLessThanOrEqual => Condition::LessOrEqual,
            IntCC::UnsignedLessThan => Condition::Below,
            IntCC::UnsignedGreaterThanOrEqual => Condition::AboveOrEqual,
            IntCC::UnsignedGreaterThan => Condition::Above,
            IntCC::UnsignedLessThanOrEqual => Condition::BelowOrEqual,
        };
        let register = self.register(x)?;
        if let Some(Ok(number)) = self.integer_constant(y).map(i32::try_from) {
            let (code, view) = match ty {
                types::I8 => (Code::Cmp_rm8_imm8, View::B8),
                types::I64 => (Code::Cmp_rm64_imm32, View::B64),
                _ => (Code::Cmp_rm32_imm32, View::B32),
            };
            let number = Operand::Immediate(i64::from(number));
            self.emit(code, vec![Operand::Use(register, view), number]);
            return Ok(condition);
        }
        let other = self.register(y)?;
        let (code, view) = match ty {
            types::I8 => (Code::Cmp_r8_rm8, View::B8),
            types::I64 => (Code::Cmp_r64_rm64, View::B64),
            _ => (Code::Cmp_r32_rm32, View::B32),
        };
        let operands = vec![Operand::Use(register, view), Operand::Use(other, view)];
        self.emit(code, operands);
        Ok(condition)
    }
}
