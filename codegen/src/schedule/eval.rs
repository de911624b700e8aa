//! From a value and an index to scalar expressions: index maps vanish here.
//!
//! An expression is a DAG over loads, computed once per element of a space. Values that a kernel of
//! their own computes are leaves (loads) or roots (row registers, the accumulator); everything else
//! is inlined. Where no affine index exists, the answer is what would help ([`Need`]).

use super::affine::{Affine, NoDigits, digits, linear};
use super::definition::{IndexMap, Source};
use super::graph::{Def, Graph, Id};
use super::nest::access;
use crate::bounds;
use rustc_hash::FxBuildHasher;
use sinew_ir::{DType, Scalar};
use std::collections::HashMap;

/// A tensor's place: a buffer with a stride per axis, in elements.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Home {
    /// An index into the schedule's buffers as they are being made.
    pub buffer: usize,
    pub offset: i64,
    pub strides: Vec<i64>,
}

impl Home {
    pub fn element(&self, index: &[Affine]) -> Affine {
        let mut out = Affine::constant(self.offset);
        for (i, s) in index.iter().zip(&self.strides) {
            out.add_scaled(i, *s);
        }
        out
    }
}

/// An expression: an index into [`Eval::exprs`].
pub(crate) type Ref = usize;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Expr {
    pub kind: ExprKind,
    pub dtype: DType,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ExprKind {
    Load {
        buffer: usize,
        at: Affine,
        guards: Vec<Bound>,
    },
    Gather {
        buffer: usize,
        at: Affine,
        guards: Vec<Bound>,
        index: Ref,
        extent: usize,
        stride: i64,
    },
    /// The bits of an f64.
    Const(u64),
    Index(Affine),
    /// A reduction or contraction of this kernel.
    Root(Id),
    Apply(Scalar, Vec<Ref>),
}

/// `0 <= value < extent`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Bound {
    pub value: Affine,
    pub extent: i64,
}

/// What stands in the way of an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    /// This dim of the space as two, the second of this extent.
    Split { dim: usize, inner: usize },
    /// This value in memory, in row-major order.
    Store(Id),
    /// This value in memory: it is read at too many places.
    Share(Id),
}

/// How a value appears in the expressions of one kernel.
pub(crate) enum Role {
    /// Computed in place.
    Inline,
    /// Read from memory.
    Leaf,
    /// A reduction or contraction of this kernel, at this index only.
    Root(Vec<Affine>),
}

/// What a value is to the kernel at hand, and where values live.
pub(crate) trait Scope {
    fn role(&self, id: Id) -> Role;
    fn home(&self, id: Id) -> Home;
}

pub(crate) struct Eval<'a> {
    graph: &'a Graph,
    scope: &'a dyn Scope,
    /// The extents of the space; computed indices are numbered behind its dims.
    pub space: Vec<usize>,
    computed: Vec<(Ref, usize)>,
    pub exprs: Vec<Expr>,
    ids: HashMap<Expr, Ref, FxBuildHasher>,
    memo: HashMap<(Id, Vec<Affine>, Vec<Bound>), Ref, FxBuildHasher>,
    /// At how many places each value was computed.
    places: HashMap<Id, usize, FxBuildHasher>,
    /// At how many places a value may be computed rather than stored.
    most_places: usize,
    /// The padded values that are being written down, one inside the other.
    padded: Vec<Id>,
    /// Leaves read, with their indices, unless the index is guarded or computed.
    pub reads: Vec<(Id, Option<Vec<Affine>>)>,
}

impl<'a> Eval<'a> {
    pub fn new(graph: &'a Graph, scope: &'a dyn Scope, space: &[usize]) -> Self {
        Eval {
            graph,
            scope,
            space: space.to_vec(),
            computed: Vec::new(),
            exprs: Vec::new(),
            ids: HashMap::default(),
            memo: HashMap::default(),
            places: HashMap::default(),
            most_places: usize::MAX,
            padded: Vec::new(),
            reads: Vec::new(),
        }
    }

    /// Asks for values in memory that would be computed at more than `places` places: chains of such
    /// values (each step of a stencil reads the one before at several places) would otherwise
    /// multiply the code with every step.
    pub fn with_most_places(self, places: usize) -> Self {
        Eval {
            most_places: places,
            ..self
        }
    }

