//! Loads, stores and calls, those of intrinsics among them.

use cranelift_codegen::ir::{Inst, InstructionData, Opcode, Type, Value, types};
use iced_x86::Code;
use regalloc2::VReg;

use super::allocate::{CONVENTION, integer, lost_by_calls, vector};
use super::codes::{self, Width};
use super::machine::{Address, INTEGER, Implied, Instruction, Kind, Operand, VECTOR, View};
use super::select::{Select, Selected};
use super::strided::Places;
use crate::cpu::intrinsic::Intrinsic;

impl Select<'_> {
    /// A load to a register.
    pub(super) fn load(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let InstructionData::Load {
            opcode,
            arg,
            offset,
            ..
        } = self.func.dfg.insts[inst]
        else {
            return Err(self.unknown(inst));
        };
        let ty = self.ty(self.result(inst));
        let from = Operand::Memory(self.address(arg, i32::from(offset))?);
        let code = match (opcode, ty) {
            (Opcode::Uload16, _) => {
                self.emit(
                    Code::Movzx_r32_rm16,
                    vec![Operand::Def(to, View::B32), from],
                );
                return Ok(());
            }
            (_, types::I64) => Code::Mov_r64_rm64,
            (_, types::I32) => Code::Mov_r32_rm32,
            _ if ty.is_int() => return Err(self.unknown(inst)),
            _ => codes::LOAD.of(self.width, ty),
        };
        self.emit(code, vec![self.write(to, ty), from]);
        Ok(())
    }

    /// A store.
    pub(super) fn store(&mut self, inst: Inst) -> Selected<()> {
        let InstructionData::Store {
            opcode,
            args: [value, address],
            offset,
            ..
        } = self.func.dfg.insts[inst]
        else {
            return Err(self.unknown(inst));
        };
        let value = self.behind_casts(value);
        let ty = self.ty(value);
        let to = Operand::Memory(self.address(address, i32::from(offset))?);
        let register = self.register(value)?;
        let (code, view) = match (opcode, ty) {
            (Opcode::Istore16, _) => (Code::Mov_rm16_r16, View::B16),
            (_, types::I64) => (Code::Mov_rm64_r64, View::B64),
            (_, types::I32) => (Code::Mov_rm32_r32, View::B32),
            _ if ty.is_int() => return Err(self.unknown(inst)),
            _ => (codes::STORE.of(self.width, ty), self.view(ty)),
        };
        self.emit(code, vec![to, Operand::Use(register, view)]);
        Ok(())
    }

    /// A call: of an intrinsic, which is written in its place, or of a function by its address.
    pub(super) fn call(&mut self, inst: Inst) -> Selected<()> {
        let InstructionData::Call { func_ref, .. } = self.func.dfg.insts[inst] else {
            return Err(self.unknown(inst));
        };
        let name = match &self.func.dfg.ext_funcs[func_ref].name {
            cranelift_codegen::ir::ExternalName::TestCase(symbol) => {
                String::from_utf8_lossy(symbol.raw()).into_owned()
            }
            _ => return Err(self.unknown(inst)),
        };
        let args = self.func.dfg.inst_args(inst).to_vec();
        let result = self.func.dfg.inst_results(inst).first().copied();
        if Intrinsic::of_name(&name) == Some(Intrinsic::Transpose) {
            let results = self.func.dfg.inst_results(inst).to_vec();
            return self.transpose(&args, &results);
        }
        if let Some(intrinsic) = Intrinsic::of_name(&name) {
            return self.intrinsic(inst, intrinsic, &args, result);
        }
        self.program.calls = true;
        let mut implied = Vec::new();
        let (mut integers, mut floats) = (0, 0);
        for (number, value) in args.into_iter().enumerate() {
            let register = self.register(value)?;
            if self.ty(value).is_int() {
                let place = CONVENTION.integer_argument(number, integers);
                let place = place.ok_or("too many arguments of a call")?;
                implied.push(Implied::Use(register, integer(place)));
                integers += 1;
            } else {
                let place = CONVENTION.float_argument(number, floats);
                implied.push(Implied::Use(register, vector(place)));
                floats += 1;
            }
        }
        let mut lost = lost_by_calls(self.width);
        if let Some(value) = result {
            let place = match self.ty(value).is_int() {
                true => integer(super::allocate::RAX),
                false => vector(0),
            };
            lost.remove(place);
            let register = self.asked(value);
            implied.push(Implied::Def(register, place));
        }
        implied.push(Implied::Lost(lost));
        let address = self.fresh(INTEGER);
        let to = vec![Operand::Def(address, View::B64)];
        self.push(Instruction::new(Kind::Symbol(name), to));
        let call = Instruction::new(Kind::Call, vec![Operand::Use(address, View::B64)]);
        self.push(call.implying(implied));
        Ok(())
    }

    fn intrinsic(
        &mut self,
        inst: Inst,
        intrinsic: Intrinsic,
        args: &[Value],
        result: Option<Value>,
    ) -> Selected<()> {
        let to = match result {
            // One that only gives a value need not be written where nothing wants it; none reads what is
            // not there otherwise.
            Some(value) if !self.is_needed_later(value) => return Ok(()),
            Some(value) => Some((self.asked(value), self.ty(value))),
            None => None,
        };
        match (intrinsic, args, to) {
            (Intrinsic::LoadFirst, &[address, count], Some((to, ty))) => {
                let count = self.lanes_of_constant(inst, count, ty)?;
                let from = Operand::Memory(self.address(address, 0)?);
                self.load_some(to, ty, from, count);
            }
            (Intrinsic::StoreFirst, &[value, address, count], None) => {
                let ty = self.ty(value);
                let count = self.lanes_of_constant(inst, count, ty)?;
                let from = self.register(value)?;
                let mask = self.first_lanes(count, ty);
                let to = Operand::Memory(self.address(address, 0)?);
                self.store_masked(ty, to, from, mask);
            }
            (Intrinsic::LoadStrided, &[address, stride, count], Some((to, ty))) => {
                let places = self.places(inst, [stride, count], ty)?;
                self.load_strided(to, ty, address, places)?;
            }
            (Intrinsic::StoreStrided, &[value, address, stride, count], None) => {
                let places = self.places(inst, [stride, count], self.ty(value))?;
                self.store_strided(value, address, places)?;
            }
            (Intrinsic::Exchange, &[value, by], Some((to, _))) => {
                let by = self
                    .integer_constant(by)
                    .ok_or_else(|| self.unknown(inst))?;
                self.exchange(to, value, by as usize)?;
            }
            (Intrinsic::Lane, &[value, lane], Some((to, _))) => {
                let lane = self.lanes_of_constant(inst, lane, self.ty(value))?;
                self.lane(to, value, lane)?;
            }
            (Intrinsic::FirstOf, &[value, others, count], Some((to, ty))) => {
                let count = self.lanes_of_constant(inst, count, ty)?;
                let mask = self.first_lanes(count, ty);
                self.blend(to, ty, mask, [value, others])?;
            }
            (Intrinsic::LaneNumbers, &[step], Some((to, ty))) => {
                let step = self
                    .integer_constant(step)
                    .ok_or_else(|| self.unknown(inst))?;
                let lanes = self.width.bytes() / ty.lane_type().bytes() as usize;
                let numbers = (0..lanes as i64).flat_map(|lane| {
                    let number = (lane * step).to_le_bytes();
                    number.into_iter().take(ty.lane_type().bytes() as usize)
                });
                let place = self.program.pool.place(&numbers.collect::<Vec<u8>>());
                let from = Operand::Memory(Address::constant(place));
                let to = self.write(to, ty);
                self.emit(codes::LOAD.of(self.width, ty), vec![to, from]);
            }
            (Intrinsic::LoadHalves, &[address], Some((to, ty))) => {
                let from = Operand::Memory(self.address(address, 0)?);
                let to = self.write(to, ty);
                self.emit(codes::LOAD_HALVES.of(self.width, ty), vec![to, from]);
            }
            (Intrinsic::StoreHalves, &[value, address], None) => {
                self.store_halves(value, address)?;
            }
            (Intrinsic::Bring, &[address], None) => {
                let line = Operand::Memory(self.address(address, 0)?);
                self.emit(Code::Prefetcht0_m8, vec![line]);
            }
            (Intrinsic::BringToWrite, &[address], None) => {
                let line = Operand::Memory(self.address(address, 0)?);
                self.emit(Code::Prefetchw_m8, vec![line]);
            }
            _ => return Err(self.unknown(inst)),
        }
        Ok(())
    }

    /// Which elements an intrinsic is told of.
    fn places(&self, inst: Inst, [stride, count]: [Value; 2], ty: Type) -> Selected<Places> {
        let stride = self.integer_constant(stride).map(usize::try_from);
        match stride {
            Some(Ok(stride)) if stride > 0 => Ok(Places {
                stride,
                count: self.lanes_of_constant(inst, count, ty)?,
            }),
            _ => Err(self.unknown(inst)),
        }
    }

    /// A number of lanes that is known.
    fn lanes_of_constant(&self, inst: Inst, count: Value, ty: Type) -> Selected<usize> {
        let count = self.integer_constant(count).map(usize::try_from);
        let lanes = self.width.bytes() / ty.lane_type().bytes() as usize;
        match count {
            Some(Ok(count)) if count <= lanes => Ok(count),
            _ => Err(self.unknown(inst)),
        }
    }

    /// The lower 16 bits of each lane, side by side.
    fn store_halves(&mut self, value: Value, address: Value) -> Selected<()> {
        let ty = self.ty(value);
        let to = Operand::Memory(self.address(address, 0)?);
        if self.width == Width::W512 {
            let from = self.read(value)?;
            self.emit(codes::STORE_HALVES.of(self.width, ty), vec![to, from]);
            return Ok(());
        }
        let from = self.register(value)?;
        let clean = self.lanes_and(from, 0xffff);
        // Each half of the register is packed by itself, twice.
        let (packed, ordered) = (self.fresh(VECTOR), self.fresh(VECTOR));
        let operands = vec![
            Operand::Def(packed, View::Y),
            Operand::Use(clean, View::Y),
            Operand::Use(clean, View::Y),
        ];
        self.emit(Code::VEX_Vpackusdw_ymm_ymm_ymmm256, operands);
        let operands = vec![
            Operand::Def(ordered, View::Y),
            Operand::Use(packed, View::Y),
            Operand::Immediate(0b11_01_10_00),
        ];
        self.emit(Code::VEX_Vpermq_ymm_ymmm256_imm8, operands);
        let operands = vec![to, Operand::Use(ordered, View::X)];
        self.emit(Code::VEX_Vmovups_xmmm128_xmm, operands);
        Ok(())
    }
}

/// An address that nothing is added to.
impl From<VReg> for Address {
    fn from(register: VReg) -> Address {
        Address {
            base: super::machine::Base::Register(register),
            index: None,
            offset: 0,
        }
    }
}
