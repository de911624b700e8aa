//! A function in machine instructions, over virtual registers: what is selected, and what registers are
//! allocated for.

use iced_x86::Code;
use regalloc2::{PReg, PRegSet, RegClass, VReg};

/// General registers.
pub(super) const INTEGER: RegClass = RegClass::Int;
/// Vector registers, whose first lane scalar floats are.
pub(super) const VECTOR: RegClass = RegClass::Float;
/// Mask registers of AVX-512.
pub(super) const MASK: RegClass = RegClass::Vector;

/// A function.
#[derive(Default)]
pub(super) struct Program {
    /// The blocks, the entry first.
    pub blocks: Vec<Block>,
    /// Virtual registers so far.
    pub registers: usize,
    /// Constants in memory, behind the code.
    pub pool: Pool,
    /// Bytes of the stack for the function's own slots.
    pub slot_bytes: usize,
    /// Whether it calls others.
    pub calls: bool,
}

/// Straight-line code with a branch or a return at its end.
#[derive(Default)]
pub(super) struct Block {
    /// Registers that are given by who jumps here.
    pub parameters: Vec<VReg>,
    /// The instructions; the last one is a [`Kind::Jump`], [`Kind::Branch`] or [`Kind::Return`].
    pub instructions: Vec<Instruction>,
}

/// A number of a block.
pub(super) type BlockId = usize;

/// A machine instruction.
#[derive(Clone, Debug)]
pub(super) struct Instruction {
    /// What it is.
    pub kind: Kind,
    /// Its operands, in the order of the assembler.
    pub operands: Vec<Operand>,
    /// Registers that it takes or gives without naming them.
    pub implied: Vec<Implied>,
    /// The register of masks that says which lanes are written; those that are not become zero.
    pub mask: Option<VReg>,
    /// Whether lanes that are not written stay instead.
    pub merges: bool,
}

/// What a machine instruction is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// As the assembler has it.
    Code(Code),
    /// As the assembler has it, of its only register with itself, which makes it zero.
    Zero(Code),
    /// What the function is given, which is where its caller puts it.
    Parameters,
    /// The address of what has a name.
    Symbol(String),
    /// A call of the address in its first operand; all that a callee may use is lost.
    Call,
    /// To a block, which gets these registers.
    Jump(BlockId, Vec<VReg>),
    /// To the first block if the flags fulfil the condition, else to the second. Neither gets anything.
    Branch(Condition, [BlockId; 2]),
    /// To the caller.
    Return,
}

/// An operand of a machine instruction.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// A register that is read.
    Use(VReg, View),
    /// A register that is written.
    Def(VReg, View),
    /// A register that is read, and written as another one.
    Change {
        /// What it was.
        from: VReg,
        /// What it becomes.
        to: VReg,
        /// How much of it.
        view: View,
    },
    /// Memory.
    Memory(Address),
    /// An element of memory in each lane.
    Broadcast(Address),
    /// A number.
    Immediate(i64),
    /// The register that shifts take their count from; it is implied.
    Count,
}

/// How much of a register an operand is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum View {
    /// 8 bits of a general register.
    B8,
    /// 16 bits.
    B16,
    /// 32 bits; writing them clears those above.
    B32,
    /// All of a general register.
    B64,
    /// 128 bits of a vector register.
    X,
    /// 256 bits.
    Y,
    /// 512 bits.
    Z,
    /// A mask register.
    K,
}

/// A condition of the flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    Equal,
    NotEqual,
    Below,
    AboveOrEqual,
    Above,
    BelowOrEqual,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Greater,
    Unordered,
    Ordered,
}

impl Condition {
    /// Its instructions: a jump, a byte of 0 or 1, a move of 32 bits and one of 64.
    fn codes(self) -> [Code; 4] {
        use Code::*;
        match self {
            Condition::Equal => [Je_rel32_64, Sete_rm8, Cmove_r32_rm32, Cmove_r64_rm64],
            Condition::NotEqual => [Jne_rel32_64, Setne_rm8, Cmovne_r32_rm32, Cmovne_r64_rm64],
            Condition::Below => [Jb_rel32_64, Setb_rm8, Cmovb_r32_rm32, Cmovb_r64_rm64],
            Condition::AboveOrEqual => [Jae_rel32_64, Setae_rm8, Cmovae_r32_rm32, Cmovae_r64_rm64],
            Condition::Above => [Ja_rel32_64, Seta_rm8, Cmova_r32_rm32, Cmova_r64_rm64],
            Condition::BelowOrEqual => [Jbe_rel32_64, Setbe_rm8, Cmovbe_r32_rm32, Cmovbe_r64_rm64],
            Condition::Less => [Jl_rel32_64, Setl_rm8, Cmovl_r32_rm32, Cmovl_r64_rm64],
            Condition::GreaterOrEqual => {
                [Jge_rel32_64, Setge_rm8, Cmovge_r32_rm32, Cmovge_r64_rm64]
            }
            Condition::LessOrEqual => [Jle_rel32_64, Setle_rm8, Cmovle_r32_rm32, Cmovle_r64_rm64],
            Condition::Greater => [Jg_rel32_64, Setg_rm8, Cmovg_r32_rm32, Cmovg_r64_rm64],
            Condition::Unordered => [Jp_rel32_64, Setp_rm8, Cmovp_r32_rm32, Cmovp_r64_rm64],
            Condition::Ordered => [Jnp_rel32_64, Setnp_rm8, Cmovnp_r32_rm32, Cmovnp_r64_rm64],
        }
    }

