//! Constants: where code reads them. Those of vectors and floats lie behind the code and are read as
//! operands, so that they take no registers.

use cranelift_codegen::ir::{InstructionData, Opcode, Type, Value};
use iced_x86::Code;
use regalloc2::VReg;

use super::codes::{self, Width};
use super::machine::{Address, INTEGER, Operand, View};
use super::select::{Select, Selected};

/// The bytes of a float or of a vector.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Constant {
    /// The type.
    pub ty: Type,
    /// All bytes.
    pub bytes: Vec<u8>,
}

impl Constant {
    /// The constant that a value is.
    pub(super) fn of(s: &Select<'_>, value: Value) -> Option<Constant> {
        let value = s.behind_casts(value);
        let (inst, ty) = (s.maker(value)?, s.ty(value));
        let bytes = match &s.func.dfg.insts[inst] {
            InstructionData::UnaryIeee32 { imm, .. } => imm.bits().to_le_bytes().to_vec(),
            InstructionData::UnaryIeee64 { imm, .. } => imm.bits().to_le_bytes().to_vec(),
            InstructionData::UnaryConst {
                constant_handle, ..
            } => s
                .func
                .dfg
                .constants
                .get(*constant_handle)
                .as_slice()
                .to_vec(),
            InstructionData::Unary {
                opcode: Opcode::Splat,
                arg,
            } => {
                let lane = match s.integer_constant(*arg) {
                    Some(number) => {
                        let bytes = number.to_le_bytes();
                        bytes.get(..ty.lane_type().bytes() as usize)?.to_vec()
                    }
                    None => Constant::of(s, *arg)?.bytes,
                };
                lane.repeat(ty.lane_count() as usize)
            }
            _ => return None,
        };
        Some(Constant { ty, bytes })
    }

    /// The bytes of every lane, or of the scalar.
    fn lane(&self) -> &[u8] {
        let lane = self.bytes.get(..self.ty.lane_type().bytes() as usize);
        lane.unwrap_or(&self.bytes)
    }

    /// The bits of a mask, if the lanes are those of one: all ones, or all zeros.
    pub(super) fn mask(&self) -> Option<u64> {
        let all = |byte: u8| self.bytes.iter().all(|b| *b == byte);
        match self.ty.is_vector() {
            true if all(0xff) => Some(u64::MAX),
            true => all(0).then_some(0),
            false => None,
        }
    }

    /// Whether all bits are zero.
    pub(super) fn is_zero(&self) -> bool {
        self.bytes.iter().all(|b| *b == 0)
    }
}

impl Select<'_> {
    /// The number that a value of an integer type is.
    pub(super) fn integer_constant(&self, value: Value) -> Option<i64> {
        let inst = self.made_by(value, Opcode::Iconst)?;
        match self.func.dfg.insts[inst] {
            InstructionData::UnaryImm { imm, .. } => {
                let number = imm.bits();
                Some(match self.ty(value).bits() {
                    8 => i64::from(number as i8),
                    16 => i64::from(number as i16),
                    32 => i64::from(number as i32),
                    _ => number,
                })
            }
            _ => None,
        }
    }

    /// A number in a new register.
    pub(super) fn load_integer(&mut self, number: i64) -> VReg {
        let register = self.fresh(INTEGER);
        let (code, view, number) = match u32::try_from(number) {
            Ok(short) => (Code::Mov_r32_imm32, View::B32, i64::from(short)),
            Err(_) if i32::try_from(number).is_ok() => (Code::Mov_rm64_imm32, View::B64, number),
            Err(_) => (Code::Mov_r64_imm64, View::B64, number),
        };
        self.emit(
            code,
            vec![Operand::Def(register, view), Operand::Immediate(number)],
        );
        register
    }

    /// A constant in a new register.
    pub(super) fn load_constant(&mut self, constant: &Constant) -> Selected<VReg> {
        let ty = constant.ty;
        let register = self.fresh_of(ty);
        let to = self.write(register, ty);
        if constant.is_zero() {
            // Of any register with itself: one that need not be set before.
            let code = match self.width {
                Width::W256 => Code::VEX_Vxorps_xmm_xmm_xmmm128,
                Width::W512 => Code::EVEX_Vpxord_xmm_k1z_xmm_xmmm128b32,
            };
            self.push(super::machine::Instruction::new(
                super::machine::Kind::Zero(code),
                vec![Operand::Def(register, View::X)],
            ));
            return Ok(register);
        }
        let place = self.program.pool.place(constant.lane());
        let from = Operand::Memory(Address::constant(place));
        let load = match ty.is_vector() {
            true => codes::BROADCAST_MEMORY,
            false => codes::LOAD,
        };
        self.emit(load.of(self.width, ty), vec![to, from]);
        Ok(register)
    }

    /// A constant as an operand in memory; `broadcasts` says whether the instruction can read one lane
    /// for all.
    pub(super) fn constant_operand(&mut self, constant: &Constant, broadcasts: bool) -> Operand {
        let lane = constant.lane().to_vec();
        if !constant.ty.is_vector() {
            return Operand::Memory(Address::constant(self.program.pool.place(&lane)));
        }
        if broadcasts && self.width == Width::W512 {
            return Operand::Broadcast(Address::constant(self.program.pool.place(&lane)));
        }
        let whole = lane.repeat(self.width.bytes() / lane.len().max(1));
        Operand::Memory(Address::constant(self.program.pool.place(&whole)))
    }
}
