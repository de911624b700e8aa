//! Symbols: the named values that a function is written in, and what stands for them.
//!
//! A function declares each of its symbols once, with its type and with who gives its value
//! ([`SymbolKind`]). A call gives each that is its caller's to give a [`SymbolTerm`], in symbols of its
//! own; an entry point has [`SymbolValue`]s of all of them. What a symbol stands in follows from its
//! type: sizes in dims, numbers in attributes ([`Number`]), and what is true or false in the conditions
//! of choices ([`Condition`]).

use crate::dim::{Dim, Symbol};
use crate::function::{Constraint, Relation};
use std::fmt;
use std::hash::{Hash, Hasher};

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
    /// A value of a type, from a source.
    Value(SymbolType, SymbolSource),
    /// A sequence of leading dims.
    Sequence,
}

impl SymbolKind {
    /// A size that a caller gives: what dims are written in, for the most part.
    pub const SIZE: SymbolKind = SymbolKind::Value(SymbolType::Size, SymbolSource::Caller);

    /// The type of its value; `None` for a sequence, which is several.
    pub fn value_type(self) -> Option<SymbolType> {
        match self {
            SymbolKind::Value(ty, _) => Some(ty),
            SymbolKind::Sequence => None,
        }
    }
}

impl fmt::Display for SymbolKind {
    /// The type in words: `an f64`, `a sequence`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SymbolKind::Value(ty, _) => f.write_str(ty.in_words()),
            SymbolKind::Sequence => f.write_str("a sequence"),
        }
    }
}

/// The type of a symbol's value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SymbolType {
    /// `usize`: extents are computed from it.
    Size,
    /// `f64`: a number to compute with.
    Float,
    /// `bool`: a choice is made by it.
    Bool,
}

impl SymbolType {
    /// `usize`, `f64` or `bool`.
    pub fn name(self) -> &'static str {
        match self {
            SymbolType::Size => "usize",
            SymbolType::Float => "f64",
            SymbolType::Bool => "bool",
        }
    }

    /// Whether a symbol of this type may have a name: where numbers and bools stand, texts mean values by
    /// some.
    pub fn allows(self, name: &str) -> bool {
        match self {
            SymbolType::Size => true,
            SymbolType::Float | SymbolType::Bool => {
                !matches!(name, "nan" | "inf" | "true" | "false")
            }
        }
    }

    /// `a usize`, `an f64` or `a bool`.
    pub fn in_words(self) -> &'static str {
        match self {
            SymbolType::Size => "a usize",
            SymbolType::Float => "an f64",
            SymbolType::Bool => "a bool",
        }
    }
}

impl fmt::Display for SymbolType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who gives a symbol its value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SymbolSource {
    /// The call's [`crate::Target`]; at an entry point the model's configuration, and for sizes the
    /// extents of arguments too.
    Caller,
    /// rustc: it is a Rust const, whose value the function's unit carries.
    Rustc,
}

/// The value of a symbol. Numbers are equal by their bits, so that values tell programs apart.
#[derive(Clone, Copy, Debug)]
pub enum SymbolValue {
    /// Of a size.
    Size(usize),
    /// Of a number.
    Float(f64),
    /// Of a bool.
    Bool(bool),
}

impl SymbolValue {
    /// Its type.
    pub fn ty(self) -> SymbolType {
        match self {
            SymbolValue::Size(_) => SymbolType::Size,
            SymbolValue::Float(_) => SymbolType::Float,
            SymbolValue::Bool(_) => SymbolType::Bool,
        }
    }

    /// The size, if it is one.
    pub fn size(self) -> Option<usize> {
        match self {
            SymbolValue::Size(size) => Some(size),
            SymbolValue::Float(_) | SymbolValue::Bool(_) => None,
        }
    }
}

impl PartialEq for SymbolValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (SymbolValue::Size(a), SymbolValue::Size(b)) => a == b,
            (SymbolValue::Float(a), SymbolValue::Float(b)) => a.to_bits() == b.to_bits(),
            (SymbolValue::Bool(a), SymbolValue::Bool(b)) => a == b,
            (SymbolValue::Size(_) | SymbolValue::Float(_) | SymbolValue::Bool(_), _) => false,
        }
    }
}

