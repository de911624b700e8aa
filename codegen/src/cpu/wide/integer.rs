//! Integers, bools and addresses: general registers.

use cranelift_codegen::ir::{GlobalValueData, Inst, InstructionData, Opcode, Type, Value, types};
use iced_x86::Code;
use regalloc2::VReg;

use super::allocate::{RAX, RCX, RDX, integer};
use super::codes;
use super::machine::{
    Address, Base, Condition, INTEGER, Implied, Instruction, Kind, Operand, View,
};
use super::select::{Select, Selected};

/// One code for 32 bits and one for 64.
fn sized(ty: Type, narrow: Code, wide: Code) -> Code {
    match ty {
        types::I64 => wide,
        _ => narrow,
    }
}

impl Select<'_> {
    /// An instruction whose result is an integer, a bool or an address.
    pub(super) fn integer(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let opcode = self.func.dfg.insts[inst].opcode();
        match opcode {
            Opcode::Iadd => self.add(inst, to, ty),
            Opcode::Isub => self.two(inst, to, [Code::Sub_r32_rm32, Code::Sub_r64_rm64], None),
            Opcode::Band => {
                let immediate = [Code::And_rm32_imm32, Code::And_rm64_imm32];
                let codes = [Code::And_r32_rm32, Code::And_r64_rm64];
                self.two(inst, to, codes, Some(immediate))
            }
            Opcode::Bor => {
                let immediate = [Code::Or_rm32_imm32, Code::Or_rm64_imm32];
                let codes = [Code::Or_r32_rm32, Code::Or_r64_rm64];
                self.two(inst, to, codes, Some(immediate))
            }
            Opcode::Bxor => {
                let immediate = [Code::Xor_rm32_imm32, Code::Xor_rm64_imm32];
                let codes = [Code::Xor_r32_rm32, Code::Xor_r64_rm64];
                self.two(inst, to, codes, Some(immediate))
            }
            Opcode::Bnot => self.one(inst, to, [Code::Not_rm32, Code::Not_rm64]),
            Opcode::Ineg => self.one(inst, to, [Code::Neg_rm32, Code::Neg_rm64]),
            Opcode::Imul => self.multiply(inst, to, ty),
            Opcode::Ishl | Opcode::Ushr | Opcode::Sshr | Opcode::Rotl => {
                self.shift(inst, opcode, to, ty)
            }
            Opcode::Udiv | Opcode::Urem | Opcode::Sdiv | Opcode::Srem => {
                self.divide(inst, opcode, to, ty)
            }
            Opcode::Umulhi | Opcode::Smulhi => {
                let [x, y] = self.operands(inst)?;
                let (x, y) = (self.register(x)?, self.register(y)?);
                let code = match opcode {
                    Opcode::Umulhi => sized(ty, Code::Mul_rm32, Code::Mul_rm64),
                    _ => sized(ty, Code::Imul_rm32, Code::Imul_rm64),
                };
                let low = self.fresh(INTEGER);
                let multiply = Instruction::code(code, vec![Operand::Use(y, self.view(ty))]);
                self.push(multiply.implying(vec![
                    Implied::Use(x, integer(RAX)),
                    Implied::Def(low, integer(RAX)),
                    Implied::Def(to, integer(RDX)),
                ]));
                Ok(())
            }
            Opcode::Smin | Opcode::Smax | Opcode::Umin | Opcode::Umax => {
                self.extreme_of_integers(inst, opcode, to, ty)
            }
            Opcode::Iabs => {
                let [x] = self.operands(inst)?;
                let negative = self.fresh(INTEGER);
                let change = self.change(x, negative)?;
                self.emit(sized(ty, Code::Neg_rm32, Code::Neg_rm64), vec![change]);
                // The flags are those of the negation: where it is negative, or the least number, x stays.
                let view = self.view(ty);
                let from = self.read(x)?;
                let change = Operand::Change {
                    from: negative,
                    to,
                    view,
                };
                let code = match view {
                    View::B64 => Code::Cmovs_r64_rm64,
                    _ => Code::Cmovs_r32_rm32,
                };
                self.emit(code, vec![change, from]);
                Ok(())
            }
            Opcode::Icmp | Opcode::Fcmp => self.compare(inst, to),
            Opcode::Select => {
                let [condition, x, y] = self.operands(inst)?;
                let operands = vec![self.change(y, to)?, self.read(x)?];
                let condition = self.condition(condition)?;
                self.emit(condition.conditional_move(self.view(ty)), operands);
                Ok(())
            }
            Opcode::Bitselect => {
                let [condition, x, y] = self.operands(inst)?;
                let (kept, view) = (self.fresh(INTEGER), self.view(ty));
                let other = self.fresh(INTEGER);
                let condition = self.register(condition)?;
                let change = self.change(x, kept)?;
                let and = sized(ty, Code::And_r32_rm32, Code::And_r64_rm64);
                self.emit(and, vec![change, Operand::Use(condition, view)]);
                let not_and = sized(ty, Code::VEX_Andn_r32_r32_rm32, Code::VEX_Andn_r64_r64_rm64);
                let y = self.read(y)?;
                let operands = vec![Operand::Def(other, view), Operand::Use(condition, view), y];
                self.emit(not_and, operands);
                let change = Operand::Change {
                    from: kept,
                    to,
                    view,
                };
                let or = sized(ty, Code::Or_r32_rm32, Code::Or_r64_rm64);
                self.emit(or, vec![change, Operand::Use(other, view)]);
                Ok(())
            }
            Opcode::Bmask => {
                let [x] = self.operands(inst)?;
                let (one, view) = (self.one_where(x)?, self.view(ty));
                let change = Operand::Change {
                    from: one,
                    to,
                    view,
                };
                self.emit(sized(ty, Code::Neg_rm32, Code::Neg_rm64), vec![change]);
                Ok(())
            }
            Opcode::Uextend | Opcode::Sextend | Opcode::Ireduce => {
                self.resize(inst, opcode, to, ty)
            }
            Opcode::Bitcast => {
                let [x] = self.operands(inst)?;
                let from = self.read(x)?;
                let to = self.write(to, ty);
                self.emit(codes::TO_INTEGER.of(self.width, ty), vec![to, from]);
                Ok(())
            }
            Opcode::Extractlane => self.extract(inst, to),
            Opcode::VanyTrue => self.any(inst, to),
            Opcode::FcvtToSintSat | Opcode::FcvtToUintSat => self.integer_from_float(inst, to),
            Opcode::StackAddr => {
                let InstructionData::StackAddr {
                    stack_slot, offset, ..
                } = self.func.dfg.insts[inst]
                else {
                    return Err(self.unknown(inst));
                };
                let at = self.slot(stack_slot) + i32::from(offset) as usize;
                let from = Operand::Memory(Address::slot(at));
                self.emit(Code::Lea_r64_m, vec![self.write(to, ty), from]);
                Ok(())
            }
            Opcode::SymbolValue | Opcode::FuncAddr => {
                let name = self.symbol(inst)?;
                let to = vec![self.write(to, ty)];
                self.push(Instruction::new(Kind::Symbol(name), to));
                Ok(())
            }
            _ => Err(self.unknown(inst)),
        }
    }

    /// What an address is of.
    pub(super) fn symbol(&self, inst: Inst) -> Selected<String> {
        let name = match &self.func.dfg.insts[inst] {
            InstructionData::UnaryGlobalValue { global_value, .. } => {
                match &self.func.global_values[*global_value] {
                    GlobalValueData::Symbol { name, .. } => name,
                    _ => return Err(self.unknown(inst)),
                }
            }
            InstructionData::FuncAddr { func_ref, .. } => &self.func.dfg.ext_funcs[*func_ref].name,
            _ => return Err(self.unknown(inst)),
        };
        match name {
            cranelift_codegen::ir::ExternalName::TestCase(symbol) => {
                Ok(String::from_utf8_lossy(symbol.raw()).into_owned())
            }
            _ => Err(self.unknown(inst)),
        }
    }

    /// Two operands, of which the first becomes the result.
    fn two(
        &mut self,
        inst: Inst,
        to: VReg,
        [narrow, wide]: [Code; 2],
        immediate: Option<[Code; 2]>,
    ) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [mut x, mut y] = self.operands(inst)?;
        if let Some([narrow, wide]) = immediate {
            if self.integer_constant(x).is_some() {
                (x, y) = (y, x);
            }
            let number = self.integer_constant(y).map(i32::try_from);
            if let Some(Ok(number)) = number {
                let change = self.change(x, to)?;
                let number = Operand::Immediate(i64::from(number));
                self.emit(sized(ty, narrow, wide), vec![change, number]);
                return Ok(());
            }
        }
        let operands = vec![self.change(x, to)?, self.read(y)?];
        self.emit(sized(ty, narrow, wide), operands);
        Ok(())
    }

    /// One operand, which becomes the result.
    fn one(&mut self, inst: Inst, to: VReg, [narrow, wide]: [Code; 2]) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [x] = self.operands(inst)?;
        let change = self.change(x, to)?;
        self.emit(sized(ty, narrow, wide), vec![change]);
        Ok(())
    }

    /// A sum, as an address that is not read.
    fn add(&mut self, inst: Inst, to: VReg, ty: Type) -> Selected<()> {
        let address = self.sum(inst)?;
        let code = sized(ty, Code::Lea_r32_m, Code::Lea_r64_m);
        self.emit(code, vec![self.write(to, ty), Operand::Memory(address)]);
        Ok(())
    }

    /// The operands of an addition as an address.
    fn sum(&mut self, inst: Inst) -> Selected<Address> {
        let [x, y] = self.operands(inst)?;
        for (x, y) in [(x, y), (y, x)] {
            if let Some(Ok(offset)) = self.integer_constant(y).map(i32::try_from) {
                return Ok(Address {
                    base: Base::Register(self.register(x)?),
                    index: None,
                    offset,
                });
            }
        }
        for (x, y) in [(x, y), (y, x)] {
            if let Some((z, shift)) = self.scaled(y) {
                return Ok(Address {
                    base: Base::Register(self.register(x)?),
                    index: Some((self.register(z)?, 1 << shift)),
                    offset: 0,
                });
            }
        }
        Ok(Address {
            base: Base::Register(self.register(x)?),
            index: Some((self.register(y)?, 1)),
            offset: 0,
        })
    }

    /// A value and a shift by up to 3 bits that make a value.
    fn scaled(&self, value: Value) -> Option<(Value, i64)> {
        let inst = self.made_by(value, Opcode::Ishl)?;
        let [x, by] = self.operands(inst).ok()?;
        let by = self.integer_constant(by)?;
        (0..=3).contains(&by).then_some((x, by))
    }

    /// An address of memory: sums that are used once are taken as operands.
    pub(super) fn address(&mut self, value: Value, offset: i32) -> Selected<Address> {
        let (mut value, mut offset) = (self.behind_casts(value), i64::from(offset));
        while let Some(inst) = self.made_by(value, Opcode::Iadd) {
            let [x, y] = self.operands(inst)?;
            let (rest, number) = match (self.integer_constant(x), self.integer_constant(y)) {
                (_, Some(number)) => (x, number),
                (Some(number), None) => (y, number),
                (None, None) => break,
            };
            if i32::try_from(offset + number).is_err() {
                break;
            }
            offset += number;
            value = rest;
        }
        let offset = i32::try_from(offset).map_err(|_| "an address too far away".to_owned())?;
        if let Some(inst) = self.made_by(value, Opcode::StackAddr)
            && let InstructionData::StackAddr {
                stack_slot,
                offset: within,
                ..
            } = self.func.dfg.insts[inst]
        {
            let at = self.slot(stack_slot) as i32 + i32::from(within) + offset;
            return Ok(Address {
                base: Base::Slots,
                index: None,
                offset: at,
            });
        }
        if let Some(inst) = self.made_by(value, Opcode::Iadd)
            && self.is_used_once(value)
            && !self.is_needed_later(value)
        {
            let sum = self.sum(inst)?;
            return Ok(Address { offset, ..sum });
        }
        Ok(Address {
            base: Base::Register(self.register(value)?),
            index: None,
            offset,
        })
    }

    fn multiply(&mut self, inst: Inst, to: VReg, ty: Type) -> Selected<()> {
        let [mut x, mut y] = self.operands(inst)?;
        if self.integer_constant(x).is_some() {
            (x, y) = (y, x);
        }
        if let Some(Ok(number)) = self.integer_constant(y).map(i32::try_from) {
            let code = sized(ty, Code::Imul_r32_rm32_imm32, Code::Imul_r64_rm64_imm32);
            let from = self.read(x)?;
            let number = Operand::Immediate(i64::from(number));
            self.emit(code, vec![self.write(to, ty), from, number]);
            return Ok(());
        }
        self.two(inst, to, [Code::Imul_r32_rm32, Code::Imul_r64_rm64], None)
    }

    fn shift(&mut self, inst: Inst, opcode: Opcode, to: VReg, ty: Type) -> Selected<()> {
        let [x, by] = self.operands(inst)?;
        let bits = i64::from(ty.bits());
        if let Some(count) = self.integer_constant(by) {
            let code = match opcode {
                Opcode::Ishl => sized(ty, Code::Shl_rm32_imm8, Code::Shl_rm64_imm8),
                Opcode::Ushr => sized(ty, Code::Shr_rm32_imm8, Code::Shr_rm64_imm8),
                Opcode::Sshr => sized(ty, Code::Sar_rm32_imm8, Code::Sar_rm64_imm8),
                _ => sized(ty, Code::Rol_rm32_imm8, Code::Rol_rm64_imm8),
            };
            let change = self.change(x, to)?;
            let count = Operand::Immediate(count & (bits - 1));
            self.emit(code, vec![change, count]);
            return Ok(());
        }
        let by = self.register(by)?;
        let view = self.view(ty);
        let code = match opcode {
            Opcode::Ishl => sized(ty, Code::VEX_Shlx_r32_rm32_r32, Code::VEX_Shlx_r64_rm64_r64),
            Opcode::Ushr => sized(ty, Code::VEX_Shrx_r32_rm32_r32, Code::VEX_Shrx_r64_rm64_r64),
            Opcode::Sshr => sized(ty, Code::VEX_Sarx_r32_rm32_r32, Code::VEX_Sarx_r64_rm64_r64),
            _ => {
                // Rotations take their count from a register of their own.
                let change = self.change(x, to)?;
                let code = sized(ty, Code::Rol_rm32_CL, Code::Rol_rm64_CL);
                let count = Implied::Use(by, integer(RCX));
                let rotate = Instruction::code(code, vec![change, Operand::Count]);
                self.push(rotate.implying(vec![count]));
                return Ok(());
            }
        };
        let operands = vec![self.write(to, ty), self.read(x)?, Operand::Use(by, view)];
        self.emit(code, operands);
        Ok(())
    }

    fn divide(&mut self, inst: Inst, opcode: Opcode, to: VReg, ty: Type) -> Selected<()> {
        let [x, y] = self.operands(inst)?;
        let signed = matches!(opcode, Opcode::Sdiv | Opcode::Srem);
        let low = self.register(x)?;
        let (divisor, view) = (self.register(y)?, self.view(ty));
        let high = match signed {
            false => self.load_integer(0),
            true => {
                // The sign in every bit.
                let (copy, high) = (self.fresh(INTEGER), self.fresh(INTEGER));
                let operands = vec![Operand::Def(copy, view), Operand::Use(low, view)];
                self.emit(sized(ty, Code::Mov_r32_rm32, Code::Mov_r64_rm64), operands);
                let change = Operand::Change {
                    from: copy,
                    to: high,
                    view,
                };
                let last = Operand::Immediate(i64::from(ty.bits()) - 1);
                self.emit(
                    sized(ty, Code::Sar_rm32_imm8, Code::Sar_rm64_imm8),
                    vec![change, last],
                );
                high
            }
        };
        let code = match signed {
            true => sized(ty, Code::Idiv_rm32, Code::Idiv_rm64),
            false => sized(ty, Code::Div_rm32, Code::Div_rm64),
        };
        let other = self.fresh(INTEGER);
        let (quotient, rest) = match opcode {
            Opcode::Udiv | Opcode::Sdiv => (to, other),
            _ => (other, to),
        };
        let divide = Instruction::code(code, vec![Operand::Use(divisor, view)]);
        self.push(divide.implying(vec![
            Implied::Use(low, integer(RAX)),
            Implied::Use(high, integer(RDX)),
            Implied::Def(quotient, integer(RAX)),
            Implied::Def(rest, integer(RDX)),
        ]));
        Ok(())
    }

    fn extreme_of_integers(
        &mut self,
        inst: Inst,
        opcode: Opcode,
        to: VReg,
        ty: Type,
    ) -> Selected<()> {
        let [x, y] = self.operands(inst)?;
        // x stays where y is not beyond it.
        let beyond = match opcode {
            Opcode::Smin => Condition::Less,
            Opcode::Smax => Condition::Greater,
            Opcode::Umin => Condition::Below,
            _ => Condition::Above,
        };
        let view = self.view(ty);
        let (a, b) = (self.register(x)?, self.register(y)?);
        let code = sized(ty, Code::Cmp_r32_rm32, Code::Cmp_r64_rm64);
        self.emit(code, vec![Operand::Use(b, view), Operand::Use(a, view)]);
        let change = Operand::Change { from: a, to, view };
        self.emit(
            beyond.conditional_move(view),
            vec![change, Operand::Use(b, view)],
        );
        Ok(())
    }

    fn resize(&mut self, inst: Inst, opcode: Opcode, to: VReg, ty: Type) -> Selected<()> {
        let [x] = self.operands(inst)?;
        let from = self.ty(x);
        let register = self.register(x)?;
        let (code, view, to) = match (opcode, from) {
            (Opcode::Ireduce, _) => (Code::Mov_r32_rm32, View::B32, Operand::Def(to, View::B32)),
            (Opcode::Uextend, types::I8) => {
                (Code::Movzx_r32_rm8, View::B8, Operand::Def(to, View::B32))
            }
            (Opcode::Uextend, types::I32) => {
                (Code::Mov_r32_rm32, View::B32, Operand::Def(to, View::B32))
            }
            (Opcode::Sextend, types::I32) if ty == types::I64 => (
                Code::Movsxd_r64_rm32,
                View::B32,
                Operand::Def(to, View::B64),
            ),
            _ => return Err(self.unknown(inst)),
        };
        self.emit(code, vec![to, Operand::Use(register, view)]);
        Ok(())
    }
}
