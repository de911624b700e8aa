//! What the arms of a choice push onto lists: all of them as much, so that a list's length does not depend on the
//! choice.

use super::Lowerer;
use super::assignment::Pushed;
use super::choice::{Arm, Body, End, block_of};
use crate::errors::Checked;
use crate::messages;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use sinew_ir::{Type, Value};

impl Lowerer<'_, '_> {
    /// What an arm pushed onto each list that had so many pieces before it, as one piece.
    pub(super) fn pushed_in_arm(
        &mut self,
        lists: &[Pushed],
        before: &[usize],
    ) -> Checked<Vec<Option<Value>>> {
        let mut out = Vec::new();
        for (list, before) in lists.iter().zip(before) {
            let pieces = self.lists[list.list].pieces[*before..].to_vec();
            out.push(match pieces.is_empty() {
                true => None,
                false => Some(self.joined(&pieces, &TokenStream::new())?),
            });
        }
        Ok(out)
    }

    /// All arms push as many elements onto each list as the first one: its length does not depend on the choice.
    pub(super) fn same_pushes(
        &mut self,
        at: Span,
        arms: &[Arm<'_>],
        ends: &[End],
        lists: &[Pushed],
    ) -> Checked<()> {
        for (i, list) in lists.iter().enumerate() {
            let pieces = ends.iter().map(|end| end.pushed.get(i).copied().flatten());
            let types = pieces.map(|piece| piece.map(|v| self.builder.type_of(v).clone()));
            let types: Vec<Option<Type>> = types.collect();
            let count = |ty: &Option<Type>| {
                let first = ty.as_ref().and_then(|ty| ty.shape.dims.first());
                first.cloned().unwrap_or_default()
            };
            let Some((first, others)) = types.split_first() else {
                continue;
            };
            for (arm, ty) in arms.iter().skip(1).zip(others) {
                let block = block_of(arm.body);
                let marked = block.and_then(|block| Some(block.stmts.first()?.to_token_stream()));
                let marked = marked.unwrap_or_else(|| quote_spanned!(at=> if));
                let [expected, found] = [first, ty].map(count);
                if first.is_some() && matches!(arm.body, Body::Nothing) {
                    let error = messages::push_without_else(&marked, &list.name, &expected);
                    return Err(self.report(error));
                }
                let message = messages::pushes_of_arms(&marked, &list.name, &expected, &found);
                match (first, ty) {
                    (Some(expected), Some(found)) => self.same_type(found, expected, &message)?,
                    (None, None) => {}
                    _ => return Err(self.report(message.into_error())),
                }
            }
        }
        Ok(())
    }
}
