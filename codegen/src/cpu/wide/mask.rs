//! Masks: comparisons of lanes, what is put together of them, and what they choose. At 512 bits they live in
//! registers of their own, at 256 as ones and zeros in each lane.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Inst, InstructionData, Opcode, Type, Value};
use iced_x86::Code;
use regalloc2::VReg;

use super::codes::{self, Width};
use super::machine::{Address, Instruction, Operand, VECTOR, View};
use super::select::{Select, Selected};

impl Select<'_> {
    /// `x & y`: what a mask keeps, if one of them is a mask.
    pub(super) fn and(&mut self, inst: Inst, to: VReg) -> Selected<()> {
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
    pub(super) fn or(&mut self, inst: Inst, to: VReg) -> Selected<()> {
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
    pub(super) fn bitselect(&mut self, inst: Inst, to: VReg, ty: Type) -> Selected<()> {
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
    pub(super) fn compare_lanes(&mut self, inst: Inst, to: VReg) -> Selected<()> {
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
}
