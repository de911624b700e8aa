//! The reverse of a loop: it runs the iterations in the other order, carries the cotangents of what
//! the loop carries, adds up those of what it uses of the outside, and stacks those of slices.
//!
//! What the reverse needs of the values of an iteration, the loop stacks for it: [`Stacks`] finds
//! what that is and adds it to the loops in the end, since by then they stand in their blocks. Of a value
//! that is carried, what came in is enough.

use crate::block::{Block, Inst, Loop, Sliced};
use crate::builder::Builder;
use crate::function::Value;
use crate::op::OpError;
use std::collections::{HashMap, HashSet};

/// The values that loops must stack for their reverses. Loops are named by the index in their body.
#[derive(Default)]
pub(crate) struct Stacks {
    /// For each loop: values of its body, and what their stacks are called.
    wanted: HashMap<Value, Vec<(Value, Value)>>,
    /// The loop that makes a stack that has been asked for.
    makers: HashMap<Value, Value>,
}

impl Stacks {
    /// Makes `reverse` use slices of stacks where it uses values of an iteration of `forward`.
    fn resolve(&mut self, b: &mut Builder, forward: &Loop, reverse: &mut Loop) {
        let mut inner: HashSet<Value> = HashSet::new();
        forward.body.each_definition(&mut |v| {
            inner.insert(v);
        });
        let mut used: Vec<Value> = Vec::new();
        reverse.body.each_capture(&mut |v| {
            // A stack is where the loop is that makes it.
            let place = self.makers.get(&v).unwrap_or(&v);
            if inner.contains(place) {
                used.push(v);
            }
        });
        used.sort_unstable();
        used.dedup();
        let mut renamed: HashMap<Value, Value> = HashMap::new();
        let handed = self.handed_on(forward, &used);
        for v in used {
            if handed.iter().any(|(next, _)| *next == v) {
                continue;
            }
            let ty = b.type_of(v).clone();
            let now = match (Some(v) == forward.index(), reverse.index()) {
                (true, Some(index)) => index,
                (true, None) | (false, _) => {
                    let sliced = self.whole(b, forward, v);
                    let param = b.value(ty);
                    reverse.sliced.push(sliced);
                    reverse.body.params.push(param);
                    param
                }
            };
            renamed.insert(v, now);
        }
        for (next, i) in handed {
            let ty = b.type_of(next).clone();
            let (param, result) = (b.value(ty.clone()), b.value(ty));
            let at = reverse.carried.len();
            reverse.carried.push(forward.results[i]);
            reverse.body.params.insert(1 + at, param);
            reverse.body.results.insert(at, forward.carried_params()[i]);
            reverse.results.insert(at, result);
            renamed.insert(next, param);
        }
        reverse.body.each_value_mut(&mut |v| {
            if let Some(now) = renamed.get(v) {
                *v = *now;
            }
        });
    }

    /// Of the values of an iteration that the reverse uses, given in order, those that the iteration hands
    /// on, where the reverse uses what came in too; each with its place among what is carried.
    ///
    /// They need no stack: what iteration t hands on came in to iteration t + 1, which the reverse has just
    /// been through. So it carries them, from the loop's result on.
    fn handed_on(&self, forward: &Loop, used: &[Value]) -> Vec<(Value, usize)> {
        let mut out: Vec<(Value, usize)> = Vec::new();
        let pairs = forward.carried_params().iter().zip(&forward.body.results);
        for (i, (came, next)) in pairs.enumerate() {
            let is_used = |v: &Value| used.binary_search(v).is_ok();
            let both = is_used(came) && is_used(next);
            let given = forward.body.params.contains(next);
            let stacked = forward.stacks().any(|(value, _, _)| value == *next);
            let wanted = forward.index().and_then(|index| self.wanted.get(&index));
            let wanted = wanted.is_some_and(|w| w.iter().any(|(value, _)| value == next));
            let known = given || stacked || wanted || out.iter().any(|(v, _)| v == next);
            if both && !known {
                out.push((*next, i));
            }
        }
        out
    }

    /// What holds the value of `v` in every iteration.
    fn whole(&mut self, b: &mut Builder, forward: &Loop, v: Value) -> Sliced {
        let params = forward.slice_params().iter();
        if let Some((_, sliced)) = params.zip(&forward.sliced).find(|(p, _)| **p == v) {
            return *sliced;
        }
        if let Some((_, axis, value)) = forward.stacks().find(|(value, _, _)| *value == v) {
            return Sliced { value, axis };
        }
        let name = forward.index().unwrap_or(v);
        let wanted = self.wanted.entry(name).or_default();
        if let Some((_, stack)) = wanted.iter().find(|(value, _)| *value == v) {
            return Sliced {
                value: *stack,
                axis: 0,
            };
        }
        let mut ty = b.type_of(v).clone();
        ty.shape.dims.insert(0, forward.trip.clone());
        let stack = b.value(ty);
        wanted.push((v, stack));
        self.makers.insert(stack, name);
        Sliced {
            value: stack,
            axis: 0,
        }
    }

    /// Adds what was asked for to the loops in `block`.
    pub(crate) fn apply(&mut self, block: &mut Block) {
        if self.wanted.is_empty() {
            return;
        }
        block.each_inst_mut(&mut |inst| {
            if let Inst::Loop(l) = inst
                && let Some(index) = l.index()
                && let Some(wanted) = self.wanted.remove(&index)
            {
                for (value, stack) in wanted {
                    l.body.results.push(value);
                    l.stacked.push(0);
                    l.results.push(stack);
                }
            }
        });
    }
}

