//! A program with loops, cut into loops and the stretches of operations between them. Barriers begin
//! stretches too: what is computed again behind them is another kernel's, and of what stands in front only
//! that is kept which is needed behind.
//!
//! A stretch is scheduled like a program of its own. What another stretch or a loop needs of it is
//! stored in a *shared* value of the arena; views and constants are not: whoever needs them makes them
//! again, from what they are views of.
//!
//! What a loop carries has one place: it is written there before the loop, read and written over in each
//! turn (in place where that is safe, else computed aside and copied at the turn's end, as for outputs
//! over inputs), and lies there afterwards. A slice is an operand whose place moves with the turn, a
//! stack an output whose place does. A body that asks for its index gets a slice of the numbers from 0.

use super::affine::contiguous;
use super::in_place::Given;
use super::instruction::is_made_again;
use super::section::{Section, sections};
use super::storage::{OpenBuffer, Site, moving};
use super::{ScheduleError, Scheduled, overlap, schedule_stretch};
use crate::cost::Target;
use sinew_ir::{
    Axis, Block, Builder, DType, Function, Inst, Loop, OpClass, OpInst, Param, ParamKind, Shape,
    Type, Value,
};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A program that is cut.
pub(super) struct Cut {
    pub items: Vec<Item>,
    pub shared: Vec<Shared>,
}

/// A part of what is cut.
pub(super) enum Item {
    Kernels(Scheduled),
    Loop {
        trip: usize,
        /// Whether nothing goes from turn to turn.
        apart: bool,
        items: Vec<Item>,
    },
}

/// A value of the arena that more than one stretch sees.
pub(super) struct Shared {
    pub name: String,
    pub dtype: DType,
    pub elements: usize,
    /// The loops around the block that it belongs to.
    pub depth: usize,
}

/// Cuts a program whose parameters lie in `inputs` and whose results go to `outputs`.
pub(super) fn cut_program(
    function: &Function,
    inputs: Vec<OpenBuffer>,
    outputs: Vec<OpenBuffer>,
    target: Target,
) -> Result<Cut, ScheduleError> {
    // Linked programs have no functions over ops any more, nor arithmetic of halves; others may.
    let mut composed = function.values.iter().any(|t| t.dtype.is_half());
    function.body.each_inst(&mut |inst| {
        composed |= matches!(inst, Inst::Op(op) if matches!(op.op.kind.class(), OpClass::Function));
    });
    let mut function = Cow::Borrowed(function);
    if composed {
        sinew_ir::decompose(function.to_mut())
            .map_err(|e| ScheduleError::NotLinked(e.to_string()))?;
    }
    let function = function.as_ref();
    let label = |value: Value| match function.params.get(value.index()) {
        Some(p) => p.name.clone(),
        None => value.to_string(),
    };
    let insts = &function.body.insts;
    let cuts = |inst: &Inst| match inst {
        Inst::Op(op) => op.op.kind.is_barrier(),
        Inst::Loop(_) => true,
        Inst::Call(_) | Inst::PullbackCall(_) => false,
    };
    if !insts.iter().any(cuts) {
        let whole = schedule_stretch(function, &label, inputs, outputs, target)?;
        return Ok(Cut {
            items: vec![Item::Kernels(whole)],
            shared: Vec::new(),
        });
    }
    let mut cutter = Cutter {
        target,
        function,
        label: &label,
        definitions: BTreeMap::new(),
        shared: Vec::new(),
    };
    let mut order = 0;
    function.body.each_inst(&mut |inst| {
        order += 1;
        if let Inst::Op(op) = inst {
            cutter.definitions.insert(op.result, (order, op));
        }
    });
    let env = function.body.params.iter().copied().zip(inputs).collect();
    let results = function.body.results.iter().copied().zip(outputs);
    let items = cutter.block(&function.body, env, results.collect(), 0)?;
    Ok(Cut {
        items,
        shared: cutter.shared,
    })
}

/// Where the values lie that a block sees and does not compute at hand.
pub(super) type Env = BTreeMap<Value, OpenBuffer>;

/// A value and where it goes.
pub(super) type Output = (Value, OpenBuffer);

