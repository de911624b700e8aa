//! Which integer arguments are used as indices, and what they must lie between.
//!
//! The runtime checks labels and tokens with this before anything runs; a kernel only clamps. It
//! follows arguments through views, casts between integers, constants that are added or taken away, and
//! selections that replace a label that is ignored by a constant, into and out of loops; and through
//! nothing else: an index that is computed otherwise, or in very many ways, is clamped.

use crate::attributes::{Along, Constant};
use crate::block::{Inst, Loop, OpInst};
use crate::function::{Function, Value};
use crate::op::OpClass;
use crate::scalar::Scalar;
use crate::shape::Axis;
use std::collections::{BTreeSet, HashMap, HashSet};

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
/// several. Functions over ops that are not decomposed yet are not seen through.
pub fn index_bounds(function: &Function) -> Vec<IndexBound> {
    let mut trace = Trace {
        function,
        defined: HashMap::new(),
        passed: HashMap::new(),
    };
    function.body.each_inst(&mut |inst| match inst {
        Inst::Op(i) => {
            trace.defined.insert(i.result, i);
        }
        Inst::Loop(l) => trace.pass(l),
        Inst::Call(_) | Inst::PullbackCall(_) => {}
    });
    let mut out = BTreeSet::new();
    for i in trace.defined.values() {
        let OpClass::Indexed = i.op.kind.class() else {
            continue;
        };
        let (source, index) = (i.operands[0], i.operands[1]);
        let Ok(Along {
            axis: Axis::At(axis),
        }) = Along::from_attributes(&i.attributes)
        else {
            continue;
        };
        let dim = function.type_of(source).shape.dims.get(axis);
        if let Some(extent) = dim.and_then(crate::dim::Dim::as_extent) {
            let paths = trace.params(index);
            out.extend(paths.into_iter().map(|(param, path)| IndexBound {
                param,
                least: path.moved,
                extent,
                allowed: path.allowed.into_iter().collect(),
            }));
        }
    }
    out.into_iter().collect()
}

/// What was met between an index and the value that is looked at.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
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

/// In how many ways an index may be made before it counts as computed: each may be a bound that is
/// checked at every call, and an index that moves in a loop is made in ever more ways.
const WAYS: usize = 100;

struct Trace<'f> {
    function: &'f Function,
    defined: HashMap<Value, &'f OpInst>,
    /// What loops pass on as it is: each value with those whose elements it has.
    passed: HashMap<Value, Vec<Value>>,
}

impl Trace<'_> {
    /// Notes where the values come from that a loop defines.
    fn pass(&mut self, l: &Loop) {
        let ends = l.carried_params().iter().zip(&l.results);
        for ((param, result), (first, next)) in ends.zip(l.carried.iter().zip(&l.body.results)) {
            self.passed.insert(*param, vec![*first, *next]);
            self.passed.insert(*result, vec![*first, *next]);
        }
        for (param, s) in l.slice_params().iter().zip(&l.sliced) {
            self.passed.insert(*param, vec![s.value]);
        }
        for (value, _, stack) in l.stacks() {
            self.passed.insert(stack, vec![value]);
        }
    }

    /// The parameters whose elements `index` is made of, and how; none if there are too many ways.
    fn params(&self, index: Value) -> BTreeSet<(usize, Path)> {
        let mut out = BTreeSet::new();
        let (mut seen, mut ways) = (HashSet::new(), HashSet::new());
        let mut open = vec![(index, Path::default())];
        while let Some((value, path)) = open.pop() {
            if !seen.insert((value, path.clone())) {
                continue;
            }
            ways.insert(path.clone());
            if ways.len() > WAYS {
                return BTreeSet::new();
            }
            if value.index() < self.function.params.len() {
                out.insert((value.index(), path));
                continue;
            }
            if let Some(from) = self.passed.get(&value) {
                open.extend(from.iter().map(|v| (*v, path.clone())));
                continue;
            }
            let Some(i) = self.defined.get(&value) else {
                continue;
            };
            match i.op.kind.class() {
                OpClass::IndexMap | OpClass::Joined => {
                    open.extend(i.operands.iter().map(|v| (*v, path.clone())));
                }
                OpClass::Elementwise(scalar) => open.extend(self.through(scalar, i, path)),
                OpClass::Source | OpClass::Indexed | OpClass::Combined | OpClass::Function => {}
            }
        }
        out
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
                | Scalar::Bits(_)
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
    fn constant(&self, mut value: Value) -> Option<i64> {
        loop {
            let i = self.defined.get(&value)?;
            if i.op.kind.is_constant() {
                let Constant { value, dtype, .. } =
                    Constant::from_attributes(&i.attributes).ok()?;
                // Exact: the entry refuses numbers that the type does not hold.
                let whole = value.known().filter(|_| dtype.is_integer());
                return whole.map(|n| n as i64);
            }
            // A constant that was made small and repeated.
            i.op.kind.view()?;
            value = *i.operands.first()?;
        }
    }
}
