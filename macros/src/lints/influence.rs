//! Parameters that training leaves as they are.

use super::{Lint, Warning};
use crate::lower::Lowered;
use crate::messages;
use crate::parse::Function;
use sinew_ir::ParamKind;

/// What is said where a function is trained that some parameters of its first model have no influence on: those
/// that its body neither uses in what has a derivative nor passes on. A function that only calls read may
/// well leave some out, so nothing is said of it.
pub fn without_influence(f: &Function, lowered: &Lowered) -> Option<Warning> {
    let lint = Lint::ParameterWithoutInfluence;
    if f.allowed.contains(&lint) || f.rule.is_some() {
        return None;
    }
    let function = &lowered.code.function;
    let pullback = function.pullback.as_ref()?;
    let model = function.structs.first()?;
    let leaves = model.leaves.clone().filter(|at| {
        let kind = function.params.get(*at).map(|p| p.kind);
        kind == Some(ParamKind::Param) && !pullback.gradients.contains(at)
    });
    let names = leaves.filter_map(|at| Some(function.params.get(at)?.name.clone()));
    let names: Vec<String> = names.collect();
    match names.is_empty() {
        true => None,
        false => Some(Warning {
            lint,
            message: messages::without_influence(&f.name, &names),
        }),
    }
}
