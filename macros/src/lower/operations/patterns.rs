//! `rearrange`, `reduce` and `repeat`: patterns of axes, with sizes by name.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use quote::ToTokens;
use sinew_ir::compose::{self, Arranging, Pattern};
use sinew_ir::{Dim, OpError, SymbolType, ops};

impl Lowerer<'_, '_> {
    pub fn rearrange(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.arranged(a, Arranging::Rearrange)
    }

    pub fn repeat(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.arranged(a, Arranging::Repeat)
    }

    pub fn reduce(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let op = match self.choice_arg(a, 2)? {
            "mean" => ops::MEAN,
            "max" => ops::MAX,
            "min" => ops::MIN,
            "prod" => ops::PROD,
            _ => ops::SUM,
        };
        self.arranged(a, Arranging::Reduce(op))
    }

    /// The pattern may stand in front of the tensor, as einsum's text does.
    fn arranged(&mut self, a: &Arguments<'_>, how: Arranging) -> Checked<Val> {
        let (x, text) = match a.is_text(0) {
            true => (1, 0),
            false => (0, 1),
        };
        let operand = a.tokens(x);
        let x = self.tensor_arg(a, x, None)?;
        let Some(text) = self.text_arg(a, text)? else {
            return Err(self.report(messages::wants_text(
                &a.tokens(text),
                &a.name,
                &a.op.usage(),
            )));
        };
        let operands = [WrittenOperand::new(&operand, x)];
        let pattern = Pattern::parse(&text.value()).map_err(|e| {
            let error = OpError::Pattern(Box::new(e));
            self.refused(&text.to_token_stream(), a.op.name, &error, &operands)
        })?;
        let sizes = self.pattern_sizes(a, &pattern)?;
        let built = self.build_with(&text, a.op.name, &operands, sizes, |b, sizes| {
            compose::arrange(b, x, &pattern, how, sizes)
        })?;
        Ok(Val::Tensor(built))
    }

    /// The sizes of a pattern's names: those that are given, and those of symbols that are called so.
    fn pattern_sizes(
        &mut self,
        a: &Arguments<'_>,
        pattern: &Pattern,
    ) -> Checked<Vec<(String, Dim)>> {
        let names = pattern.names();
        let mut out = Vec::new();
        for (name, size) in a.sizes() {
            if !names.contains(&name.as_str()) {
                return Err(self.report(messages::pattern_size(size, &a.name, name, &names)));
            }
            out.push((name.clone(), self.dim_expr(size)?));
        }
        for name in names {
            let symbol = self.scope.symbol(name).and_then(|kind| kind.value_type());
            if symbol == Some(SymbolType::Size) && out.iter().all(|(n, _)| n != name) {
                out.push((name.to_string(), self.dim(&Dim::symbol(name))?));
            }
        }
        Ok(out)
    }
}