impl Eq for SymbolValue {}

impl Hash for SymbolValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            SymbolValue::Size(size) => size.hash(state),
            SymbolValue::Float(number) => number.to_bits().hash(state),
            SymbolValue::Bool(value) => value.hash(state),
        }
    }
}

impl fmt::Display for SymbolValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SymbolValue::Size(size) => write!(f, "{size}"),
            SymbolValue::Float(number) => write!(f, "{}", Number::Known(*number)),
            SymbolValue::Bool(value) => write!(f, "{value}"),
        }
    }
}

impl From<usize> for SymbolValue {
    fn from(size: usize) -> Self {
        SymbolValue::Size(size)
    }
}

impl From<f64> for SymbolValue {
    fn from(number: f64) -> Self {
        SymbolValue::Float(number)
    }
}

impl From<bool> for SymbolValue {
    fn from(value: bool) -> Self {
        SymbolValue::Bool(value)
    }
}

/// A number: written out, or that of an `f64` symbol. Numbers are equal by their bits: NaN is one value,
/// and the zeros are two.
#[derive(Clone, Debug)]
pub enum Number {
    /// Written out.
    Known(f64),
    /// That of a symbol: the linker puts its value in place.
    Symbol(Symbol),
}

impl From<&Number> for Number {
    fn from(number: &Number) -> Self {
        number.clone()
    }
}

impl Number {
    /// The number; `None` for a symbol's, which linked programs have no more.
    pub fn known(&self) -> Option<f64> {
        match self {
            Number::Known(number) => Some(*number),
            Number::Symbol(_) => None,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Number::Known(a), Number::Known(b)) => a.to_bits() == b.to_bits(),
            (Number::Symbol(a), Number::Symbol(b)) => a == b,
            (Number::Known(_) | Number::Symbol(_), _) => false,
        }
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Number::Known(number) => number.to_bits().hash(state),
            Number::Symbol(symbol) => symbol.hash(state),
        }
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Number::Known(number)
    }
}

/// What is true or false where symbols have values: what a choice is made by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// Whether it holds where the test does not.
    pub negated: bool,
    /// What is tested.
    pub test: Test,
}

/// What a [`Condition`] tests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Test {
    /// Nothing: the answer is there.
    Known(bool),
    /// A `bool` symbol.
    Symbol(Symbol),
    /// Whether the run trains, which is known where all sizes are bound.
    Training,
    /// How two sizes relate.
    Sizes(Constraint),
    /// How two numbers relate, of which one at least is a symbol's. NaN relates to nothing.
    Numbers {
        /// Left side.
        left: Number,
        /// Relation.
        relation: Relation,
        /// Right side.
        right: Number,
    },
    /// Whether all of these hold.
    All(Vec<Condition>),
}

impl Condition {
    /// The condition that is the answer itself.
    pub fn known(answer: bool) -> Self {
        Condition::from(Test::Known(answer))
    }

    /// Whether it holds, if no symbol is asked for that.
    pub fn answer(&self) -> Option<bool> {
        let answer = match &self.test {
            Test::Known(answer) => Some(*answer),
            Test::Symbol(_) | Test::Training => None,
            Test::Sizes(c) => {
                let sides = c.left.as_constant().zip(c.right.as_constant());
                sides.map(|(left, right)| c.relation.holds(&left, &right))
            }
            Test::Numbers {
                left,
                relation,
                right,
            } => {
                let sides = left.known().zip(right.known());
                sides.map(|(left, right)| relation.holds(&left, &right))
            }
            Test::All(conditions) => {
                // One that does not hold decides, whatever is not known of the others.
                let fails = |c: &Condition| c.answer() == Some(false);
                let known = |c: &Condition| c.answer().is_some();
                match (conditions.iter().any(fails), conditions.iter().all(known)) {
                    (true, _) => Some(false),
                    (false, true) => Some(true),
                    (false, false) => None,
                }
            }
        };
        answer.map(|answer| answer != self.negated)
    }

