//! What the run gives, put in place: keys of the places where random elements are drawn, numbers of
//! iterations, and whether it trains.
//!
//! A site is a number for the place of a draw in a program: made of its number in its function, and of each
//! call on the way there, which is told by the callee's path and by how many calls of that path stand before
//! it, of those that draw at all. So what draws nothing may come and go without a change of any stream.
//! Sites are made from the inside out: those of a function that is inlined before its callers are known are
//! completed where it is called.

use super::calls::callee;
use super::inliner::{Inliner, Instance};
use super::{LinkError, op_error};
use crate::attributes::RunKey;
use crate::block::{Block, Inst, OpInst};
use crate::builder::Builder;
use crate::call::Call;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::{Function, Value};
use crate::op::{OpError, RunValue};
use crate::ops;
use crate::shape::{Axis, Shape, Type};
use crate::threefry::halves;
use crate::unit::Unit;
use std::collections::HashMap;

/// Where an instance stands.
#[derive(Clone, Default)]
pub(super) struct Place {
    /// The calls around it, the outermost first.
    calls: Vec<u64>,
    /// The indices of the loops around it with their trip counts, the outermost first.
    loops: Vec<(Value, Dim)>,
}

impl Place {
    /// That of an entry point.
    pub(super) fn root(unit: &Unit) -> Place {
        Place {
            calls: vec![text(unit.path)],
            loops: Vec::new(),
        }
    }

    /// In a call there.
    pub(super) fn in_call(&self, call: u64) -> Place {
        let mut inner = self.clone();
        inner.calls.push(call);
        inner
    }

    /// The same of a function that is inlined itself at `outer`, where its values are as `now` says.
    pub(super) fn within(&self, outer: &Place, now: &dyn Fn(Value) -> Value) -> Place {
        let mut out = outer.clone();
        out.calls.extend(&self.calls);
        let loops = self.loops.iter();
        out.loops
            .extend(loops.map(|(v, trip)| (now(*v), trip.clone())));
        out
    }

    /// In a loop there.
    pub(super) fn in_loop(mut self, index: Option<Value>, trip: &Dim) -> Place {
        self.loops.extend(index.map(|index| (index, trip.clone())));
        self
    }

    /// The site of a draw of the instance.
    fn site(&self, inner: u64) -> u64 {
        let calls = self.calls.iter().rev();
        // As attributes hold it, whose texts have no sign.
        calls.fold(inner, |inner, call| mixed(*call, inner) & i64::MAX as u64)
    }
}

/// What is known of the run where a program is made.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// The parameter that is the run's key.
    pub(super) key: Option<Value>,
    /// Whether the run trains.
    pub(super) training: bool,
}

/// What the run gives, and what stands for it.
#[derive(Default)]
pub(super) struct Given {
    /// The run; none where sizes are not bound, where what it gives stays as it is.
    pub(super) run: Option<Run>,
    /// What stands for the run's values, in front of all else: it is the same everywhere, and in loops.
    pub(super) insts: Vec<Inst>,
    /// Each word of a site that has been asked for.
    words: HashMap<(u64, i64), Value>,
    /// The number of the iteration around the whole function.
    iteration: Option<Value>,
    training: Option<Value>,
}

impl Given {
    /// Instructions with those in front of them on which they rely.
    pub(super) fn before(&mut self, insts: Vec<Inst>) -> Vec<Inst> {
        let mut all = std::mem::take(&mut self.insts);
        all.extend(insts);
        all
    }
}

impl<'u> Inliner<'u> {
    /// Whether a unit draws random elements, or a function that it calls does.
    pub(super) fn draws(&mut self, unit: &Unit) -> Result<bool, LinkError> {
        let key = std::ptr::from_ref(unit);
        if let Some(known) = self.drawing.get(&key) {
            return Ok(*known);
        }
        let function = self.load(unit)?;
        let mut found = false;
        let mut calls = Vec::new();
        for block in blocks(&function) {
            block.each_inst(&mut |inst| match inst {
                Inst::Op(i) => found |= i.op.kind.run_value() == Some(RunValue::Key),
                Inst::Call(c) => calls.push(c),
                Inst::PullbackCall(_) | Inst::Loop(_) => {}
            });
        }
        for call in calls {
            found = found || self.call_draws(unit, call)?;
        }
        self.drawing.insert(key, found);
        Ok(found)
    }

