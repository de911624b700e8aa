//! Which integer arguments are used as indices, and what they must lie between.
//!
//! The runtime checks labels and tokens with this before anything runs; a kernel only clamps. It
//! follows arguments through views, casts between integers, constants that are added or taken away, and
//! selections that replace a label that is ignored by a constant; and through nothing else: an index
//! that is computed otherwise is clamped.

use crate::attributes::{Along, Constant};
use crate::block::OpInst;
use crate::function::{Function, Value};
use crate::op::Kind;
use crate::scalar::Scalar;
use crate::shape::Axis;
use std::collections::{BTreeSet, HashMap};

/// What the elements of a parameter must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexBound {
    /// The parameter's position.
    pub param: usize,
    /// The least element that is an index into the axis: 0, but where a constant is added to it.
    pub least: i64,
    /// The axis's extent: elements are below `least + extent`.
    pub extent: usize,
    /// Further elements that are allowed (cross entropy's `ignore_index`), in order.
    pub allowed: Vec<i64>,
}

/// The bounds on the parameters of a linked program, in order of parameters; one parameter may have
/// several. Functions over ops that are not expanded yet are not seen through.
pub fn index_bounds(function: &Function) -> Vec<IndexBound> {
    let defined: HashMap<Value, &OpInst> = function
        .body
        .insts
        .iter()
        .filter_map(|inst| inst.op().map(|i| (i.result, i)))
        .collect();
    let trace = Trace { function, defined };
    let mut out = BTreeSet::new();
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
        let Ok(Along {
            axis: Axis::At(axis),
        }) = Along::of(&i.attributes)
        else {
            continue;
        };
        let dim = function.type_of(source).shape.dims.get(axis);
        if let Some(extent) = dim.and_then(crate::dim::Dim::as_extent) {
            let of_axis = Path {
                moved: 0,
                allowed: BTreeSet::new(),
            };
            trace.params(index, of_axis, &mut |param, path| {
                out.insert(IndexBound {
                    param,
                    least: path.moved,
                    extent,
                    allowed: path.allowed.into_iter().collect(),
                });
            });
        }
    }
    out.into_iter().collect()
}

/// What was met between an index and the value that is looked at.
#[derive(Clone)]
struct Path {
    /// The index is the value less this.
    moved: i64,
    /// Values that a selection replaces on the way.
    allowed: BTreeSet<i64>,
}

impl Path {
    /// The path to an operand that the value is, less `by`.
    fn moved(self, by: i64) -> Option<Path> {
        let allowed = self.allowed.into_iter().map(|a| a.checked_add(by));
        Some(Path {
            moved: self.moved.checked_add(by)?,
            allowed: allowed.collect::<Option<_>>()?,
        })
    }
}

struct Trace<'f> {
    function: &'f Function,
    defined: HashMap<Value, &'f OpInst>,
}

impl Trace<'_> {
    /// Calls `found` with each parameter whose elements `value` is made of.
    fn params(&self, value: Value, path: Path, found: &mut dyn FnMut(usize, Path)) {
        if value.index() < self.function.params.len() {
            found(value.index(), path);
            return;
        }
        let Some(i) = self.defined.get(&value) else {
            return;
        };
        match i.op.kind {
            Kind::View(_) | Kind::Identity | Kind::Concat => {
                for v in &i.operands {
                    self.params(*v, path.clone(), found);
                }
            }
            Kind::Elementwise(scalar) => {
                if let Some((operand, path)) = self.through(scalar, i, path) {
                    self.params(operand, path, found);
                }
            }
            Kind::Constant
            | Kind::Iota
            | Kind::Extent
            | Kind::Reduce(_)
            | Kind::Contract
            | Kind::Gather
            | Kind::Scatter
            | Kind::Function(_) => {}
        }
    }

    /// The operand that tells what an instruction's elements are, and the path to it.
    fn through(&self, scalar: Scalar, i: &OpInst, mut path: Path) -> Option<(Value, Path)> {
        match (scalar, i.operands.as_slice()) {
            (Scalar::Cast, &[x]) => {
                // What wraps on the way is no index on either side.
                let whole = self.function.type_of(x).dtype.is_integer();
                whole.then_some((x, path))
            }
            (Scalar::ADD, &[x, y]) => match (self.constant(x), self.constant(y)) {
                (None, Some(c)) => Some((x, path.moved(-c)?)),
                (Some(c), None) => Some((y, path.moved(-c)?)),
                (None, None) | (Some(_), Some(_)) => None,
            },
            (Scalar::SUB, &[x, y]) => Some((x, path.moved(self.constant(y)?)?)),
            (Scalar::Select, &[condition, x, y]) => {
                let (value, replaced) = self.replaced(condition, x, y)?;
                path.allowed.insert(replaced);
                Some((value, path))
            }
            (
                Scalar::Unary(_)
                | Scalar::Number(_)
                | Scalar::Arithmetic(_)
                | Scalar::Compare(_)
                | Scalar::Logic(_)
                | Scalar::Select
                | Scalar::Cast,
                _,
            ) => None,
        }
    }

    /// `select(eq(y, c), k, y)` or `select(ne(y, c), y, k)`: `y`, and the `c` that another element
    /// stands for.
    fn replaced(&self, condition: Value, x: Value, y: Value) -> Option<(Value, i64)> {
        let compared = self.defined.get(&condition)?;
        let value = match compared.op.kind.scalar() {
            Some(Scalar::EQ) => y,
            Some(Scalar::NE) => x,
            Some(_) | None => return None,
        };
        let &[left, right] = compared.operands.as_slice() else {
            return None;
        };
        match (left == value, right == value) {
            (true, false) => Some((value, self.constant(right)?)),
            (false, true) => Some((value, self.constant(left)?)),
            (true, true) | (false, false) => None,
        }
    }

    /// The one integer that every element is.
    fn constant(&self, value: Value) -> Option<i64> {
        let i = self.defined.get(&value)?;
        match i.op.kind {
            Kind::Constant => {
                let Constant { value, dtype, .. } = Constant::of(&i.attributes).ok()?;
                // Exact: the entry refuses numbers that the type does not hold.
                value
                    .known()
                    .filter(|_| dtype.is_integer())
                    .map(|n| n as i64)
            }
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