    pub fn add(&mut self, kind: ExprKind, dtype: DType) -> Ref {
        let expr = Expr { kind, dtype };
        if let Some(found) = self.ids.get(&expr) {
            return *found;
        }
        self.exprs.push(expr.clone());
        self.ids.insert(expr, self.exprs.len() - 1);
        self.exprs.len() - 1
    }

    /// The first value of the program that an expression computes.
    pub fn value(&self, r: Ref) -> Option<Id> {
        let known = self.memo.iter().filter(|(_, found)| **found == r);
        known.map(|((id, ..), _)| *id).min()
    }

    fn constant(&mut self, value: f64, dtype: DType) -> Ref {
        self.add(ExprKind::Const(value.to_bits()), dtype)
    }

    /// The extents of the space and of the computed indices behind it.
    fn extents(&self) -> Vec<usize> {
        let computed = self.computed.iter().map(|(_, e)| *e);
        self.space.iter().copied().chain(computed).collect()
    }

    /// The element of `id` at `index`, zero where a bound in `guards` does not hold.
    pub fn eval(&mut self, id: Id, index: &[Affine], guards: &[Bound]) -> Result<Ref, Need> {
        if self.graph.elements(id) == 0 {
            // Nothing ever reads it: all who could have empty spaces or failing guards.
            return Ok(self.constant(0.0, self.graph.nodes[id].dtype));
        }
        let key = (id, index.to_vec(), guards.to_vec());
        if let Some(found) = self.memo.get(&key) {
            return Ok(*found);
        }
        let done = match self.scope.role(id) {
            Role::Leaf => self.leaf(id, index, guards),
            Role::Root(expected) => match expected == index {
                true => Ok(self.add(ExprKind::Root(id), self.graph.nodes[id].dtype)),
                false => Err(Need::Store(id)),
            },
            Role::Inline => {
                if matches!(self.graph.nodes[id].def, Def::Elementwise(..)) {
                    let places = self.places.entry(id).or_default();
                    *places += 1;
                    if *places > self.most_places {
                        return Err(Need::Share(id));
                    }
                }
                self.inline(id, index, guards)
            }
        }?;
        self.memo.insert(key, done);
        Ok(done)
    }

    fn leaf(&mut self, id: Id, index: &[Affine], guards: &[Bound]) -> Result<Ref, Need> {
        let home = self.scope.home(id);
        let at = home.element(index);
        let pure = guards.is_empty() && at.strides.len() <= self.space.len();
        let read = (id, pure.then(|| index.to_vec()));
        if !self.reads.contains(&read) {
            self.reads.push(read);
        }
        self.load(&home, at, guards, self.graph.nodes[id].dtype, id)
    }

    fn load(
        &mut self,
        home: &Home,
        mut at: Affine,
        guards: &[Bound],
        dtype: DType,
        id: Id,
    ) -> Result<Ref, Need> {
        let n = self.space.len();
        if !guards.is_empty() && !self.stays_inside(home, &at, guards, id) {
            // Without the innermost padding the others' guards say enough.
            return Err(Need::Store(self.padded.last().copied().unwrap_or(id)));
        }
        let guards = guards.to_vec();
        let computed: Vec<usize> = (n..at.strides.len())
            .filter(|d| at.stride(*d) != 0)
            .collect();
        match computed[..] {
            [] => Ok(self.add(
                ExprKind::Load {
                    buffer: home.buffer,
                    at,
                    guards,
                },
                dtype,
            )),
            [d] => {
                let stride = at.stride(d);
                at.add_scaled(&Affine::dim(d), -stride);
                let (index, extent) = self.computed[d - n];
                let kind = ExprKind::Gather {
                    buffer: home.buffer,
                    at,
                    guards,
                    index,
                    extent,
                    stride,
                };
                Ok(self.add(kind, dtype))
            }
            _ => Err(Need::Store(id)),
        }
    }

