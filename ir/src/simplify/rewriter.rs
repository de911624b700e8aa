//! One pass over a function: every instruction is rebuilt through the rules.

use super::{contract, reduce, scalar, view};
use crate::attribute::Attributes;
use crate::attributes::{Broadcast, Constant, Extent, OfView, Permute, Reshape};
use crate::block::{Inst, OpInst};
use crate::dtype::DType;
use crate::function::{Function, Location, Value};
use crate::op::{Op, OpClass};
use crate::ops;
use crate::shape::{Axis, Shape, Type};
use crate::symbol::Number;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The state of a pass.
///
/// Blocks that are open are levels, the outermost first. An op is put where its operands first stand
/// all together: what an iteration of a loop computes in vain anew stands in front of the loop then.
pub(super) struct Rewriter {
    /// The types of all values, those of the function first.
    types: Vec<Type>,
    /// What stands for each value of the function now.
    renamed: Vec<Value>,
    /// The level that each value is of.
    level_of: Vec<usize>,
    /// Where each value is defined in its level, if it is the result of an op and the level is open.
    definitions: Vec<Option<u32>>,
    levels: Vec<Level>,
    /// The outermost level that is still added to: a pullback adds nothing to the body.
    floor: usize,
    /// Instructions by the hash of what they compute.
    known: HashMap<u64, Vec<Value>>,
    /// How often each value is used, or was before the rules: never too few.
    uses: Vec<u32>,
    /// Masks `x <= 0`, and the value `select(x <= 0, 0, x)` that tells as much.
    pub(super) masks: HashMap<Value, Value>,
    location: Option<Location>,
    changed: bool,
}

/// A block that is being rewritten.
#[derive(Default)]
struct Level {
    insts: Vec<Inst>,
    /// What of it stands in [`Rewriter::known`].
    known: Vec<(u64, Value)>,
}

impl Rewriter {
    /// Rewrites `function`; tells whether anything changed.
    pub(super) fn pass(function: &mut Function) -> bool {
        let types = std::mem::take(&mut function.values);
        let count = types.len();
        let renamed = (0..count)
            .filter_map(|i| u32::try_from(i).ok())
            .map(Value)
            .collect();
        let mut pass = Rewriter {
            types,
            renamed,
            level_of: vec![0; count],
            definitions: vec![None; count],
            levels: vec![Level::default()],
            floor: 0,
            known: HashMap::with_capacity(count),
            uses: uses(function, count),
            masks: HashMap::new(),
            location: None,
            changed: false,
        };
        pass.rewrite(std::mem::take(&mut function.body.insts));
        pass.rename(&mut function.body.results);
        if let Some(p) = &mut function.pullback {
            pass.floor = pass.levels.len();
            pass.open(&p.block.params);
            pass.rewrite(std::mem::take(&mut p.block.insts));
            pass.rename(&mut p.block.results);
            p.block.insts = pass.close();
        }
        function.body.insts = pass.close();
        function.values = pass.types;
        pass.changed
    }

    /// Opens a block.
    pub(super) fn open(&mut self, params: &[Value]) {
        for v in params {
            self.level_of[v.index()] = self.levels.len();
        }
        self.levels.push(Level::default());
    }

    /// Closes the innermost block: nothing finds its values any more.
    pub(super) fn close(&mut self) -> Vec<Inst> {
        let Some(level) = self.levels.pop() else {
            return Vec::new();
        };
        for (key, value) in level.known {
            self.definitions[value.index()] = None;
            if let Some(known) = self.known.get_mut(&key) {
                known.retain(|v| *v != value);
            }
        }
        let (open, level_of) = (self.levels.len(), &self.level_of);
        let stays = |v: &Value| level_of[v.index()] < open;
        self.masks.retain(|mask, value| stays(mask) && stays(value));
        level.insts
    }

    /// Adds an instruction to the innermost block.
    pub(super) fn push(&mut self, inst: Inst) {
        let innermost = self.levels.len().saturating_sub(1);
        let level_of = &mut self.level_of;
        inst.each_result(&mut |v| level_of[v.index()] = innermost);
        if let Some(level) = self.levels.last_mut() {
            level.insts.push(inst);
        }
    }

