//! Sums that a loop carries, taken out of it: where every iteration adds a product or a sum to what it was given,
//! one product or sum over all iterations, behind the loop, is the same.
//!
//! So the gradient of a recurrent layer's weights is one long product, not a short one in each step that
//! reads and writes the whole of the gradient again. What the sums are of must be there behind the loop: slices
//! of values that are, what the loop stacks already, and what it stacks for this, if that is less than the sums and
//! than what the loop is given in each iteration.
//!
//! It is no rule of the simplifier: a loop over the parts of a batch adds up so that it need not keep what the parts
//! compute.

use crate::attribute::Attributes;
use crate::attributes::{Constant, DotAxes, Over};
use crate::block::{Block, Inst, Loop, OpInst};
use crate::builder::Builder;
use crate::function::{Function, Value};
use crate::op::{OpError, Reduction};
use crate::ops;
use crate::scalar::Scalar;
use crate::shape::{Axis, Type};
use std::collections::{HashMap, HashSet};

/// Takes such sums out of all loops of a program; whether there were any.
///
/// # Errors
/// A sum over all iterations that its entry refuses.
pub(crate) fn take_out(program: &mut Function) -> Result<bool, OpError> {
    let mut zeros = HashSet::new();
    program.body.each_inst(&mut |inst| {
        if let Some(op) = inst.op()
            && op.op.kind.is_constant()
            && let Ok(Constant { value, .. }) = Constant::from_attributes(&op.attributes)
            && value.known() == Some(0.0)
        {
            zeros.insert(op.result);
        }
    });
    let mut sums = CarriedSums {
        builder: Builder {
            values: std::mem::take(&mut program.values),
            ..Builder::default()
        },
        zeros,
        any: false,
    };
    let done = sums.block(&mut program.body);
    program.values = sums.builder.values;
    done.map(|()| sums.any)
}

struct CarriedSums {
    /// What stands behind a loop.
    builder: Builder,
    /// Constants whose elements are all 0.
    zeros: HashSet<Value>,
    any: bool,
}

/// What an iteration adds to something that is carried.
struct Sum {
    /// Additions, and what they add: of no use in the loop without the sum.
    insts: HashSet<Value>,
    /// What they add.
    terms: Vec<OpInst>,
}

/// Where an operand of a term is found behind the loop, with an axis more that counts the iterations.
#[derive(Clone, Copy)]
enum Whole {
    /// It is there.
    Known(Value, usize),
    /// The loop stacks it for this.
    New(Value),
}

impl CarriedSums {
    /// Those of the loops in a block, the inner ones first.
    fn block(&mut self, block: &mut Block) -> Result<(), OpError> {
        for inst in std::mem::take(&mut block.insts) {
            match inst {
                Inst::Loop(mut l) => {
                    self.block(&mut l.body)?;
                    self.of_loop(&mut l)?;
                    block.insts.push(Inst::Loop(l));
                    block.insts.append(&mut self.builder.insts);
                }
                other => block.insts.push(other),
            }
        }
        Ok(())
    }

    fn of_loop(&mut self, l: &mut Loop) -> Result<(), OpError> {
        let given = l.slice_params().iter().map(|v| self.elements(*v));
        let mut room = given.fold(0usize, usize::saturating_add);
        let mut at = 0;
        while at < l.carried.len() {
            match Sum::carried(l, at) {
                Some(sum) if self.has_wholes(l, &sum, &mut room) => {
                    self.take(l, at, &sum)?;
                    // What is stacked for it may serve those that it was too much for.
                    at = 0;
                }
                Some(_) | None => at += 1,
            }
        }
        Ok(())
    }

    fn elements(&self, v: Value) -> usize {
        let extents = self.builder.type_of(v).shape.extents();
        extents.map_or(usize::MAX, |e| e.iter().product())
    }

    /// Whether all operands are found behind the loop, where no more is stacked for it than `room` elements in
    /// an iteration; what is left of those.
    fn has_wholes(&self, l: &Loop, sum: &Sum, room: &mut usize) -> bool {
        let mut new = HashSet::new();
        let mut sums = 0usize;
        for term in &sum.terms {
            sums = sums.saturating_add(self.elements(term.result));
            for operand in &term.operands {
                if self.builder.type_of(*operand).shape.sequence.is_some() {
                    return false;
                }
                match whole(l, *operand) {
                    Some(Whole::Known(..)) => {}
                    Some(Whole::New(v)) => {
                        new.insert(v);
                    }
                    None => return false,
                }
            }
        }
        let stacked = new.iter().map(|v| self.elements(*v));
        let stacked = stacked.fold(0, usize::saturating_add);
        let fits = stacked <= sums.min(*room);
        if fits {
            *room -= stacked;
        }
        fits
    }

