//! From CLIF to machine instructions: blocks from the last to the first, each from its end, so that an
//! instruction is written only if something behind it asked for its result. What its users take in
//! another way, a load as an operand in memory or a sum as an address, is written by them alone.

use cranelift_codegen::entity::{EntityRef, SecondaryMap};
use cranelift_codegen::ir::{
    Block as ClifBlock, BlockArg, BlockCall, Function, Inst, InstructionData, Opcode, Type, Value,
    ValueDef, types,
};
use regalloc2::VReg;

use super::allocate::{CONVENTION, integer};
use super::codes::{self, Width};
use super::constant::Constant;
use super::machine::{
    Block, BlockId, Condition, INTEGER, Implied, Instruction, Kind, MASK, Operand, Program, VECTOR,
    View,
};

/// Why a function could not be written: what it has that no instruction was chosen for.
pub(super) type Selected<T> = Result<T, String>;

/// A function on its way.
pub(super) struct Select<'f> {
    pub func: &'f Function,
    pub width: Width,
    /// How often each value is an operand.
    uses: SecondaryMap<Value, u32>,
    /// The register of each value that something asked for.
    registers: SecondaryMap<Value, Option<VReg>>,
    /// The mask register of each value that something asked for as one.
    masks: SecondaryMap<Value, Option<VReg>>,
    /// How many instructions that write memory stand before each in its block.
    writes: SecondaryMap<Inst, u32>,
    /// The number of each block.
    numbers: SecondaryMap<ClifBlock, usize>,
    /// Where each slot of the stack lies.
    pub slots: Vec<usize>,
    pub program: Program,
    /// What the instruction at hand becomes.
    now: Vec<Instruction>,
    /// The instruction at hand.
    at: Option<Inst>,
}

/// The machine instructions of an optimised function whose blocks are given in post order.
pub(super) fn select(func: &Function, post_order: &[ClifBlock], width: Width) -> Selected<Program> {
    let mut s = Select {
        func,
        width,
        uses: SecondaryMap::new(),
        registers: SecondaryMap::new(),
        masks: SecondaryMap::new(),
        writes: SecondaryMap::new(),
        numbers: SecondaryMap::new(),
        slots: Vec::new(),
        program: Program::default(),
        now: Vec::new(),
        at: None,
    };
    for data in func.sized_stack_slots.values() {
        let align = 1_usize << data.align_shift;
        let at = s.program.slot_bytes.next_multiple_of(align);
        s.slots.push(at);
        s.program.slot_bytes = at + data.size as usize;
    }
    for (number, block) in post_order.iter().rev().enumerate() {
        s.numbers[*block] = number;
        s.program.blocks.push(Block::default());
        s.look_at(*block);
    }
    for block in post_order {
        s.block(*block)?;
    }
    Ok(s.program)
}

/// Whether an instruction does something besides giving a result.
fn acts(func: &Function, inst: Inst) -> bool {
    let opcode = func.dfg.insts[inst].opcode();
    opcode.is_terminator() || opcode.can_store() || opcode.is_call()
}

impl<'f> Select<'f> {
    /// Counts what a block uses and writes.
    fn look_at(&mut self, block: ClifBlock) {
        let mut writes = 0;
        for inst in self.func.layout.block_insts(block) {
            self.writes[inst] = writes;
            let data = &self.func.dfg.insts[inst];
            if data.opcode().can_store() || data.opcode().is_call() {
                writes += 1;
            }
            if self.is_same_bits(inst) {
                continue;
            }
            for value in self.func.dfg.inst_values(inst) {
                let value = self.behind_casts(value);
                self.uses[value] += 1;
            }
        }
    }

    /// Whether an instruction only gives a vector another type.
    fn is_same_bits(&self, inst: Inst) -> bool {
        let data = &self.func.dfg.insts[inst];
        let is_vector = |v: Value| self.func.dfg.value_type(v).is_vector();
        match data {
            InstructionData::LoadNoOffset { opcode, arg, .. } => {
                *opcode == Opcode::Bitcast
                    && is_vector(*arg)
                    && is_vector(self.func.dfg.first_result(inst))
            }
            _ => false,
        }
    }

