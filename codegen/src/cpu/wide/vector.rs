//! Vectors: integers in lanes, bits, masks, and what goes between lanes.

use cranelift_codegen::ir::{Inst, InstructionData, Opcode, Type, Value, types};
use iced_x86::Code;
use regalloc2::VReg;

use super::codes::{self, Pair, Width};
use super::machine::{Address, Instruction, Kind, Operand, VECTOR, View};
use super::select::{Select, Selected};

impl Select<'_> {
    /// An instruction whose result is a vector.
    pub(super) fn vector(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let opcode = self.func.dfg.insts[inst].opcode();
        match opcode {
            Opcode::Vconst => Ok(()),
            Opcode::Splat => self.splat(inst, to, ty),
            Opcode::ScalarToVector => {
                let [x] = self.operands(inst)?;
                let from = self.read(x)?;
                let to = Operand::Def(to, View::X);
                match self.ty(x).is_int() {
                    true => self.emit(codes::FROM_INTEGER.of(self.width, ty), vec![to, from]),
                    false => self.emit(self.copy_of_part(), vec![to, from]),
                }
                Ok(())
            }
            Opcode::Iadd => self.binary(inst, to, codes::ADD_INTEGER, true),
            Opcode::Isub => self.binary(inst, to, codes::SUB_INTEGER, false),
            Opcode::Imul => self.binary(inst, to, codes::MUL_INTEGER, true),
            Opcode::Smin => self.binary(inst, to, codes::MIN_SIGNED, true),
            Opcode::Smax => self.binary(inst, to, codes::MAX_SIGNED, true),
            Opcode::Umin => self.binary(inst, to, codes::MIN_UNSIGNED, true),
            Opcode::Umax => self.binary(inst, to, codes::MAX_UNSIGNED, true),
            Opcode::Iabs => {
                let [x] = self.operands(inst)?;
                let operands = vec![self.write(to, ty), self.source(x, true)?];
                self.emit(self.coded(codes::ABS_INTEGER, ty, inst)?, operands);
                Ok(())
            }
            Opcode::Ineg => {
                let [x] = self.operands(inst)?;
                let zero = Operand::Use(self.zero(), self.whole());
                let operands = vec![self.write(to, ty), zero, self.source(x, true)?];
                self.emit(codes::SUB_INTEGER.of(self.width, ty), operands);
                Ok(())
            }
            Opcode::Ishl | Opcode::Ushr | Opcode::Sshr => {
                let [x, by] = self.operands(inst)?;
                let count = self
                    .integer_constant(by)
                    .ok_or_else(|| self.unknown(inst))?;
                let count = Operand::Immediate(count & (i64::from(ty.lane_bits()) - 1));
                let pair = match opcode {
                    Opcode::Ishl => codes::SHIFT_LEFT,
                    Opcode::Ushr => codes::SHIFT_RIGHT_UNSIGNED,
                    _ => codes::SHIFT_RIGHT_SIGNED,
                };
                let operands = vec![self.write(to, ty), self.read(x)?, count];
                self.emit(self.coded(pair, ty, inst)?, operands);
                Ok(())
            }
            Opcode::Band => self.and(inst, to),
            Opcode::Bor => self.or(inst, to),
            Opcode::Bxor => self.binary(inst, to, codes::XOR, true),
            Opcode::Bnot => {
                let [x] = self.operands(inst)?;
                let ones = self.ones(ty);
                let operands = vec![self.write(to, ty), self.read(x)?, ones];
                self.emit(codes::XOR.of(self.width, ty), operands);
                Ok(())
            }
            Opcode::Bitselect => self.bitselect(inst, to, ty),
            Opcode::Fcmp | Opcode::Icmp => self.compare_lanes(inst, to),
            Opcode::FcvtFromSint | Opcode::FcvtFromUint => self.floats_from_integers(inst, to),
            Opcode::FcvtToSintSat | Opcode::FcvtToUintSat => self.integers_from_floats(inst, to),
            _ => self.float_arithmetic(inst, to),
        }
    }

    /// A register of zeros.
    pub(super) fn zero(&mut self) -> VReg {
        let register = self.fresh(VECTOR);
        let code = match self.width {
            Width::W256 => Code::VEX_Vxorps_xmm_xmm_xmmm128,
            Width::W512 => Code::EVEX_Vpxord_xmm_k1z_xmm_xmmm128b32,
        };
        let to = vec![Operand::Def(register, View::X)];
        self.push(Instruction::new(Kind::Zero(code), to));
        register
    }

    /// All bits set, in memory.
    pub(super) fn ones(&mut self, ty: Type) -> Operand {
        let (size, broadcast) = match self.width {
            Width::W256 => (self.width.bytes(), false),
            Width::W512 => (ty.lane_type().bytes() as usize, true),
        };
        let place = Address::constant(self.program.pool.place(&vec![0xff; size]));
        match broadcast {
            true => Operand::Broadcast(place),
            false => Operand::Memory(place),
        }
    }

    /// A copy of the first 128 bits.
    fn copy_of_part(&self) -> Code {
        match self.width {
            Width::W256 => Code::VEX_Vmovaps_xmm_xmmm128,
            Width::W512 => Code::EVEX_Vmovaps_xmm_k1z_xmmm128,
        }
    }

    /// One element in every lane.
    fn splat(&mut self, inst: Inst, to: VReg, ty: Type) -> Selected<()> {
        let [x] = self.operands(inst)?;
        if self.constant(self.result(inst)).is_some() {
            return Ok(());
        }
        let to = self.write(to, ty);
        if self.is_used_once(x)
            && !self.is_needed_later(x)
            && self.ty(x).bytes() == ty.lane_type().bytes()
            && let Some(address) = self.load_here(x)?
        {
            let from = Operand::Memory(address);
            self.emit(codes::BROADCAST_MEMORY.of(self.width, ty), vec![to, from]);
            return Ok(());
        }
        let from = self.read(x)?;
        match (self.ty(x).is_int(), self.width) {
            (true, Width::W512) => {
                self.emit(codes::BROADCAST_INTEGER.of(self.width, ty), vec![to, from]);
            }
            (true, Width::W256) => {
                let first = self.fresh(VECTOR);
                let operands = vec![Operand::Def(first, View::X), from];
                self.emit(codes::FROM_INTEGER.of(self.width, ty), operands);
                let from = Operand::Use(first, View::X);
                self.emit(codes::BROADCAST.of(self.width, ty), vec![to, from]);
            }
            (false, _) => self.emit(codes::BROADCAST.of(self.width, ty), vec![to, from]),
        }
        Ok(())
    }

    /// One lane as a scalar.
    pub(super) fn extract(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        match self.func.dfg.insts[inst] {
            InstructionData::BinaryImm8 { arg, imm, .. } => self.lane(to, arg, usize::from(imm)),
            _ => Err(self.unknown(inst)),
        }
    }

    /// One lane as a scalar, of the type that the vector is given with.
    pub(super) fn lane(&mut self, to: VReg, vector: Value, lane: usize) -> Selected<()> {
        let ty = self.ty(vector);
        let lane_ty = ty.lane_type();
        let in_part = 16 / lane_ty.bytes() as usize;
        let (part, lane) = (lane / in_part, lane % in_part);
        let mut from = self.register(vector)?;
        if part > 0 {
            let quarter = self.fresh(VECTOR);
            let operands = vec![
                Operand::Def(quarter, View::X),
                Operand::Use(from, self.whole()),
                Operand::Immediate(part as i64),
            ];
            self.emit(codes::EXTRACT_PART.of(self.width, ty), operands);
            from = quarter;
        }
        let to = self.write(to, lane_ty);
        let from = Operand::Use(from, View::X);
        match (lane_ty.is_int(), lane) {
            (true, 0) => self.emit(codes::TO_INTEGER.of(self.width, ty), vec![to, from]),
            (true, _) => {
                let lane = Operand::Immediate(lane as i64);
                self.emit(
                    codes::EXTRACT_INTEGER.of(self.width, ty),
                    vec![to, from, lane],
                );
            }
            (false, 0) => self.emit(self.copy_of_part(), vec![to, from]),
            (false, _) => {
                let code = match (self.width, lane_ty) {
                    (Width::W256, types::F32) => Code::VEX_Vpermilps_xmm_xmmm128_imm8,
                    (Width::W256, _) => Code::VEX_Vpermilpd_xmm_xmmm128_imm8,
                    (Width::W512, types::F32) => Code::EVEX_Vpermilps_xmm_k1z_xmmm128b32_imm8,
                    (Width::W512, _) => Code::EVEX_Vpermilpd_xmm_k1z_xmmm128b64_imm8,
                };
                let lane = Operand::Immediate(lane as i64);
                self.emit(code, vec![to, from, lane]);
            }
        }
        Ok(())
    }

    /// Groups of so many lanes, of which each changes places with its neighbour.
    pub(super) fn exchange(&mut self, to: VReg, value: Value, by: usize) -> Selected<()> {
        let ty = self.ty(value);
        let bytes = by * ty.lane_type().bytes() as usize;
        let (pair, order): (Pair, i64) = match (self.width, bytes) {
            (Width::W512, 32) => (codes::SHUFFLE_PARTS, 0b01_00_11_10),
            (Width::W512, 16) => (codes::SHUFFLE_PARTS, 0b10_11_00_01),
            (Width::W256, 16) => (codes::SHUFFLE_PARTS, 1),
            (_, 8) if ty.lane_bits() == 64 => (codes::SHUFFLE_LANES, 0b0101_0101),
            (_, 8) => (codes::SHUFFLE_LANES, 0b01_00_11_10),
            (_, 4) => (codes::SHUFFLE_LANES, 0b10_11_00_01),
            _ => return Err(format!("groups of {bytes} bytes that change places")),
        };
        let from = self.read(value)?;
        let mut operands = vec![self.write(to, ty), from.clone()];
        if bytes >= 16 {
            operands.push(from);
        }
        operands.push(Operand::Immediate(order));
        self.emit(pair.of(self.width, ty), operands);
        Ok(())
    }
}
