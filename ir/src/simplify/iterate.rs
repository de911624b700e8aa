//! Rules for loops: what is the same in every iteration is no business of theirs.

use super::rewriter::Rewriter;
use crate::attributes::{Broadcast, Reshape};
use crate::block::{Inst, Loop};
use crate::function::Value;
use crate::ops;
use crate::shape::{Axis, Type};

impl Rewriter {
    pub(super) fn iterate(&mut self, mut l: Loop) {
        self.rename(&mut l.carried);
        for s in &mut l.sliced {
            s.value = self.renamed(s.value);
        }
        match l.trip.as_constant() {
            Some(0) if self.never(&l).is_some() => return,
            Some(1) if self.once(&mut l).is_some() => return,
            Some(_) | None => {}
        }
        self.unchanged(&mut l);
        self.equal_slices(&mut l);
        self.open(&l.body.params);
        self.rewrite(std::mem::take(&mut l.body.insts));
        self.rename(&mut l.body.results);
        l.body.insts = self.close();
        self.equal_stacks(&mut l);
        if !l.results.is_empty() {
            self.push(Inst::Loop(l));
        }
    }

    /// No iteration: what is carried is what it was, and stacks are empty.
    fn never(&mut self, l: &Loop) -> Option<()> {
        let mut results = l.carried.clone();
        for (_, _, stack) in l.stacks() {
            let ty = self.type_of(stack).clone();
            results.push(self.constant(0.0, &ty)?);
        }
        for (old, new) in l.results.iter().zip(results) {
            self.replace(*old, new);
        }
        Some(())
    }

    /// One iteration: the body itself.
    fn once(&mut self, l: &mut Loop) -> Option<()> {
        let mut given = vec![self.constant(0.0, &Loop::index_type())?];
        given.extend(&l.carried);
        for (param, s) in l.slice_params().iter().zip(&l.sliced) {
            let shape = self.shape_of(*param).clone();
            given.push(self.reshape(s.value, shape)?);
        }
        // Nothing is changed before all is known to fit.
        for (value, _, stack) in l.stacks() {
            let shape = self.shape_of(stack).clone();
            let types = [self.type_of(value).clone()];
            let attributes = Reshape { shape: &shape }.into();
            (ops::RESHAPE.infer)(&types, &attributes).ok()?;
        }
        for (param, value) in l.body.params.iter().zip(given) {
            self.replace(*param, value);
        }
        self.rewrite(std::mem::take(&mut l.body.insts));
        self.rename(&mut l.body.results);
        for (result, value) in l.results.iter().zip(&l.body.results).take(l.carried.len()) {
            self.replace(*result, *value);
        }
        for (value, _, stack) in l.stacks() {
            let shape = self.shape_of(stack).clone();
            if let Some(whole) = self.reshape(value, shape) {
                self.replace(stack, whole);
            }
        }
        Some(())
    }

    /// What is carried and never changes is no more carried.
    fn unchanged(&mut self, l: &mut Loop) {
        let mut at = 0;
        while at < l.carried.len() {
            let param = l.body.params[1 + at];
            if l.body.results[at] != param {
                at += 1;
                continue;
            }
            self.replace(param, l.carried[at]);
            self.replace(l.results[at], l.carried[at]);
            l.body.params.remove(1 + at);
            l.body.results.remove(at);
            l.carried.remove(at);
            l.results.remove(at);
        }
    }

    /// Equal slices are one; slices of what repeats along the axis, or of a constant, are the same in
    /// every iteration.
    fn equal_slices(&mut self, l: &mut Loop) {
        let mut at = 0;
        while at < l.sliced.len() {
            let (s, place) = (l.sliced[at], 1 + l.carried.len() + at);
            let param = l.body.params[place];
            let earlier = l.sliced[..at].iter().position(|e| *e == s);
            let same = match earlier {
                Some(e) => Some(l.body.params[1 + l.carried.len() + e]),
                None => self.same_slices(s.value, s.axis),
            };
            match same {
                Some(same) => {
                    self.replace(param, same);
                    l.sliced.remove(at);
                    l.body.params.remove(place);
                }
                None => at += 1,
            }
        }
    }

    /// What all slices of `whole` along `axis` are, if they are surely equal.
    fn same_slices(&mut self, whole: Value, axis: usize) -> Option<Value> {
        let slice = self.type_of(whole).slice(axis)?;
        if let Some(number) = self.constant_of(whole) {
            return self.constant(number, &slice);
        }
        let (x, Broadcast { new, .. }) = self.seen(whole)?;
        if !new.contains(&Axis::At(axis)) {
            return None;
        }
        let without = |a: &Axis| match a {
            Axis::At(i) if *i == axis => None,
            Axis::At(i) if *i > axis => Some(Axis::At(i - 1)),
            Axis::At(_) | Axis::Sequence => Some(*a),
        };
        let new: Vec<Axis> = new.iter().filter_map(without).collect();
        match new.is_empty() {
            true => Some(x),
            false => self.broadcast(x, slice.shape, new),
        }
    }

    /// Equal stacks are one; a stack of what the body does not make is a broadcast, and one of the slices
    /// that it gets is what they are slices of.
    fn equal_stacks(&mut self, l: &mut Loop) {
        let mut at = 0;
        while at < l.stacked.len() {
            let place = l.carried.len() + at;
            let (value, axis, stack) = (l.body.results[place], l.stacked[at], l.results[place]);
            let earlier = (0..at)
                .find(|e| l.stacked[*e] == axis && l.body.results[l.carried.len() + *e] == value);
            let same = match earlier {
                Some(e) => Some(l.results[l.carried.len() + e]),
                None if self.is_open(value) => {
                    let ty: Type = self.type_of(stack).clone();
                    self.broadcast(value, ty.shape, vec![Axis::At(axis)])
                }
                None => {
                    let slices = l.slice_params().iter().zip(&l.sliced);
                    let mut same = slices.filter(|(p, s)| **p == value && s.axis == axis);
                    same.next().map(|(_, s)| s.value)
                }
            };
            match same {
                Some(same) => {
                    self.replace(stack, same);
                    l.stacked.remove(at);
                    l.body.results.remove(place);
                    l.results.remove(place);
                }
                None => at += 1,
            }
        }
    }
}
