//! Functions: SSA over tensors, polymorphic in their dims, with their pullback.
//!
//! A *program* is a function after linking: no calls, no symbols, no sequences, no working float.

use crate::block::{Block, Inst};
use crate::call::Call;
use crate::dim::{Dim, Symbol};
use crate::shape::Type;
use crate::structs::StructParam;
use crate::symbol::{Number, SymbolDecl};
use std::collections::HashMap;
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
    /// The symbols it is written in, in the order declared.
    pub symbols: Vec<SymbolDecl>,
    /// What it assumes of them.
    pub constraints: Vec<Constraint>,
    /// Its parameters; parameter `i` is `Value(i)`. A struct argument is one parameter for each leaf.
    pub params: Vec<Param>,
    /// Which of them are one struct: its arguments of struct type, in order.
    pub structs: Vec<StructParam>,
    /// The type of every value, pullback's values included.
    pub values: Vec<Type>,
    /// What it computes: its parameters in, its results out, and behind these its states as it leaves
    /// them.
    pub body: Block,
    /// For each of the body's last results, the position of the parameter, a state, whose new value it
    /// is; ascending.
    pub states: Vec<usize>,
    /// Its pullback, once derived.
    pub pullback: Option<PullbackBody>,
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

/// How two dims, or two numbers, relate.
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
    pub fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
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
    /// Its name; that of a leaf is its path (`m.hidden.w`).
    pub name: String,
    /// What it is.
    pub kind: ParamKind,
}

/// `name`, or that with `cotangent.` in front as often as it takes to differ from those of `params`.
pub(crate) fn fresh_name(params: &[Param], mut name: String) -> String {
    while params.iter().any(|p| p.name == name) {
        name.insert_str(0, "cotangent.");
    }
    name
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
    /// The run's key, two words of u32, from which random elements follow. The linker adds it to programs
    /// that need it; no function has it before.
    Key,
}

/// A pullback: cotangents of the results to gradients of the parameters. May use any primal value.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PullbackBody {
    /// Where it is from.
    pub origin: Origin,
    /// Takes cotangents of results and gives gradients of parameters.
    pub block: Block,
    /// For each parameter of the block, the position of the result whose cotangent it is; ascending.
    /// Results that are no floats have none.
    pub cotangents: Vec<usize>,
    /// For each result of the block, the position of the parameter whose gradient it is; ascending.
    /// Parameters that the results do not depend on smoothly have none.
    pub gradients: Vec<usize>,
}

/// Where a pullback is from.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Origin {
    /// Derived from the body: it may be derived anew.
    #[default]
    Derived,
    /// Written by hand: it is what the function's derivative is meant to be, and never replaced.
    Written,
}

impl Param {
    /// An argument that is a tensor.
    pub fn input(name: &str) -> Param {
        Param {
            name: name.to_string(),
            kind: ParamKind::Input,
        }
    }
}

impl PullbackBody {
    /// The cotangent of a result, by the result's position.
    pub fn cotangent(&self, result: usize) -> Option<Value> {
        let at = self.cotangents.iter().position(|r| *r == result)?;
        self.block.params.get(at).copied()
    }

    /// The gradient of a parameter, by the parameter's position.
    pub fn gradient(&self, param: usize) -> Option<Value> {
        let at = self.gradients.iter().position(|p| *p == param)?;
        self.block.results.get(at).copied()
    }

    /// Each parameter's position with its gradient.
    pub fn each_gradient(&self) -> impl Iterator<Item = (usize, Value)> {
        let values = self.block.results.iter().copied();
        self.gradients.iter().copied().zip(values)
    }
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

    /// The calls in the body, by their first results, which name them.
    pub(crate) fn calls(&self) -> HashMap<Value, &Call> {
        let mut out = HashMap::new();
        for inst in &self.body.insts {
            if let Inst::Call(c) = inst
                && let Some(first) = c.results.first()
            {
                out.insert(*first, c);
            }
        }
        out
    }

    /// What it returns: the results of its body without states.
    pub fn returned(&self) -> &[Value] {
        let results = &self.body.results;
        &results[..results.len().saturating_sub(self.states.len())]
    }

    /// Each state that it leaves, by the position of the parameter that it was: its new value.
    pub fn new_states(&self) -> impl Iterator<Item = (usize, Value)> {
        let values = self.body.results.iter().skip(self.returned().len());
        self.states.iter().copied().zip(values.copied())
    }

    /// The parameter called `name`.
    pub fn param(&self, name: &str) -> Option<Value> {
        let i = self.params.iter().position(|p| p.name == name)?;
        u32::try_from(i).ok().map(Value)
    }

    /// Changes every dim in it: of types, constraints, attributes, calls and loops.
    pub fn each_dim_mut(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        for t in &mut self.values {
            t.shape.dims.iter_mut().for_each(&mut *f);
        }
        for c in &mut self.constraints {
            f(&mut c.left);
            f(&mut c.right);
        }
        let blocks = self.pullback.iter_mut().map(|p| &mut p.block);
        for block in blocks.chain([&mut self.body]) {
            block.each_inst_mut(&mut |inst| inst.each_dim_mut(f));
        }
    }

    /// Changes every number in it that may be a symbol's: of attributes, of calls and their conditions.
    pub fn each_number_mut(&mut self, f: &mut dyn FnMut(&mut Number)) {
        let blocks = self.pullback.iter_mut().map(|p| &mut p.block);
        for block in blocks.chain([&mut self.body]) {
            block.each_inst_mut(&mut |inst| inst.each_number_mut(f));
        }
    }

    /// Changes every `bool` symbol in it: of calls and their conditions.
    pub fn each_flag_mut(&mut self, f: &mut dyn FnMut(&mut Symbol)) {
        let blocks = self.pullback.iter_mut().map(|p| &mut p.block);
        for block in blocks.chain([&mut self.body]) {
            block.each_inst_mut(&mut |inst| {
                if let Inst::Call(call) = inst {
                    call.each_flag_mut(f);
                }
            });
        }
    }

    /// Numbers the values in order of definition, and forgets those that nothing defines.
    ///
    /// The order is that of the text: parameters, body, cotangents, pullback. Every use must be of a
    /// defined value.
    pub fn compact(&mut self) {
        const GONE: Value = Value(u32::MAX);
        let mut order: Vec<Value> = Vec::with_capacity(self.values.len());
        self.body.each_definition(&mut |v| order.push(v));
        if let Some(p) = &self.pullback {
            p.block.each_definition(&mut |v| order.push(v));
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
        let mut renumber = |v: &mut Value| *v = numbers[v.index()];
        self.body.each_value_mut(&mut renumber);
        if let Some(p) = &mut self.pullback {
            p.block.each_value_mut(&mut renumber);
        }
    }
}
