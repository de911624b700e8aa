//! Copies of instructions, which define values of their own.

use crate::attribute::Attributes;
use crate::block::{Inst, OpInst};
use crate::function::Value;
use crate::ops;
use crate::shape::Type;
use std::collections::HashMap;

/// Makes copies that use each other where the originals do.
pub(super) struct Copier<'t> {
    pub types: &'t mut Vec<Type>,
    /// What stands for values in the copies.
    pub renamed: HashMap<Value, Value>,
}

impl<'t> Copier<'t> {
    pub fn new(types: &'t mut Vec<Type>) -> Self {
        Copier {
            types,
            renamed: HashMap::new(),
        }
    }

    /// A value of the type of another.
    pub fn like(&mut self, v: Value) -> Value {
        fresh(self.types, self.types[v.index()].clone())
    }

    /// A copy of an instruction with all that is in it.
    pub fn copy(&mut self, inst: &Inst) -> Inst {
        let mut defined = inst.results();
        if let Inst::Loop(l) = inst {
            l.body.each_definition(&mut |v| defined.push(v));
        }
        for v in defined {
            let new = self.like(v);
            self.renamed.insert(v, new);
        }
        let mut copy = inst.clone();
        rename(&mut copy, &self.renamed);
        copy
    }

    /// A barrier in front of a value.
    pub fn barrier(&mut self, v: Value) -> OpInst {
        OpInst {
            op: ops::BARRIER,
            operands: vec![v],
            attributes: Attributes::default(),
            result: self.like(v),
            location: None,
        }
    }
}

/// A new value.
pub(super) fn fresh(types: &mut Vec<Type>, ty: Type) -> Value {
    let id = u32::try_from(types.len()).expect("fewer than 2^32 values fit in memory");
    types.push(ty);
    Value(id)
}

/// Puts other values in the place of those that an instruction uses.
pub(super) fn rename(inst: &mut Inst, renamed: &HashMap<Value, Value>) {
    inst.each_value_mut(&mut |v| {
        if let Some(new) = renamed.get(v) {
            *v = *new;
        }
    });
}
