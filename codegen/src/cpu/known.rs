//! What code computes that is known when it is written: comparisons of indices, where the loops around say
//! between which ends they stay.

use sinew_ir::Scalar;
use sinew_ir::scalar::{Comparison, Logic};

use super::index::{Index, Span, affine_span};
use super::lanes::Lanes;
use crate::kernel::{Code, Reg, ScalarKind};

/// The bools of a code that are known, in every active lane.
pub(super) fn known(code: &Code, index: &[Index], lanes: Lanes) -> Vec<Option<bool>> {
    let mut bools: Vec<Option<bool>> = Vec::with_capacity(code.insts.len());
    let mut spans: Vec<Span> = Vec::with_capacity(code.insts.len());
    for inst in &code.insts {
        let (mut known, mut span) = (None, None);
        match &inst.kind {
            ScalarKind::Index { offset, strides } => {
                span = affine_span(*offset, strides, index, lanes);
            }
            ScalarKind::Const(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                span = Some([*number as i64; 2]);
            }
            ScalarKind::Apply(scalar, operands) => {
                let of = |i: usize| operands.get(i).map(|r: &Reg| r.0 as usize);
                let span_of = |i: usize| of(i).and_then(|r| spans.get(r).copied().flatten());
                let bool_of = |i: usize| of(i).and_then(|r| bools.get(r).copied().flatten());
                known = match scalar {
                    Scalar::Compare(order) => compared(*order, span_of(0), span_of(1)),
                    Scalar::Logic(Logic::Not) => bool_of(0).map(|b| !b),
                    Scalar::Logic(Logic::And) => match (bool_of(0), bool_of(1)) {
                        (Some(false), _) | (_, Some(false)) => Some(false),
                        (a, b) => a.zip(b).map(|(a, b)| a && b),
                    },
                    Scalar::Logic(Logic::Or) => match (bool_of(0), bool_of(1)) {
                        (Some(true), _) | (_, Some(true)) => Some(true),
                        (a, b) => a.zip(b).map(|(a, b)| a || b),
                    },
                    Scalar::Unary(_)
                    | Scalar::Number(_)
                    | Scalar::Arithmetic(_)
                    | Scalar::Bits(_)
                    | Scalar::Select
                    | Scalar::Cast => None,
                };
            }
            ScalarKind::Load(_)
            | ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator => {}
        }
        bools.push(known);
        spans.push(span);
    }
    bools
}

/// Whether a comparison of numbers between these ends holds, if it is the same for all of them.
fn compared(order: Comparison, a: Span, b: Span) -> Option<bool> {
    let ([a_least, a_greatest], [b_least, b_greatest]) = (a?, b?);
    let (below, above) = (a_greatest < b_least, a_least > b_greatest);
    let same = a_least == a_greatest && (a_least, a_greatest) == (b_least, b_greatest);
    match order {
        Comparison::Lt if below => Some(true),
        Comparison::Lt if a_least >= b_greatest => Some(false),
        Comparison::Le if a_greatest <= b_least => Some(true),
        Comparison::Le if above => Some(false),
        Comparison::Eq if same => Some(true),
        Comparison::Eq if below || above => Some(false),
        Comparison::Ne if same => Some(false),
        Comparison::Ne if below || above => Some(true),
        Comparison::Lt | Comparison::Le | Comparison::Eq | Comparison::Ne => None,
    }
}
