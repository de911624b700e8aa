//! The driver's body: the schedule's tree as calls and loops.
//!
//! A kernel gets the addresses of scratch and of its slots in a table, where the driver puts the slots'
//! before each call: two instructions a slot, which no kernel is short enough to notice.

use std::ops::Range;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    BlockArg, InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_frontend::FunctionBuilder;

use super::EmitError;
use super::clock::Teller;
use super::frame::{SCRATCH, slot_entry};
use crate::kernel::{KernelId, Node, Run, Schedule};

/// Emits a call of a kernel for a share with the table of its slots' addresses.
pub(super) type Call<'c> = dyn FnMut(&mut FunctionBuilder<'_>, KernelId, Value, &Range<usize>) + 'c;

/// Emits what stands in a loop.
type Inside<'i, 's, 'f> =
    dyn FnMut(&mut Body<'s>, &mut FunctionBuilder<'f>) -> Result<(), EmitError> + 'i;

/// Emits what stands for a run.
type Each<'i, 's, 'f> =
    dyn FnMut(&mut Body<'s>, &mut FunctionBuilder<'f>, &Run) -> Result<(), EmitError> + 'i;

/// Emits all nodes of a schedule; `regions` is the address of the table of the bases of regions, and of
/// scratch behind them; `clock` is told of each run, if there is one.
pub(super) fn calls(
    b: &mut FunctionBuilder<'_>,
    schedule: &Schedule,
    regions: Value,
    clock: Option<Teller>,
    call: &mut Call<'_>,
) -> Result<(), EmitError> {
    let mut body = Body::new(b, schedule, regions, None)?;
    let mut number = 0;
    body.nodes(b, &schedule.nodes, &mut |body, b, run| {
        body.run(b, run, call)?;
        if let Some(clock) = clock {
            clock.ran(b, number);
        }
        number += 1;
        Ok(())
    })
}

/// Flags for loads of the table of bases, which nobody writes while the driver runs.
fn fixed() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

pub(super) fn broken(what: &str) -> EmitError {
    EmitError::Codegen {
        kernel: "driver".to_owned(),
        message: what.to_owned(),
    }
}

/// The driver's body under construction.
pub(super) struct Body<'s> {
    schedule: &'s Schedule,
    regions: Value,
    /// The table that kernels get.
    pub table: Value,
    /// The turn of each loop around what is emitted, the outermost first.
    turns: Vec<Value>,
}

impl<'s> Body<'s> {
    /// At the start of the driver; `scratch` is how far behind that of the table of bases the scratch of this
    /// thread lies, if there are several.
    pub(super) fn new(
        b: &mut FunctionBuilder<'_>,
        schedule: &'s Schedule,
        regions: Value,
        scratch: Option<Value>,
    ) -> Result<Body<'s>, EmitError> {
        let most = schedule.kernels.iter().map(|k| k.slots.len()).max();
        let entries = 1 + most.unwrap_or(0);
        let bytes = u32::try_from(entries * 8).map_err(|_| broken("too many slots"))?;
        let table =
            b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3));
        let table = b.ins().stack_addr(types::I64, table, 0);
        let last =
            i32::try_from(schedule.regions.len() * 8).map_err(|_| broken("too many regions"))?;
        let mut base = b.ins().load(types::I64, fixed(), regions, last);
        if let Some(far) = scratch {
            base = b.ins().iadd(base, far);
        }
        b.ins().store(MemFlagsData::trusted(), base, table, SCRATCH);
        Ok(Body {
            schedule,
            regions,
            table,
            turns: Vec::new(),
        })
    }

    fn nodes<'f>(
        &mut self,
        b: &mut FunctionBuilder<'f>,
        nodes: &[Node],
        each_run: &mut Each<'_, 's, 'f>,
    ) -> Result<(), EmitError> {
        for node in nodes {
            match node {
                Node::Run(run) => each_run(self, b, run)?,
                Node::Part(part) => self.nodes(b, &part.nodes, each_run)?,
                Node::Loop(l) => {
                    self.repeat(b, l.trip, &mut |body, b| body.nodes(b, &l.body, each_run))?
                }
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        run: &Run,
        call: &mut Call<'_>,
    ) -> Result<(), EmitError> {
        self.bind(b, run)?;
        let kernel = self.schedule.kernel(run);
        let kernel = kernel.ok_or_else(|| broken("a run of no kernel"))?;
        for share in run.shares(kernel) {
            call(b, run.kernel, self.table, &share);
        }
        Ok(())
    }

    /// Puts the addresses of a run's slots into the table.
    pub(super) fn bind(&mut self, b: &mut FunctionBuilder<'_>, run: &Run) -> Result<(), EmitError> {
        for (i, binding) in run.bindings.iter().enumerate() {
            let buffer = self.schedule.buffers.get(binding.buffer.0 as usize);
            let buffer = buffer.ok_or_else(|| broken("a slot without a buffer"))?;
            let size = buffer.dtype.size().ok_or_else(|| broken("no size"))? as i64;
            let base = b.ins().load(
                types::I64,
                fixed(),
                self.regions,
                buffer.region.0 as i32 * 8,
            );
            let start = buffer.offset as i64 + binding.offset * size;
            let mut address = match start {
                0 => base,
                _ => b.ins().iadd_imm_s(base, start),
            };
            for (&turn, step) in self.turns.iter().zip(&binding.steps) {
                if *step != 0 {
                    let far = b.ins().imul_imm_s(turn, step * size);
                    address = b.ins().iadd(address, far);
                }
            }
            let flags = MemFlagsData::trusted();
            b.ins().store(flags, address, self.table, slot_entry(i));
        }
        Ok(())
    }

    /// A loop around what `inside` emits.
    pub(super) fn repeat<'f>(
        &mut self,
        b: &mut FunctionBuilder<'f>,
        trip: usize,
        inside_loop: &mut Inside<'_, 's, 'f>,
    ) -> Result<(), EmitError> {
        let inside = b.create_block();
        let exit = b.create_block();
        let turn = b.append_block_param(inside, types::I64);
        let first = b.ins().iconst(types::I64, 0);
        b.ins().jump(inside, &[BlockArg::Value(first)]);
        b.switch_to_block(inside);
        self.turns.push(turn);
        inside_loop(self, b)?;
        self.turns.pop();
        let next = b.ins().iadd_imm_s(turn, 1);
        let trip = i64::try_from(trip).map_err(|_| broken("a loop too long"))?;
        let more = b.ins().icmp_imm_s(IntCC::SignedLessThan, next, trip);
        b.ins()
            .brif(more, inside, &[BlockArg::Value(next)], exit, &[]);
        b.switch_to_block(exit);
        Ok(())
    }
}