    pub(super) fn rewrite(&mut self, section: Vec<Inst>) {
        for inst in section {
            self.location = inst.location();
            match inst {
                Inst::Op(mut i) => {
                    self.rename(&mut i.operands);
                    let old = i.result;
                    let new = self.place(i.op, i.operands, i.attributes, Some(old));
                    if let Some(new) = new {
                        self.replace(old, new);
                    }
                }
                Inst::Call(mut c) => {
                    self.rename(&mut c.operands);
                    self.push(Inst::Call(c));
                }
                Inst::PullbackCall(mut p) => {
                    for c in p.cotangents.iter_mut().flatten() {
                        *c = self.renamed(*c);
                    }
                    self.push(Inst::PullbackCall(p));
                }
                Inst::Loop(l) => self.iterate(l),
            }
        }
    }

    /// From now on `new` stands for `old`.
    pub(super) fn replace(&mut self, old: Value, new: Value) {
        if new != old {
            self.renamed[old.index()] = new;
            self.uses[new.index()] += self.uses[old.index()];
            self.changed = true;
        }
    }

    /// Whether the block that a value is of is open.
    pub(super) fn is_open(&self, v: Value) -> bool {
        self.level_of[v.index()] < self.levels.len()
    }

    pub(super) fn renamed(&self, v: Value) -> Value {
        self.renamed.get(v.index()).copied().unwrap_or(v)
    }

    pub(super) fn rename(&self, values: &mut [Value]) {
        for v in values {
            *v = self.renamed(*v);
        }
    }

    /// An op applied to values, simplified; `None` if its entry refuses it.
    pub(super) fn make(
        &mut self,
        op: Op,
        operands: Vec<Value>,
        attributes: impl Into<Attributes>,
    ) -> Option<Value> {
        self.place(op, operands, attributes.into(), None)
    }

    /// As [`Self::make`]; an instruction that stays as it is defines `result`.
    fn place(
        &mut self,
        op: Op,
        operands: Vec<Value>,
        attributes: Attributes,
        result: Option<Value>,
    ) -> Option<Value> {
        let ty = match result {
            Some(r) => self.types[r.index()].clone(),
            None => {
                let types: Vec<Type> = operands.iter().map(|v| self.type_of(*v).clone()).collect();
                (op.infer)(&types, &attributes).ok()?
            }
        };
        let simpler = self.simpler(op, &operands, &attributes, &ty);
        if let Some(v) = simpler {
            return Some(v);
        }
        let key = hash(op, &operands, &attributes);
        // What runs look at is a place: none stands for another, or moves out of its loop.
        let is_place = op.kind.probe().is_some();
        if let Some(found) = self.known.get(&key).filter(|_| !is_place) {
            let exchanged = commutes(op).then(|| operands.iter().rev());
            let same = |v: &&Value| match self.definition(**v) {
                Some(d) => {
                    let operands = d.operands == operands
                        || exchanged.clone().is_some_and(|e| e.eq(&d.operands));
                    d.op == op && operands && d.attributes == attributes
                }
                None => false,
            };
            if let Some(v) = found.iter().find(same) {
                return Some(*v);
            }
        }
        let result = match result {
            Some(r) => r,
            None => {
                for v in &operands {
                    self.uses[v.index()] += 1;
                }
                self.value(ty)?
            }
        };
        // Where all its operands are; operands are of blocks that are open.
        let levels = operands.iter().map(|v| self.level_of[v.index()]);
        let at = match is_place {
            true => self.levels.len() - 1,
            false => levels.max().unwrap_or(self.floor).max(self.floor),
        };
        let level = self.levels.get_mut(at)?;
        self.known.entry(key).or_default().push(result);
        level.known.push((key, result));
        self.level_of[result.index()] = at;
        self.definitions[result.index()] = u32::try_from(level.insts.len()).ok();
        level.insts.push(Inst::Op(OpInst {
            op,
            operands,
            attributes,
            result,
            location: self.location,
        }));
        self.changed |= at + 1 < self.levels.len();
        scalar::remember_mask(self, result);
        Some(result)
    }

    /// What an op is by the rules for its kind, if one holds.
    fn simpler(
        &mut self,
        op: Op,
        operands: &[Value],
        attributes: &Attributes,
        ty: &Type,
    ) -> Option<Value> {
        let kind = op.kind;
        match kind.class() {
            OpClass::Source if kind.is_extent() => self.extent(attributes, ty),
            OpClass::Elementwise(s) => scalar::simplify(self, s, op, operands, ty),
            // An operand unchanged has its meaning for pullbacks.
            OpClass::IndexMap => view::simplify(self, kind.view()?, operands, attributes, ty),
            OpClass::Combined if kind.is_contraction() => {
                contract::simplify(self, operands, attributes)
            }
            OpClass::Combined => {
                reduce::simplify(self, kind.reduction()?, op, operands, attributes, ty)
            }
            OpClass::Joined => match operands {
                [one] => Some(*one),
                _ => None,
            },
            // Functions over ops are decomposed before they run.
            OpClass::Source | OpClass::Indexed | OpClass::Function => None,
        }
    }