pub(super) struct Cutter<'a> {
    target: Target,
    pub function: &'a Function,
    label: &'a dyn Fn(Value) -> String,
    /// The operation that defines a value, with its place in the text.
    pub definitions: BTreeMap<Value, (usize, &'a OpInst)>,
    shared: Vec<Shared>,
}

impl<'a> Cutter<'a> {
    /// The items of a block with `depth` loops around it.
    fn block(
        &mut self,
        block: &'a Block,
        mut env: Env,
        mut outputs: Vec<Output>,
        depth: usize,
    ) -> Result<Vec<Item>, ScheduleError> {
        for output in &mut outputs {
            *output = self.output(block, output.clone());
        }
        let mut given = self.joined_in_place(block, &mut env, &mut outputs, depth)?;
        let mut sections = sections(block)?;
        for section in &mut sections {
            section.ops.retain(|v| !given.joined.contains(v));
        }
        let end = sections.len() - 1;
        let computed = |v: &Value| sections.iter().any(|s| s.ops.contains(v));
        // An output whose place the block also reads is written by the last section, when nobody reads the
        // place any more. So is an output that no section computes.
        let (mut open, last): (Vec<Output>, Vec<Output>) =
            outputs.into_iter().partition(|(value, out)| {
                let over = env.values().any(|input| overlap(input, out));
                let by_loop = sections.iter().filter_map(|s| s.behind);
                let by_loop = by_loop.flat_map(|l| &l.results).any(|r| r == value);
                !over && (by_loop || computed(value) && !self.is_light(*value))
            });
        let needed = self.needed(&sections, &last);
        let mut items = Vec::new();
        for (at, section) in sections.iter().enumerate() {
            let mut here: Vec<Output> = Vec::new();
            let mut counts = Vec::new();
            // What is computed here and goes out, or is needed further on.
            let mut rest = Vec::new();
            for (value, out) in std::mem::take(&mut open) {
                match section.ops.contains(&value) {
                    true => {
                        env.entry(value).or_insert_with(|| out.clone());
                        here.push((value, out));
                    }
                    false => rest.push((value, out)),
                }
            }
            open = rest;
            // The last section itself makes what goes out.
            let needed = needed.get(at).filter(|_| at < end);
            let further = |v: &&Value| needed.is_some_and(|needed| needed.contains(v));
            for value in section.ops.iter().filter(further) {
                if !env.contains_key(value) {
                    let place = self.share_value(*value, depth)?;
                    env.insert(*value, place.clone());
                    here.push((*value, place));
                }
            }
            let inside = match section.behind {
                Some(l) => {
                    let lie = (&mut env, &mut given);
                    Some(self.enter_loop(l, lie, &mut here, &mut counts, &mut open, depth)?)
                }
                None => None,
            };
            if at == end {
                // A loop's result that has another place than the one asked for is copied there.
                here.extend(std::mem::take(&mut open));
                here.extend(last.iter().cloned());
            }
            if !here.is_empty() || !counts.is_empty() {
                let scheduled = self.schedule_stretch(&section.ops, &env, here, counts)?;
                items.push(Item::Kernels(scheduled));
            }
            if let (Some(l), Some((trip, inner, outputs))) = (section.behind, inside) {
                let items_inside = self.block(&l.body, inner, outputs, depth + 1)?;
                items.push(Item::Loop {
                    trip,
                    apart: l.carried.is_empty(),
                    items: items_inside,
                });
            }
        }
        Ok(items)
    }

    /// For each section, the values that its own loop and everything behind it need.
    fn needed(&self, sections: &[Section<'a>], last: &[Output]) -> Vec<BTreeSet<Value>> {
        let mut needed = BTreeSet::new();
        for (value, _) in last {
            self.bases(*value, &mut needed);
        }
        let mut out = Vec::new();
        for section in sections.iter().rev() {
            if let Some(l) = section.behind {
                for value in &l.carried {
                    self.bases(*value, &mut needed);
                }
                // A slice is taken of a value in memory, so the value itself is needed even if it is a
                // view, unless that is how what it is of lies there.
                for s in &l.sliced {
                    match self.seen_in_place(s.value) {
                        Some(base) => self.bases(base, &mut needed),
                        None => _ = needed.insert(s.value),
                    }
                }
                l.body.each_capture(&mut |v| self.bases(v, &mut needed));
            }
            out.push(needed.clone());
            for value in &section.ops {
                if let Some((_, op)) = self.definitions.get(value) {
                    op.operands.iter().for_each(|v| self.bases(*v, &mut needed));
                }
            }
        }
        out.reverse();
        out
    }

    /// Whether whoever needs a value makes it again: views and constants.
    pub fn is_light(&self, value: Value) -> bool {
        let definition = self.definitions.get(&value);
        definition.is_some_and(|(_, op)| is_made_again(op.op.kind))
    }

    /// What a value is a view of, or the value.
    fn bases(&self, value: Value, out: &mut BTreeSet<Value>) {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match self.definitions.get(&value) {
                Some((_, op)) if self.is_light(value) => open.extend(&op.operands),
                Some(_) | None => {
                    out.insert(value);
                }
            }
        }
    }

