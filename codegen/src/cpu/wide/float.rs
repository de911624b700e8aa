//! Arithmetic of floats, alone or in vectors: one choice for both.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{Inst, InstructionData, Opcode, Type, Value, types};
use iced_x86::Code;
use regalloc2::VReg;

use super::codes::{self, Pair, Width};
use super::machine::{INTEGER, Instruction, MASK, Operand, VECTOR, View};
use super::select::{Select, Selected};

/// How an instruction of comparison is told its order.
pub(super) fn order(cond: FloatCC) -> i64 {
    match cond {
        FloatCC::Equal => 0,
        FloatCC::Unordered => 3,
        FloatCC::NotEqual => 4,
        FloatCC::Ordered => 7,
        FloatCC::UnorderedOrEqual => 8,
        FloatCC::OrderedNotEqual => 12,
        FloatCC::LessThan => 17,
        FloatCC::LessThanOrEqual => 18,
        FloatCC::UnorderedOrGreaterThanOrEqual => 21,
        FloatCC::UnorderedOrGreaterThan => 22,
        FloatCC::UnorderedOrLessThan => 25,
        FloatCC::UnorderedOrLessThanOrEqual => 26,
        FloatCC::GreaterThanOrEqual => 29,
        FloatCC::GreaterThan => 30,
    }
}

/// The comparison of the same numbers the other way round.
fn turned(cond: FloatCC) -> FloatCC {
    match cond {
        FloatCC::LessThan => FloatCC::GreaterThan,
        FloatCC::LessThanOrEqual => FloatCC::GreaterThanOrEqual,
        FloatCC::GreaterThan => FloatCC::LessThan,
        FloatCC::GreaterThanOrEqual => FloatCC::LessThanOrEqual,
        FloatCC::UnorderedOrLessThan => FloatCC::UnorderedOrGreaterThan,
        FloatCC::UnorderedOrLessThanOrEqual => FloatCC::UnorderedOrGreaterThanOrEqual,
        FloatCC::UnorderedOrGreaterThan => FloatCC::UnorderedOrLessThan,
        FloatCC::UnorderedOrGreaterThanOrEqual => FloatCC::UnorderedOrLessThanOrEqual,
        FloatCC::Equal
        | FloatCC::NotEqual
        | FloatCC::Ordered
        | FloatCC::Unordered
        | FloatCC::UnorderedOrEqual
        | FloatCC::OrderedNotEqual => cond,
    }
}

/// How an instruction that rounds is told which way, without reporting that it did.
const DOWN: i64 = 9;
const NEAREST: i64 = 8;

