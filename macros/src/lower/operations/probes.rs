//! Places in a function that runs look at, or whose value they replace.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::value::Val;
use crate::errors::Checked;
use crate::messages;
use quote::ToTokens;
use sinew_ir::attributes::Named;
use sinew_ir::{Inst, Op, Probe, ops};

impl Lowerer<'_, '_> {
    pub fn capture(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.probed(a, ops::CAPTURE)
    }

    pub fn patch(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.probed(a, ops::PATCH)
    }

    /// The name may stand in front of the tensor or behind it, as in a method.
    fn probed(&mut self, a: &Arguments<'_>, op: Op) -> Checked<Val> {
        let (name, x) = match a.is_text(0) {
            true => (0, 1),
            false => (1, 0),
        };
        let Some(text) = self.text_arg(a, name)? else {
            let at = a.tokens(name);
            return Err(self.report(messages::wants_text(&at, &a.name, &a.op.usage())));
        };
        if !is_name(&text.value()) {
            return Err(self.report(messages::probe_name(&text)));
        }
        let x = self.tensor_arg(a, x, None)?;
        let name = text.value();
        self.on(a, x, &text.to_token_stream(), |b| {
            b.op(op, &[x], Named { name: &name })
        })
    }

    /// Whether the last thing that was lowered is something for runs to look at: then it is a statement.
    pub fn is_captured(&self) -> bool {
        match self.builder.insts.last() {
            Some(Inst::Op(i)) => i.op.kind.probe() == Some(Probe::Capture),
            Some(Inst::Call(_) | Inst::PullbackCall(_) | Inst::Loop(_)) | None => false,
        }
    }
}

/// Whether a text is a path of names.
fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        let mut letters = part.chars();
        let first = letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        first && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.split('.').all(part)
}