    /// A jump where it holds.
    pub(super) fn jump(self) -> Code {
        self.codes()[0]
    }

    /// A byte of 1 where it holds, else of 0.
    pub(super) fn set(self) -> Code {
        self.codes()[1]
    }

    /// A move where it holds.
    pub(super) fn conditional_move(self, view: View) -> Code {
        match view {
            View::B64 => self.codes()[3],
            _ => self.codes()[2],
        }
    }

    /// The condition that holds where this does not.
    pub(super) fn not(self) -> Condition {
        match self {
            Condition::Equal => Condition::NotEqual,
            Condition::NotEqual => Condition::Equal,
            Condition::Below => Condition::AboveOrEqual,
            Condition::AboveOrEqual => Condition::Below,
            Condition::Above => Condition::BelowOrEqual,
            Condition::BelowOrEqual => Condition::Above,
            Condition::Less => Condition::GreaterOrEqual,
            Condition::GreaterOrEqual => Condition::Less,
            Condition::LessOrEqual => Condition::Greater,
            Condition::Greater => Condition::LessOrEqual,
            Condition::Unordered => Condition::Ordered,
            Condition::Ordered => Condition::Unordered,
        }
    }
}

/// A register that an instruction takes or gives without naming it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Implied {
    /// Read from this register.
    Use(VReg, PReg),
    /// Written to this register.
    Def(VReg, PReg),
    /// Changed by the instruction: whatever was there is lost.
    Lost(PRegSet),
}

/// A place in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    /// Where it counts from.
    pub base: Base,
    /// A register that is added, times 1, 2, 4 or 8.
    pub index: Option<(VReg, u32)>,
    /// Bytes that are added.
    pub offset: i32,
}

/// Where an address counts from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    /// A register.
    Register(VReg),
    /// The function's slots on the stack.
    Slots,
    /// The constants.
    Pool,
}

impl Address {
    /// A place in the pool of constants.
    pub(super) fn constant(offset: usize) -> Address {
        Address {
            base: Base::Pool,
            index: None,
            offset: offset as i32,
        }
    }

    /// A place in the function's slots.
    pub(super) fn slot(offset: usize) -> Address {
        Address {
            base: Base::Slots,
            index: None,
            offset: offset as i32,
        }
    }

    /// Registers that it reads.
    pub(super) fn registers(&self) -> impl Iterator<Item = VReg> {
        let base = match self.base {
            Base::Register(r) => Some(r),
            Base::Slots | Base::Pool => None,
        };
        base.into_iter().chain(self.index.map(|(r, _)| r))
    }
}

impl Instruction {
    /// An instruction of some kind with operands.
    pub(super) fn new(kind: Kind, operands: Vec<Operand>) -> Instruction {
        Instruction {
            kind,
            operands,
            implied: Vec::new(),
            mask: None,
            merges: false,
        }
    }

    /// As the assembler has it.
    pub(super) fn code(code: Code, operands: Vec<Operand>) -> Instruction {
        Instruction::new(Kind::Code(code), operands)
    }

    /// Under a mask: other lanes become zero.
    pub(super) fn where_set(self, mask: VReg) -> Instruction {
        Instruction {
            mask: Some(mask),
            ..self
        }
    }

    /// Under a mask: other lanes stay what they are.
    pub(super) fn only_where_set(self, mask: VReg) -> Instruction {
        Instruction {
            mask: Some(mask),
            merges: true,
            ..self
        }
    }

    /// With registers that it does not name.
    pub(super) fn implying(self, implied: Vec<Implied>) -> Instruction {
        Instruction { implied, ..self }
    }
}

/// Constants in memory.
#[derive(Default)]
pub(super) struct Pool {
    /// Their bytes; each is at a multiple of its own size.
    pub bytes: Vec<u8>,
}

impl Pool {
    /// Where some bytes lie, whose number is a power of two.
    pub(super) fn place(&mut self, bytes: &[u8]) -> usize {
        let size = bytes.len().max(1);
        let found = self.bytes.chunks_exact(size).position(|have| have == bytes);
        if let Some(at) = found {
            return at * size;
        }
        let at = self.bytes.len().next_multiple_of(size);
        self.bytes.resize(at, 0);
        self.bytes.extend_from_slice(bytes);
        at
    }
}
