//! Vectors: integers in lanes, bits, masks, and what goes between lanes.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Inst, InstructionData, Opcode, Type, Value, types};
use iced_x86::Code;
use regalloc2::VReg;

use super::codes::{self, Pair, Width};
use super::float::order;
use super::machine::{Address, INTEGER, Instruction, Kind, MASK, Operand, VECTOR, View};
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
    fn ones(&mut self, ty: Type) -> Operand {
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

    /// `x & y`: what a mask keeps, if one of them is a mask.
    fn and(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [x, y] = self.operands(inst)?;
        let masked = match (self.is_mask(x), self.is_mask(y)) {
            (_, true) => Some((x, y)),
            (true, false) => Some((y, x)),
            (false, false) => None,
        };
        if let Some((kept, mask)) = masked {
            let mask = self.mask(mask)?;
            let to = self.write(to, ty);
            let (pair, from) = match self.constant(kept) {
                Some(constant) => match self.constant_operand(&constant, true) {
                    Operand::Broadcast(place) => (codes::BROADCAST_MEMORY, Operand::Memory(place)),
                    other => (codes::MOVE_MASKED, other),
                },
                None => (codes::MOVE_MASKED, self.read(kept)?),
            };
            let instruction = Instruction::code(pair.of(self.width, ty), vec![to, from]);
            self.push(instruction.where_set(mask));
            return Ok(());
        }
        for (x, y) in [(x, y), (y, x)] {
            if let Some(not) = self.made_by(y, Opcode::Bnot) {
                let [y] = self.operands(not)?;
                let operands = vec![self.write(to, ty), self.read(y)?, self.source(x, true)?];
                self.emit(codes::NOT_AND.of(self.width, ty), operands);
                return Ok(());
            }
        }
        self.binary(inst, to, codes::AND, true)
    }

    /// `x | y`: all ones where a mask holds, if one of them is a mask.
    fn or(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        let [x, y] = self.operands(inst)?;
        let masked = match (self.is_mask(x), self.is_mask(y)) {
            (_, true) => (x, y),
            (true, false) => (y, x),
            (false, false) => return self.binary(inst, to, codes::OR, true),
        };
        let mask = self.mask(masked.1)?;
        let kept = self.register(masked.0)?;
        let view = self.whole();
        let operands = vec![
            Operand::Change {
                from: kept,
                to,
                view,
            },
            Operand::Use(kept, view),
            Operand::Use(kept, view),
            Operand::Immediate(0xff),
        ];
        let ones = Instruction::code(codes::TERNARY.of(self.width, ty), operands);
        self.push(ones.only_where_set(mask));
        Ok(())
    }

    /// The bits of one or of another; lanes of one or of another, if that is what the condition says.
    fn bitselect(&mut self, inst: Inst, to: VReg, ty: Type) -> Selected<()> {
        let [condition, x, y] = self.operands(inst)?;
        if let Some(done) = self.extreme(to, condition, [x, y])? {
            return Ok(done);
        }
        match self.width {
            Width::W512 if self.is_mask(condition) => {
                let mask = self.mask(condition)?;
                self.blend(to, ty, mask, [x, y])
            }
            Width::W512 => {
                let operands = vec![
                    self.change(condition, to)?,
                    self.read(x)?,
                    self.source(y, true)?,
                    // `condition ? x : y`, for each bit.
                    Operand::Immediate(0xca),
                ];
                self.emit(codes::TERNARY.of(self.width, ty), operands);
                Ok(())
            }
            Width::W256 if self.is_lanes(condition) => {
                let mask = self.register(condition)?;
                self.blend(to, ty, mask, [x, y])
            }
            Width::W256 => {
                let (kept, other) = (self.fresh(VECTOR), self.fresh(VECTOR));
                let (c, view) = (self.register(condition)?, self.whole());
                let operands = vec![
                    Operand::Def(kept, view),
                    Operand::Use(c, view),
                    self.source(x, false)?,
                ];
                self.emit(codes::AND.of(self.width, ty), operands);
                let operands = vec![
                    Operand::Def(other, view),
                    Operand::Use(c, view),
                    self.source(y, false)?,
                ];
                self.emit(codes::NOT_AND.of(self.width, ty), operands);
                let operands = vec![
                    self.write(to, ty),
                    Operand::Use(kept, view),
                    Operand::Use(other, view),
                ];
                self.emit(codes::OR.of(self.width, ty), operands);
                Ok(())
            }
        }
    }

    /// Whether the bits of each lane are equal: comparisons and what is put together of them.
    fn is_lanes(&self, value: Value) -> bool {
        if self.constant(value).is_some_and(|c| c.mask().is_some()) {
            return true;
        }
        let Some(inst) = self.maker(value) else {
            return false;
        };
        let args = self.func.dfg.inst_args(inst);
        match self.func.dfg.insts[inst].opcode() {
            Opcode::Fcmp | Opcode::Icmp => true,
            Opcode::Band | Opcode::Bor | Opcode::Bxor | Opcode::Bnot => {
                args.iter().all(|v| self.is_lanes(*v))
            }
            _ => false,
        }
    }

    /// What is made in a mask register.
    pub(super) fn mask_of(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let opcode = self.func.dfg.insts[inst].opcode();
        match self.func.dfg.insts[inst] {
            InstructionData::FloatCompare { cond, args, .. } => {
                self.compare_floats(cond, args, self.ty(args[0]), to)
            }
            InstructionData::IntCompare { cond, args, .. } => self.compare_mask(cond, args, to),
            _ if opcode == Opcode::Bnot => {
                let [x] = self.operands(inst)?;
                let x = self.mask(x)?;
                let operands = vec![Operand::Def(to, View::K), Operand::Use(x, View::K)];
                self.emit(Code::VEX_Knotq_kr_kr, operands);
                Ok(())
            }
            _ => {
                let [x, y] = self.operands(inst)?;
                let (x, y) = (self.mask(x)?, self.mask(y)?);
                let code = match opcode {
                    Opcode::Band => Code::VEX_Kandq_kr_kr_kr,
                    Opcode::Bor => Code::VEX_Korq_kr_kr_kr,
                    Opcode::Bxor => Code::VEX_Kxorq_kr_kr_kr,
                    _ => return Err(self.unknown(inst)),
                };
                let operands = vec![
                    Operand::Def(to, View::K),
                    Operand::Use(x, View::K),
                    Operand::Use(y, View::K),
                ];
                self.emit(code, operands);
                Ok(())
            }
        }
    }

    /// A comparison of integers to a mask register.
    fn compare_mask(&mut self, cond: IntCC, args: [Value; 2], to: VReg) -> Selected<()> {
        let ty = self.ty(args[0]);
        let (pair, order) = match cond {
            IntCC::Equal => (codes::COMPARE_SIGNED, 0),
            IntCC::SignedLessThan => (codes::COMPARE_SIGNED, 1),
            IntCC::SignedLessThanOrEqual => (codes::COMPARE_SIGNED, 2),
            IntCC::NotEqual => (codes::COMPARE_SIGNED, 4),
            IntCC::SignedGreaterThanOrEqual => (codes::COMPARE_SIGNED, 5),
            IntCC::SignedGreaterThan => (codes::COMPARE_SIGNED, 6),
            IntCC::UnsignedLessThan => (codes::COMPARE_UNSIGNED, 1),
            IntCC::UnsignedLessThanOrEqual => (codes::COMPARE_UNSIGNED, 2),
            IntCC::UnsignedGreaterThanOrEqual => (codes::COMPARE_UNSIGNED, 5),
            IntCC::UnsignedGreaterThan => (codes::COMPARE_UNSIGNED, 6),
        };
        let [x, y] = args.map(|v| self.behind_casts(v));
        let operands = vec![
            Operand::Def(to, View::K),
            self.read(x)?,
            self.source(y, true)?,
            Operand::Immediate(order),
        ];
        self.emit(pair.of(self.width, ty), operands);
        Ok(())
    }

    /// A comparison to ones and zeros in a vector register, at 256 bits.
    fn compare_lanes(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        match self.func.dfg.insts[inst] {
            InstructionData::FloatCompare { cond, args, .. } => {
                self.compare_floats(cond, args, self.ty(args[0]), to)
            }
            InstructionData::IntCompare { cond, args, .. } => {
                let [x, y] = args.map(|v| self.behind_casts(v));
                let ty = self.ty(x);
                // x > y, y > x, or the negation of one of them; of unsigned numbers a greater or equal one
                // is the maximum of both.
                let (pair, x, y, negates) = match cond {
                    IntCC::Equal => (codes::COMPARE_EQUAL_INTEGER, x, y, false),
                    IntCC::NotEqual => (codes::COMPARE_EQUAL_INTEGER, x, y, true),
                    IntCC::SignedGreaterThan => (codes::COMPARE_GREATER_INTEGER, x, y, false),
                    IntCC::SignedLessThan => (codes::COMPARE_GREATER_INTEGER, y, x, false),
                    IntCC::SignedLessThanOrEqual => (codes::COMPARE_GREATER_INTEGER, x, y, true),
                    IntCC::SignedGreaterThanOrEqual => (codes::COMPARE_GREATER_INTEGER, y, x, true),
                    IntCC::UnsignedGreaterThanOrEqual => (codes::MAX_UNSIGNED, x, y, false),
                    IntCC::UnsignedLessThanOrEqual => (codes::MAX_UNSIGNED, y, x, false),
                    IntCC::UnsignedGreaterThan => (codes::MAX_UNSIGNED, y, x, true),
                    IntCC::UnsignedLessThan => (codes::MAX_UNSIGNED, x, y, true),
                };
                let view = self.whole();
                let unsigned =
                    cond.unsigned() == cond && cond != IntCC::Equal && cond != IntCC::NotEqual;
                let (a, b) = (self.read(x)?, self.source(y, false)?);
                let holds = match negates {
                    true => self.fresh(VECTOR),
                    false => to,
                };
                match unsigned {
                    false => self.emit(
                        self.coded(pair, ty, inst)?,
                        vec![Operand::Def(holds, view), a, b],
                    ),
                    true => {
                        let greatest = self.fresh(VECTOR);
                        self.emit(
                            self.coded(pair, ty, inst)?,
                            vec![Operand::Def(greatest, view), a.clone(), b],
                        );
                        let greatest = Operand::Use(greatest, view);
                        self.emit(
                            codes::COMPARE_EQUAL_INTEGER.of(self.width, ty),
                            vec![Operand::Def(holds, view), greatest, a],
                        );
                    }
                }
                if negates {
                    let ones = self.ones(ty);
                    let operands = vec![Operand::Def(to, view), Operand::Use(holds, view), ones];
                    self.emit(codes::XOR.of(self.width, ty), operands);
                }
                Ok(())
            }
            _ => Err(self.unknown(inst)),
        }
    }

    /// Whether any lane of ones and zeros is ones, as a byte.
    pub(super) fn any(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let [x] = self.operands(inst)?;
        match self.width {
            Width::W512 => {
                let mask = self.mask(x)?;
                let operand = Operand::Use(mask, View::K);
                self.emit(Code::VEX_Kortestq_kr_kr, vec![operand.clone(), operand]);
            }
            Width::W256 => {
                let x = Operand::Use(self.register(x)?, self.whole());
                self.emit(Code::VEX_Vptest_ymm_ymmm256, vec![x.clone(), x]);
            }
        }
        self.emit(Code::Setne_rm8, vec![Operand::Def(to, View::B8)]);
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

    /// A mask of the first lanes of a type.
    pub(super) fn first_lanes(&mut self, count: usize, ty: Type) -> VReg {
        self.mask_of_lanes(&vec![true; count], ty)
    }

    /// A mask of lanes of a type, those behind the given ones left out: a register of masks, or ones in a
    /// vector register.
    pub(super) fn mask_of_lanes(&mut self, chosen: &[bool], ty: Type) -> VReg {
        match self.width {
            Width::W512 => {
                let bits = chosen.iter().rev();
                self.load_mask(bits.fold(0, |bits, lane| bits << 1 | u64::from(*lane)))
            }
            Width::W256 => {
                let size = ty.lane_type().bytes() as usize;
                let lanes = chosen
                    .iter()
                    .flat_map(|lane| vec![0xff * u8::from(*lane); size]);
                let mut lanes: Vec<u8> = lanes.collect();
                lanes.resize(self.width.bytes(), 0);
                let place = Address::constant(self.program.pool.place(&lanes));
                let mask = self.fresh(VECTOR);
                let operands = vec![Operand::Def(mask, self.whole()), Operand::Memory(place)];
                self.emit(codes::LOAD.of(self.width, ty), operands);
                mask
            }
        }
    }

    /// Integers as floats.
    fn floats_from_integers(&mut self, inst: Inst, to: VReg) -> Selected<()> {
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
    fn integers_from_floats(&mut self, inst: Inst, to: VReg) -> Selected<()> {
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
