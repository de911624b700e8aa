//! One of repeated children by its number: `m.blocks[2]`, `m.blocks[-1]`, `m.blocks[t]` in a loop.
//!
//! Its parameters are slices of what all of them are, so the others' gradients are zeros. Its states stay in the
//! place of all of them: whoever reads one takes the child's out of it, and a new one is put back there.

use super::Lowerer;
use super::arguments::plain;
use super::value::{Leaf, LoopIndex, Repeated, StructVal, Val};
use crate::check::relation;
use crate::errors::Checked;
use crate::messages;
use quote::ToTokens;
use sinew_ir::compose::{self, Reach};
use sinew_ir::{Axis, DType, Dim, Relation};

/// Which of the children it is.
enum By {
    /// A number that is known.
    Number(Dim),
    /// A loop's index, and the numbers that it takes.
    Loop(LoopIndex, (Dim, Dim)),
}

impl Lowerer<'_, '_> {
    /// `m.blocks[2]`
    pub(super) fn child_at(&mut self, children: &Repeated, e: &syn::ExprIndex) -> Checked<Val> {
        let (part, tokens) = (plain(&e.index), e.expr.to_token_stream());
        let by = self.number_of_child(children, part, &e.expr)?;
        let all = &children.stacked;
        let mut leaves = Vec::with_capacity(all.leaves.len());
        for leaf in all.leaves.iter() {
            leaves.push(match (leaf, &by) {
                (Leaf::State(place), _) => Leaf::State(*place),
                (Leaf::Param(all), By::Number(number)) => {
                    let stop = self.plus(number, 1, part)?;
                    Leaf::Param(self.build(part, "index", &[], |b| {
                        let (start, one) = (number.clone(), Dim::constant(1));
                        let one = compose::slice(b, *all, Axis::At(0), start, stop.clone(), one)?;
                        compose::squeeze(b, one, &[Axis::At(0)])
                    })?)
                }
                (Leaf::Param(all), By::Loop(index, range)) => {
                    let written = (part, &tokens);
                    Leaf::Param(self.slice_by_loop(*all, 0, index, written, range.clone())?)
                }
            });
        }
        let mut picked = all.picked.to_vec();
        if leaves.iter().any(|leaf| matches!(leaf, Leaf::State(_))) {
            picked.push(match by {
                By::Number(number) => Reach::Point(number),
                By::Loop(index, _) => {
                    let at = part.to_token_stream();
                    Reach::Index(self.index_number(&index, Some(DType::I32), &at)?)
                }
            });
        }
        Ok(Val::Struct(StructVal {
            leaves: leaves.into(),
            picked: picked.into(),
            ..all.clone()
        }))
    }

    /// Which of them an index names, if that is there.
    fn number_of_child(
        &mut self,
        children: &Repeated,
        part: &syn::Expr,
        whole: &syn::Expr,
    ) -> Checked<By> {
        let count = &children.count;
        let by = match part {
            syn::Expr::Range(_) | syn::Expr::Tuple(_) => {
                return Err(self.report(messages::children_by_other(part, whole)));
            }
            _ if self.is_computed(part) => match self.expression(part)? {
                Val::Index(index) => {
                    let range = self.numbers_of(&index, part)?;
                    By::Loop(index, range)
                }
                _ => return Err(self.report(messages::children_by_other(part, whole))),
            },
            _ => By::Number(self.bound(part, count)?),
        };
        let (first, end) = match &by {
            By::Number(number) => (number.clone(), self.plus(number, 1, part)?),
            By::Loop(_, range) => range.clone(),
        };
        let message = messages::child_number(part, whole, &first, &end, count);
        for (left, right) in [(&Dim::constant(0), &first), (&end, count)] {
            let (left, right) = (self.dim(left)?, self.dim(right)?);
            match relation::decide(&left, Relation::AtMost, &right) {
                Some(true) => {}
                Some(false) => return Err(self.report(message.into_error())),
                None if relation::const_only(&left, &right) => {
                    self.assert(left, Relation::AtMost, right, &message);
                }
                // The linker says it once the sizes are known.
                None => {}
            }
        }
        Ok(by)
    }

    /// Repeated children whose parameters are values: those of a child that is named by its number.
    pub(super) fn children_to_run_over(
        &mut self,
        children: Repeated,
        at: &syn::Expr,
    ) -> Checked<Repeated> {
        let s = &children.stacked;
        let states = s.leaves.iter().any(|leaf| matches!(leaf, Leaf::State(_)));
        match states && !s.picked.is_empty() {
            true => Err(self.report(messages::states_of_a_picked_child(at))),
            false => Ok(children),
        }
    }
}
