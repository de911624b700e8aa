//! Matrix products and einsum.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::{Dim, compose};
use std::collections::HashMap;

impl Lowerer<'_, '_> {
    pub fn matmul(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let x = self.tensor_of(left.val, None, &left.tokens)?;
        let y = self.tensor_of(right.val, None, &right.tokens)?;
        let operands = WrittenOperand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| compose::matmul(b, x, y))?;
        Ok(Val::Tensor(built))
    }

    pub fn einsum(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let Some(spec) = self.text_arg(a, 0)? else {
            return Err(self.report(messages::wants_text(&a.tokens(0), &a.name, &a.op.usage())));
        };
        let mut values = Vec::new();
        let mut operands = Vec::new();
        for i in 1..a.len() {
            if a.has(i) {
                let x = self.tensor_arg(a, i, None)?;
                values.push(x);
                operands.push(WrittenOperand::new(&a.tokens(i), x));
            }
        }
        let text = spec.value();
        self.compare_letters(&spec, &operands)?;
        let built = self.build(&spec, a.op.name, &operands, |b| {
            compose::einsum(b, &text, &values)
        })?;
        Ok(Val::Tensor(built))
    }

    /// Every letter of an einsum stands for one size, or for 1. A text that does not fit its operands is the
    /// builder's to refuse.
    fn compare_letters(&mut self, spec: &syn::LitStr, operands: &[WrittenOperand]) -> Checked<()> {
        let text = spec.value();
        let terms: Vec<&str> = match text.split_once("->") {
            Some((terms, _)) => terms.split(',').collect(),
            None => return Ok(()),
        };
        if terms.len() != operands.len() {
            return Ok(());
        }
        let mut places: HashMap<char, (usize, usize)> = HashMap::new();
        for (i, term) in terms.iter().enumerate() {
            let letters: Vec<char> = term.chars().filter(|c| c.is_alphabetic()).collect();
            let rank = self.builder.type_of(operands[i].value).shape.dims.len();
            let Some(front) = rank.checked_sub(letters.len()) else {
                return Ok(());
            };
            for (k, letter) in letters.into_iter().enumerate() {
                let place = (i, front + k);
                let first = *places.entry(letter).or_insert(place);
                self.compare_places(spec, letter, operands, [first, place])?;
                // A 1 gives way to the size that comes behind it.
                if self.dim_at(operands, first).as_constant() == Some(1) {
                    places.insert(letter, place);
                }
            }
        }
        Ok(())
    }

    fn dim_at(&self, operands: &[WrittenOperand], (i, axis): (usize, usize)) -> Dim {
        self.builder.type_of(operands[i].value).shape.dims[axis].clone()
    }

    /// Compares two axes that a letter names, each by its operand and its number there.
    fn compare_places(
        &mut self,
        spec: &syn::LitStr,
        letter: char,
        operands: &[WrittenOperand],
        places: [(usize, usize); 2],
    ) -> Checked<()> {
        let [left, right] = places.map(|place| self.dim_at(operands, place));
        let one = |d: &Dim| d.as_constant() == Some(1);
        let gives_way = places[0].0 != places[1].0 && (one(&left) || one(&right));
        if left == right || gives_way {
            return Ok(());
        }
        let facts: Vec<_> = operands
            .iter()
            .map(|o| messages::operand("", &o.tokens, self.builder.type_of(o.value)))
            .collect();
        let named = |(i, axis): (usize, usize)| (facts[i].0.clone(), axis);
        let [(a, i), (b, j)] = places.map(named);
        let message =
            messages::einsum_letter(spec, letter, [(&left, a, i), (&right, b, j)], &facts);
        self.equal(&left, &right, &message)
    }
}