    fn call_draws(&mut self, unit: &Unit, call: &Call) -> Result<bool, LinkError> {
        for target in call.targets() {
            if self.draws(callee(unit, &target.name)?)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the callee of a call of an instance stands.
    pub(super) fn place_of(
        &mut self,
        instance: &Instance<'u>,
        call: &Call,
    ) -> Result<Place, LinkError> {
        let unit = instance.substitution.unit;
        if !self.call_draws(unit, call)? {
            return Ok(Place::default());
        }
        let path = path(unit, call)?;
        let function = instance.function.clone();
        let mut before: u64 = 0;
        for inst in blocks(&function).flat_map(|b| &b.insts) {
            let Inst::Call(other) = inst else { continue };
            if std::ptr::eq(other, call) {
                break;
            }
            if self::path(unit, other)? == path && self.call_draws(unit, other)? {
                before += 1;
            }
        }
        Ok(instance.place.in_call(mixed(text(path), before)))
    }

    /// What stands for a value of the run in an instance.
    pub(super) fn run_value(
        &mut self,
        instance: &mut Instance<'u>,
        i: &OpInst,
        value: RunValue,
    ) -> Result<(), LinkError> {
        let unit = instance.substitution.unit;
        let made = match value {
            RunValue::Key => self.word(&instance.place, i),
            RunValue::Iteration => self.iteration(&instance.place.loops),
            RunValue::Training => self.training(),
        };
        let made = made.map_err(|error| op_error(unit, i.op.name, i.location, error))?;
        instance.set(i.result, made);
        Ok(())
    }

    /// Adds instructions in front of all else.
    fn in_front(
        &mut self,
        add: impl FnOnce(&mut Builder) -> Result<Value, OpError>,
    ) -> Result<Value, OpError> {
        let here = std::mem::replace(
            &mut self.builder.insts,
            std::mem::take(&mut self.given.insts),
        );
        let added = add(&mut self.builder);
        self.given.insts = std::mem::replace(&mut self.builder.insts, here);
        added
    }

    /// A word of the key of a draw.
    fn word(&mut self, place: &Place, i: &OpInst) -> Result<Value, OpError> {
        let RunKey { site, word } = RunKey::from_attributes(&i.attributes)?;
        let known = |dim: &Dim| dim.as_constant().ok_or(OpError::Attribute("site"));
        let (site, word) = (place.site(known(site)? as u64), known(word)?);
        if let Some(known) = self.given.words.get(&(site, word)) {
            return Ok(*known);
        }
        let key = self.given.run.and_then(|run| run.key);
        let made = self.in_front(|b| {
            let Some(key) = key else {
                let (site, word) = (&Dim::constant(site as i64), &Dim::constant(word));
                return b.op(ops::RUN_KEY, &[], RunKey { site, word });
            };
            let [start, stop, step] = [word, word + 1, 1].map(Dim::constant);
            let one = b.slice(key, Axis::At(0), [&start, &stop, &step])?;
            let one = b.reshape(one, &Shape::scalar())?;
            let half = halves(site)[usize::from(word != 0)];
            b.with(ops::BITXOR, one, f64::from(half))
        })?;
        self.given.words.insert((site, word), made);
        Ok(made)
    }

    /// The number of an iteration: loops around each other count as one. It wraps behind 2^32 of them.
    fn iteration(&mut self, loops: &[(Value, Dim)]) -> Result<Value, OpError> {
        let mut number = match (self.given.iteration, self.given.run) {
            (Some(known), _) => Some(known),
            (None, Some(_)) if !loops.is_empty() => None,
            (None, run) => {
                let made = self.in_front(|b| match run {
                    Some(_) => b.constant(0.0, DType::U32, Shape::scalar()),
                    None => b.op(ops::ITERATION, &[], Vec::new()),
                })?;
                self.given.iteration = Some(made);
                Some(made)
            }
        };
        let b = &mut self.builder;
        for (index, trip) in loops {
            let index = b.cast(*index, DType::U32)?;
            number = Some(match number {
                None => index,
                Some(outer) => {
                    let trip = b.extent(trip.clone(), DType::U32, Shape::scalar())?;
                    let first = b.mul(outer, trip)?;
                    b.add(first, index)?
                }
            });
        }
        number.ok_or(OpError::Attribute("site"))
    }

    fn training(&mut self) -> Result<Value, OpError> {
        if let Some(known) = self.given.training {
            return Ok(known);
        }
        let run = self.given.run;
        let made = self.in_front(|b| match run {
            Some(run) => {
                let truth = f64::from(u8::from(run.training));
                b.constant(truth, DType::Bool, Shape::scalar())
            }
            None => b.op(ops::TRAINING, &[], Vec::new()),
        })?;
        self.given.training = Some(made);
        Ok(made)
    }
}

/// The type of the run's key.
pub(super) fn key_type() -> Type {
    Type::from_extents(DType::U32, &[2])
}

/// Takes the key out of a program that does not use it.
pub(super) fn drop_unused_key(program: &mut Function) {
    let Some(last) = program.params.len().checked_sub(1) else {
        return;
    };
    if program.params[last].kind != crate::function::ParamKind::Key {
        return;
    }
    let key = program.body.params[last];
    let mut used = program.body.results.contains(&key);
    program
        .body
        .each_inst(&mut |inst| inst.each_operand(&mut |v| used |= v == key));
    if !used {
        program.params.pop();
        program.body.params.pop();
        program.compact();
    }
}

/// The body, and the pullback if there is one.
fn blocks(function: &Function) -> impl Iterator<Item = &Block> {
    let pullback = function.pullback.iter().map(|p| &p.block);
    [&function.body].into_iter().chain(pullback)
}

/// What tells a call from others: the path of its callee. Parts of the caller itself (the bodies of its loops,
/// branches and closures) are told by their order alone: their paths have numbers, which other parts move.
fn path(unit: &Unit, call: &Call) -> Result<&'static str, LinkError> {
    const PART: &str = "::";
    let path = callee(unit, &call.target.name)?.path;
    match path.strip_prefix(unit.path) {
        Some(rest) if rest.starts_with(PART) => Ok(PART),
        Some(_) | None => Ok(path),
    }
}

/// A number that stands for a text (FNV-1a).
fn text(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// A number for something inside of something else: of one outer number, no two inner ones have the same 64
/// bits.
fn mixed(outer: u64, inner: u64) -> u64 {
    scrambled(inner ^ scrambled(outer))
}

/// SplitMix64's step (Steele, Lea, Flood 2014): one to one, and every bit depends on every other.
fn scrambled(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
