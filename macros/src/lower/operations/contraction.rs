//! Matrix products and einsum.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use sinew_ir::compose;

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
        let built = self.build(&spec, a.op.name, &operands, |b| {
            compose::einsum(b, &text, &values)
        })?;
        Ok(Val::Tensor(built))
    }
}
