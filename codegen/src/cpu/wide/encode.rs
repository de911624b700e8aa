//! The bytes of a function: registers and places in its frame for what was virtual, blocks in their order,
//! entry and exit, constants behind the code.

use iced_x86::{Code, Encoder, Instruction as Iced, OpKind, Register};
use regalloc2::{Allocation, AllocationKind, Edit, InstPosition, Output, RegClass};

use super::allocate::{CONVENTION, operands};
use super::codes::Width;
use super::machine::{Address, Base, BlockId, Instruction, Kind, Operand, Program, View};
use super::operand::{general, immediate, memory};

/// A function in bytes.
pub(super) struct Encoded {
    /// Code, and constants behind it.
    pub bytes: Vec<u8>,
    /// Where the address of a symbol belongs, 8 bytes each.
    pub symbols: Vec<(usize, String)>,
}

/// Constants begin at a line of the cache.
pub(super) const LINE: usize = 64;

/// Bytes that a stack is sure to have below the pointer once a page above was touched.
const PAGE: usize = 4096;

/// Where things lie in the frame, from the stack pointer up.
struct Frame {
    /// Values that have no register.
    spills: usize,
    /// The function's own slots.
    slots: usize,
    /// Vector registers that the caller wants back.
    vectors: usize,
    /// All bytes.
    size: usize,
    /// General registers that the caller wants back, on the stack above.
    saved: Vec<u8>,
    /// Vector registers that it wants back.
    saved_vectors: Vec<usize>,
}

impl Frame {
    fn new(program: &Program, output: &Output) -> Frame {
        let mut written = Vec::new();
        let edits = output.edits.iter().map(|(_, Edit::Move { to, .. })| *to);
        for place in output.allocs.iter().copied().chain(edits) {
            if let Some(register) = place.as_reg() {
                written.push(register);
            }
        }
        let has = |class: RegClass, number: usize| {
            (written.iter()).any(|r| r.class() == class && r.hw_enc() == number)
        };
        let kept = CONVENTION.kept.iter().copied();
        let saved: Vec<u8> = kept
            .filter(|n| has(RegClass::Int, usize::from(*n)))
            .collect();
        let kept = CONVENTION.kept_vectors.clone();
        let saved_vectors: Vec<usize> = kept.filter(|n| has(RegClass::Float, *n)).collect();
        let spills = if program.calls { CONVENTION.shadow } else { 0 };
        let slots = (spills + 8 * output.num_spillslots).next_multiple_of(16);
        let vectors = (slots + program.slot_bytes).next_multiple_of(16);
        let size = vectors + 16 * saved_vectors.len();
        // With the return address and what is pushed, the stack is at a multiple of 16.
        let pushed = 8 * (saved.len() + 1);
        Frame {
            spills,
            slots,
            vectors,
            size: (size + pushed).next_multiple_of(16) - pushed,
            saved,
            saved_vectors,
        }
    }
}

/// A function on its way.
struct Writer<'p> {
    program: &'p Program,
    output: &'p Output,
    width: Width,
    frame: Frame,
    encoder: Encoder,
    /// Bytes so far.
    length: usize,
    /// Where the last 4 bytes before a place are the way to a block.
    jumps: Vec<(usize, BlockId)>,
    /// Where 4 bytes are the way from a place to a constant.
    constants: Vec<(usize, usize, usize)>,
    symbols: Vec<(usize, String)>,
}