    /// The value that has these bits, of whatever type of vectors.
    pub fn behind_casts(&self, value: Value) -> Value {
        let mut value = self.func.dfg.resolve_aliases(value);
        while let ValueDef::Result(inst, _) = self.func.dfg.value_def(value) {
            let InstructionData::LoadNoOffset { arg, .. } = self.func.dfg.insts[inst] else {
                break;
            };
            if !self.is_same_bits(inst) {
                break;
            }
            value = self.func.dfg.resolve_aliases(arg);
        }
        value
    }

    /// The instruction that makes a value; none of a block's parameter.
    pub fn maker(&self, value: Value) -> Option<Inst> {
        match self.func.dfg.value_def(self.behind_casts(value)) {
            ValueDef::Result(inst, _) => Some(inst),
            ValueDef::Param(..) | ValueDef::Union(..) => None,
        }
    }

    /// The instruction that makes a value, if it is of an opcode.
    pub fn made_by(&self, value: Value, opcode: Opcode) -> Option<Inst> {
        let inst = self.maker(value)?;
        (self.func.dfg.insts[inst].opcode() == opcode).then_some(inst)
    }

    /// The operands of an instruction, each behind what only changes its type.
    pub fn operands<const N: usize>(&self, inst: Inst) -> Selected<[Value; N]> {
        let args = self.func.dfg.inst_args(inst);
        let args: [Value; N] = args.try_into().map_err(|_| self.unknown(inst))?;
        Ok(args.map(|v| self.behind_casts(v)))
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.func.dfg.value_type(value)
    }

    /// The result of an instruction.
    pub fn result(&self, inst: Inst) -> Value {
        self.func.dfg.first_result(inst)
    }

    /// What is said of an instruction that nothing was chosen for.
    pub fn unknown(&self, inst: Inst) -> String {
        let text = self.func.dfg.display_inst(inst);
        format!("no instruction was chosen for `{text}`")
    }

    /// Whether a value that is used here once may be read from memory here, as its maker does before:
    /// nothing writes in between.
    pub fn can_move_here(&self, inst: Inst) -> bool {
        let Some(at) = self.at else {
            return false;
        };
        let layout = &self.func.layout;
        if layout.inst_block(at) != layout.inst_block(inst) {
            return false;
        }
        let fixed = self.func.dfg.insts[inst].memflags();
        let fixed = fixed.is_some_and(|f| self.func.dfg.mem_flags[f].readonly());
        fixed || self.writes[at] == self.writes[inst]
    }

    /// Whether a value is an operand at one place only.
    pub fn is_used_once(&self, value: Value) -> bool {
        self.uses[self.behind_casts(value)] == 1
    }

    /// Whether something behind the instruction at hand needs a value.
    pub fn is_needed_later(&self, value: Value) -> bool {
        self.registers[self.behind_casts(value)].is_some()
    }

    /// A new register.
    pub fn fresh(&mut self, class: regalloc2::RegClass) -> VReg {
        let register = VReg::new(self.program.registers, class);
        self.program.registers += 1;
        register
    }

    /// A new register for a value of a type.
    pub fn fresh_of(&mut self, ty: Type) -> VReg {
        match ty.is_int() {
            true => self.fresh(INTEGER),
            false => self.fresh(VECTOR),
        }
    }

    /// How much of its register a value of a type is.
    pub fn view(&self, ty: Type) -> View {
        if ty.is_vector() {
            return self.whole();
        }
        match ty {
            types::F32 | types::F64 => View::X,
            types::I64 => View::B64,
            _ => View::B32,
        }
    }

    /// All of a vector register.
    pub fn whole(&self) -> View {
        match self.width {
            Width::W256 => View::Y,
            Width::W512 => View::Z,
        }
    }

    /// The register of a value, which is thereby asked for; of a constant a new one, filled here.
    pub fn register(&mut self, value: Value) -> Selected<VReg> {
        let value = self.behind_casts(value);
        if let Some(number) = self.integer_constant(value) {
            return Ok(self.load_integer(number));
        }
        if let Some(constant) = self.constant(value) {
            return self.load_constant(&constant);
        }
        Ok(self.asked(value))
    }

    /// The register of a value, where it is made.
    pub fn asked(&mut self, value: Value) -> VReg {
        if let Some(register) = self.registers[value] {
            return register;
        }
        let register = self.fresh_of(self.ty(value));
        self.registers[value] = Some(register);
        register
    }

