//! Registers for a function: its view for the allocator, which is Cranelift's own (regalloc2).

use regalloc2::{
    Block as RaBlock, Function, Inst, InstRange, MachineEnv, Operand as RaOperand, Output, PReg,
    PRegSet, RegClass, RegallocOptions, VReg,
};

use super::codes::Width;
use super::machine::{INTEGER, Implied, Instruction, Kind, MASK, Operand, Program, VECTOR};

/// Which registers there are, and what a caller of the platform relies on.
pub(super) struct Convention {
    /// General registers of the first parameters.
    pub parameters: &'static [u8],
    /// General registers that a function gives back as they were.
    pub kept: &'static [u8],
    /// The first vector register that a function gives back as it was, with all up to the sixteenth;
    /// only their lower 128 bits.
    pub kept_vectors: std::ops::Range<usize>,
    /// Bytes that a caller leaves free above the return address of who it calls.
    pub shadow: usize,
    /// Whether an argument's register is that of its number among all, not among those of its kind.
    pub by_number: bool,
}

impl Convention {
    /// The register of the argument of a number, which is an integer, so many integers before it.
    pub(super) fn integer_argument(&self, number: usize, before: usize) -> Option<u8> {
        let at = if self.by_number { number } else { before };
        self.parameters.get(at).copied()
    }

    /// The vector register of an argument that is a float, so many floats before it.
    pub(super) fn float_argument(&self, number: usize, before: usize) -> usize {
        if self.by_number { number } else { before }
    }
}

#[cfg(not(windows))]
pub(super) const CONVENTION: Convention = Convention {
    parameters: &[7, 6, 2, 1, 8, 9],
    kept: &[3, 5, 12, 13, 14, 15],
    kept_vectors: 16..16,
    shadow: 0,
    by_number: false,
};

#[cfg(windows)]
pub(super) const CONVENTION: Convention = Convention {
    parameters: &[1, 2, 8, 9],
    kept: &[3, 5, 6, 7, 12, 13, 14, 15],
    kept_vectors: 6..16,
    shadow: 32,
    by_number: true,
};

/// The stack pointer.
pub(super) const STACK: u8 = 4;
/// General registers by the names that instructions imply them by.
pub(super) const RAX: u8 = 0;
pub(super) const RCX: u8 = 1;
pub(super) const RDX: u8 = 2;

/// A general register.
pub(super) fn integer(number: u8) -> PReg {
    PReg::new(usize::from(number), INTEGER)
}

/// A vector register.
pub(super) fn vector(number: usize) -> PReg {
    PReg::new(number, VECTOR)
}

fn vectors(width: Width) -> usize {
    match width {
        Width::W256 => 16,
        Width::W512 => 32,
    }
}

fn masks(width: Width) -> std::ops::Range<usize> {
    match width {
        Width::W256 => 0..0,
        // The first one means that there is no mask.
        Width::W512 => 1..8,
    }
}

/// The registers of a machine, those that cost a save last.
fn environment(width: Width) -> MachineEnv {
    let mut preferred = [PRegSet::empty(); 3];
    let mut others = [PRegSet::empty(); 3];
    for number in (0..16_u8).filter(|n| *n != STACK) {
        let set = match CONVENTION.kept.contains(&number) {
            true => &mut others,
            false => &mut preferred,
        };
        set[INTEGER as usize].add(integer(number));
    }
    for number in 0..vectors(width) {
        let set = match CONVENTION.kept_vectors.contains(&number) {
            true => &mut others,
            false => &mut preferred,
        };
        set[VECTOR as usize].add(vector(number));
    }
    for number in masks(width) {
        preferred[MASK as usize].add(PReg::new(number, MASK));
    }
    MachineEnv {
        preferred_regs_by_class: preferred,
        non_preferred_regs_by_class: others,
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    }
}

/// What a callee may change.
pub(super) fn lost_by_calls(width: Width) -> PRegSet {
    let mut lost = PRegSet::empty();
    for number in (0..16).filter(|n| *n != STACK && !CONVENTION.kept.contains(n)) {
        lost.add(integer(number));
    }
    // Of the vectors that are kept, the upper parts are not.
    for number in 0..vectors(width) {
        lost.add(vector(number));
    }
    for number in masks(width) {
        lost.add(PReg::new(number, MASK));
    }
    lost
}

/// A function as the allocator sees it.
struct Graph<'p> {
    program: &'p Program,
    width: Width,
    /// Where each block's instructions begin, and where the last ones end.
    starts: Vec<usize>,
    instructions: Vec<&'p Instruction>,
    operands: Vec<Vec<RaOperand>>,
    next: Vec<Vec<RaBlock>>,
    before: Vec<Vec<RaBlock>>,
}

