//! What a function may hold, by how far it has come.
//!
//! | behind | a function is at | symbols | pullback | calls | loops | functions over ops | ops that compute on halves |
//! |---|---|---|---|---|---|---|---|
//! | expansion, the reading of a text, the derivation of its pullback | `Unit` | yes | yes | yes | no | yes | yes |
//! | inlining in symbols, the derivation and the simplification of what comes of it | `Inlined` | yes | yes | with rules | yes | yes | yes |
//! | inlining with sizes, its loops reversed | `Bound` | no | no | no | yes | yes | yes |
//! | decomposition, each pass of the simplifier, the removal of dead code and of unchanged states | `Program` | no | no | no | yes | no | no |
//!
//! A function without symbols has no sequences, no working float, no number without a value and nothing that
//! waits for the run ([`crate::RunValue`]) either. The
//! pullback calls of a unit count as calls; a loop of a unit is a call in that mode. Calls with rules stay until
//! sizes are bound, and what is derived of them is calls of the rules.
//!
//! Debug builds check the stage behind each of these passes: [`crate::link`] all of its own, and
//! [`crate::derive_pullback`] and [`crate::simplify`], which work at any stage, the rules that hold at all.

use super::broken::Broken;
use crate::attribute::Attribute;
use crate::block::{Inst, OpInst};
use crate::dtype::DType;
use crate::function::{Function, ParamKind, Value};
use crate::widen::computes_on_halves;

/// How far a function has come, and with that what it may hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// As a unit stores it: loops are calls in that mode.
    Unit,
    /// Calls inlined, in symbols: no calls; loops have their bodies.
    Inlined,
    /// Calls inlined and sizes bound: no symbols, sequences, working floats, nor pullback.
    Bound,
    /// Ready to run: no functions over ops either, and halves in moves and casts to and from f32 alone.
    Program,
}

/// What is legal at a stage: a line of the table above.
struct Legal {
    stage: &'static str,
    symbols: bool,
    pullback: bool,
    calls: Calls,
    loops: bool,
    functions: bool,
    /// Ops that compute on halves.
    halves: bool,
}

/// Which calls are legal.
enum Calls {
    All,
    WithRules,
    None,
}

impl Stage {
    const fn legal(self) -> Legal {
        match self {
            Stage::Unit => Legal {
                stage: "a unit",
                symbols: true,
                pullback: true,
                calls: Calls::All,
                loops: false,
                functions: true,
                halves: true,
            },
            Stage::Inlined => Legal {
                stage: "a function whose calls are inlined",
                symbols: true,
                pullback: true,
                calls: Calls::WithRules,
                loops: true,
                functions: true,
                halves: true,
            },
            Stage::Bound => Legal {
                stage: "a program",
                symbols: false,
                pullback: false,
                calls: Calls::None,
                loops: true,
                functions: true,
                halves: true,
            },
            Stage::Program => Legal {
                functions: false,
                halves: false,
                ..Stage::Bound.legal()
            },
        }
    }
}

pub(super) fn check_stage(function: &Function, stage: Stage) -> Result<(), Broken> {
    let legal = stage.legal();
    match illegal(function, &legal) {
        Some(what) => Err(Broken::Stage {
            stage: legal.stage,
            what,
        }),
        None => Ok(()),
    }
}

/// What a function has that is not legal, in words.
fn illegal(function: &Function, legal: &Legal) -> Option<&'static str> {
    let symbols = !function.symbols.is_empty() || !function.constraints.is_empty();
    if symbols && !legal.symbols {
        return Some("symbols");
    }
    if function.pullback.is_some() && !legal.pullback {
        return Some("pullback");
    }
    // The linker adds it where sizes are bound.
    let has_key = function.params.iter().any(|p| p.kind == ParamKind::Key);
    if has_key && legal.symbols {
        return Some("key of the run");
    }
    let mut found = None;
    let mut check = |inst: &Inst| found = found.or(illegal_inst(function, inst, legal));
    function.body.each_inst(&mut check);
    if let Some(p) = &function.pullback {
        p.block.each_inst(&mut check);
    }
    if found.is_some() || legal.symbols {
        return found;
    }
    let mut types = function.values.iter();
    if types.any(|t| t.dtype == DType::Float) {
        return Some("working floats");
    }
    let mut types = function.values.iter();
    types
        .any(|t| t.shape.extents().is_none())
        .then_some("dims without a value")
}

fn illegal_inst(function: &Function, inst: &Inst, legal: &Legal) -> Option<&'static str> {
    match inst {
        Inst::Op(i) if !legal.symbols && i.attributes.0.iter().any(is_symbol) => {
            Some("numbers without a value")
        }
        Inst::Op(i) if !legal.functions && i.op.kind.is_function() => Some("functions over ops"),
        // The linker has what the run gives as soon as sizes are bound.
        Inst::Op(i) if !legal.symbols && i.op.kind.run_value().is_some() => {
            Some("values that the run gives")
        }
        Inst::Op(i) if !legal.functions && i.op.kind.probe().is_some() => {
            Some("places that runs look at")
        }
        Inst::Op(i) if !legal.halves && computes(function, i) => Some("arithmetic of halves"),
        Inst::Call(c) => match legal.calls {
            Calls::All => None,
            Calls::WithRules if c.stays() => None,
            Calls::WithRules | Calls::None => Some("calls"),
        },
        Inst::PullbackCall(_) if !matches!(legal.calls, Calls::All) => Some("calls"),
        Inst::Loop(_) if !legal.loops => Some("loops but calls"),
        Inst::Op(_) | Inst::PullbackCall(_) | Inst::Loop(_) => None,
    }
}

fn computes(function: &Function, i: &OpInst) -> bool {
    let dtype = |v: &Value| function.type_of(*v).dtype;
    let operands: Vec<DType> = i.operands.iter().map(dtype).collect();
    computes_on_halves(i.op, &operands, dtype(&i.result))
}

fn is_symbol(a: &Attribute) -> bool {
    match a {
        Attribute::Number(number) => number.known().is_none(),
        Attribute::Axes(_)
        | Attribute::Shape(_)
        | Attribute::Dims(_)
        | Attribute::DType(_)
        | Attribute::Name(_) => false,
    }
}