    fn value(&mut self, ty: Type) -> Option<Value> {
        let id = u32::try_from(self.types.len()).ok()?;
        self.types.push(ty);
        self.level_of.push(0);
        self.definitions.push(None);
        self.uses.push(0);
        self.changed = true;
        Some(Value(id))
    }

    fn extent(&mut self, attributes: &Attributes, ty: &Type) -> Option<Value> {
        let value = Extent::from_attributes(attributes)
            .ok()?
            .dims
            .as_constant()?;
        self.constant(value as f64, ty)
    }

    pub(super) fn type_of(&self, v: Value) -> &Type {
        &self.types[v.index()]
    }

    pub(super) fn shape_of(&self, v: Value) -> &Shape {
        &self.type_of(v).shape
    }

    /// The instruction that defines `v`, if it is an op.
    pub(super) fn definition(&self, v: Value) -> Option<&OpInst> {
        let at = (*self.definitions.get(v.index())?)?;
        let level = self.levels.get(self.level_of[v.index()])?;
        level.insts.get(at as usize)?.op()
    }

    /// The operand and attributes of `v`, if it is the view that has such attributes.
    pub(super) fn seen<'r, A: OfView<'r>>(&'r self, v: Value) -> Option<(Value, A)> {
        let d = self.definition(v)?;
        match d.op.kind.view() == Some(A::VIEW) {
            true => Some((*d.operands.first()?, A::read(&d.attributes)?)),
            false => None,
        }
    }

    /// The one value that every element of `v` has.
    pub(super) fn constant_of(&self, v: Value) -> Option<f64> {
        let d = self.definition(v)?;
        match d.op.kind.is_constant() {
            true => Constant::from_attributes(&d.attributes).ok()?.value.known(),
            false => None,
        }
    }

    /// Whether `v` surely has no second user.
    pub(super) fn single(&self, v: Value) -> bool {
        self.uses[v.index()] <= 1
    }

    pub(super) fn constant(&mut self, value: f64, ty: &Type) -> Option<Value> {
        let form = Constant {
            value: &Number::Known(value),
            dtype: ty.dtype,
            shape: &ty.shape,
        };
        self.make(ops::CONST, Vec::new(), form)
    }

    pub(super) fn broadcast(
        &mut self,
        x: Value,
        shape: Shape,
        mut new: Vec<Axis>,
    ) -> Option<Value> {
        new.sort_unstable();
        let (shape, new) = (&shape, &new[..]);
        self.make(ops::BROADCAST, vec![x], Broadcast { shape, new })
    }

    pub(super) fn reshape(&mut self, x: Value, shape: Shape) -> Option<Value> {
        self.make(ops::RESHAPE, vec![x], Reshape { shape: &shape })
    }

    pub(super) fn permute(&mut self, x: Value, axes: Vec<Axis>) -> Option<Value> {
        self.make(ops::PERMUTE, vec![x], Permute { axes: &axes })
    }

    /// A constant of the dtype and shape of `like`.
    pub(super) fn constant_like(&mut self, value: f64, like: Value) -> Option<Value> {
        let ty = self.type_of(like).clone();
        self.constant(value, &ty)
    }

    pub(super) fn is_float(&self, v: Value) -> bool {
        self.dtype_of(v).is_float()
    }

    pub(super) fn dtype_of(&self, v: Value) -> DType {
        self.type_of(v).dtype
    }
}

fn uses(function: &Function, count: usize) -> Vec<u32> {
    let mut out = vec![0u32; count];
    let blocks = function.pullback.iter().map(|p| &p.block);
    for block in blocks.chain([&function.body]) {
        block.each_use(&mut |v| out[v.index()] += 1);
    }
    out
}

/// Whether the order of two operands does not matter.
fn commutes(op: Op) -> bool {
    op.kind.scalar().is_some_and(|s| s.def().commutes)
}

fn hash(op: Op, operands: &[Value], attributes: &Attributes) -> u64 {
    let mut h = DefaultHasher::new();
    op.hash(&mut h);
    match operands {
        &[a, b] if b < a && commutes(op) => [b, a].hash(&mut h),
        _ => operands.hash(&mut h),
    }
    attributes.hash(&mut h);
    h.finish()
}