impl<'p> Graph<'p> {
    fn new(program: &'p Program, width: Width) -> Graph<'p> {
        let mut graph = Graph {
            program,
            width,
            starts: vec![0],
            instructions: Vec::new(),
            operands: Vec::new(),
            next: vec![Vec::new(); program.blocks.len()],
            before: vec![Vec::new(); program.blocks.len()],
        };
        for (number, block) in program.blocks.iter().enumerate() {
            for instruction in &block.instructions {
                graph.instructions.push(instruction);
                graph.operands.push(operands(instruction));
            }
            graph.starts.push(graph.instructions.len());
            let successors: &[usize] = match block.instructions.last().map(|i| &i.kind) {
                Some(Kind::Jump(to, _)) => &[*to],
                Some(Kind::Branch(_, to)) => to,
                Some(
                    Kind::Code(_)
                    | Kind::Zero(_)
                    | Kind::Parameters
                    | Kind::Symbol(_)
                    | Kind::Call
                    | Kind::Return,
                )
                | None => &[],
            };
            for to in successors {
                graph.next[number].push(RaBlock::new(*to));
                graph.before[*to].push(RaBlock::new(number));
            }
        }
        graph
    }
}

/// The registers of an instruction, in an order that [`Allocated`] goes by: those of operands, the
/// mask, the implied ones.
pub(super) fn operands(instruction: &Instruction) -> Vec<RaOperand> {
    let mut out = Vec::new();
    for operand in &instruction.operands {
        match operand {
            Operand::Use(r, _) => out.push(RaOperand::reg_use(*r)),
            Operand::Def(r, _) => out.push(RaOperand::reg_def(*r)),
            Operand::Change { from, to, .. } => {
                let at = out.len();
                out.push(RaOperand::reg_use(*from));
                out.push(RaOperand::reg_reuse_def(*to, at));
            }
            Operand::Memory(address) | Operand::Broadcast(address) => {
                out.extend(address.registers().map(RaOperand::reg_use));
            }
            Operand::Immediate(_) | Operand::Count => {}
        }
    }
    out.extend(instruction.mask.map(RaOperand::reg_use));
    for implied in &instruction.implied {
        match implied {
            Implied::Use(r, p) => out.push(RaOperand::reg_fixed_use(*r, *p)),
            Implied::Def(r, p) => out.push(RaOperand::reg_fixed_def(*r, *p)),
            Implied::Lost(_) => {}
        }
    }
    out
}

impl Function for Graph<'_> {
    fn num_insts(&self) -> usize {
        self.instructions.len()
    }

    fn num_blocks(&self) -> usize {
        self.program.blocks.len()
    }

    fn entry_block(&self) -> RaBlock {
        RaBlock::new(0)
    }

    fn block_insns(&self, block: RaBlock) -> InstRange {
        let at = |n: usize| Inst::new(self.starts[n]);
        InstRange::new(at(block.index()), at(block.index() + 1))
    }

    fn block_succs(&self, block: RaBlock) -> &[RaBlock] {
        &self.next[block.index()]
    }

    fn block_preds(&self, block: RaBlock) -> &[RaBlock] {
        &self.before[block.index()]
    }

    fn block_params(&self, block: RaBlock) -> &[VReg] {
        &self.program.blocks[block.index()].parameters
    }

    fn is_ret(&self, inst: Inst) -> bool {
        matches!(self.instructions[inst.index()].kind, Kind::Return)
    }

    fn is_branch(&self, inst: Inst) -> bool {
        matches!(
            self.instructions[inst.index()].kind,
            Kind::Jump(..) | Kind::Branch(..)
        )
    }

    fn branch_blockparams(&self, _: RaBlock, inst: Inst, _: usize) -> &[VReg] {
        match &self.instructions[inst.index()].kind {
            Kind::Jump(_, given) => given,
            Kind::Code(_)
            | Kind::Zero(_)
            | Kind::Parameters
            | Kind::Symbol(_)
            | Kind::Call
            | Kind::Branch(..)
            | Kind::Return => &[],
        }
    }

    fn inst_operands(&self, inst: Inst) -> &[RaOperand] {
        &self.operands[inst.index()]
    }

    fn inst_clobbers(&self, inst: Inst) -> PRegSet {
        let implied = &self.instructions[inst.index()].implied;
        let lost = implied.iter().filter_map(|i| match i {
            Implied::Lost(set) => Some(*set),
            Implied::Use(..) | Implied::Def(..) => None,
        });
        lost.fold(PRegSet::empty(), |mut all, set| {
            all.union_from(set);
            all
        })
    }

    fn num_vregs(&self) -> usize {
        self.program.registers
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        match class {
            RegClass::Float => self.width.bytes() / 8,
            RegClass::Int | RegClass::Vector => 1,
        }
    }
}

/// Gives every virtual register of a program a place.
pub(super) fn allocate(program: &Program, width: Width) -> Result<Output, String> {
    let graph = Graph::new(program, width);
    let options = RegallocOptions {
        validate_ssa: cfg!(debug_assertions),
        ..RegallocOptions::default()
    };
    regalloc2::run(&graph, &environment(width), &options).map_err(|e| e.to_string())
}
