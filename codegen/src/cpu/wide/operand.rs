//! Operands of the assembler's instructions: registers by their number, places in memory, numbers.

use iced_x86::{Code, Instruction as Iced, OpKind, Register};

use super::machine::View;

/// A general register.
pub(super) fn general(number: u8, view: View) -> Register {
    let n = u32::from(number);
    match view {
        View::B8 => match n {
            0..4 => Register::AL + n,
            4..8 => Register::SPL + (n - 4),
            _ => Register::R8L + (n - 8),
        },
        View::B16 => Register::AX + n,
        View::B32 => Register::EAX + n,
        View::B64 | View::X | View::Y | View::Z | View::K => Register::RAX + n,
    }
}

/// Sets an operand in memory.
pub(super) fn memory(
    out: &mut Iced,
    number: u32,
    base: Register,
    index: Option<(Register, u32)>,
    offset: i64,
) {
    out.set_op_kind(number, OpKind::Memory);
    out.set_memory_base(base);
    if let Some((index, scale)) = index {
        out.set_memory_index(index);
        out.set_memory_index_scale(scale);
    }
    out.set_memory_displacement64(offset as u64);
    // Eight bits where the offset fits in them; the encoder looks.
    let size = match (base, offset) {
        (Register::RIP, _) => 8,
        (_, 0) => 0,
        (_, _) => 1,
    };
    out.set_memory_displ_size(size);
}

/// Sets an operand that is a number, of the size that the instruction has.
pub(super) fn immediate(out: &mut Iced, number: u32, code: Code, value: i64) {
    let kind = match code {
        Code::Mov_r64_imm64 => OpKind::Immediate64,
        Code::Mov_r32_imm32
        | Code::And_rm32_imm32
        | Code::Or_rm32_imm32
        | Code::Xor_rm32_imm32
        | Code::Cmp_rm32_imm32
        | Code::Imul_r32_rm32_imm32 => OpKind::Immediate32,
        Code::Mov_rm64_imm32
        | Code::And_rm64_imm32
        | Code::Or_rm64_imm32
        | Code::Xor_rm64_imm32
        | Code::Cmp_rm64_imm32
        | Code::Imul_r64_rm64_imm32 => OpKind::Immediate32to64,
        Code::And_rm32_imm8 => OpKind::Immediate8to32,
        _ => OpKind::Immediate8,
    };
    out.set_op_kind(number, kind);
    match kind {
        OpKind::Immediate64 => out.set_immediate64(value as u64),
        OpKind::Immediate32 => out.set_immediate32(value as u32),
        OpKind::Immediate32to64 => out.set_immediate32to64(value),
        OpKind::Immediate8to32 => out.set_immediate8to32(value as i32),
        _ => out.set_immediate8(value as u8),
    }
}