/// A reverse loop whose body is being made.
pub(crate) struct ReverseLoop {
    made: Loop,
    outer: Vec<Inst>,
    /// The cotangent, in the body, of each result of the forward loop's body.
    pub(crate) cotangents: Vec<Option<Value>>,
    /// Which of what the forward loop carries has a cotangent, in order.
    carried: Vec<usize>,
}

/// Cotangents of what a loop's body is given: in the body, or behind the reverse loop.
#[derive(Default)]
pub(crate) struct Gradients {
    /// Of what is carried.
    pub(crate) carried: Vec<Option<Value>>,
    /// Of what is sliced.
    pub(crate) sliced: Vec<Option<Value>>,
    /// Of what the body uses of the outside.
    pub(crate) captured: Vec<Value>,
}

impl ReverseLoop {
    /// Opens the reverse of `forward`: what is added to the builder from now on is its body.
    ///
    /// `results` are the cotangents of the loop's results, and `carried` tells what of that which is
    /// carried has a cotangent in some iteration.
    pub(crate) fn open(
        b: &mut Builder,
        forward: &Loop,
        results: &[Option<Value>],
        carried: &[bool],
    ) -> Result<ReverseLoop, OpError> {
        let mut made = Loop {
            trip: forward.trip.clone(),
            order: forward.order.reversed(),
            carried: Vec::new(),
            sliced: Vec::new(),
            body: Block::default(),
            stacked: Vec::new(),
            results: Vec::new(),
            location: forward.location,
        };
        made.body.params.push(b.value(Loop::index_type()));
        let mut cotangents = vec![None; forward.body.results.len()];
        let mut which = Vec::new();
        for (i, first) in forward.carried.iter().enumerate() {
            let given = results.get(i).copied().flatten();
            if given.is_none() && carried.get(i) != Some(&true) {
                continue;
            }
            let ty = b.type_of(*first).clone();
            let start = match given {
                Some(cotangent) => cotangent,
                None => b.constant(0.0, ty.dtype, ty.shape.clone())?,
            };
            let param = b.value(ty);
            made.carried.push(start);
            made.body.params.push(param);
            cotangents[i] = Some(param);
            which.push(i);
        }
        let mut slices = Vec::new();
        for (s, (value, axis, _)) in forward.stacks().enumerate() {
            let i = forward.carried.len() + s;
            if let Some(cotangent) = results.get(i).copied().flatten() {
                let param = b.value(b.type_of(value).clone());
                slices.push(param);
                made.sliced.push(Sliced {
                    value: cotangent,
                    axis,
                });
                cotangents[i] = Some(param);
            }
        }
        // Slices come behind what is carried, and sums are carried too: they are put in between.
        made.body.params.extend(slices);
        Ok(ReverseLoop {
            made,
            outer: std::mem::take(&mut b.insts),
            cotangents,
            carried: which,
        })
    }

    /// Closes the body, in which `found` are the cotangents of what the forward loop's body is given;
    /// returns those of what the loop is given.
    pub(crate) fn close(
        self,
        b: &mut Builder,
        stacks: &mut Stacks,
        forward: &Loop,
        found: &Gradients,
    ) -> Result<Gradients, OpError> {
        let mut made = self.made;
        b.location = forward.location;
        // In the body: what the next iteration gets, then the sums, then what is stacked.
        for i in &self.carried {
            let next = match found.carried.get(*i).copied().flatten() {
                Some(next) => next,
                None => {
                    let ty = b.type_of(forward.carried[*i]).clone();
                    b.constant(0.0, ty.dtype, ty.shape)?
                }
            };
            made.body.results.push(next);
        }
        let mut sums = Vec::with_capacity(found.captured.len());
        for cotangent in &found.captured {
            let sum = b.value(b.type_of(*cotangent).clone());
            sums.push(sum);
            made.body.results.push(b.add(sum, *cotangent)?);
        }
        let behind = 1 + self.carried.len();
        made.body.params.splice(behind..behind, sums);
        for (sliced, cotangent) in forward.sliced.iter().zip(&found.sliced) {
            if let Some(cotangent) = cotangent {
                made.body.results.push(*cotangent);
                made.stacked.push(sliced.axis);
            }
        }
        made.body.insts = std::mem::replace(&mut b.insts, self.outer);
        // Around it: what the sums start from, and what comes out.
        for cotangent in &found.captured {
            let ty = b.type_of(*cotangent).clone();
            made.carried.push(b.constant(0.0, ty.dtype, ty.shape)?);
        }
        let mut out = Gradients {
            carried: vec![None; forward.carried.len()],
            sliced: vec![None; forward.sliced.len()],
            captured: Vec::new(),
        };
        let mut result = |like: Value| {
            let result = b.value(b.type_of(like).clone());
            made.results.push(result);
            result
        };
        for i in &self.carried {
            out.carried[*i] = Some(result(forward.carried[*i]));
        }
        out.captured = found.captured.iter().map(|v| result(*v)).collect();
        for (i, sliced) in forward.sliced.iter().enumerate() {
            if found.sliced.get(i).copied().flatten().is_some() {
                out.sliced[i] = Some(result(sliced.value));
            }
        }
        stacks.resolve(b, forward, &mut made);
        if !made.results.is_empty() {
            b.insts.push(Inst::Loop(made));
        }
        Ok(out)
    }
}
