//! Functions: SSA over tensors, polymorphic in their dims, with their pullback.
//!
//! A *program* is a function after linking: no calls, no symbols, no sequences, no working float.

use crate::attribute::Attributes;
use crate::dim::{Dim, Symbol};
use crate::op::Op;
use crate::shape::{Shape, Type};
use std::fmt;

/// A value: an index into [`Function::values`]. Prints as `%3`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u32);

impl Value {
    /// Its position in [`Function::values`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A function over tensors.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Function {
    /// Its path as its author sees it (`Linear::forward`).
    pub name: String,
    /// The symbols its types are written in, in the order declared.
    pub symbols: Vec<SymbolDecl>,
    /// What it assumes of them.
    pub constraints: Vec<Constraint>,
    /// Its parameters; parameter `i` is `Value(i)`.
    pub params: Vec<Param>,
    /// The type of every value, pullback's values included.
    pub values: Vec<Type>,
    /// The primal instructions, each after what it uses.
    pub body: Vec<Inst>,
    /// What it returns.
    pub results: Vec<Value>,
    /// Its pullback, once derived.
    pub pullback: Option<PullbackBody>,
}

/// A declared symbol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SymbolDecl {
    /// The symbol.
    pub symbol: Symbol,
    /// What it stands for.
    pub kind: SymbolKind,
}

/// What a symbol stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolKind {
    /// A size bound by arguments or configuration.
    Size,
    /// A sequence of leading dims.
    Sequence,
    /// A Rust const, whose value rustc supplies.
    Const,
}

/// A relation between dims that a function assumes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Constraint {
    /// Left side.
    pub left: Dim,
    /// Relation.
    pub relation: Relation,
    /// Right side.
    pub right: Dim,
}

/// How two dims relate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// `==`
    Equal,
    /// `<=`
    AtMost,
    /// `<`
    Below,
}

impl Relation {
    /// Whether `left` and `right` relate so.
    pub fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Relation::Equal => left == right,
            Relation::AtMost => left <= right,
            Relation::Below => left < right,
        }
    }
}

/// A parameter of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Param {
    /// Its name; a leaf of a struct is a path (`m.hidden.w`).
    pub name: String,
    /// What it is.
    pub kind: ParamKind,
}

/// What a parameter is to the runtime.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ParamKind {
    /// An argument of a call.
    Input,
    /// A trainable leaf of a model.
    Param,
    /// A leaf that is not trained.
    State,
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

/// A call of another function.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The callee's name in this function's list of callees.
    pub callee: String,
    /// What the callee's sizes are here.
    pub sizes: Vec<(Symbol, Dim)>,
    /// What the callee's sequence is here.
    pub sequence: Option<(Symbol, Shape)>,
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

/// A pullback: cotangents of the results to gradients of the parameters. May use any primal value.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PullbackBody {
    /// The cotangent of each result; `None` for a result that is no float.
    pub cotangents: Vec<Option<Value>>,
    /// The instructions.
    pub body: Vec<Inst>,
    /// The gradient of each parameter; `None` where the results do not depend on it smoothly.
    pub gradients: Vec<Option<Value>>,
}

/// A place in the user's source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Location {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The file; `None` in a function's stored text, whose unit names the file once for all.
    pub file: Option<&'static str>,
}

impl Location {
    /// A place in the file that the unit names.
    pub fn new(line: u32, column: u32) -> Self {
        Location {
            line,
            column,
            file: None,
        }
    }

    /// The same place, in `file` unless it is in a file already.
    pub fn in_file(self, file: &'static str) -> Self {
        Location {
            file: self.file.or(Some(file)),
            ..self
        }
    }
}

impl fmt::Display for Location {
    /// `src/net.rs:21:24`, or `21:24` where the file is not known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = self.file {
            write!(f, "{file}:")?;
        }
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Function {
    /// The type of a value.
    ///
    /// # Panics
    /// When the value is not of this function (the verifier refuses such functions).
    pub fn type_of(&self, value: Value) -> &Type {
        &self.values[value.index()]
    }

    /// The call in the body that defines `first` as its first result.
    pub(crate) fn call_of(&self, first: Value) -> Option<&Call> {
        self.body.iter().find_map(|inst| match inst {
            Inst::Call(c) if c.results.first() == Some(&first) => Some(c),
            Inst::Op(_) | Inst::Call(_) | Inst::PullbackCall(_) => None,
        })
    }

    /// The parameter called `name`.
    pub fn param(&self, name: &str) -> Option<Value> {
        let i = self.params.iter().position(|p| p.name == name)?;
        u32::try_from(i).ok().map(Value)
    }

    /// Numbers the values in order of definition, and forgets those that nothing defines.
    ///
    /// The order is: parameters, body, cotangents, pullback. Every use must be of a defined value.
    pub fn compact(&mut self) {
        const GONE: Value = Value(u32::MAX);
        let mut order: Vec<Value> = Vec::with_capacity(self.values.len());
        order.extend((0..self.params.len()).filter_map(|i| u32::try_from(i).ok().map(Value)));
        for inst in &self.body {
            inst.each_result(&mut |v| order.push(v));
        }
        if let Some(p) = &self.pullback {
            order.extend(p.cotangents.iter().flatten());
            for inst in &p.body {
                inst.each_result(&mut |v| order.push(v));
            }
        }
        let unchanged = order.len() == self.values.len();
        if unchanged && order.iter().enumerate().all(|(i, v)| v.index() == i) {
            return;
        }
        let mut numbers = vec![GONE; self.values.len()];
        let mut types: Vec<Option<Type>> = std::mem::take(&mut self.values)
            .into_iter()
            .map(Some)
            .collect();
        for v in &order {
            let number = u32::try_from(self.values.len());
            numbers[v.index()] = number.map_or(GONE, Value);
            self.values.extend(types[v.index()].take());
        }
        let renumber = |v: &mut Value| *v = numbers[v.index()];
        self.body
            .iter_mut()
            .for_each(|i| i.each_value_mut(&renumber));
        self.results.iter_mut().for_each(renumber);
        if let Some(p) = &mut self.pullback {
            p.cotangents.iter_mut().flatten().for_each(renumber);
            p.body.iter_mut().for_each(|i| i.each_value_mut(&renumber));
            p.gradients.iter_mut().flatten().for_each(renumber);
        }
    }
}

impl Inst {
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
    fn each_value_mut(&mut self, f: &impl Fn(&mut Value)) {
        match self {
            Inst::Op(i) => {
                i.operands.iter_mut().for_each(f);
                f(&mut i.result);
            }
            Inst::Call(c) => {
                c.operands.iter_mut().for_each(f);
                c.results.iter_mut().for_each(f);
            }
            Inst::PullbackCall(p) => {
                f(&mut p.call);
                p.cotangents.iter_mut().flatten().for_each(f);
                p.results.iter_mut().for_each(|(_, v)| f(v));
            }
        }
    }
}