    /// Whether the verifier sees that a guarded load stays among a leaf's elements.
    fn stays_inside(&self, home: &Home, at: &Affine, guards: &[Bound], id: Id) -> bool {
        let space = self.extents();
        let order: Vec<usize> = (0..space.len()).collect();
        let (mut first, mut last) = (home.offset, home.offset);
        for (extent, stride) in self.graph.nodes[id].shape.iter().zip(&home.strides) {
            let reach = stride * (*extent as i64 - 1);
            first += reach.min(0);
            last += reach.max(0);
        }
        match bounds::range(&space, &access(home.buffer, at, guards, &order)) {
            Some(Some((low, high))) => first <= low && high <= last,
            Some(None) => true,
            None => false,
        }
    }

    fn inline(&mut self, id: Id, index: &[Affine], guards: &[Bound]) -> Result<Ref, Need> {
        let graph = self.graph;
        let node = &graph.nodes[id];
        match &node.def {
            Def::Source(Source::Param)
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => Err(Need::Store(id)),
            Def::Source(Source::Const(bits)) => {
                Ok(self.constant(f64::from_bits(*bits), node.dtype))
            }
            Def::Source(Source::Iota(axis)) => self.iota(index[*axis].clone(), node.dtype),
            Def::Elementwise(scalar, operands) => {
                let refs = operands
                    .iter()
                    .map(|x| self.eval(*x, index, guards))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(self.add(ExprKind::Apply(*scalar, refs), node.dtype))
            }
            Def::View { x, map } => self.view(id, (*x, map), index, guards),
            Def::Gather { x, indices, axis } => self.gather((*x, *indices, *axis), index, guards),
        }
    }

    /// The element of the view `id` of `x`, which is one of `x` at a mapped index.
    fn view(
        &mut self,
        id: Id,
        (x, map): (Id, &IndexMap),
        index: &[Affine],
        guards: &[Bound],
    ) -> Result<Ref, Need> {
        let mapped = match map {
            IndexMap::Reshape => return self.reshape(id, x, index, guards),
            IndexMap::Pad { axis, low } => return self.pad(id, x, *axis, *low, index, guards),
            IndexMap::Broadcast { axes } => axes.iter().map(|d| index[*d].clone()).collect(),
            IndexMap::Permute { axes } => {
                let mut mapped = vec![Affine::default(); index.len()];
                for (i, d) in axes.iter().enumerate() {
                    mapped[*d] = index[i].clone();
                }
                mapped
            }
            IndexMap::Slice { axis, start, step } => {
                let mut mapped = index.to_vec();
                mapped[*axis] = mapped[*axis].scaled(*step).plus(*start);
                mapped
            }
            IndexMap::Shear {
                axis,
                by,
                offset,
                slope,
            } => {
                let mut mapped = index.to_vec();
                mapped[*axis].add_scaled(&index[*by], *slope);
                mapped[*axis].offset += offset;
                mapped
            }
        };
        self.eval(x, &mapped, guards)
    }

    /// The element of `x` whose position along an axis is the value of `indices`.
    fn gather(
        &mut self,
        (x, indices, axis): (Id, Id, usize),
        index: &[Affine],
        guards: &[Bound],
    ) -> Result<Ref, Need> {
        let chosen = self.eval(indices, index, guards)?;
        let extent = self.graph.nodes[x].shape[axis];
        let entry = (chosen, extent);
        let position = self.computed.iter().position(|c| *c == entry);
        let position = position.unwrap_or_else(|| {
            self.computed.push(entry);
            self.computed.len() - 1
        });
        let mut mapped = index.to_vec();
        mapped[axis] = match extent {
            1 => Affine::default(),
            _ => Affine::dim(self.space.len() + position),
        };
        match self.eval(x, &mapped, guards) {
            // A leaf that two computed indices reach: the inner one's result is stored.
            Err(Need::Store(y)) if matches!(self.scope.role(y), Role::Leaf) => {
                match matches!(self.scope.role(x), Role::Leaf) {
                    true => Err(Need::Store(y)),
                    false => Err(Need::Store(x)),
                }
            }
            other => other,
        }
    }

