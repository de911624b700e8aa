//! Losses of pairs of elements, and what becomes of losses.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use sinew_ir::compose::{self, Reduce};
use sinew_ir::{Builder, DType, OpError, Value, ops};

/// The binary cross entropy of logits whose positive examples count by a factor.
const WITH_POS_WEIGHT: &str = "(1.0 - y) * x.softplus() + pos_weight * y * (-x).softplus()";

impl Lowerer<'_, '_> {
    /// What becomes of the losses of rows.
    pub(super) fn reduction_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Reduce> {
        Ok(match self.choice_arg(a, i)? {
            "sum" => Reduce::Sum,
            "none" => Reduce::None,
            "batchmean" => Reduce::BatchMean,
            _ => Reduce::Mean,
        })
    }

    /// A loss that is defined in the language.
    pub(super) fn loss(&mut self, a: &Arguments<'_>, definition: &str) -> Checked<Val> {
        let mut parameters = a.op.parameters.iter();
        let reduction = parameters.position(|p| p.name == "reduction");
        let reduce = self.reduction_arg(a, reduction.unwrap_or(usize::MAX));
        let losses = self.defined(a, definition)?;
        self.reduced(a, losses, reduce?)
    }

    /// What becomes of losses.
    pub(super) fn reduced(
        &mut self,
        a: &Arguments<'_>,
        losses: Val,
        reduce: Reduce,
    ) -> Checked<Val> {
        let Val::Tensor(losses) = losses else {
            return Ok(losses);
        };
        let operand = WrittenOperand::new(&a.tokens(0), losses);
        let built = self.build(&a.name, a.op.name, &[operand], |b| {
            compose::reduced(b, losses, reduce)
        })?;
        Ok(Val::Tensor(built))
    }

    /// The first two arguments, of which a number is as many as the other has elements.
    fn pair(&mut self, a: &Arguments<'_>) -> Checked<(Value, Value, [WrittenOperand; 2])> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let number = matches!(&right.val, Val::Number(_) | Val::Const(_) | Val::Setting(_));
        let (x, y) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let operands =
            |y| WrittenOperand::pair((left.tokens.clone(), x), (right.tokens.clone(), y));
        let y = match number {
            true => self.build(&a.name, a.op.name, &operands(y), |b| {
                let shape = b.type_of(x).shape.clone();
                compose::broadcast_to(b, y, &shape)
            })?,
            false => y,
        };
        Ok((x, y, operands(y)))
    }

    pub fn mse(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, y, operands) = self.pair(a)?;
        let reduce = self.reduction_arg(a, 2)?;
        let built = self.build(&a.name, a.op.name, &operands, |b| match reduce {
            Reduce::Mean => b.op(ops::MSE, &[x, y], Vec::new()),
            Reduce::BatchMean | Reduce::Sum | Reduce::None => {
                let distance = b.sub(x, y)?;
                let square = b.square(distance)?;
                compose::reduced(b, square, reduce)
            }
        })?;
        Ok(Val::Tensor(built))
    }

    pub fn huber(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let delta = self.number_arg(a, 3, DType::Float)?;
        self.of_pairs(a, |b, x, y| {
            let distance = b.sub(x, y)?;
            compose::huber(b, distance, &delta)
        })
    }

    /// `binary_cross_entropy(x, y, reduction, weight)`
    pub fn binary_cross_entropy(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.of_pairs(a, compose::binary_cross_entropy)
    }

    /// `binary_cross_entropy_with_logits(x, y, reduction, weight, pos_weight)`
    pub fn binary_cross_entropy_with_logits(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        if !a.has(4) {
            return self.of_pairs(a, compose::binary_cross_entropy_with_logits);
        }
        let (x, y, operands) = self.pair(a)?;
        self.are_floats(a, &operands)?;
        self.is_like(a, &operands)?;
        let pos_weight = self.for_each(a, 4, x)?;
        let names = [("x", x), ("y", y), ("pos_weight", pos_weight)];
        let names = names.map(|(name, v)| (name, Val::Tensor(v)));
        let losses = self.by_definition(a, names.to_vec(), operands.into(), WITH_POS_WEIGHT)?;
        self.weighted(a, losses)
    }

    /// A loss of each element of a pair, weighted if the operation has weights.
    fn of_pairs(
        &mut self,
        a: &Arguments<'_>,
        make: impl Fn(&mut Builder, Value, Value) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let (x, y, operands) = self.pair(a)?;
        let losses = self.build(&a.name, a.op.name, &operands, |b| make(b, x, y))?;
        self.weighted(a, Val::Tensor(losses))
    }

    /// Losses, each times the weight of its element where the operation has weights and they are given, then the
    /// reduction that the third argument says.
    fn weighted(&mut self, a: &Arguments<'_>, losses: Val) -> Checked<Val> {
        let reduce = self.reduction_arg(a, 2)?;
        let weight = a.op.parameters.iter().position(|p| p.name == "weight");
        let losses = match (weight.filter(|i| a.has(*i)), losses) {
            (Some(i), Val::Tensor(losses)) => {
                let weight = self.for_each(a, i, losses)?;
                let operands = WrittenOperand::pair((a.tokens(0), losses), (a.tokens(i), weight));
                Val::Tensor(self.build(&a.name, a.op.name, &operands, |b| {
                    b.op(ops::MUL, &[losses, weight], Vec::new())
                })?)
            }
            (_, losses) => losses,
        };
        self.reduced(a, losses, reduce)
    }

    /// An argument as an element for each of x's, to whose shape it broadcasts.
    fn for_each(&mut self, a: &Arguments<'_>, i: usize, x: Value) -> Checked<Value> {
        let dtype = self.builder.type_of(x).dtype;
        let given = self.value_arg(a, i)?;
        let weight = self.tensor_of(given.val, Some(dtype), &given.tokens)?;
        let operands = WrittenOperand::pair((a.tokens(0), x), (given.tokens, weight));
        self.is_within(a, &operands)?;
        self.build(&a.name, a.op.name, &operands, |b| {
            let shape = b.type_of(x).shape.clone();
            compose::broadcast_to(b, weight, &shape)
        })
    }
}
