//! The driver's body where several threads run it: for each phase, what each of its shares does.
//!
//! A phase is a loop: its head asks for the next share ([`super::team`]), its body does what that share
//! does, and it is left once all shares are done. Loops around phases are gone through by every thread.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    BlockArg, ExtFuncData, ExternalName, FuncRef, InstBuilder, Value, types,
};
use cranelift_frontend::FunctionBuilder;

use super::EmitError;
use super::calls::{Body, broken};
use super::clock::Teller;
use super::own::Own;
use super::phases::{Cut, Owner, Phase, Phases, Stage, Task};
use super::shim::Shim;
use crate::kernel::{KernelId, Run, Schedule};

/// Emits a call of a kernel, with the table of its slots' addresses, between two places of the loop that
/// calls split; of all of it, if there are none.
pub(super) type Call<'c> =
    dyn FnMut(&mut FunctionBuilder<'_>, KernelId, Value, Option<[Value; 2]>) + 'c;

/// The function's parameters: the table of bases, the thread's place in its team, and its number.
pub(super) const PARAMETERS: usize = 3;

/// Emits the phases of a schedule, each of whose threads has `own` for itself; `clock` is told of each share of a run, if there is one.
pub(super) fn together(
    b: &mut FunctionBuilder<'_>,
    (schedule, phases): (&Schedule, &Phases),
    own: Own,
    [regions, member, number]: [Value; PARAMETERS],
    clock: Option<Teller>,
    call: &mut Call<'_>,
) -> Result<(), EmitError> {
    let shim = Shim::NextShare;
    let signature = b.import_signature(shim.signature(b.func.signature.call_conv));
    let next = b.import_function(ExtFuncData {
        name: ExternalName::testcase(shim.name()),
        signature,
        colocated: false,
        patchable: false,
    });
    let mut body = Body::new(b, schedule, regions, Some((own, number)))?;
    let mut together = Together {
        runs: schedule.runs(),
        member,
        next,
        clock,
        call,
    };
    together.stages(b, &mut body, &phases.stages)
}

struct Together<'s, 'c> {
    /// All runs, in the order of their numbers.
    runs: Vec<&'s Run>,
    member: Value,
    next: FuncRef,
    clock: Option<Teller>,
    call: &'c mut Call<'c>,
}

/// Emits what a share does of a loop, between these bounds.
type Piece<'p, 'f> = dyn FnMut(&mut FunctionBuilder<'f>, [Value; 2]) -> Result<(), EmitError> + 'p;

/// A share of a phase.
#[derive(Clone, Copy)]
struct Share {
    number: Value,
    /// How many there are.
    of: usize,
}

impl Together<'_, '_> {
    fn stages(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        body: &mut Body<'_>,
        stages: &[Stage],
    ) -> Result<(), EmitError> {
        for stage in stages {
            match stage {
                Stage::Phase(phase) => self.phase(b, body, phase)?,
                Stage::Loop { trip, body: stages } => {
                    body.repeat(b, *trip, &mut |body, b| self.stages(b, body, stages))?
                }
            }
        }
        Ok(())
    }

    fn phase(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        body: &mut Body<'_>,
        phase: &Phase,
    ) -> Result<(), EmitError> {
        let [head, work, done] = [(); 3].map(|()| b.create_block());
        b.ins().jump(head, &[]);
        b.switch_to_block(head);
        let shares = b.ins().iconst(types::I64, phase.shares as i64);
        let asked = b.ins().call(self.next, &[self.member, shares]);
        let number = b.inst_results(asked).first().copied();
        let number = number.ok_or_else(|| broken("no share"))?;
        let some = b
            .ins()
            .icmp_imm_s(IntCC::SignedGreaterThanOrEqual, number, 0);
        b.ins().brif(some, work, &[], done, &[]);
        b.switch_to_block(work);
        if let Some(clock) = self.clock {
            clock.starts(b);
        }
        let share = Share {
            number,
            of: phase.shares,
        };
        self.tasks(b, body, &phase.tasks, Some(share))?;
        b.ins().jump(head, &[]);
        b.switch_to_block(done);
        Ok(())
    }

    /// What a share does of tasks; all of them, where they belong to one share, whose tasks these are.
    fn tasks(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        body: &mut Body<'_>,
        tasks: &[Task],
        share: Option<Share>,
    ) -> Result<(), EmitError> {
        let mut rest = tasks;
        while let Some(first) = rest.first() {
            // What one share does in a row stands behind one comparison.
            let owner = owner(first);
            let count = match owner {
                Some(_) => rest.iter().take_while(|t| self::owner(t) == owner).count(),
                None => 1,
            };
            let (now, later) = rest.split_at(count);
            rest = later;
            let alone = share.is_none_or(|share| share.of == 1);
            match (owner, share) {
                (Some(owner), Some(share)) if !alone => {
                    let own = b.ins().icmp_imm_s(IntCC::Equal, share.number, owner as i64);
                    only_if(b, own, &mut |b| self.in_order(b, body, now, Some(share)))?;
                }
                (Some(_) | None, _) => self.in_order(b, body, now, share)?,
            }
        }
        Ok(())
    }

    fn in_order(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        body: &mut Body<'_>,
        tasks: &[Task],
        share: Option<Share>,
    ) -> Result<(), EmitError> {
        for task in tasks {
            match task {
                Task::Run(number, owner) => self.run(b, body, (*number, *owner), share)?,
                Task::Loop {
                    trip,
                    body: tasks,
                    owner,
                    own_turns,
                } => {
                    let share = share.filter(|_| owner.is_none());
                    let before = body.own_turns;
                    body.own_turns |= own_turns;
                    body.repeat(b, *trip, &mut |body, b| self.tasks(b, body, tasks, share))?;
                    body.own_turns = before;
                }
                Task::Turns {
                    trips,
                    cut,
                    body: tasks,
                } => {
                    let share = share.ok_or_else(|| broken("turns of no share"))?;
                    only_piece(b, *cut, share, &mut |b, bounds| {
                        let before = std::mem::replace(&mut body.own_turns, true);
                        body.repeat_between(b, bounds, trips, &mut |body, b| {
                            self.tasks(b, body, tasks, None)
                        })?;
                        body.own_turns = before;
                        Ok(())
                    })?;
                }
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        b: &mut FunctionBuilder<'_>,
        body: &mut Body<'_>,
        (number, owner): (usize, Owner),
        share: Option<Share>,
    ) -> Result<(), EmitError> {
        let run = *(self.runs.get(number)).ok_or_else(|| broken("no such run"))?;
        match (owner, share) {
            (Owner::Each(cut), Some(share)) => only_piece(b, cut, share, &mut |b, bounds| {
                body.bind(b, run)?;
                (self.call)(b, run.kernel, body.table, Some(bounds));
                self.ran(b, number);
                Ok(())
            }),
            (Owner::Each(_), None) => Err(broken("a piece of no share")),
            (Owner::One(_) | Owner::Around, _) => {
                body.bind(b, run)?;
                (self.call)(b, run.kernel, body.table, None);
                self.ran(b, number);
                Ok(())
            }
        }
    }

    fn ran(&self, b: &mut FunctionBuilder<'_>, run: usize) {
        if let Some(clock) = self.clock {
            clock.ran(b, run);
        }
    }
}

/// The one share that does a task.
fn owner(task: &Task) -> Option<usize> {
    match task {
        Task::Run(_, Owner::One(share)) => Some(*share),
        Task::Run(_, Owner::Around | Owner::Each(_)) => None,
        Task::Loop { owner, .. } => *owner,
        Task::Turns { .. } => None,
    }
}

/// The bounds of a piece.
fn bounds(b: &mut FunctionBuilder<'_>, cut: Cut, share: Value) -> Result<[Value; 2], EmitError> {
    let number = |n: usize| i64::try_from(n).map_err(|_| broken("a loop too long"));
    let (step, extent) = (number(cut.step)?, number(cut.extent)?);
    let low = b.ins().imul_imm_s(share, step);
    let high = b.ins().iadd_imm_s(low, step);
    let extent = b.ins().iconst(types::I64, extent);
    Ok([low, b.ins().smin(high, extent)])
}

/// Code for the piece of a loop that a share has, if it has one; it gets the piece's bounds.
fn only_piece<'f>(
    b: &mut FunctionBuilder<'f>,
    cut: Cut,
    share: Share,
    code: &mut Piece<'_, 'f>,
) -> Result<(), EmitError> {
    let mut piece = |b: &mut FunctionBuilder<'f>| {
        let bounds = bounds(b, cut, share.number)?;
        code(b, bounds)
    };
    match cut.shares() < share.of {
        true => {
            let last = cut.shares() as i64;
            let own = b
                .ins()
                .icmp_imm_s(IntCC::SignedLessThan, share.number, last);
            only_if(b, own, &mut piece)
        }
        false => piece(b),
    }
}

/// Code behind a condition.
fn only_if<'f>(
    b: &mut FunctionBuilder<'f>,
    holds: Value,
    code: &mut dyn FnMut(&mut FunctionBuilder<'f>) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    let [some, done] = [(); 2].map(|()| b.create_block());
    let none: &[BlockArg] = &[];
    b.ins().brif(holds, some, none, done, none);
    b.switch_to_block(some);
    code(b)?;
    b.ins().jump(done, none);
    b.switch_to_block(done);
    Ok(())
}