    fn iota(&mut self, at: Affine, dtype: DType) -> Result<Ref, Need> {
        let n = self.space.len();
        let mut direct = Affine::constant(at.offset);
        for d in 0..n {
            direct.add_scaled(&Affine::dim(d), at.stride(d));
        }
        let mut out = self.add(ExprKind::Index(direct), DType::I32);
        for d in n..at.strides.len() {
            let stride = at.stride(d);
            if stride == 0 {
                continue;
            }
            let (index, extent) = self.computed[d - n];
            let zero = self.constant(0.0, DType::I32);
            let last = self.constant(extent.saturating_sub(1) as f64, DType::I32);
            let times = self.constant(stride as f64, DType::I32);
            let apply = |eval: &mut Self, scalar, a, b| {
                eval.add(ExprKind::Apply(scalar, vec![a, b]), DType::I32)
            };
            let clamped = apply(self, Scalar::MAXIMUM, index, zero);
            let clamped = apply(self, Scalar::MINIMUM, clamped, last);
            let term = apply(self, Scalar::MUL, clamped, times);
            out = apply(self, Scalar::ADD, out, term);
        }
        if dtype != DType::I32 {
            out = self.add(ExprKind::Apply(Scalar::CAST, vec![out]), dtype);
        }
        Ok(out)
    }

    fn reshape(&mut self, id: Id, x: Id, index: &[Affine], guards: &[Bound]) -> Result<Ref, Need> {
        let graph = self.graph;
        let position = linear(index, &graph.nodes[id].shape);
        let shape = &graph.nodes[x].shape;
        let found = digits(&position, shape, &self.extents());
        if let Ok(index) = &found {
            return self.eval(x, index, guards);
        }
        // In row-major memory the position is all that counts.
        if matches!(self.scope.role(x), Role::Leaf) {
            let home = self.scope.home(x);
            if graph.is_contiguous(x, &home.strides) {
                if !self.reads.contains(&(x, None)) {
                    self.reads.push((x, None));
                }
                let at = position.plus(home.offset);
                return self.load(&home, at, guards, graph.nodes[x].dtype, x);
            }
        }
        match found {
            Err(NoDigits::Split { dim, inner }) if dim < self.space.len() => {
                Err(Need::Split { dim, inner })
            }
            _ => Err(Need::Store(x)),
        }
    }

    fn pad(
        &mut self,
        id: Id,
        x: Id,
        axis: usize,
        low: i64,
        index: &[Affine],
        guards: &[Bound],
    ) -> Result<Ref, Need> {
        let extent = self.graph.nodes[x].shape[axis] as i64;
        let mut mapped = index.to_vec();
        mapped[axis] = mapped[axis].clone().plus(-low);
        let (least, greatest) = mapped[axis].range(&self.extents());
        if least >= 0 && greatest < extent {
            return self.eval(x, &mapped, guards);
        }
        if greatest < 0 || least >= extent {
            return Ok(self.constant(0.0, self.graph.nodes[x].dtype));
        }
        if mapped[axis].strides.len() > self.space.len() {
            return Err(Need::Store(id));
        }
        let bound = Bound {
            value: mapped[axis].clone(),
            extent,
        };
        // In one order, however they came about: equal guards are then equal keys.
        let mut inner = guards.to_vec();
        if let Err(at) = inner.binary_search(&bound) {
            inner.insert(at, bound.clone());
        }
        self.padded.push(id);
        let value = self.eval(x, &mapped, &inner);
        self.padded.pop();
        let value = value?;
        match &self.exprs[value].kind {
            // The guard on the load gives the zero.
            ExprKind::Load { guards, .. } | ExprKind::Gather { guards, .. }
                if guards.contains(&bound) =>
            {
                Ok(value)
            }
            ExprKind::Const(0) => Ok(value),
            _ => {
                let at = self.add(ExprKind::Index(bound.value), DType::I32);
                let zero = self.constant(0.0, DType::I32);
                let end = self.constant(extent as f64, DType::I32);
                let above = ExprKind::Apply(Scalar::LE, vec![zero, at]);
                let above = self.add(above, DType::Bool);
                let below = ExprKind::Apply(Scalar::LT, vec![at, end]);
                let below = self.add(below, DType::Bool);
                let both = ExprKind::Apply(Scalar::AND, vec![above, below]);
                let both = self.add(both, DType::Bool);
                let dtype = self.exprs[value].dtype;
                let none = self.constant(0.0, dtype);
                let select = ExprKind::Apply(Scalar::SELECT, vec![both, value, none]);
                Ok(self.add(select, dtype))
            }
        }
    }
}
