//! Which integer arguments are used as indices, and what they must stay below.
//!
//! The runtime checks labels and tokens with this before anything runs; a kernel only clamps. It
//! follows arguments through views and through the selection that replaces an ignored label, and
//! through nothing else: an index that is computed otherwise is clamped.

use crate::function::{Function, Inst, OpInst, Value};
use crate::op::Kind;
use crate::scalar::Scalar;
use crate::shape::Axis;
use std::collections::{BTreeSet, HashMap};

/// What the elements of a parameter must be.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexBound {
    /// The parameter's position.
    pub param: usize,
    /// Elements must be at least 0 and below this.
    pub extent: usize,
    /// A further element that is allowed (cross entropy's `ignore_index`).
    pub allowed: Option<i64>,
}

/// The bounds on the parameters of a linked program, in order of parameters; one parameter may have
/// several. Functions over ops that are not expanded yet are not seen through.
pub fn index_bounds(function: &Function) -> Vec<IndexBound> {
    let defined: HashMap<Value, &OpInst> = function
        .body
        .iter()
        .filter_map(|inst| match inst {
            Inst::Op(i) => Some((i.result, i)),
            Inst::Call(_) | Inst::PullbackCall(_) => None,
        })
        .collect();
    let trace = Trace { function, defined };
    let mut out: BTreeSet<(usize, usize, Option<i64>)> = BTreeSet::new();
    for i in trace.defined.values() {
        let (source, index) = match i.op.kind {
            Kind::Gather | Kind::Scatter => (i.operands[0], i.operands[1]),
            Kind::Constant
            | Kind::Iota
            | Kind::Extent
            | Kind::Elementwise(_)
            | Kind::View(_)
            | Kind::Reduce(_)
            | Kind::Contract
            | Kind::Concat
            | Kind::Identity
            | Kind::Function(_) => continue,
        };
        let Some(Axis::At(axis)) = i.attributes.axes(0).first() else {
            continue;
        };
        let dim = function.type_of(source).shape.dims.get(*axis);
        if let Some(extent) = dim.and_then(crate::dim::Dim::as_extent) {
            trace.params(index, None, &mut |param, allowed| {
                out.insert((param, extent, allowed));
            });
        }
    }
    out.into_iter()
        .map(|(param, extent, allowed)| IndexBound {
            param,
            extent,
            allowed,
        })
        .collect()
}

struct Trace<'f> {
    function: &'f Function,
    defined: HashMap<Value, &'f OpInst>,
}

impl Trace<'_> {
    /// Calls `found` with each parameter whose elements `value` is made of.
    fn params(
        &self,
        value: Value,
        allowed: Option<i64>,
        found: &mut dyn FnMut(usize, Option<i64>),
    ) {
        if value.index() < self.function.params.len() {
            found(value.index(), allowed);
            return;
        }
        let Some(i) = self.defined.get(&value) else {
            return;
        };
        match i.op.kind {
            Kind::View(_) | Kind::Identity | Kind::Concat => {
                for v in &i.operands {
                    self.params(*v, allowed, found);
                }
            }
            Kind::Elementwise(Scalar::Select) => {
                if let Some((value, ignored)) = self.ignoring(i) {
                    self.params(value, allowed.or(Some(ignored)), found);
                }
            }
            Kind::Elementwise(_)
            | Kind::Constant
            | Kind::Iota
            | Kind::Extent
            | Kind::Reduce(_)
            | Kind::Contract
            | Kind::Gather
            | Kind::Scatter
            | Kind::Function(_) => {}
        }
    }

    /// `select(eq(y, c), k, y)`: `y`, and the `c` that it may be.
    fn ignoring(&self, select: &OpInst) -> Option<(Value, i64)> {
        let [condition, _, value] = select.operands.as_slice() else {
            return None;
        };
        let eq = self.defined.get(condition)?;
        let is_eq = matches!(eq.op.kind, Kind::Elementwise(Scalar::Eq));
        let [left, right] = eq.operands.as_slice() else {
            return None;
        };
        let (other, constant) = match (left == value, right == value) {
            (true, _) => (right, self.constant(*right)?),
            (_, true) => (left, self.constant(*left)?),
            (false, false) => return None,
        };
        (is_eq && other != value).then_some((*value, constant as i64))
    }

    fn constant(&self, value: Value) -> Option<f64> {
        let i = self.defined.get(&value)?;
        match i.op.kind {
            Kind::Constant => i.attributes.number(0),
            // A constant that was made small and repeated.
            Kind::View(_) => self.constant(*i.operands.first()?),
            Kind::Iota
            | Kind::Extent
            | Kind::Elementwise(_)
            | Kind::Reduce(_)
            | Kind::Contract
            | Kind::Concat
            | Kind::Gather
            | Kind::Scatter
            | Kind::Identity
            | Kind::Function(_) => None,
        }
    }
}
