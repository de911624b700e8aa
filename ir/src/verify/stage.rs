//! What a function may hold, by how far it has come.

use super::broken::Broken;
use crate::attribute::Attribute;
use crate::block::Inst;
use crate::dtype::DType;
use crate::function::Function;
use crate::op::Kind;

/// How far a function has come, and with that what it may hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// As a unit stores it: loops are calls in that mode.
    Unit,
    /// Calls inlined, in symbols: no calls; loops have their bodies.
    Inlined,
    /// Calls inlined and sizes bound: no symbols, sequences, consts, working floats, nor pullback.
    Bound,
    /// Ready to run: no functions over ops either.
    Program,
}

impl Stage {
    fn in_words(self) -> &'static str {
        match self {
            Stage::Unit => "a unit",
            Stage::Inlined => "a function whose calls are inlined",
            Stage::Bound | Stage::Program => "a program",
        }
    }
}

pub(super) fn check_stage(function: &Function, stage: Stage) -> Result<(), Broken> {
    let refuse = |what| {
        Err(Broken::Stage {
            stage: stage.in_words(),
            what,
        })
    };
    let bound = stage >= Stage::Bound;
    if bound && !(function.symbols.is_empty() && function.constraints.is_empty()) {
        return refuse("symbols");
    }
    if bound && function.pullback.is_some() {
        return refuse("pullback");
    }
    let mut found = None;
    let mut check = |inst: &Inst| {
        let what = match inst {
            Inst::Op(i) if bound && i.attributes.0.iter().any(is_const) => {
                Some("consts without a number")
            }
            Inst::Op(i) => match i.op.kind {
                Kind::Function(_) if stage == Stage::Program => Some("functions over ops"),
                Kind::Function(_)
                | Kind::Constant
                | Kind::Iota
                | Kind::Extent
                | Kind::Elementwise(_)
                | Kind::View(_)
                | Kind::Reduce(_)
                | Kind::Contract
                | Kind::Concat
                | Kind::Gather
                | Kind::Scatter
                | Kind::Scan(_)
                | Kind::Sort
                | Kind::Identity => None,
            },
            Inst::Call(_) | Inst::PullbackCall(_) if stage > Stage::Unit => Some("calls"),
            Inst::Call(_) | Inst::PullbackCall(_) => None,
            Inst::Loop(_) if stage == Stage::Unit => Some("loops but calls"),
            Inst::Loop(_) => None,
        };
        found = found.or(what);
    };
    function.body.each_inst(&mut check);
    if let Some(p) = &function.pullback {
        p.block.each_inst(&mut check);
    }
    if let Some(what) = found {
        return refuse(what);
    }
    if bound && function.values.iter().any(|t| t.dtype == DType::Float) {
        return refuse("working floats");
    }
    match bound && function.values.iter().any(|t| t.shape.extents().is_none()) {
        true => refuse("dims without a value"),
        false => Ok(()),
    }
}

fn is_const(a: &Attribute) -> bool {
    match a {
        Attribute::Const(_) => true,
        Attribute::Axes(_)
        | Attribute::Shape(_)
        | Attribute::Dims(_)
        | Attribute::DType(_)
        | Attribute::Number(_) => false,
    }
}
