//! The wide back end: functions in CLIF as machine code for x86-64 with vectors of 256 or 512 bits.
//!
//! Emitters write one program for every host, whose vectors have as many lanes as they are told, and the types
//! of 128 bits that CLIF and its optimiser know (its rules make constants of wider types that end in a panic).
//! Cranelift's own back ends take them for what they say. This one takes Cranelift's place behind the
//! optimiser and takes every vector for a whole register: instructions are selected here, registers allocated by regalloc2 as in Cranelift,
//! bytes written by iced-x86. What CLIF has no instruction for are calls of an [`Intrinsic`](super::intrinsic).
//!
//! Which kernels come here, and how wide, is decided in [`super::driver`]. An instruction that nothing is
//! chosen for is an error, never other code.

mod allocate;
mod codes;
mod constant;
mod encode;
mod float;
mod integer;
mod machine;
mod memory;
mod select;
mod strided;
mod transpose;
mod vector;

pub(super) use codes::Width;

use cranelift_codegen::Context;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::isa::TargetIsa;

use super::EmitError;
use super::machine::{Compiled, Reference};

/// Compiles the function in a context for vectors of a width.
pub(super) fn compile(
    context: &mut Context,
    isa: &dyn TargetIsa,
    width: Width,
    name: &str,
) -> Result<Compiled, EmitError> {
    let wrong = |message: String| EmitError::Codegen {
        kernel: name.to_owned(),
        message,
    };
    let optimised = context.optimize(isa, &mut Default::default());
    optimised.map_err(|e| wrong(format!("{e:?}")))?;
    let blocks: Vec<_> = context.domtree.cfg_postorder().to_vec();
    let program = select::select(&context.func, &blocks, width).map_err(wrong)?;
    let output = allocate::allocate(&program, width).map_err(wrong)?;
    let encoded = encode::encode(&program, &output, width).map_err(wrong)?;
    let references = encoded.symbols.into_iter().map(|(at, symbol)| Reference {
        offset: at as u32,
        kind: Reloc::Abs8,
        addend: 0,
        symbol,
    });
    Ok(Compiled::from_bytes(
        name,
        encoded.bytes,
        encode::LINE as u64,
        references.collect(),
    ))
}
