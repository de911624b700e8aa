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
use super::own::Own;
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
    /// Of each region how far this thread's memory of a turn lies behind that of the first; none of what all share.
    far: Vec<Option<Value>>,
    /// Whether turns are run by this thread alone, in memory of its own. Turns that threads run together have that
    /// of the first.
    pub own_turns: bool,
}

impl<'s> Body<'s> {
    /// At the start of the driver; `own` is what each thread has for itself, with the number of this one, if there
    /// are several.
    pub(super) fn new(
        b: &mut FunctionBuilder<'_>,
        schedule: &'s Schedule,
        regions: Value,
        own: Option<(Own, Value)>,
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
        let times = |b: &mut FunctionBuilder<'_>, number: Value, step: usize| {
            let step = i64::try_from(step).map_err(|_| broken("too much memory"))?;
            Ok::<Value, EmitError>(b.ins().imul_imm_s(number, step))
        };
        let mut far = vec![None; schedule.regions.len()];
        if let Some((own, number)) = own {
            let behind = times(b, number, own.scratch_step())?;
            base = b.ins().iadd(base, behind);
            for (far, region) in far.iter_mut().zip(&schedule.regions) {
                if let Some(step) = own.turn_step(region) {
                    *far = Some(times(b, number, step)?);
                }
            }
        }
        b.ins().store(MemFlagsData::trusted(), base, table, SCRATCH);
        Ok(Body {
            schedule,
            regions,
            table,
            turns: Vec::new(),
            far,
            own_turns: false,
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
            let mut base = b.ins().load(
                types::I64,
                fixed(),
                self.regions,
                buffer.region.0 as i32 * 8,
            );
            let far = self.far.get(buffer.region.0 as usize).copied().flatten();
            if let Some(far) = far.filter(|_| self.own_turns) {
                base = b.ins().iadd(base, far);
            }
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

    /// A loop around what `inside_loop` emits.
    pub(super) fn repeat<'f>(
        &mut self,
        b: &mut FunctionBuilder<'f>,
        trip: usize,
        inside_loop: &mut Inside<'_, 's, 'f>,
    ) -> Result<(), EmitError> {
        let bounds = [0, trip].map(|n| i64::try_from(n).map_err(|_| broken("a loop too long")));
        let [first, end] = bounds;
        let bounds = [first?, end?].map(|n| b.ins().iconst(types::I64, n));
        self.repeat_between(b, bounds, &[trip], inside_loop)
    }

    /// Some turns, one at least, of loops that are all that each other's turns do: those `low..high` of all together.
    pub(super) fn repeat_between<'f>(
        &mut self,
        b: &mut FunctionBuilder<'f>,
        [low, high]: [Value; 2],
        trips: &[usize],
        inside_loop: &mut Inside<'_, 's, 'f>,
    ) -> Result<(), EmitError> {
        let inside = b.create_block();
        let exit = b.create_block();
        let turn = b.append_block_param(inside, types::I64);
        b.ins().jump(inside, &[BlockArg::Value(low)]);
        b.switch_to_block(inside);
        let around = self.turns.len();
        let mut rest = turn;
        for trip in trips.iter().skip(1).rev() {
            let trip = i64::try_from(*trip).map_err(|_| broken("a loop too long"))?;
            let trip = b.ins().iconst(types::I64, trip);
            let number = b.ins().urem(rest, trip);
            self.turns.insert(around, number);
            rest = b.ins().udiv(rest, trip);
        }
        self.turns.insert(around, rest);
        inside_loop(self, b)?;
        self.turns.truncate(around);
        let next = b.ins().iadd_imm_s(turn, 1);
        let more = b.ins().icmp(IntCC::SignedLessThan, next, high);
        b.ins()
            .brif(more, inside, &[BlockArg::Value(next)], exit, &[]);
        b.switch_to_block(exit);
        Ok(())
    }
}