    /// The register that a result was asked for in, if it was.
    pub fn wanted(&self, result: Value) -> Option<VReg> {
        self.registers[result]
    }

    /// A value as an operand that is read.
    pub fn read(&mut self, value: Value) -> Selected<Operand> {
        let view = self.view(self.ty(self.behind_casts(value)));
        Ok(Operand::Use(self.register(value)?, view))
    }

    /// A value as an operand that becomes another.
    pub fn change(&mut self, from: Value, to: VReg) -> Selected<Operand> {
        let view = self.view(self.ty(self.behind_casts(from)));
        let from = self.register(from)?;
        Ok(Operand::Change { from, to, view })
    }

    /// A register as the operand that is written, of a type.
    pub fn write(&self, register: VReg, ty: Type) -> Operand {
        Operand::Def(register, self.view(ty))
    }

    /// The mask register of a value that is ones and zeros in each lane.
    pub fn mask(&mut self, value: Value) -> Selected<VReg> {
        let value = self.behind_casts(value);
        if let Some(bits) = self.constant(value).and_then(|c| c.mask()) {
            return Ok(self.load_mask(bits));
        }
        if self.is_mask(value) {
            if let Some(mask) = self.masks[value] {
                return Ok(mask);
            }
            let mask = self.fresh(MASK);
            self.masks[value] = Some(mask);
            return Ok(mask);
        }
        let ty = self.ty(value);
        let mask = self.fresh(MASK);
        let from = self.read(value)?;
        self.emit(
            codes::TO_MASK.of(self.width, ty),
            vec![Operand::Def(mask, View::K), from],
        );
        Ok(mask)
    }

    /// A mask register of these bits.
    pub fn load_mask(&mut self, bits: u64) -> VReg {
        let number = self.load_integer(bits as i64);
        let mask = self.fresh(MASK);
        self.emit(
            iced_x86::Code::VEX_Kmovq_kr_r64,
            vec![Operand::Def(mask, View::K), Operand::Use(number, View::B64)],
        );
        mask
    }

    /// Whether a value is made in a mask register: a comparison of vectors, or masks put together.
    pub fn is_mask(&self, value: Value) -> bool {
        if self.width == Width::W256 {
            return false;
        }
        let value = self.behind_casts(value);
        let Some(inst) = self.maker(value) else {
            return false;
        };
        if !self.ty(value).is_vector() {
            return false;
        }
        let args = self.func.dfg.inst_args(inst);
        match self.func.dfg.insts[inst].opcode() {
            Opcode::Fcmp | Opcode::Icmp => true,
            Opcode::Band | Opcode::Bor | Opcode::Bxor => {
                let constant = |v: &Value| self.constant(*v).is_some_and(|c| c.mask().is_some());
                args.iter().any(|v| self.is_mask(*v))
                    && args.iter().all(|v| self.is_mask(*v) || constant(v))
            }
            Opcode::Bnot => args.iter().all(|v| self.is_mask(*v)),
            _ => false,
        }
    }

    /// Writes a machine instruction.
    pub fn emit(&mut self, code: iced_x86::Code, operands: Vec<Operand>) {
        self.push(Instruction::code(code, operands));
    }

    /// Writes a machine instruction.
    pub fn push(&mut self, instruction: Instruction) {
        self.now.push(instruction);
    }

    /// A block, from its end.
    fn block(&mut self, block: ClifBlock) -> Selected<()> {
        let mut reversed = Vec::new();
        let insts: Vec<Inst> = self.func.layout.block_insts(block).collect();
        for inst in insts.into_iter().rev() {
            self.at = Some(inst);
            self.instruction(inst)?;
            reversed.extend(self.now.drain(..).rev());
        }
        self.at = None;
        let number = self.numbers[block];
        if number == 0 {
            reversed.push(self.parameters(block)?);
        } else {
            let parameters = self.func.dfg.block_params(block).to_vec();
            let parameters = parameters.into_iter().map(|v| self.asked(v)).collect();
            self.program.blocks[number].parameters = parameters;
        }
        reversed.reverse();
        self.program.blocks[number].instructions = reversed;
        Ok(())
    }