/// Writes a function whose registers are allocated.
pub(super) fn encode(program: &Program, output: &Output, width: Width) -> Result<Encoded, String> {
    let mut w = Writer {
        program,
        output,
        width,
        frame: Frame::new(program, output),
        encoder: Encoder::new(64),
        length: 0,
        jumps: Vec::new(),
        constants: Vec::new(),
        symbols: Vec::new(),
    };
    let mut first = Vec::with_capacity(program.blocks.len() + 1);
    let mut instructions = 0;
    for block in &program.blocks {
        first.push(instructions);
        instructions += block.instructions.len();
    }
    let order = order(program, output, &first);
    let ends = shortcuts(program, output, &first);
    let mut starts = vec![0; program.blocks.len()];
    w.entry()?;
    for (i, block) in order.iter().enumerate() {
        starts[*block] = w.length;
        let next = order.get(i + 1).copied();
        w.block(*block, first[*block], next, &ends)?;
    }
    let mut bytes = w.encoder.take_buffer();
    for (at, block) in &w.jumps {
        let to = starts[ends[*block]];
        patch(&mut bytes, at - 4, to as i64 - *at as i64);
    }
    let pool = bytes.len().next_multiple_of(LINE);
    for (at, from, offset) in &w.constants {
        patch(&mut bytes, *at, (pool + offset) as i64 - *from as i64);
    }
    if !program.pool.bytes.is_empty() {
        bytes.resize(pool, 0);
        bytes.extend_from_slice(&program.pool.bytes);
    }
    Ok(Encoded {
        bytes,
        symbols: w.symbols,
    })
}

fn patch(bytes: &mut [u8], at: usize, value: i64) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&(value as i32).to_le_bytes());
    }
}

/// The edits of the allocator at an instruction.
fn edits(output: &Output, inst: usize, position: InstPosition) -> &[(regalloc2::ProgPoint, Edit)] {
    let point = regalloc2::ProgPoint::new(regalloc2::Inst::new(inst), position);
    let from = output.edits.partition_point(|(p, _)| *p < point);
    let to = output.edits.partition_point(|(p, _)| *p <= point);
    &output.edits[from..to]
}

/// Where a block only goes on to another one, nothing moved.
fn is_empty(
    program: &Program,
    output: &Output,
    first: &[usize],
    block: BlockId,
) -> Option<BlockId> {
    match &program.blocks[block].instructions[..] {
        [only] => match only.kind {
            Kind::Jump(to, _) => {
                let moves = edits(output, first[block], InstPosition::Before);
                moves.is_empty().then_some(to)
            }
            Kind::Code(_)
            | Kind::Zero(_)
            | Kind::Parameters
            | Kind::Symbol(_)
            | Kind::Call
            | Kind::Branch(..)
            | Kind::Return => None,
        },
        _ => None,
    }
}

/// For each block where a jump to it ends.
fn shortcuts(program: &Program, output: &Output, first: &[usize]) -> Vec<BlockId> {
    let mut ends: Vec<BlockId> = (0..program.blocks.len()).collect();
    for (block, end) in ends.iter_mut().enumerate() {
        // A circle of empty blocks is one that never ends, and is left as it is.
        for _ in 0..program.blocks.len() {
            match is_empty(program, output, first, *end) {
                Some(next) if next != block => *end = next,
                Some(_) | None => break,
            }
        }
    }
    ends
}

/// The blocks as they are written: those between a branch and its end behind the branch, empty ones not at
/// all, except the entry.
fn order(program: &Program, output: &Output, first: &[usize]) -> Vec<BlockId> {
    let mut order = Vec::new();
    let mut done = vec![false; program.blocks.len()];
    for block in 0..program.blocks.len() {
        let between = match program.blocks[block].instructions.last().map(|i| &i.kind) {
            Some(Kind::Branch(_, to)) => to.to_vec(),
            _ => Vec::new(),
        };
        for block in [vec![block], between].concat() {
            let is_empty = block != 0 && is_empty(program, output, first, block).is_some();
            if !done[block] && !is_empty {
                order.push(block);
            }
            done[block] = true;
        }
    }
    order
}