    /// Changes every dim in it.
    pub(crate) fn each_dim_mut(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        match &mut self.test {
            Test::Sizes(c) => {
                f(&mut c.left);
                f(&mut c.right);
            }
            Test::All(conditions) => conditions.iter_mut().for_each(|c| c.each_dim_mut(f)),
            Test::Known(_) | Test::Symbol(_) | Test::Training | Test::Numbers { .. } => {}
        }
    }

    /// Changes every `bool` symbol in it.
    pub(crate) fn each_flag_mut(&mut self, f: &mut dyn FnMut(&mut Symbol)) {
        match &mut self.test {
            Test::Symbol(symbol) => f(symbol),
            Test::All(conditions) => conditions.iter_mut().for_each(|c| c.each_flag_mut(f)),
            Test::Known(_) | Test::Training | Test::Sizes(_) | Test::Numbers { .. } => {}
        }
    }

    /// Changes every number in it.
    pub(crate) fn each_number_mut(&mut self, f: &mut dyn FnMut(&mut Number)) {
        match &mut self.test {
            Test::Numbers { left, right, .. } => {
                f(left);
                f(right);
            }
            Test::All(conditions) => conditions.iter_mut().for_each(|c| c.each_number_mut(f)),
            Test::Known(_) | Test::Symbol(_) | Test::Training | Test::Sizes(_) => {}
        }
    }
}

impl std::ops::Not for Condition {
    type Output = Condition;
    fn not(self) -> Condition {
        Condition {
            negated: !self.negated,
            test: self.test,
        }
    }
}

impl From<Test> for Condition {
    fn from(test: Test) -> Self {
        Condition {
            negated: false,
            test,
        }
    }
}

impl From<Constraint> for Condition {
    fn from(constraint: Constraint) -> Self {
        Condition::from(Test::Sizes(constraint))
    }
}

/// What a symbol of a callee is at a call, in symbols of the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SymbolTerm {
    /// Of a size.
    Size(Dim),
    /// Of a number.
    Float(Number),
    /// Of a bool.
    Bool(Condition),
}

impl SymbolTerm {
    /// The term that is a symbol of this type itself.
    pub fn symbol(symbol: Symbol, ty: SymbolType) -> Self {
        match ty {
            SymbolType::Size => SymbolTerm::Size(Dim::from(symbol)),
            SymbolType::Float => SymbolTerm::Float(Number::Symbol(symbol)),
            SymbolType::Bool => SymbolTerm::Bool(Condition::from(Test::Symbol(symbol))),
        }
    }

    /// Its type.
    pub fn ty(&self) -> SymbolType {
        match self {
            SymbolTerm::Size(_) => SymbolType::Size,
            SymbolTerm::Float(_) => SymbolType::Float,
            SymbolTerm::Bool(_) => SymbolType::Bool,
        }
    }

    /// Changes every dim in it.
    pub(crate) fn each_dim_mut(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        match self {
            SymbolTerm::Size(dim) => f(dim),
            SymbolTerm::Float(_) => {}
            SymbolTerm::Bool(condition) => condition.each_dim_mut(f),
        }
    }

    /// Changes every `bool` symbol in it.
    pub(crate) fn each_flag_mut(&mut self, f: &mut dyn FnMut(&mut Symbol)) {
        match self {
            SymbolTerm::Size(_) | SymbolTerm::Float(_) => {}
            SymbolTerm::Bool(condition) => condition.each_flag_mut(f),
        }
    }

    /// Changes every number in it.
    pub(crate) fn each_number_mut(&mut self, f: &mut dyn FnMut(&mut Number)) {
        match self {
            SymbolTerm::Size(_) => {}
            SymbolTerm::Float(number) => f(number),
            SymbolTerm::Bool(condition) => condition.each_number_mut(f),
        }
    }
}

impl From<SymbolValue> for SymbolTerm {
    fn from(value: SymbolValue) -> Self {
        match value {
            SymbolValue::Size(size) => SymbolTerm::Size(Dim::from(size)),
            SymbolValue::Float(number) => SymbolTerm::Float(Number::Known(number)),
            SymbolValue::Bool(answer) => SymbolTerm::Bool(Condition::known(answer)),
        }
    }
}
