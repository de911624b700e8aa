//! Blocks: instructions with what comes in and what goes out.
//!
//! The body of a function is a block, so is its pullback, and so is the body of a loop, which sees the
//! values of the blocks around it too. How blocks nest is told here and nowhere else: passes ask
//! [`Inst::each_operand`], [`Block::each_definition`] and their like.

use crate::attribute::{Attribute, Attributes};
use crate::call::{Call, PullbackCall};
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::{Location, Value};
use crate::op::Op;
use crate::shape::{Shape, Type};
use crate::symbol::Number;
use std::collections::HashSet;

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

    /// Calls `f` with each value that it or a block in it defines, in the order of the text.
    pub fn each_definition(&self, f: &mut dyn FnMut(Value)) {
        self.params.iter().for_each(|v| f(*v));
        for inst in &self.insts {
            if let Inst::Loop(l) = inst {
                l.body.each_definition(f);
            }
            inst.each_result(f);
        }
    }

    /// Calls `f` with each instruction in it and in the blocks in it; one with a block comes before
    /// those of the block.
    pub fn each_inst<'b>(&'b self, f: &mut dyn FnMut(&'b Inst)) {
        for inst in &self.insts {
            f(inst);
            if let Inst::Loop(l) = inst {
                l.body.each_inst(f);
            }
        }
    }

    /// As [`Block::each_inst`], to change them.
    pub fn each_inst_mut(&mut self, f: &mut dyn FnMut(&mut Inst)) {
        for inst in &mut self.insts {
            f(inst);
            if let Inst::Loop(l) = inst {
                l.body.each_inst_mut(f);
            }
        }
    }

    /// Calls `f` with each value that it uses and does not define, once a use.
    pub fn each_capture(&self, f: &mut dyn FnMut(Value)) {
        let mut own = HashSet::new();
        self.each_definition(&mut |v| {
            own.insert(v);
        });
        self.each_use(&mut |v| {
            if !own.contains(&v) {
                f(v);
            }
        });
    }

    /// Calls `f` with each value that is used in it and in the blocks in it, once a use.
    pub fn each_use(&self, f: &mut dyn FnMut(Value)) {
        for inst in &self.insts {
            inst.each_argument(f);
            if let Inst::Loop(l) = inst {
                l.body.each_use(f);
            }
        }
        self.results.iter().for_each(|v| f(*v));
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
    /// A loop.
    Loop(Loop),
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

/// A loop: its body, once an iteration. What the body uses of the outside is the same in every one.
///
/// It stands where a call in the mode of a loop stood, once the linker has inlined the callee.
#[derive(Clone, PartialEq, Debug)]
pub struct Loop {
    /// How many iterations there are.
    pub trip: Dim,
    /// Which iteration comes first.
    pub order: Order,
    /// What the first iteration gets of what each hands to the next.
    pub carried: Vec<Value>,
    /// What each iteration gets a slice of.
    pub sliced: Vec<Sliced>,
    /// Its parameters are the iteration's index (`i32[]`), what is carried, and the slices; its results
    /// are what the next iteration gets, and what is stacked.
    pub body: Block,
    /// The axis along which each stacked result holds the iterations, counted as in [`Sliced`].
    pub stacked: Vec<usize>,
    /// What the last iteration hands on, which is [`Loop::carried`] if there are none; and the stacks.
    pub results: Vec<Value>,
    /// Where it was written.
    pub location: Option<Location>,
}

/// A value of which each iteration gets one slice: that at its index, without the axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sliced {
    /// The whole.
    pub value: Value,
    /// The axis that counts the iterations: a position in the dims of the shape, behind its sequence.
    pub axis: usize,
}

/// Which iteration of a loop comes first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Order {
    /// That of index 0.
    Forward,
    /// That of the last index.
    Backward,
}

impl Order {
    /// The other one.
    pub fn reversed(self) -> Order {
        match self {
            Order::Forward => Order::Backward,
            Order::Backward => Order::Forward,
        }
    }

    /// The indices of `trip` iterations, in their order.
    pub fn indices(self, trip: usize) -> impl Iterator<Item = usize> {
        (0..trip).map(move |i| match self {
            Order::Forward => i,
            Order::Backward => trip - 1 - i,
        })
    }
}

impl Loop {
    /// The element type and shape of an iteration's index.
    pub fn index_type() -> Type {
        Type::new(DType::I32, Shape::scalar())
    }

    /// The index of the iteration, in its body.
    pub fn index(&self) -> Option<Value> {
        self.body.params.first().copied()
    }