    pub fn extents(&self, value: Value) -> Result<(DType, Vec<usize>), ScheduleError> {
        let ty = self.function.values.get(value.index());
        let ty = ty.ok_or(ScheduleError::Undefined(value))?;
        let extents = ty.shape.extents();
        let extents =
            extents.ok_or_else(|| ScheduleError::NotLinked(format!("{value} has no extents")))?;
        Ok((ty.dtype, extents))
    }

    /// A place in the arena for a value.
    pub fn share_value(&mut self, value: Value, depth: usize) -> Result<OpenBuffer, ScheduleError> {
        let (dtype, extents) = self.extents(value)?;
        Ok(self.place((self.label)(value), dtype, &extents, depth))
    }

    fn place(&mut self, name: String, dtype: DType, extents: &[usize], depth: usize) -> OpenBuffer {
        let elements = extents.iter().product();
        self.shared.push(Shared {
            name: name.clone(),
            dtype,
            elements,
            depth,
        });
        OpenBuffer {
            name,
            site: Some(Site::Shared(self.shared.len() - 1)),
            start: 0,
            steps: Vec::new(),
            strides: contiguous(extents),
            dtype,
            elements,
        }
    }

    /// Prepares a loop: where its body finds and puts what. `before` is what the stretch in front of it
    /// has to write, `counts` the numbers from 0 among that.
    fn enter_loop(
        &mut self,
        l: &'a Loop,
        (env, given): (&mut Env, &mut Given),
        before: &mut Vec<Output>,
        counts: &mut Vec<(usize, OpenBuffer)>,
        open: &mut Vec<Output>,
        depth: usize,
    ) -> Result<(usize, Env, Vec<Output>), ScheduleError> {
        let trip = l.trip.as_constant().and_then(|n| usize::try_from(n).ok());
        let trip = trip.filter(|n| *n > 0);
        let trip = trip.ok_or_else(|| ScheduleError::Loop(l.trip.to_string()))?;
        let mut inside = env.clone();
        let mut outputs = Vec::new();
        let taken = |open: &mut Vec<Output>, value: Value| {
            let at = open.iter().position(|(v, _)| *v == value)?;
            Some(open.remove(at).1)
        };
        let results = l.results.iter().zip(&l.body.results);
        for ((result, next), (init, param)) in results.zip(l.carried.iter().zip(l.carried_params()))
        {
            let place = match taken(open, *result) {
                Some(place) => place,
                None => self.share_value(*result, depth)?,
            };
            before.push((*init, place.clone()));
            inside.insert(*param, place.clone());
            outputs.push((*next, place.clone()));
            env.insert(*result, place);
        }
        for (sliced, param) in l.sliced.iter().zip(l.slice_params()) {
            let there = env.get(&sliced.value).cloned();
            let whole = match there.or_else(|| self.place_in_place(sliced.value, env)) {
                Some(whole) => whole,
                None => {
                    let place = self.share_value(sliced.value, depth)?;
                    before.push((sliced.value, place.clone()));
                    env.insert(sliced.value, place.clone());
                    inside.insert(sliced.value, place.clone());
                    place
                }
            };
            inside.insert(*param, moving(&whole, sliced.axis, trip, l.order, depth));
        }
        if let Some(index) = l.index() {
            let mut used = false;
            l.body.each_use(&mut |v| used |= v == index);
            if used {
                let numbers = self.place("iterations".into(), DType::I32, &[trip], depth);
                inside.insert(index, moving(&numbers, 0, trip, l.order, depth));
                counts.push((trip, numbers));
            }
        }
        for (value, axis, result) in l.stacks() {
            let place = given.places.remove(&result).or_else(|| taken(open, result));
            let place = match place {
                Some(place) => place,
                None => self.share_value(result, depth)?,
            };
            outputs.push((value, moving(&place, axis, trip, l.order, depth)));
            env.insert(result, place);
        }
        Ok((trip, inside, outputs))
    }