impl Writer<'_> {
    /// Writes one instruction of the assembler.
    fn put(&mut self, instruction: &Iced) -> Result<(), String> {
        let written = self.encoder.encode(instruction, self.length as u64);
        self.length += written.map_err(|e| format!("{:?}: {e}", instruction.code()))?;
        Ok(())
    }

    fn entry(&mut self) -> Result<(), String> {
        for number in self.frame.saved.clone() {
            let mut push = Iced::default();
            push.set_code(Code::Push_r64);
            push.set_op0_register(general(number, View::B64));
            self.put(&push)?;
        }
        // The page below the last one that was touched is there, or is the end, which is told by touching it.
        let mut rest = self.frame.size;
        while rest > PAGE {
            self.move_stack(Code::Sub_rm64_imm32, PAGE)?;
            let mut touch = Iced::default();
            touch.set_code(Code::Mov_rm32_r32);
            memory(&mut touch, 0, Register::RSP, None, 0);
            touch.set_op1_register(Register::EAX);
            self.put(&touch)?;
            rest -= PAGE;
        }
        if rest > 0 {
            self.move_stack(Code::Sub_rm64_imm32, rest)?;
        }
        self.kept_vectors(true)
    }

    fn exit(&mut self) -> Result<(), String> {
        self.kept_vectors(false)?;
        let mut clear = Iced::default();
        clear.set_code(Code::VEX_Vzeroupper);
        self.put(&clear)?;
        if self.frame.size > 0 {
            self.move_stack(Code::Add_rm64_imm32, self.frame.size)?;
        }
        for number in self.frame.saved.clone().into_iter().rev() {
            let mut pop = Iced::default();
            pop.set_code(Code::Pop_r64);
            pop.set_op0_register(general(number, View::B64));
            self.put(&pop)?;
        }
        let mut ret = Iced::default();
        ret.set_code(Code::Retnq);
        self.put(&ret)
    }

    fn move_stack(&mut self, code: Code, bytes: usize) -> Result<(), String> {
        let bytes = i32::try_from(bytes).map_err(|_| "a frame too large".to_owned())?;
        let mut instruction = Iced::default();
        instruction.set_code(code);
        instruction.set_op0_register(Register::RSP);
        instruction.set_op1_kind(OpKind::Immediate32to64);
        instruction.set_immediate32to64(i64::from(bytes));
        self.put(&instruction)
    }

    /// Saves the lower 128 bits of vector registers, or brings them back.
    fn kept_vectors(&mut self, saves: bool) -> Result<(), String> {
        for (i, number) in self.frame.saved_vectors.clone().into_iter().enumerate() {
            let register = Register::XMM0 + number as u32;
            let at = (self.frame.vectors + 16 * i) as i64;
            let mut instruction = Iced::default();
            let (code, place, other) = match saves {
                true => (Code::VEX_Vmovups_xmmm128_xmm, 0, 1),
                false => (Code::VEX_Vmovups_xmm_xmmm128, 1, 0),
            };
            instruction.set_code(code);
            memory(&mut instruction, place, Register::RSP, None, at);
            instruction.set_op_register(other, register);
            self.put(&instruction)?;
        }
        Ok(())
    }

    /// A block, up to a jump that the next one makes needless.
    fn block(
        &mut self,
        block: BlockId,
        first: usize,
        next: Option<BlockId>,
        ends: &[BlockId],
    ) -> Result<(), String> {
        let (program, output) = (self.program, self.output);
        for (i, instruction) in program.blocks[block].instructions.iter().enumerate() {
            let inst = first + i;
            self.moves(edits(output, inst, InstPosition::Before))?;
            match &instruction.kind {
                Kind::Jump(to, _) if Some(ends[*to]) == next => {}
                Kind::Jump(to, _) => self.jump(Code::Jmp_rel32_64, *to)?,
                Kind::Branch(condition, [to, other]) => {
                    if Some(ends[*to]) == next {
                        self.jump(condition.not().jump(), *other)?;
                    } else {
                        self.jump(condition.jump(), *to)?;
                        if Some(ends[*other]) != next {
                            self.jump(Code::Jmp_rel32_64, *other)?;
                        }
                    }
                }
                Kind::Return => self.exit()?,
                Kind::Code(code) => self.instruction(*code, instruction, inst)?,
                Kind::Zero(code) => self.zero(*code, inst)?,
                Kind::Parameters => {}
                Kind::Symbol(name) => {
                    self.instruction(Code::Mov_r64_imm64, instruction, inst)?;
                    self.symbols.push((self.length - 8, name.clone()));
                }
                Kind::Call => {
                    // Who is called may be code without wide vectors, which waits long for each of its
                    // own instructions while the upper parts are in use.
                    let mut clear = Iced::default();
                    clear.set_code(Code::VEX_Vzeroupper);
                    self.put(&clear)?;
                    self.instruction(Code::Call_rm64, instruction, inst)?;
                }
            }
            self.moves(edits(output, inst, InstPosition::After))?;
        }
        Ok(())
    }

    fn jump(&mut self, code: Code, to: BlockId) -> Result<(), String> {
        let mut jump = Iced::default();
        jump.set_code(code);
        jump.set_op0_kind(OpKind::NearBranch64);
        jump.set_near_branch64(self.length as u64);
        self.put(&jump)?;
        self.jumps.push((self.length, to));
        Ok(())
    }

    fn moves(&mut self, edits: &[(regalloc2::ProgPoint, Edit)]) -> Result<(), String> {
        for (_, Edit::Move { from, to }) in edits {
            if from != to {
                self.shift(*from, *to)?;
            }
        }
        Ok(())
    }

    /// Moves a value from one place to another.
    fn shift(&mut self, from: Allocation, to: Allocation) -> Result<(), String> {
        let register = from.as_reg().or(to.as_reg());
        let register = register.ok_or("a move within the stack")?;
        let view = match register.class() {
            RegClass::Int => View::B64,
            RegClass::Float => match self.width {
                Width::W256 => View::Y,
                Width::W512 => View::Z,
            },
            RegClass::Vector => View::K,
        };
        let load = match view {
            View::Y => Code::VEX_Vmovups_ymm_ymmm256,
            View::Z => Code::EVEX_Vmovups_zmm_k1z_zmmm512,
            View::K => Code::VEX_Kmovq_kr_km64,
            _ => Code::Mov_r64_rm64,
        };
        let store = match view {
            View::Y => Code::VEX_Vmovups_ymmm256_ymm,
            View::Z => Code::EVEX_Vmovups_zmmm512_k1z_zmm,
            View::K => Code::VEX_Kmovq_m64_kr,
            _ => Code::Mov_rm64_r64,
        };
        let copy = match view {
            View::Y => Code::VEX_Vmovaps_ymm_ymmm256,
            View::Z => Code::EVEX_Vmovaps_zmm_k1z_zmmm512,
            _ => load,
        };
        let mut instruction = Iced::default();
        match (from.kind(), to.kind()) {
            (AllocationKind::Reg, AllocationKind::Reg) => {
                instruction.set_code(copy);
                instruction.set_op0_register(self.physical(to, view)?);
                instruction.set_op1_register(self.physical(from, view)?);
            }
            (AllocationKind::Reg, _) => {
                instruction.set_code(store);
                memory(&mut instruction, 0, Register::RSP, None, self.spill(to));
                instruction.set_op1_register(self.physical(from, view)?);
            }
            (_, _) => {
                instruction.set_code(load);
                instruction.set_op0_register(self.physical(to, view)?);
                memory(&mut instruction, 1, Register::RSP, None, self.spill(from));
            }
        }
        self.put(&instruction)
    }

    /// Where a value without a register lies.
    fn spill(&self, place: Allocation) -> i64 {
        let slot = place.as_stack().map_or(0, |s| s.index());
        (self.frame.spills + 8 * slot) as i64
    }

    /// The register of a place, as an operand names it.
    fn physical(&self, place: Allocation, view: View) -> Result<Register, String> {
        let register = place.as_reg().ok_or("an operand without a register")?;
        let number = register.hw_enc();
        Ok(match view {
            View::B8 | View::B16 | View::B32 | View::B64 => general(number as u8, view),
            View::X => Register::XMM0 + number as u32,
            View::Y => Register::YMM0 + number as u32,
            View::Z => Register::ZMM0 + number as u32,
            View::K => Register::K0 + number as u32,
        })
    }

    /// The places of an instruction's registers, in the allocator's order.
    fn places(&self, inst: usize) -> &[Allocation] {
        self.output.inst_allocs(regalloc2::Inst::new(inst))
    }

    fn zero(&mut self, code: Code, inst: usize) -> Result<(), String> {
        let place = self.places(inst).first().copied();
        let register = self.physical(place.ok_or("an operand without a register")?, View::X)?;
        let mut instruction = Iced::default();
        instruction.set_code(code);
        for operand in 0..3 {
            instruction.set_op_register(operand, register);
        }
        self.put(&instruction)
    }

    fn instruction(
        &mut self,
        code: Code,
        instruction: &Instruction,
        inst: usize,
    ) -> Result<(), String> {
        let mut out = Iced::default();
        out.set_code(code);
        let mut at = 0;
        let mut constant = None;
        let mut next = |w: &Self| {
            let place = w.places(inst).get(at).copied();
            at += 1;
            place.ok_or("an operand without a place")
        };
        let mut last = 0;
        for (i, operand) in instruction.operands.iter().enumerate() {
            let number = i as u32;
            last = number + 1;
            match operand {
                Operand::Use(_, view) | Operand::Def(_, view) => {
                    let place = next(self)?;
                    out.set_op_register(number, self.physical(place, *view)?);
                }
                Operand::Change { view, .. } => {
                    next(self)?;
                    let place = next(self)?;
                    out.set_op_register(number, self.physical(place, *view)?);
                }
                Operand::Memory(address) | Operand::Broadcast(address) => {
                    let base = match address.base {
                        Base::Register(_) => Some(self.physical(next(self)?, View::B64)?),
                        Base::Slots | Base::Pool => None,
                    };
                    let index = match address.index {
                        Some((_, scale)) => Some((self.physical(next(self)?, View::B64)?, scale)),
                        None => None,
                    };
                    constant = self.memory(&mut out, number, (address, base, index));
                    out.set_is_broadcast(matches!(operand, Operand::Broadcast(_)));
                }
                Operand::Immediate(value) => immediate(&mut out, number, code, *value),
                Operand::Count => out.set_op_register(number, Register::CL),
            }
        }
        if code == Code::Mov_r64_imm64 && last == 1 {
            immediate(&mut out, 1, code, 0);
        }
        if instruction.mask.is_some() {
            let place = next(self)?;
            out.set_op_mask(self.physical(place, View::K)?);
            out.set_zeroing_masking(!instruction.merges);
        }
        debug_assert!(at <= operands(instruction).len());
        let start = self.length;
        self.put(&out)?;
        if let Some(offset) = constant {
            // What lies behind the last constant is another function, or a page that is not there.
            let end = offset + out.memory_size().size();
            if end > self.program.pool.bytes.len() {
                return Err(format!("{code:?} reads behind the constants"));
            }
            let within = self.encoder.get_constant_offsets().displacement_offset();
            self.constants.push((start + within, self.length, offset));
        }
        Ok(())
    }

    /// Sets an operand in memory; gives the place in the pool, if that is where it is.
    fn memory(
        &self,
        out: &mut Iced,
        number: u32,
        (address, base, index): (&Address, Option<Register>, Option<(Register, u32)>),
    ) -> Option<usize> {
        let offset = i64::from(address.offset);
        match (address.base, base) {
            (Base::Register(_), Some(base)) => memory(out, number, base, index, offset),
            (Base::Pool, _) | (Base::Register(_), None) => {
                // The way there is known when all code is.
                memory(out, number, Register::RIP, None, 0);
                out.set_memory_displacement64(self.length as u64);
                return Some(address.offset as usize);
            }
            (Base::Slots, _) => {
                let at = self.frame.slots as i64 + offset;
                memory(out, number, Register::RSP, index, at);
            }
        }
        None
    }
}
