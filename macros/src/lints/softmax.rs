//! Probabilities that are given to what takes scores, or whose logarithm is taken.

use super::{Lint, Warning};
use crate::lower::{Callee, Code, Lowered};
use crate::messages;
use proc_macro2::Span;
use sinew_ir::{Inst, Location, Op, OpClass, OpInst, Value, ops};
use std::collections::HashMap;

/// Ops whose results are probabilities, and may come out as 0.
const PROBABILITIES: &[Op] = &[ops::SOFTMAX, ops::SIGMOID];
/// Ops that make probabilities of their first operand themselves.
const OF_SCORES: &[Op] = &[ops::CROSS_ENTROPY, ops::LOG_SOFTMAX];
/// Logarithms.
const LOGARITHMS: &[Op] = &[ops::LOG];

/// Both lints, in a function and in the parts of its body.
pub fn softmax(lowered: &Lowered) -> Vec<Warning> {
    let mut found = Vec::new();
    of_code(&lowered.code, &lowered.spans, &mut found);
    found
}

fn of_code(code: &Code, spans: &HashMap<Location, Span>, found: &mut Vec<Warning>) {
    let mut insts = Vec::new();
    code.function.body.each_inst(&mut |inst| {
        if let Inst::Op(op) = inst {
            insts.push(op);
        }
    });
    let definitions: HashMap<Value, &OpInst> = insts.iter().map(|op| (op.result, *op)).collect();
    for inst in insts {
        let Some(of) = inst
            .operands
            .first()
            .and_then(|v| made_by(*v, &definitions))
        else {
            continue;
        };
        if !PROBABILITIES.contains(&of.op) {
            continue;
        }
        let Some(span) = inst.location.and_then(|l| spans.get(&l)) else {
            continue;
        };
        let (name, of) = (inst.op.name, of.op.name);
        let warning = if OF_SCORES.contains(&inst.op) {
            Warning {
                lint: Lint::SoftmaxBeforeCrossEntropy,
                message: messages::probabilities_for_scores(*span, name, of),
            }
        } else if LOGARITHMS.contains(&inst.op) {
            Warning {
                lint: Lint::LogOfSoftmax,
                message: messages::log_of_probabilities(*span, of),
            }
        } else {
            continue;
        };
        found.push(warning);
    }
    for (_, callee) in &code.callees {
        if let Callee::Part(part) = callee {
            of_code(part, spans, found);
        }
    }
}

/// The op whose elements a value has, wherever they stand in it.
fn made_by<'f>(value: Value, definitions: &HashMap<Value, &'f OpInst>) -> Option<&'f OpInst> {
    let mut inst = *definitions.get(&value)?;
    while let OpClass::IndexMap = inst.op.kind.class() {
        inst = definitions.get(inst.operands.first()?)?;
    }
    Some(inst)
}
