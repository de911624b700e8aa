//! Conversions between integers and floats, of scalars and of vectors.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{Inst, Opcode, types};
use iced_x86::Code;
use regalloc2::VReg;

use super::codes::{self, Width};
use super::float::order;
use super::machine::{Address, INTEGER, Instruction, MASK, Operand, VECTOR, View};
use super::select::{Select, Selected};

impl Select<'_> {
    /// Conversions to a scalar float.
    pub(super) fn float_from(&mut self, inst: Inst, to: VReg) -> Selected<()> {
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

    /// Integers as floats.
    pub(super) fn floats_from_integers(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [x] = self.operands(inst)?;
        if ty.lane_type() != types::F32 {
            return Err(self.unknown(inst));
        }
        let signed = self.func.dfg.insts[inst].opcode() == Opcode::FcvtFromSint;
        if signed || self.width == Width::W512 {
            let forms = match signed {
                true => codes::FLOAT_FROM_SIGNED,
                false => codes::FLOAT_FROM_UNSIGNED,
            };
            let operands = vec![self.write(to, ty), self.read(x)?];
            self.emit(forms.of(self.width, ty), operands);
            return Ok(());
        }
        // Two halves of 16 bits are floats without rounding, and so is the upper one times 2^16: their sum
        // rounds once.
        let view = self.whole();
        let x = self.register(x)?;
        let lower = self.lanes_and(x, 0xffff);
        let upper = self.fresh(VECTOR);
        let operands = vec![
            Operand::Def(upper, view),
            Operand::Use(x, view),
            Operand::Immediate(16),
        ];
        self.emit(
            codes::SHIFT_RIGHT_UNSIGNED.of(self.width, types::I32X8),
            operands,
        );
        let [lower, upper] = [lower, upper].map(|from| {
            let float = self.fresh(VECTOR);
            let operands = vec![Operand::Def(float, view), Operand::Use(from, view)];
            self.emit(codes::FLOAT_FROM_SIGNED.of(self.width, ty), operands);
            float
        });
        let factor = self.lanes_of(65536.0_f32.to_bits());
        let change = Operand::Change {
            from: upper,
            to,
            view,
        };
        let operands = vec![
            change,
            Operand::Use(factor, view),
            Operand::Use(lower, view),
        ];
        self.emit(codes::MULTIPLY_ADD_213.of(self.width, ty), operands);
        Ok(())
    }

    /// The same 32 bits in every lane of a new register.
    fn lanes_of(&mut self, bits: u32) -> VReg {
        let place = Address::constant(self.program.pool.place(&bits.to_le_bytes()));
        let register = self.fresh(VECTOR);
        let operands = vec![Operand::Def(register, self.whole()), Operand::Memory(place)];
        self.emit(
            codes::BROADCAST_MEMORY.of(self.width, types::I32X8),
            operands,
        );
        register
    }

    /// The bits of 32-bit lanes that are also in a mask.
    pub(super) fn lanes_and(&mut self, x: VReg, bits: u32) -> VReg {
        let (mask, to, view) = (self.lanes_of(bits), self.fresh(VECTOR), self.whole());
        let operands = vec![
            Operand::Def(to, view),
            Operand::Use(x, view),
            Operand::Use(mask, view),
        ];
        self.emit(codes::AND.of(self.width, types::I32X8), operands);
        to
    }

    /// Two registers to a new one.
    fn combined(&mut self, code: Code, x: VReg, y: VReg) -> VReg {
        let (to, view) = (self.fresh(VECTOR), self.whole());
        self.combine(code, to, x, y, view);
        to
    }

    fn combine(&mut self, code: Code, to: VReg, x: VReg, y: VReg, view: View) {
        let operands = vec![
            Operand::Def(to, view),
            Operand::Use(x, view),
            Operand::Use(y, view),
        ];
        self.emit(code, operands);
    }

    /// Floats as the nearest integers towards zero; those beyond an end are that end, NaN is 0.
    pub(super) fn integers_from_floats(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        // The type as it is given: that of equal bits may be another one.
        let ty = self.ty(self.func.dfg.inst_args(inst)[0]);
        let [x] = self.operands(inst)?;
        let view = self.whole();
        if ty.lane_type() != types::F32 {
            return Err(self.unknown(inst));
        }
        let signed = self.func.dfg.insts[inst].opcode() == Opcode::FcvtToSintSat;
        let x = self.register(x)?;
        let limit = self.lanes_of(2_147_483_648.0_f32.to_bits());
        let width = self.width;
        let compare = |s: &mut Self, x: VReg, y: VReg, order: i64| {
            let (mask, view) = match width {
                Width::W256 => (s.fresh(VECTOR), View::Y),
                Width::W512 => (s.fresh(MASK), View::K),
            };
            let operands = vec![
                Operand::Def(mask, view),
                Operand::Use(x, s.whole()),
                Operand::Use(y, s.whole()),
                Operand::Immediate(order),
            ];
            s.emit(codes::COMPARE.of(width, ty), operands);
            mask
        };
        let convert = |s: &mut Self, forms: codes::Forms, x: VReg| {
            let integer = s.fresh(VECTOR);
            let operands = vec![Operand::Def(integer, view), Operand::Use(x, view)];
            s.emit(forms.of(width, ty), operands);
            integer
        };
        if signed {
            // NaN, and what is beyond either end, becomes the least integer.
            let (known, above) = (
                compare(self, x, x, order(FloatCC::Ordered)),
                compare(self, x, limit, order(FloatCC::GreaterThanOrEqual)),
            );
            match width {
                Width::W512 => {
                    let integer = self.fresh(VECTOR);
                    let operands = vec![Operand::Def(integer, view), Operand::Use(x, view)];
                    let convert =
                        Instruction::code(codes::SIGNED_FROM_FLOAT.of(width, ty), operands);
                    self.push(convert.where_set(known));
                    let greatest = self.lanes_of(i32::MAX as u32);
                    let operands = vec![
                        Operand::Def(to, view),
                        Operand::Use(integer, view),
                        Operand::Use(greatest, view),
                    ];
                    let blend = Instruction::code(codes::BLEND.of(width, ty), operands);
                    self.push(blend.only_where_set(above));
                }
                Width::W256 => {
                    let integer = convert(self, codes::SIGNED_FROM_FLOAT, x);
                    let xor = codes::XOR.of(width, ty);
                    // The least integer less one is the greatest.
                    let integer = self.combined(xor, integer, above);
                    self.combine(codes::AND.of(width, ty), to, integer, known, view);
                }
            }
            return Ok(());
        }
        let zero = self.zero();
        // Of a NaN and zero the instruction takes the second.
        let x = self.combined(codes::MAX.of(width, ty), x, zero);
        match width {
            Width::W512 => {
                let operands = vec![Operand::Def(to, view), Operand::Use(x, view)];
                self.emit(codes::UNSIGNED_FROM_FLOAT.of(width, ty), operands);
            }
            Width::W256 => {
                // The upper half of the range less 2^31, whose bit is set afterwards.
                let at_least = order(FloatCC::GreaterThanOrEqual);
                let upper = compare(self, x, limit, at_least);
                let end = self.lanes_of(4_294_967_296.0_f32.to_bits());
                let beyond = compare(self, x, end, at_least);
                let part = self.combined(codes::AND.of(width, ty), upper, limit);
                let rest = self.combined(codes::SUB.of(width, ty), x, part);
                let integer = convert(self, codes::SIGNED_FROM_FLOAT, rest);
                let bit = self.lanes_and(upper, 1 << 31);
                let whole = self.combined(codes::XOR.of(width, ty), integer, bit);
                self.combine(codes::OR.of(width, ty), to, whole, beyond, view);
            }
        }
        Ok(())
    }

    /// A scalar float as the nearest integer towards zero, in the same way.
    pub(super) fn integer_from_float(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let [x] = self.operands(inst)?;
        let ty = self.ty(self.result(inst));
        if ty != types::I32 {
            return Err(self.unknown(inst));
        }
        let evex = self.width == Width::W512;
        let pick = |vex, wide| if evex { wide } else { vex };
        let from = self.register(x)?;
        let view = View::X;
        let double = match self.ty(x) {
            types::F32 => {
                let double = self.fresh(VECTOR);
                let code = pick(
                    Code::VEX_Vcvtss2sd_xmm_xmm_xmmm32,
                    Code::EVEX_Vcvtss2sd_xmm_k1z_xmm_xmmm32_sae,
                );
                self.combine(code, double, from, from, view);
                double
            }
            _ => from,
        };
        let signed = self.func.dfg.insts[inst].opcode() == Opcode::FcvtToSintSat;
        let (least, greatest) = match signed {
            true => (f64::from(i32::MIN), f64::from(i32::MAX)),
            false => (0.0, f64::from(u32::MAX)),
        };
        let scalar = |s: &mut Self, value: f64| {
            let register = s.fresh(VECTOR);
            let place = Address::constant(s.program.pool.place(&value.to_le_bytes()));
            let operands = vec![Operand::Def(register, View::X), Operand::Memory(place)];
            s.emit(codes::LOAD.of(s.width, types::F64), operands);
            register
        };
        // Of a NaN each takes its second operand: of the first comparison NaN stays, of the second it is
        // the least, which is put right below.
        let greatest = scalar(self, greatest);
        let low = self.fresh(VECTOR);
        let min = codes::MIN.of(self.width, types::F64);
        self.combine(min, low, greatest, double, view);
        let least = scalar(self, least);
        let near = self.fresh(VECTOR);
        let max = codes::MAX.of(self.width, types::F64);
        self.combine(max, near, low, least, view);
        let integer = self.fresh(INTEGER);
        let code = pick(
            Code::VEX_Vcvttsd2si_r64_xmmm64,
            Code::EVEX_Vcvttsd2si_r64_xmmm64_sae,
        );
        let operands = vec![Operand::Def(integer, View::B64), Operand::Use(near, view)];
        self.emit(code, operands);
        let nothing = self.load_integer(0);
        let compare = codes::COMPARE_FLAGS.of(self.width, types::F64);
        let operand = Operand::Use(double, view);
        self.emit(compare, vec![operand.clone(), operand]);
        let change = Operand::Change {
            from: integer,
            to,
            view: View::B32,
        };
        let operands = vec![change, Operand::Use(nothing, View::B32)];
        self.emit(Code::Cmovp_r32_rm32, operands);
        Ok(())
    }
}