impl Select<'_> {
    /// An instruction whose result is a scalar float.
    pub(super) fn float(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        match self.func.dfg.insts[inst].opcode() {
            Opcode::F32const | Opcode::F64const => Ok(()),
            Opcode::Bitcast => {
                let [x] = self.operands(inst)?;
                let from = self.read(x)?;
                self.emit(
                    codes::FROM_INTEGER.of(self.width, ty),
                    vec![self.write(to, ty), from],
                );
                Ok(())
            }
            Opcode::Select => {
                let [condition, x, y] = self.operands(inst)?;
                if let Some(done) = self.extreme(to, condition, [x, y])? {
                    return Ok(done);
                }
                let mask = self.scalar_mask(condition, ty)?;
                self.blend(to, ty, mask, [x, y])
            }
            Opcode::Extractlane => self.extract(inst, to),
            Opcode::Fpromote | Opcode::Fdemote | Opcode::FcvtFromSint | Opcode::FcvtFromUint => {
                self.float_from(inst, to)
            }
            _ => self.float_arithmetic(inst, to),
        }
    }

    /// Arithmetic, of scalars or of vectors.
    pub(super) fn float_arithmetic(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        match self.func.dfg.insts[inst].opcode() {
            Opcode::Fadd => self.binary(inst, to, codes::ADD, true),
            Opcode::Fsub => self.binary(inst, to, codes::SUB, false),
            Opcode::Fmul => self.binary(inst, to, codes::MUL, true),
            Opcode::Fdiv => self.binary(inst, to, codes::DIV, false),
            Opcode::Fma => self.multiply_add(inst, to),
            Opcode::Sqrt => self.unary(inst, to, codes::SQRT, None),
            Opcode::Floor => self.unary(inst, to, codes::ROUND, Some(DOWN)),
            Opcode::Nearest => self.unary(inst, to, codes::ROUND, Some(NEAREST)),
            Opcode::Fneg => self.with_sign(inst, to, codes::XOR, 1 << 63),
            Opcode::Fabs => self.with_sign(inst, to, codes::AND, u64::MAX >> 1),
            Opcode::Band => self.bits(inst, to, codes::AND),
            Opcode::Bor => self.bits(inst, to, codes::OR),
            Opcode::Bxor => self.bits(inst, to, codes::XOR),
            _ => Err(self.unknown(inst)),
        }
    }

    /// A value as the last operand of an instruction, which may be in memory.
    pub(super) fn source(&mut self, value: Value, broadcasts: bool) -> Selected<Operand> {
        let value = self.behind_casts(value);
        if let Some(constant) = self.constant(value)
            && (!constant.is_zero() || constant.ty.is_vector())
        {
            return Ok(self.constant_operand(&constant, broadcasts));
        }
        if self.is_needed_later(value) || !self.is_used_once(value) {
            return self.read(value);
        }
        if let Some(address) = self.load_here(value)? {
            return Ok(Operand::Memory(address));
        }
        if broadcasts
            && self.width == Width::W512
            && let Some(splat) = self.made_by(value, Opcode::Splat)
        {
            let [scalar] = self.operands(splat)?;
            let same = self.ty(scalar).bytes() == self.ty(value).lane_type().bytes();
            if same
                && self.is_used_once(scalar)
                && !self.is_needed_later(scalar)
                && let Some(address) = self.load_here(scalar)?
            {
                return Ok(Operand::Broadcast(address));
            }
        }
        self.read(value)
    }

    /// The address of a load that is taken as an operand here.
    pub(super) fn load_here(&mut self, value: Value) -> Selected<Option<super::machine::Address>> {
        let Some(inst) = self.made_by(value, Opcode::Load) else {
            return Ok(None);
        };
        if !self.can_move_here(inst) {
            return Ok(None);
        }
        let InstructionData::Load { arg, offset, .. } = self.func.dfg.insts[inst] else {
            return Ok(None);
        };
        self.address(arg, i32::from(offset)).map(Some)
    }

    /// Whether a value would be an operand in memory.
    fn is_in_memory(&self, value: Value) -> bool {
        if self.constant(value).is_some() {
            return true;
        }
        let splat = self.made_by(value, Opcode::Splat);
        let loaded = match splat.map(|s| self.operands(s)) {
            Some(Ok([scalar])) if self.is_used_once(value) && self.width == Width::W512 => scalar,
            _ => value,
        };
        let load = self.made_by(loaded, Opcode::Load);
        load.is_some_and(|l| self.is_used_once(loaded) && self.can_move_here(l))
    }

    /// An operation of two operands.
    pub(super) fn binary(
        &mut self,
        inst: Inst,
        to: VReg,
        pair: Pair,
        commutes: bool,
    ) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [mut x, mut y] = self.operands(inst)?;
        if commutes && self.is_in_memory(x) && !self.is_in_memory(y) {
            (x, y) = (y, x);
        }
        let operands = vec![self.write(to, ty), self.read(x)?, self.source(y, true)?];
        self.emit(self.coded(pair, ty, inst)?, operands);
        Ok(())
    }

    /// Two scalars by their bits; in memory they would be 16 bytes to these instructions.
    fn bits(&mut self, inst: Inst, to: VReg, pair: Pair) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [x, y] = self.operands(inst)?;
        let operands = vec![self.write(to, ty), self.read(x)?, self.read(y)?];
        self.emit(self.coded(pair, ty, inst)?, operands);
        Ok(())
    }

    /// The code of an operation, if there is one.
    pub(super) fn coded(&self, pair: Pair, ty: Type, inst: Inst) -> Selected<Code> {
        match pair.of(self.width, ty) {
            Code::INVALID => Err(self.unknown(inst)),
            code => Ok(code),
        }
    }

    /// An operation of one operand, perhaps with a number.
    fn unary(&mut self, inst: Inst, to: VReg, pair: Pair, number: Option<i64>) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [x] = self.operands(inst)?;
        let mut operands = vec![self.write(to, ty)];
        let from = match ty.is_vector() {
            true => self.source(x, true)?,
            false => {
                // The lanes that nobody reads are those of the operand.
                let from = self.read(x)?;
                operands.push(from.clone());
                from
            }
        };
        operands.push(from);
        operands.extend(number.map(Operand::Immediate));
        self.emit(self.coded(pair, ty, inst)?, operands);
        Ok(())
    }

    /// Changes signs by a mask of bits, given for 64.
    fn with_sign(&mut self, inst: Inst, to: VReg, pair: Pair, bits: u64) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [x] = self.operands(inst)?;
        let lane = match ty.lane_bits() {
            64 => bits.to_le_bytes().to_vec(),
            _ => ((bits >> 32) as u32).to_le_bytes().to_vec(),
        };
        // Scalars are 16 bytes to these instructions.
        let bytes = if ty.is_vector() {
            self.width.bytes()
        } else {
            16
        };
        let lanes = bytes / lane.len();
        let mask = match self.width {
            Width::W256 => {
                let place = self.program.pool.place(&lane.repeat(lanes));
                Operand::Memory(super::machine::Address::constant(place))
            }
            Width::W512 => {
                let place = self.program.pool.place(&lane);
                Operand::Broadcast(super::machine::Address::constant(place))
            }
        };
        let operands = vec![self.write(to, ty), self.read(x)?, mask];
        self.emit(self.coded(pair, ty, inst)?, operands);
        Ok(())
    }

    /// `x * y + z` in one rounding, by the form whose operand in memory and whose lost operand fit best.
    fn multiply_add(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [mut x, mut y, z] = self.operands(inst)?;
        if self.is_in_memory(x) && !self.is_in_memory(y) {
            (x, y) = (y, x);
        }
        // What is needed afterwards would be copied before it is lost.
        let stays = |v: Value| self.is_needed_later(v) || self.is_in_memory(v);
        let (pair, [changed, read, last]) = if self.is_in_memory(z) {
            let factors = if stays(x) { [y, x, z] } else { [x, y, z] };
            (codes::MULTIPLY_ADD_213, factors)
        } else if self.is_in_memory(y) || !stays(z) || (stays(x) && stays(y)) {
            (codes::MULTIPLY_ADD_231, [z, x, y])
        } else {
            let factors = if stays(x) { [y, x, z] } else { [x, y, z] };
            (codes::MULTIPLY_ADD_213, factors)
        };
        let operands = vec![
            self.change(changed, to)?,
            self.read(read)?,
            self.source(last, true)?,
        ];
        self.emit(self.coded(pair, ty, inst)?, operands);
        Ok(())
    }

    /// `condition ? x : y` as a minimum or a maximum, if it is one of the two numbers compared.
    pub(super) fn extreme(
        &mut self,
        to: VReg,
        condition: Value,
        [x, y]: [Value; 2],
    ) -> Selected<Option<()>> {
        let ty = self.ty(x);
        let Some(inst) = self.made_by(condition, Opcode::Fcmp) else {
            return Ok(None);
        };
        let InstructionData::FloatCompare { cond, args, .. } = self.func.dfg.insts[inst] else {
            return Ok(None);
        };
        let [mut a, mut b] = args.map(|v| self.behind_casts(v));
        match cond {
            FloatCC::LessThan => {}
            FloatCC::GreaterThan => (a, b) = (b, a),
            _ => return Ok(None),
        }
        // Here a < b chooses x.
        let same = |v: Value, w: Value| self.is_same(v, w);
        let pair = if same(x, a) && same(y, b) {
            codes::MIN
        } else if same(x, b) && same(y, a) {
            codes::MAX
        } else {
            return Ok(None);
        };
        let operands = vec![self.write(to, ty), self.read(x)?, self.source(y, true)?];
        self.emit(pair.of(self.width, ty), operands);
        Ok(Some(()))
    }

    /// Whether two values are the same, as one value or as equal constants.
    fn is_same(&self, v: Value, w: Value) -> bool {
        let constants = || Some(self.constant(v)?.bytes == self.constant(w)?.bytes);
        v == w || constants().unwrap_or(false)
    }

    /// A bool as a mask of the first lane: a mask register, or ones in a vector register.
    fn scalar_mask(&mut self, condition: Value, ty: Type) -> Selected<VReg> {
        if let Some(inst) = self.made_by(condition, Opcode::Fcmp)
            && let InstructionData::FloatCompare { cond, args, .. } = self.func.dfg.insts[inst]
            && self.ty(args[0]) == ty
        {
            return self.compare_to_mask(cond, args, ty);
        }
        let one = self.one_where(condition)?;
        match self.width {
            Width::W512 => {
                let mask = self.fresh(MASK);
                let operands = vec![Operand::Def(mask, View::K), Operand::Use(one, View::B32)];
                self.emit(Code::VEX_Kmovd_kr_r32, operands);
                Ok(mask)
            }
            Width::W256 => {
                let (all, mask) = (self.fresh(INTEGER), self.fresh(VECTOR));
                let change = Operand::Change {
                    from: one,
                    to: all,
                    view: View::B64,
                };
                self.emit(Code::Neg_rm64, vec![change]);
                let operands = vec![Operand::Def(mask, View::X), Operand::Use(all, View::B64)];
                self.emit(Code::VEX_Vmovq_xmm_rm64, operands);
                Ok(mask)
            }
        }
    }

    /// A comparison as a mask of the lanes where it holds: a mask register, or ones in a vector register.
    pub(super) fn compare_to_mask(
        &mut self,
        cond: FloatCC,
        args: [Value; 2],
        ty: Type,
    ) -> Selected<VReg> {
        let mask = match self.width {
            Width::W256 => self.fresh(VECTOR),
            Width::W512 => self.fresh(MASK),
        };
        self.compare_floats(cond, args, ty, mask)?;
        Ok(mask)
    }

    /// [`Select::compare_to_mask`] in a given register.
    pub(super) fn compare_floats(
        &mut self,
        cond: FloatCC,
        args: [Value; 2],
        ty: Type,
        mask: VReg,
    ) -> Selected<()> {
        let [mut x, mut y] = args.map(|v| self.behind_casts(v));
        let mut cond = cond;
        if self.is_in_memory(x) && !self.is_in_memory(y) {
            (x, y, cond) = (y, x, turned(cond));
        }
        let to = match self.width {
            Width::W256 => self.write(mask, ty),
            Width::W512 => Operand::Def(mask, View::K),
        };
        let operands = vec![
            to,
            self.read(x)?,
            self.source(y, true)?,
            Operand::Immediate(order(cond)),
        ];
        self.emit(codes::COMPARE.of(self.width, ty), operands);
        Ok(())
    }

    /// A comparison of scalars that takes more than one condition of the flags, as a byte.
    pub(super) fn compare_scalars(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let InstructionData::FloatCompare { cond, args, .. } = self.func.dfg.insts[inst] else {
            return Err(self.unknown(inst));
        };
        let ty = self.ty(args[0]);
        let mask = self.compare_to_mask(cond, args, ty)?;
        match self.width {
            Width::W512 => {
                let operands = vec![Operand::Def(to, View::B32), Operand::Use(mask, View::K)];
                self.emit(Code::VEX_Kmovd_r32_kr, operands);
            }
            Width::W256 => {
                let all = self.fresh(INTEGER);
                let operands = vec![Operand::Def(all, View::B32), Operand::Use(mask, View::X)];
                self.emit(Code::VEX_Vmovd_rm32_xmm, operands);
                let change = Operand::Change {
                    from: all,
                    to,
                    view: View::B32,
                };
                let one = Operand::Immediate(1);
                self.emit(Code::And_rm32_imm8, vec![change, one]);
            }
        }
        Ok(())
    }

    /// `mask ? x : y`, lane by lane.
    pub(super) fn blend(
        &mut self,
        to: VReg,
        ty: Type,
        mask: VReg,
        [x, y]: [Value; 2],
    ) -> Selected<()> {
        let view = match ty.is_vector() {
            true => self.whole(),
            false => View::X,
        };
        let code = codes::BLEND.of(self.width, ty);
        let to = Operand::Def(to, view);
        let first = Operand::Use(self.register(y)?, view);
        match self.width {
            Width::W256 => {
                // Of a scalar the instruction would read 16 bytes.
                let second = match ty.is_vector() {
                    true => self.source(x, false)?,
                    false => self.read(x)?,
                };
                self.emit(code, vec![to, first, second, Operand::Use(mask, view)]);
            }
            Width::W512 => {
                let second = match ty.is_vector() {
                    true => self.source(x, true)?,
                    false => self.read(x)?,
                };
                let blend = Instruction::code(code, vec![to, first, second]);
                self.push(blend.only_where_set(mask));
            }
        }
        Ok(())
    }

    /// Conversions to a scalar float.
    fn float_from(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [x] = self.operands(inst)?;
        let evex = self.width == Width::W512;
        let pick = |vex, wide| if evex { wide } else { vex };
        let from = self.read(x)?;
        let target = self.write(to, ty);
        match (self.func.dfg.insts[inst].opcode(), ty) {
            (Opcode::Fpromote, types::F64) => {
                let code = pick(
                    Code::VEX_Vcvtss2sd_xmm_xmm_xmmm32,
                    Code::EVEX_Vcvtss2sd_xmm_k1z_xmm_xmmm32_sae,
                );
                self.emit(code, vec![target, from.clone(), from]);
            }
            (Opcode::Fdemote, types::F32) => {
                let code = pick(
                    Code::VEX_Vcvtsd2ss_xmm_xmm_xmmm64,
                    Code::EVEX_Vcvtsd2ss_xmm_k1z_xmm_xmmm64_er,
                );
                self.emit(code, vec![target, from.clone(), from]);
            }
            (Opcode::FcvtFromSint | Opcode::FcvtFromUint, _) => {
                // The other lanes come from a register of zeros, so that nothing waits for what was there.
                let zero = self.zero();
                let zero = Operand::Use(zero, View::X);
                let signed = self.func.dfg.insts[inst].opcode() == Opcode::FcvtFromSint;
                let (register, view) = match (signed, self.ty(x)) {
                    (true, types::I32) => (self.register(x)?, View::B32),
                    (true, types::I64) => (self.register(x)?, View::B64),
                    (false, types::I32) => {
                        // As 64 bits it is not negative.
                        let long = self.fresh(INTEGER);
                        let operands = vec![Operand::Def(long, View::B32), from];
                        self.emit(Code::Mov_r32_rm32, operands);
                        (long, View::B64)
                    }
                    _ => return Err(self.unknown(inst)),
                };
                let code = match (ty, view) {
                    (types::F32, View::B64) => pick(
                        Code::VEX_Vcvtsi2ss_xmm_xmm_rm64,
                        Code::EVEX_Vcvtsi2ss_xmm_xmm_rm64_er,
                    ),
                    (types::F32, _) => pick(
                        Code::VEX_Vcvtsi2ss_xmm_xmm_rm32,
                        Code::EVEX_Vcvtsi2ss_xmm_xmm_rm32_er,
                    ),
                    (_, View::B64) => pick(
                        Code::VEX_Vcvtsi2sd_xmm_xmm_rm64,
                        Code::EVEX_Vcvtsi2sd_xmm_xmm_rm64_er,
                    ),
                    _ => pick(
                        Code::VEX_Vcvtsi2sd_xmm_xmm_rm32,
                        Code::EVEX_Vcvtsi2sd_xmm_xmm_rm32_er,
                    ),
                };
                self.emit(code, vec![target, zero, Operand::Use(register, view)]);
            }
            _ => return Err(self.unknown(inst)),
        }
        Ok(())
    }
}