    /// The parameters of its body that stand for what is carried.
    pub fn carried_params(&self) -> &[Value] {
        let params = self.body.params.get(1..).unwrap_or_default();
        params.get(..self.carried.len()).unwrap_or_default()
    }

    /// The parameters of its body that stand for slices.
    pub fn slice_params(&self) -> &[Value] {
        let start = 1 + self.carried.len();
        self.body.params.get(start..).unwrap_or_default()
    }

    /// Each stack: the value in the body, the axis, and the result.
    pub fn stacks(&self) -> impl Iterator<Item = (Value, usize, Value)> {
        let from = self.carried.len();
        let values = self.body.results.iter().skip(from);
        let results = self.results.iter().skip(from);
        let stacks = values.zip(&self.stacked).zip(results);
        stacks.map(|((value, axis), result)| (*value, *axis, *result))
    }

    /// Calls `f` with each value it uses directly: not those that its body uses.
    pub(crate) fn each_argument(&self, f: &mut dyn FnMut(Value)) {
        self.carried.iter().for_each(|v| f(*v));
        self.sliced.iter().for_each(|s| f(s.value));
    }
}

impl Inst {
    /// The op, of an instruction that is one.
    pub fn op(&self) -> Option<&OpInst> {
        match self {
            Inst::Op(i) => Some(i),
            Inst::Call(_) | Inst::PullbackCall(_) | Inst::Loop(_) => None,
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
            Inst::Loop(l) => l.location,
        }
    }

    /// Calls `f` with each value it uses, those that blocks in it use of the outside too.
    pub fn each_operand(&self, f: &mut dyn FnMut(Value)) {
        self.each_argument(f);
        if let Inst::Loop(l) = self {
            l.body.each_capture(f);
        }
    }

    /// Calls `f` with each value it uses, without those that blocks in it use.
    fn each_argument(&self, f: &mut dyn FnMut(Value)) {
        match self {
            Inst::Op(i) => i.operands.iter().for_each(|v| f(*v)),
            Inst::Call(c) => c.operands.iter().for_each(|v| f(*v)),
            Inst::PullbackCall(p) => p.cotangents.iter().flatten().for_each(|v| f(*v)),
            Inst::Loop(l) => l.each_argument(f),
        }
    }

    /// Calls `f` with each value it defines for what comes after it.
    pub fn each_result(&self, f: &mut dyn FnMut(Value)) {
        match self {
            Inst::Op(i) => f(i.result),
            Inst::Call(c) => c.results.iter().for_each(|v| f(*v)),
            Inst::PullbackCall(p) => p.results.iter().for_each(|(_, v)| f(*v)),
            Inst::Loop(l) => l.results.iter().for_each(|v| f(*v)),
        }
    }

    /// Changes every number in it that may be a symbol's, but for those of blocks in it.
    pub(crate) fn each_number_mut(&mut self, f: &mut dyn FnMut(&mut Number)) {
        match self {
            Inst::Op(i) => {
                for a in &mut i.attributes.0 {
                    match a {
                        Attribute::Number(number) => f(number),
                        Attribute::Axes(_)
                        | Attribute::Shape(_)
                        | Attribute::Dims(_)
                        | Attribute::DType(_)
                        | Attribute::Name(_) => {}
                    }
                }
            }
            Inst::Call(c) => c.each_number_mut(f),
            Inst::PullbackCall(_) | Inst::Loop(_) => {}
        }
    }

    /// Changes every dim in it, but for those of blocks in it.
    pub(crate) fn each_dim_mut(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        match self {
            Inst::Op(i) => {
                for a in &mut i.attributes.0 {
                    match a {
                        Attribute::Shape(s) => s.dims.iter_mut().for_each(&mut *f),
                        Attribute::Dims(d) => d.iter_mut().for_each(&mut *f),
                        Attribute::Axes(_)
                        | Attribute::DType(_)
                        | Attribute::Number(_)
                        | Attribute::Name(_) => {}
                    }
                }
            }
            Inst::Call(c) => c.each_dim_mut(f),
            Inst::PullbackCall(_) => {}
            Inst::Loop(l) => f(&mut l.trip),
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
            Inst::Loop(l) => {
                l.carried.iter_mut().for_each(&mut *f);
                l.sliced.iter_mut().for_each(|s| f(&mut s.value));
                l.body.each_value_mut(f);
                l.results.iter_mut().for_each(f);
            }
        }
    }
}