    /// From what is written back to what is read: the values that lie in `env`, and the operations, in
    /// the order of the text, that compute the rest.
    fn reached(
        &self,
        local: &BTreeSet<Value>,
        env: &Env,
        outputs: &[Output],
    ) -> Result<(BTreeSet<Value>, Vec<&'a OpInst>), ScheduleError> {
        let mut open: Vec<Value> = outputs.iter().map(|(v, _)| *v).collect();
        let mut seen = BTreeSet::new();
        let mut read = BTreeSet::new();
        let mut made: Vec<(usize, &'a OpInst)> = Vec::new();
        while let Some(value) = open.pop() {
            if !seen.insert(value) {
                continue;
            }
            let definition = self.definitions.get(&value);
            let is_local = local.contains(&value);
            match definition {
                Some((order, op)) if is_local || !env.contains_key(&value) => {
                    if !is_local && !self.is_light(value) {
                        return Err(ScheduleError::Undefined(value));
                    }
                    made.push((*order, *op));
                    open.extend(&op.operands);
                }
                Some(_) | None => {
                    read.insert(value);
                }
            }
        }
        made.sort_unstable_by_key(|(order, _)| *order);
        Ok((read, made.into_iter().map(|(_, op)| op).collect()))
    }

    /// Schedules what a section has to write.
    fn schedule_stretch(
        &self,
        local: &BTreeSet<Value>,
        env: &Env,
        outputs: Vec<Output>,
        counts: Vec<(usize, OpenBuffer)>,
    ) -> Result<Scheduled, ScheduleError> {
        let (read, made) = self.reached(local, env, &outputs)?;
        let mut names: BTreeMap<Value, Value> = BTreeMap::new();
        let mut labels = Vec::new();
        let mut function = Function {
            name: self.function.name.clone(),
            ..Function::default()
        };
        let mut define = |function: &mut Function, ty: Type, label: String| {
            let new = Value(u32::try_from(function.values.len()).unwrap_or(u32::MAX));
            function.values.push(ty);
            labels.push(label);
            new
        };
        let ty = |value: Value| {
            let ty = self.function.values.get(value.index());
            ty.cloned().ok_or(ScheduleError::Undefined(value))
        };
        let mut inputs = Vec::new();
        for value in read {
            let label = (self.label)(value);
            inputs.push(
                env.get(&value)
                    .cloned()
                    .ok_or(ScheduleError::Undefined(value))?,
            );
            function.params.push(Param {
                name: label.clone(),
                kind: ParamKind::Input,
            });
            names.insert(value, define(&mut function, ty(value)?, label));
        }
        let mut insts = Vec::new();
        for op in made {
            let new = define(&mut function, ty(op.result)?, (self.label)(op.result));
            names.insert(op.result, new);
            let mut op = op.clone();
            op.result = new;
            for operand in &mut op.operands {
                *operand = *names
                    .get(operand)
                    .ok_or(ScheduleError::Undefined(*operand))?;
            }
            insts.push(Inst::Op(op));
        }
        let mut results = Vec::new();
        let mut places = Vec::new();
        for (value, place) in outputs {
            results.push(*names.get(&value).ok_or(ScheduleError::Undefined(value))?);
            places.push(place);
        }
        let mut builder = Builder {
            values: function.values,
            insts,
            location: None,
        };
        for (trip, place) in counts {
            let numbers = builder.iota(DType::I32, Shape::from_extents(&[trip]), Axis::At(0));
            results.push(numbers.map_err(|e| ScheduleError::NotLinked(e.to_string()))?);
            places.push(place);
        }
        function.values = builder.values;
        function.body = Block::body(function.params.len(), builder.insts, results);
        let label = |value: Value| match labels.get(value.index()) {
            Some(label) => label.clone(),
            None => "iterations".into(),
        };
        schedule_stretch(&function, &label, inputs, places, self.target)
    }
}
