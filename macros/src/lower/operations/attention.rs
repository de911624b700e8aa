//! Attention, and the heads that it is done in.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::check::relation;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::compose::{self, Attention};
use sinew_ir::{DType, Dim, Number, Value};

impl Lowerer<'_, '_> {
    /// `scaled_dot_product_attention(q, k, v, mask, causal, dropout, scale)`
    pub fn attention(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let found: Vec<_> = (0..3).map(|i| self.tensor_arg(a, i, None)).collect();
        let found = found.into_iter().collect::<Checked<Vec<Value>>>()?;
        let [q, k, v] = [found[0], found[1], found[2]];
        let mask = match a.has(3) {
            true => Some(self.tensor_arg(a, 3, None)?),
            false => None,
        };
        let causal = self.flag_arg(a, 4)?;
        let p = self.number_arg(a, 5, DType::Float)?;
        let scale = match a.has(6) {
            true => Some(self.number_arg(a, 6, DType::Float)?),
            false => None,
        };
        let width = "q and k differ in their last axis";
        self.as_long(a, [(0, q), (1, k)], 1, width)?;
        let positions = "k and v differ in the axis before the last";
        self.as_long(a, [(1, k), (2, v)], 2, positions)?;
        self.heads_go_together(a, q, k)?;
        let dropout = (p != Number::Known(0.0)).then(|| (p, self.site()));
        let how = Attention {
            mask,
            causal,
            dropout,
            scale,
        };
        let given = [Some(q), Some(k), Some(v), mask];
        let operands = given.into_iter().enumerate();
        let operands = operands.filter_map(|(i, v)| Some(WrittenOperand::new(&a.tokens(i), v?)));
        let operands: Vec<WrittenOperand> = operands.collect();
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::attention(b, [q, k, v], &how)
        })?;
        Ok(Val::Tensor(built))
    }

    /// Two arguments have as many elements along the axis that is so far from the right, where they have one.
    fn as_long(
        &mut self,
        a: &Arguments<'_>,
        both: [(usize, Value); 2],
        from_right: usize,
        wrong: &str,
    ) -> Checked<()> {
        let dims = both.map(|(_, v)| {
            let dims = &self.builder.type_of(v).shape.dims;
            let at = dims.len().checked_sub(from_right);
            at.and_then(|i| dims.get(i).cloned())
        });
        let [Some(left), Some(right)] = dims else {
            return Ok(());
        };
        let facts = both.map(|(i, v)| messages::operand("", &a.tokens(i), self.builder.type_of(v)));
        let at = a.tokens(both[1].0);
        let message = messages::attention_axes(&at, a.op.name, wrong, (&left, &right), &facts);
        self.equal(&left, &right, &message)
    }

    /// The heads of k make equal groups of those of q.
    fn heads_go_together(&mut self, a: &Arguments<'_>, q: Value, k: Value) -> Checked<()> {
        let [heads, groups] = [q, k].map(|v| compose::head_dim(&self.builder.type_of(v).shape));
        let known = heads == groups || heads == Dim::constant(1);
        if known || heads.exact_div(&groups).is_some() {
            return Ok(());
        }
        let facts = [(0, q), (1, k)]
            .map(|(i, v)| messages::operand("", &a.tokens(i), self.builder.type_of(v)));
        let sizes = (&heads, &groups);
        let message = messages::heads_of_groups(&a.tokens(1), a.op.name, sizes, &facts);
        match relation::const_only(&heads, &groups) {
            // Rustc says whether they are the same.
            true => self.equal(&heads, &groups, &message),
            false => Err(self.report(message.into_error())),
        }
    }

    /// `where_causal(x, y)`
    pub fn where_causal(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let (x, y) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let operands = WrittenOperand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::where_causal(b, x, y)
        })?;
        Ok(Val::Tensor(built))
    }

    /// `softmax_causal(x)`
    pub fn softmax_causal(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.with_x(a, compose::softmax_causal)
    }

    /// `split_heads(x, heads)`
    pub fn split_heads(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let heads = self.count_arg(a, 1)?;
        let ty = self.builder.type_of(x);
        if let Some(width) = ty.shape.dims.last()
            && width.exact_div(&heads).is_none()
        {
            let fact = messages::operand("", &a.tokens(0), ty);
            let message = messages::heads_of_no_multiple(&a.tokens(1), &heads, width, fact);
            return Err(self.report(message.into_error()));
        }
        self.on_with(a, x, &a.name, heads, |b, heads| {
            compose::split_heads(b, x, heads)
        })
    }

    /// `merge_heads(x)`
    pub fn merge_heads(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.with_x(a, compose::merge_heads)
    }
}
