//! Blocks: instructions with what comes in and what goes out.
//!
//! The body of a function is a block, and so is its pullback.

use crate::attribute::Attributes;
use crate::dim::{Dim, Symbol};
use crate::function::{Location, Value};
use crate::op::Op;
use crate::shape::Shape;

/// A list of instructions, with the values that its owner gives it and those that it gives back.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Block {
    /// What its owner defines for it.
    pub params: Vec<Value>,
    /// The instructions, each after what it uses.
    pub insts: Vec<Inst>,
    /// What it gives back.
    pub results: Vec<Value>,
}

impl Block {
    /// The body of a function with `params` parameters, which are its first values.
    pub fn body(params: usize, insts: Vec<Inst>, results: Vec<Value>) -> Self {
        let params = (0..params).filter_map(|i| u32::try_from(i).ok());
        Block {
            params: params.map(Value).collect(),
            insts,
            results,
        }
    }

    /// Calls `f` with each value that it defines, in order.
    pub fn each_definition(&self, f: &mut dyn FnMut(Value)) {
        self.params.iter().for_each(|v| f(*v));
        for inst in &self.insts {
            inst.each_result(f);
        }
    }

    /// Changes every value in it, those it defines too.
    pub(crate) fn each_value_mut(&mut self, f: &mut dyn FnMut(&mut Value)) {
        self.params.iter_mut().for_each(&mut *f);
        for inst in &mut self.insts {
            inst.each_value_mut(f);
        }
        self.results.iter_mut().for_each(f);
    }
}

/// One instruction.
#[derive(Clone, PartialEq, Debug)]
pub enum Inst {
    /// An op of the table.
    Op(OpInst),
    /// A call of another function.
    Call(Call),
    /// The pullback of a call.
    PullbackCall(PullbackCall),
}

/// An op applied to values.
#[derive(Clone, PartialEq, Debug)]
pub struct OpInst {
    /// Which op.
    pub op: Op,
    /// Its operands.
    pub operands: Vec<Value>,
    /// Its attributes.
    pub attributes: Attributes,
    /// What it defines.
    pub result: Value,
    /// Where it was written.
    pub location: Option<Location>,
}

/// A function that is called, and what its symbols are there.
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    /// Its name in the caller's list of callees.
    pub name: String,
    /// What its sizes are here.
    pub sizes: Vec<(Symbol, Dim)>,
    /// What its sequence is here.
    pub sequence: Option<(Symbol, Shape)>,
}

/// A call of another function.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The callee.
    pub target: Target,
    /// The arguments, one for each of the callee's parameters.
    pub operands: Vec<Value>,
    /// What it defines, one for each of the callee's results.
    pub results: Vec<Value>,
    /// Where it was written.
    pub location: Option<Location>,
}

/// The pullback of a call in the primal body: cotangents of its results to those of its operands.
#[derive(Clone, PartialEq, Debug)]
pub struct PullbackCall {
    /// The first result of the call, which names it.
    pub call: Value,
    /// The cotangents of the call's results; `None` where it is zero or the result is no float.
    pub cotangents: Vec<Option<Value>>,
    /// The cotangents of the call's operands that it defines: (operand's position, value).
    pub results: Vec<(usize, Value)>,
}

impl Inst {
    /// The op, of an instruction that is one.
    pub fn op(&self) -> Option<&OpInst> {
        match self {
            Inst::Op(i) => Some(i),
            Inst::Call(_) | Inst::PullbackCall(_) => None,
        }
    }

    /// What it uses.
    pub fn operands(&self) -> Vec<Value> {
        let mut out = Vec::new();
        self.each_operand(&mut |v| out.push(v));
        out
    }

    /// What it defines.
    pub fn results(&self) -> Vec<Value> {
        let mut out = Vec::new();
        self.each_result(&mut |v| out.push(v));
        out
    }

    /// Where it was written; a pullback call's place is that of its call.
    pub fn location(&self) -> Option<Location> {
        match self {
            Inst::Op(i) => i.location,
            Inst::Call(c) => c.location,
            Inst::PullbackCall(_) => None,
        }
    }

    /// Calls `f` with each value it uses.
    pub fn each_operand(&self, f: &mut dyn FnMut(Value)) {
        match self {
            Inst::Op(i) => i.operands.iter().for_each(|v| f(*v)),
            Inst::Call(c) => c.operands.iter().for_each(|v| f(*v)),
            Inst::PullbackCall(p) => p.cotangents.iter().flatten().for_each(|v| f(*v)),
        }
    }

    /// Calls `f` with each value it defines.
    pub fn each_result(&self, f: &mut dyn FnMut(Value)) {
        match self {
            Inst::Op(i) => f(i.result),
            Inst::Call(c) => c.results.iter().for_each(|v| f(*v)),
            Inst::PullbackCall(p) => p.results.iter().for_each(|(_, v)| f(*v)),
        }
    }

    /// Changes every value in it, those it defines and those it names too.
    pub(crate) fn each_value_mut(&mut self, f: &mut dyn FnMut(&mut Value)) {
        match self {
            Inst::Op(i) => {
                i.operands.iter_mut().for_each(&mut *f);
                f(&mut i.result);
            }
            Inst::Call(c) => {
                c.operands.iter_mut().for_each(&mut *f);
                c.results.iter_mut().for_each(f);
            }
            Inst::PullbackCall(p) => {
                f(&mut p.call);
                p.cotangents.iter_mut().flatten().for_each(&mut *f);
                p.results.iter_mut().for_each(|(_, v)| f(v));
            }
        }
    }
}