    /// Replaces what is carried in a place by sums behind the loop.
    fn take(&mut self, l: &mut Loop, at: usize, sum: &Sum) -> Result<(), OpError> {
        let result = l.results.remove(at);
        let start = l.carried.remove(at);
        l.body.params.remove(1 + at);
        l.body.results.remove(at);
        let stays = |inst: &Inst| inst.op().is_none_or(|op| !sum.insts.contains(&op.result));
        l.body.insts.retain(stays);
        self.any = true;
        let mut total = (!self.zeros.contains(&start)).then_some(start);
        for term in &sum.terms {
            let mut operands = Vec::with_capacity(term.operands.len());
            let mut axes = Vec::with_capacity(term.operands.len());
            for operand in &term.operands {
                let (value, axis) = self.whole(l, *operand);
                operands.push(value);
                axes.push(axis);
            }
            self.builder.location = term.location;
            let attributes = over_iterations(&term.attributes, &axes);
            let all = self.builder.op(term.op, &operands, attributes)?;
            total = Some(match total {
                Some(before) => {
                    (self.builder).op(ops::ADD, &[before, all], Attributes::default())?
                }
                None => all,
            });
        }
        // What follows the loop knows the sum by the loop's result.
        if let Some(Inst::Op(last)) = self.builder.insts.last_mut() {
            last.result = result;
        }
        Ok(())
    }

    /// An operand's values of all iterations, and the axis that counts them.
    fn whole(&mut self, l: &mut Loop, operand: Value) -> (Value, usize) {
        match whole(l, operand) {
            Some(Whole::Known(value, axis)) => (value, axis),
            Some(Whole::New(_)) | None => {
                let Type { dtype, mut shape } = self.builder.type_of(operand).clone();
                shape.dims.insert(0, l.trip.clone());
                let stack = self.builder.value(Type { dtype, shape });
                l.body.results.push(operand);
                l.stacked.push(0);
                l.results.push(stack);
                (stack, 0)
            }
        }
    }
}

impl Sum {
    /// What an iteration adds to what is carried in a place, if it does nothing else with that and adds products
    /// and sums alone, of what differs from iteration to iteration.
    fn carried(l: &Loop, at: usize) -> Option<Sum> {
        let given = *l.carried_params().get(at)?;
        let mut uses: HashMap<Value, usize> = HashMap::new();
        l.body.each_use(&mut |v| *uses.entry(v).or_default() += 1);
        let insts = l.body.insts.iter().filter_map(Inst::op);
        let defined: HashMap<Value, &OpInst> = insts.map(|i| (i.result, i)).collect();
        let mut sum = Sum {
            insts: HashSet::new(),
            terms: Vec::new(),
        };
        let mut open = vec![*l.body.results.get(at)?];
        let mut starts = 0;
        while let Some(v) = open.pop() {
            if uses.get(&v) != Some(&1) {
                return None;
            }
            if v == given {
                starts += 1;
                continue;
            }
            let inst = *defined.get(&v)?;
            sum.insts.insert(v);
            if inst.op.kind.scalar() == Some(Scalar::ADD) {
                open.extend(&inst.operands);
            } else if adds_up(inst) {
                sum.terms.push(inst.clone());
            } else {
                return None;
            }
        }
        (starts == 1 && !sum.terms.is_empty()).then_some(sum)
    }
}

/// Whether an instruction is a sum of products or of elements: so are sums of several.
fn adds_up(inst: &OpInst) -> bool {
    let kind = inst.op.kind;
    kind.is_contraction() || kind.reduction().and_then(Reduction::combine) == Some(Scalar::ADD)
}

/// Where a value of a loop's body is found behind it; none of what is the same in every iteration.
fn whole(l: &Loop, v: Value) -> Option<Whole> {
    let mut slices = l.slice_params().iter().zip(&l.sliced);
    if let Some((_, slice)) = slices.find(|(param, _)| **param == v) {
        return Some(Whole::Known(slice.value, slice.axis));
    }
    if let Some((_, axis, stack)) = l.stacks().find(|(value, ..)| *value == v) {
        return Some(Whole::Known(stack, axis));
    }
    let inside =
        l.body.params.contains(&v) || (l.body.insts.iter()).any(|inst| inst.results().contains(&v));
    inside.then_some(Whole::New(v))
}

/// The attributes of a contraction or a reduction that sums over an axis more, which operands have at `new`.
fn over_iterations(attributes: &Attributes, new: &[usize]) -> Attributes {
    let moved = |axes: &[Axis], new: usize| -> Vec<Axis> {
        let moved = axes.iter().map(|axis| match axis {
            Axis::At(i) if *i >= new => Axis::At(i + 1),
            Axis::At(_) | Axis::Sequence => *axis,
        });
        moved.collect()
    };
    let summed = |axes: &[Axis], new: usize| -> Vec<Axis> {
        [&[Axis::At(new)], &moved(axes, new)[..]].concat()
    };
    match (DotAxes::from_attributes(attributes), new) {
        (Ok(axes), &[x, y]) => DotAxes {
            contract_x: summed(&axes.contract_x, x),
            contract_y: summed(&axes.contract_y, y),
            batch_x: moved(&axes.batch_x, x),
            batch_y: moved(&axes.batch_y, y),
        }
        .into(),
        _ => match (Over::from_attributes(attributes), new) {
            (Ok(Over { axes }), &[x]) => {
                let mut axes = summed(axes, x);
                axes.sort_unstable();
                Over { axes: &axes }.into()
            }
            (Ok(_) | Err(_), _) => attributes.clone(),
        },
    }
}
