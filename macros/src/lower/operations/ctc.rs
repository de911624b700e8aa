//! Connectionist temporal classification: the sum over all alignments of a sequence with its labels, as a loop over
//! time that is written in the language.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages::{self, CtcShape};
use quote::ToTokens;
use sinew_ir::compose::Reduce;
use sinew_ir::{Condition, DType, Dim, OpError, Type, Value};

/// Graves et al., "Connectionist temporal classification", 2006, the forward recursion of section 4.1, in logarithms.
///
/// `paths[b, i]` is the logarithm of the sum of the probabilities of what the sequence b may have said so far, ending in
/// place i of its labels with blanks around them. `-1e30` stands for what cannot be: it has differences, which infinity
/// has not, and no sum of logarithms comes near it. Before the first time, all paths end in the first blank, which makes
/// the first time one like others.
const CTC: &str = "{
    let of_blank = log_probs[(.., .., blank)].unsqueeze(-1);
    let of_targets = log_probs.take_along_axis(broadcast_to(targets, [T, B, S]), axis = 2);
    let in_turn = stack([broadcast_to(of_blank, [T, B, S]), of_targets], axis = -1);
    let said = concat([in_turn.reshape([T, B, 2 * S]), of_blank], axis = -1).maximum(-1e30);
    let marks = stack([targets * 0 - 1, targets], axis = -1).reshape([B, 2 * S]).pad([(0, 1)], value = -1);
    let skips = marks != marks.pad([(2, 0)], value = -1)[(.., ..2 * S + 1)];
    let zeros = zeros_like(log_probs.sum([0, 2])).unsqueeze(-1);
    let start = where_(arange(2 * S + 1) == 0, zeros, zeros - 1e30);
    let mut paths = start;
    let mut all = Vec::new();
    for t in 0..T {
        let before = paths.pad([(2, 0)], value = -1e30);
        let stepped = before[(.., 1..2 * S + 2)];
        let skipped = where_(skips, before[(.., ..2 * S + 1)], -1e30);
        let greatest = paths.maximum(stepped).maximum(skipped).stop_gradient();
        let sum = (paths - greatest).exp() + (stepped - greatest).exp() + (skipped - greatest).exp();
        paths = greatest + sum.log() + said[t];
        all.push(paths);
    }
    let all = concat([start.unsqueeze(0), stack(all)], axis = 0);
    let time = broadcast_to(input_lengths.unsqueeze(-1), [1, B, 2 * S + 1]);
    let last = all.take_along_axis(time, axis = 0).squeeze(0);
    let ends = last.pad([(1, 0)], value = -1e30).reshape([B, S + 1, 2]);
    let place = broadcast_to(target_lengths.reshape([B, 1, 1]), [B, 1, 2]);
    let total = ends.take_along_axis(place, axis = 1).logsumexp(-1).squeeze(-1);
    let never = total < -1e29;
    if zero_infinity { where_(never, 0.0, -total) } else { where_(never, -zeros_like(total).log(), -total) }
}";

impl Lowerer<'_, '_> {
    /// `ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity)`
    pub fn ctc_loss(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let integers: Vec<_> = (1..4).map(|i| self.integers_arg(a, i)).collect();
        let integers = integers.into_iter().collect::<Checked<Vec<Value>>>()?;
        let [targets, inputs, lengths] = [integers[0], integers[1], integers[2]];
        let given = [(0, x), (1, targets), (2, inputs), (3, lengths)];
        let operands = || given.map(|(i, v)| WrittenOperand::new(&a.tokens(i), v));
        let found = self.builder.type_of(x).clone();
        if !found.dtype.is_float() {
            let error = OpError::DType {
                operand: 0,
                expected: "a float",
                found: found.dtype,
            };
            let at = a.name.to_token_stream();
            return Err(self.refused(&at, a.op.name, &error, &operands()));
        }
        let names = a.op.parameter_names();
        let facts = given.map(|(i, v)| {
            let name = names.get(i).map_or("", String::as_str);
            messages::operand(name, &a.tokens(i), self.builder.type_of(v))
        });
        let wrong = |i: usize, lacks: CtcShape<'_>| {
            messages::ctc_shapes(&a.tokens(i), a.op.name, lacks, &facts)
        };
        let (None, [times, batch, classes]) = (&found.shape.sequence, found.shape.dims.as_slice())
        else {
            return Err(self.report(wrong(0, CtcShape::Scores).into_error()));
        };
        let labels = match self.builder.type_of(targets).shape.dims.as_slice() {
            [_, labels] => labels.clone(),
            _ => return Err(self.report(wrong(1, CtcShape::Targets).into_error())),
        };
        for (i, v, dims) in [
            (1, targets, vec![batch.clone(), labels.clone()]),
            (2, inputs, vec![batch.clone()]),
            (3, lengths, vec![batch.clone()]),
        ] {
            let found = self.builder.type_of(v).clone();
            let wanted = Type::new(DType::I32, sinew_ir::Shape::new(dims));
            let lacks = match i {
                1 => CtcShape::Rows(batch),
                _ => CtcShape::Lengths(batch),
            };
            self.same_type(&found, &wanted, &wrong(i, lacks))?;
        }
        let blank = i64::from(self.integer_arg(a, 4)?);
        if blank < 0 || classes.as_constant().is_some_and(|c| blank >= c) {
            let error = messages::ctc_blank(&a.tokens(4), a.op.name, blank, classes, &facts[0]);
            return Err(self.report(error));
        }
        let reduce = self.reduction_arg(a, 5)?;
        let zero_infinity = Condition::known(self.flag_arg(a, 6)?);
        let sizes = [("T", times), ("B", batch), ("S", &labels)];
        let sizes = sizes.map(|(name, d)| self.dim(d).map(|d| (name, Val::Size(d))));
        let sizes = sizes.into_iter().collect::<Checked<Vec<_>>>()?;
        let names = [
            ("log_probs", Val::Tensor(x)),
            ("targets", Val::Tensor(targets)),
            ("input_lengths", Val::Tensor(inputs)),
            ("target_lengths", Val::Tensor(lengths)),
            ("blank", Val::Size(Dim::constant(blank))),
            ("zero_infinity", Val::Flag(Box::new(zero_infinity))),
        ];
        let names = names.into_iter().chain(sizes).collect();
        let losses = self.by_definition(a, names, operands().into(), CTC)?;
        let losses = match (reduce, losses) {
            // The mean is of what each label costs.
            (Reduce::Mean, Val::Tensor(losses)) => {
                Val::Tensor(self.build(&a.name, a.op.name, &operands(), |b| {
                    let one = b.like(1.0, lengths)?;
                    let count = b.maximum(lengths, one)?;
                    let count = b.cast(count, b.type_of(losses).dtype)?;
                    b.div(losses, count)
                })?)
            }
            (_, losses) => losses,
        };
        self.reduced(a, losses, reduce)
    }

    /// An argument of labels or lengths.
    fn integers_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Value> {
        let x = self.tensor_arg(a, i, Some(DType::I32))?;
        match self.builder.type_of(x).dtype {
            DType::I32 => Ok(x),
            found => {
                let error = OpError::DType {
                    operand: 0,
                    expected: "i32",
                    found,
                };
                let operand = WrittenOperand::new(&a.tokens(i), x);
                let at = a.name.to_token_stream();
                Err(self.refused(&at, a.op.name, &error, &[operand]))
            }
        }
    }
}
