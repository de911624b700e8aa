//! What a value is a view of: views and what follows from no operand are made wherever they are needed,
//! so nobody keeps them.

use crate::block::{Block, Inst};
use crate::function::Value;
use crate::op::OpClass;
use crate::shape::Type;
use std::collections::HashMap;

/// The operands of all views, and of what has none.
#[derive(Default)]
pub(super) struct Views(HashMap<Value, Vec<Value>>);

impl Views {
    /// Those among instructions, not of blocks in these.
    pub fn among(insts: &[Inst]) -> Views {
        let mut views = Views::default();
        insts.iter().for_each(|inst| views.note(inst));
        views
    }

    /// Those in a block and in the blocks in it.
    pub fn inside(block: &Block) -> Views {
        let mut views = Views::default();
        block.each_inst(&mut |inst| views.note(inst));
        views
    }

    fn note(&mut self, inst: &Inst) {
        if let Inst::Op(op) = inst {
            match op.op.kind.class() {
                OpClass::Source | OpClass::IndexMap => {
                    self.0.insert(op.result, op.operands.clone());
                }
                OpClass::Elementwise(_)
                | OpClass::Joined
                | OpClass::Indexed
                | OpClass::Combined
                | OpClass::Function => {}
            }
        }
    }

    pub fn is_view(&self, v: Value) -> bool {
        self.0.contains_key(&v)
    }

    /// What a value is made of through views: itself if it is none.
    pub fn each_base(&self, v: Value, f: &mut dyn FnMut(Value)) {
        let mut open = vec![v];
        while let Some(v) = open.pop() {
            match self.0.get(&v) {
                Some(operands) => open.extend(operands),
                None => f(v),
            }
        }
    }
}

/// The bytes of a value.
pub(super) fn bytes(types: &[Type], v: Value) -> usize {
    let ty = types.get(v.index());
    ty.and_then(Type::bytes).unwrap_or(0)
}