    /// What the function is given.
    fn parameters(&mut self, block: ClifBlock) -> Selected<Instruction> {
        let mut implied = Vec::new();
        for (i, value) in self.func.dfg.block_params(block).iter().enumerate() {
            let Some(register) = self.registers[*value] else {
                continue;
            };
            let place = CONVENTION.parameters.get(i);
            let place = place.ok_or("too many parameters of a function")?;
            implied.push(Implied::Def(register, integer(*place)));
        }
        Ok(Instruction::new(Kind::Parameters, Vec::new()).implying(implied))
    }

    /// One instruction of CLIF, if anything needs it.
    fn instruction(&mut self, inst: Inst) -> Selected<()> {
        if acts(self.func, inst) {
            return self.acting(inst);
        }
        let &[result] = self.func.dfg.inst_results(inst) else {
            return Ok(());
        };
        let (register, mask) = (self.registers[result], self.masks[result]);
        if register.is_none() && mask.is_none() {
            return Ok(());
        }
        if self.is_mask(result) {
            let mask = match mask {
                Some(mask) => mask,
                None => self.fresh(MASK),
            };
            self.mask_of(inst, mask)?;
            if let Some(register) = register {
                let ty = self.ty(result);
                let to = self.write(register, ty);
                self.emit(
                    codes::FROM_MASK.of(self.width, ty),
                    vec![to, Operand::Use(mask, View::K)],
                );
            }
            return Ok(());
        }
        match register {
            Some(register) => self.pure(inst, register),
            None => Ok(()),
        }
    }

    /// An instruction that only gives a result.
    fn pure(&mut self, inst: Inst, to: VReg) -> Selected<()> {
        let ty = self.ty(self.result(inst));
        match self.func.dfg.insts[inst].opcode() {
            Opcode::Load | Opcode::Uload16 => self.load(inst, to),
            _ if ty.is_vector() => self.vector(inst, to),
            _ if ty.is_float() => self.float(inst, to),
            _ => self.integer(inst, to),
        }
    }

    /// A branch, a store or a call.
    fn acting(&mut self, inst: Inst) -> Selected<()> {
        match self.func.dfg.insts[inst] {
            InstructionData::Jump { destination, .. } => {
                let jump = self.jump(destination)?;
                self.push(jump);
                Ok(())
            }
            InstructionData::Brif { arg, blocks, .. } => {
                let to = [self.target(blocks[0])?, self.target(blocks[1])?];
                let condition = self.condition(arg)?;
                self.push(Instruction::new(Kind::Branch(condition, to), Vec::new()));
                Ok(())
            }
            InstructionData::MultiAry {
                opcode: Opcode::Return,
                ..
            } => {
                self.push(Instruction::new(Kind::Return, Vec::new()));
                Ok(())
            }
            InstructionData::Store { .. } => self.store(inst),
            InstructionData::Call { .. } => self.call(inst),
            _ => Err(self.unknown(inst)),
        }
    }

    /// A jump, with what the block is given.
    fn jump(&mut self, to: BlockCall) -> Selected<Instruction> {
        let pool = &self.func.dfg.value_lists;
        let block = to.block(pool);
        let given: Vec<BlockArg> = to.args(pool).collect();
        let mut registers = Vec::with_capacity(given.len());
        for argument in given {
            let BlockArg::Value(value) = argument else {
                return Err("a block that is given what a call returns".to_owned());
            };
            registers.push(self.register(value)?);
        }
        let number = self.numbers[block];
        Ok(Instruction::new(Kind::Jump(number, registers), Vec::new()))
    }

    /// The block that one way of a branch leads to: a new one in between, which moves what the block is
    /// given. One without moves is left out when code is written.
    fn target(&mut self, to: BlockCall) -> Selected<BlockId> {
        let jump = self.jump(to)?;
        let mut instructions: Vec<Instruction> = self.now.drain(..).collect();
        instructions.push(jump);
        self.program.blocks.push(Block {
            parameters: Vec::new(),
            instructions,
        });
        Ok(self.program.blocks.len() - 1)
    }

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

    /// The place of a slot on the stack.
    pub fn slot(&self, slot: cranelift_codegen::ir::StackSlot) -> usize {
        self.slots.get(slot.index()).copied().unwrap_or(0)
    }

    /// The constant of a value, if it is one.
    pub fn constant(&self, value: Value) -> Option<Constant> {
        Constant::of(self, value)
    }
}
