//! What every function holds, checked after every pass in debug builds and in tests.
//!
//! 1. Parameter `i` of a function is parameter `i` of its body and value `i`, which has a type; parameter
//!    names differ, and none is only digits.
//! 2. Every value is defined exactly once: as a parameter, a cotangent, or a result.
//! 3. Every use comes after its definition, and the body uses nothing of the pullback.
//! 4. An op has the operands and the kinds of attributes of its entry, and its result has the type
//!    that the entry infers.
//! 5. A pullback call names the first result of a call in the body, which is defined by then, has one
//!    cotangent a result of that call, of that result's type, and defines values of the types of operands
//!    of that call that are there and floats.
//! 6. A pullback has at most one cotangent a result, of the result's type, for floats only; and at most
//!    one gradient a parameter, of the parameter's type, for floats only; both in order.
//! 7. A loop, and a call in that mode, pairs what is carried in order, of one type; what is sliced or
//!    stacked has as many slices along its axis as there are iterations. A loop's body has the
//!    parameters that [`crate::Loop`] tells; what it defines is used in it only; no call stands in it.
//! 8. Every symbol is declared, once, and used as what it is: dims hold sizes, attributes and comparisons
//!    numbers, conditions bools. None has the name of a value. At most one symbol is a sequence. A call gives no symbol of its callee
//!    twice. A comparison of numbers has a symbol in it.
//! 9. What is one struct, among parameters or a call's operands, lies side by side, one struct behind the
//!    other; so do the structs in one. A leaf's name is its path, whose parts are not empty, and no struct
//!    has the name of another or of a parameter, or only digits.
//! 10. The states that a function leaves are those of parameters that are states, in order, each of its
//!     parameter's type.
//!
//! What else is legal depends on how far a function has come, see [`Stage`]. Callees are none of its
//! business: the linker checks calls where it inlines them.

mod broken;
mod loops;
mod stage;
mod structs;

use crate::attribute::{Attribute, AttributeKind};
use crate::block::{Block, Inst, OpInst};
use crate::call::{Call, CallMode, PullbackCall, Target};
use crate::dim::{Dim, Symbol};
use crate::function::{Function, Value};
use crate::op::{Arity, OpError};
use crate::shape::{Shape, Type};
use crate::symbol::{Condition, Number, SymbolKind, SymbolTerm, SymbolType, Test};
pub use broken::{Broken, VerifyError};
pub use stage::Stage;
use stage::check_stage;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Checks every rule for functions.
///
/// # Errors
/// The first rule broken.
pub fn verify(function: &Function) -> Result<(), VerifyError> {
    check(function).map_err(|broken| VerifyError {
        function: function.name.clone(),
        broken: Box::new(broken),
    })
}

/// Checks every rule for programs: functions after linking.
///
/// # Errors
/// The first rule broken.
pub fn verify_program(function: &Function) -> Result<(), VerifyError> {
    verify_stage(function, Stage::Program)
}

/// Checks every rule for functions, and what is legal at a stage.
///
/// # Errors
/// The first rule broken.
pub fn verify_stage(function: &Function, stage: Stage) -> Result<(), VerifyError> {
    check(function)
        .and_then(|()| check_stage(function, stage))
        .map_err(|broken| VerifyError {
            function: function.name.clone(),
            broken: Box::new(broken),
        })
}

fn check(function: &Function) -> Result<(), Broken> {
    let mut names = HashSet::new();
    for (i, p) in function.params.iter().enumerate() {
        if !names.insert(&p.name) || p.name.chars().all(|c| c.is_ascii_digit()) {
            return Err(Broken::ParamName(p.name.clone()));
        }
        if i >= function.values.len() {
            return Err(Broken::ParamType(p.name.clone()));
        }
    }
    structs::params(function, &names)?;
    let (params, declared) = (&function.body.params, &function.params);
    Broken::unless_as_many("parameters of the body", declared.len(), params.len())?;
    if let Some(i) = (0..function.params.len()).find(|i| function.body.params[*i].index() != *i) {
        return Err(Broken::Param(i));
    }
    let mut checker = Checker {
        function,
        symbols: symbols(function)?,
        scope: vec![Scope::Undefined; function.values.len()],
        loops: 0,
        calls: function.calls(),
    };
    for c in &function.constraints {
        checker.dim(&c.left)?;
        checker.dim(&c.right)?;
    }
    for t in &function.values {
        checker.shape(&t.shape)?;
    }
    checker.block(&function.body)?;
    checker.states()?;
    checker.pullback()?;
    match checker.scope.iter().position(|s| *s == Scope::Undefined) {
        Some(i) => Err(Broken::Undefined(Value(
            u32::try_from(i).unwrap_or(u32::MAX),
        ))),
        None => Ok(()),
    }
}

fn symbols(function: &Function) -> Result<BTreeMap<&str, SymbolKind>, Broken> {
    let mut out = BTreeMap::new();
    let mut sequences = 0;
    for s in &function.symbols {
        if out.insert(s.symbol.name(), s.kind).is_some() {
            return Err(Broken::SymbolTwice(s.symbol.clone()));
        }
        let ty = s.kind.value_type();
        if ty.is_some_and(|ty| !ty.allows(s.symbol.name())) {
            return Err(Broken::Reserved(s.symbol.clone()));
        }
        sequences += usize::from(s.kind == SymbolKind::Sequence);
        if sequences > 1 {
            return Err(Broken::Sequences(s.symbol.name().to_string()));
        }
    }
    Ok(out)
}

struct Checker<'a> {
    function: &'a Function,
    symbols: BTreeMap<&'a str, SymbolKind>,
    scope: Vec<Scope>,
    /// How many loops are around.
    loops: usize,
    /// The calls of the body, by their first results.
    calls: HashMap<Value, &'a Call>,
}

/// What the checker has seen of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Nothing yet.
    Undefined,
    /// Its definition, which dominates what is looked at.
    Visible,
    /// Its definition, in a block that is closed.
    Closed,
}

impl Checker<'_> {
    fn block(&mut self, block: &Block) -> Result<(), Broken> {
        for v in &block.params {
            self.define(*v)?;
        }
        for inst in &block.insts {
            match inst {
                Inst::Op(i) => self.op(i)?,
                Inst::PullbackCall(_) if self.loops > 0 => return Err(Broken::CallInLoop),
                Inst::Call(c) if self.loops > 0 && !c.stays() => return Err(Broken::CallInLoop),
                Inst::Call(c) => self.call(c)?,
                Inst::PullbackCall(p) => self.pullback_call(p)?,
                Inst::Loop(l) => self.iterate(l)?,
            }
        }
        for v in &block.results {
            self.used(*v)?;
        }
        Ok(())
    }

    fn op(&mut self, i: &OpInst) -> Result<(), Broken> {
        for v in &i.operands {
            self.used(*v)?;
        }
        let (value, op) = (i.result, i.op.name);
        let kinds = i.op.attributes.iter().zip(&i.attributes.0);
        let fits = i.op.attributes.len() == i.attributes.0.len()
            && kinds.clone().all(|(spec, a)| match (spec.kind, a) {
                (AttributeKind::Axes(_), Attribute::Axes(_))
                | (AttributeKind::Shape, Attribute::Shape(_))
                | (AttributeKind::Dims, Attribute::Dims(_))
                | (AttributeKind::DType, Attribute::DType(_))
                | (AttributeKind::Number, Attribute::Number(_))
                | (AttributeKind::Name, Attribute::Name(_)) => true,
                (
                    AttributeKind::Axes(_)
                    | AttributeKind::Shape
                    | AttributeKind::Dims
                    | AttributeKind::DType
                    | AttributeKind::Number
                    | AttributeKind::Name,
                    _,
                ) => false,
            });
        if !fits {
            return Err(Broken::Attributes { value, op });
        }
        for a in &i.attributes.0 {
            match a {
                Attribute::Shape(s) => self.shape(s)?,
                Attribute::Dims(dims) => dims.iter().try_for_each(|d| self.dim(d))?,
                Attribute::Number(number) => self.number(number)?,
                Attribute::Axes(_) | Attribute::DType(_) | Attribute::Name(_) => {}
            }
        }
        let refused = |error| Broken::Op { value, op, error };
        match i.op.arity {
            Arity::Exactly(expected) if expected != i.operands.len() => {
                let found = i.operands.len();
                return Err(refused(OpError::Arity { expected, found }));
            }
            Arity::Exactly(_) | Arity::Variadic => {}
        }
        let types: Vec<Type> = i.operands.iter().map(|v| self.type_of(*v)).collect();
        let expected = (i.op.infer)(&types, &i.attributes).map_err(refused)?;
        self.define(value)?;
        self.typed(value, &expected)
    }

    fn call(&mut self, c: &Call) -> Result<(), Broken> {
        self.arguments(c)?;
        for v in &c.operands {
            self.used(*v)?;
        }
        for target in c.targets() {
            self.target(target)?;
        }
        for v in &c.results {
            self.define(*v)?;
        }
        match &c.mode {
            // The targets are checked above, and where a call is inlined what they take and give.
            CallMode::Plain | CallMode::Checkpoint | CallMode::Rule(_) | CallMode::ByRule => Ok(()),
            CallMode::Choice(alternatives) => {
                let mut conditions = alternatives.iter().map(|a| &a.when);
                conditions.try_for_each(|c| self.condition(c))
            }
            CallMode::Loop(l) => self.call_of_loop(c, l),
        }
    }

    fn target(&self, target: &Target) -> Result<(), Broken> {
        let mut given = HashSet::new();
        let sequence = target.sequence.iter().map(|(symbol, _)| symbol);
        for symbol in target.symbols.iter().map(|(s, _)| s).chain(sequence) {
            if !given.insert(symbol) {
                return Err(Broken::GivenTwice {
                    callee: target.name.clone(),
                    symbol: symbol.clone(),
                });
            }
        }
        for (_, term) in &target.symbols {
            match term {
                SymbolTerm::Size(dim) => self.dim(dim)?,
                SymbolTerm::Float(number) => self.number(number)?,
                SymbolTerm::Bool(condition) => self.condition(condition)?,
            }
        }
        target.maps.iter().try_for_each(|m| self.dim(&m.extent))?;
        match &target.sequence {
            Some((_, shape)) => self.shape(shape),
            None => Ok(()),
        }
    }

    fn condition(&self, condition: &Condition) -> Result<(), Broken> {
        match &condition.test {
            Test::Known(_) | Test::Training => Ok(()),
            Test::Symbol(symbol) => self.symbol(symbol, Some(SymbolType::Bool)),
            Test::Sizes(c) => {
                self.dim(&c.left)?;
                self.dim(&c.right)
            }
            Test::Numbers { left, right, .. } => {
                self.number(left)?;
                self.number(right)?;
                match (left.known(), right.known()) {
                    (Some(_), Some(_)) => Err(Broken::Comparison),
                    (None, _) | (_, None) => Ok(()),
                }
            }
            Test::All(conditions) => conditions.iter().try_for_each(|c| self.condition(c)),
        }
    }

    fn pullback_call(&mut self, p: &PullbackCall) -> Result<(), Broken> {
        let call = *self.calls.get(&p.call).ok_or(Broken::NoCall(p.call))?;
        // A pullback in the body may stand before the call, whose values nothing has looked at then.
        for v in call.results.iter().chain(&call.operands) {
            self.used(*v)?;
        }
        Broken::unless_as_many("cotangents", call.results.len(), p.cotangents.len())?;
        for (c, r) in p.cotangents.iter().zip(&call.results) {
            if let Some(c) = c {
                self.used(*c)?;
                self.typed(*c, &self.type_of(*r))?;
            }
        }
        for (position, v) in &p.results {
            let operand = call.operands.get(*position).ok_or(Broken::Count {
                what: "operands",
                expected: position.saturating_add(1),
                found: call.operands.len(),
            })?;
            self.define(*v)?;
            self.float(*v, &self.type_of(*operand))?;
        }
        Ok(())
    }

    fn pullback(&mut self) -> Result<(), Broken> {
        let Some(p) = &self.function.pullback else {
            return Ok(());
        };
        let results = &self.function.body.results;
        let params = self.function.params.len();
        let lists = [
            ("cotangents", &p.cotangents, &p.block.params, results.len()),
            ("gradients", &p.gradients, &p.block.results, params),
        ];
        for (what, positions, values, end) in lists {
            Broken::unless_as_many(what, positions.len(), values.len())?;
            let ascending = positions.is_sorted_by(|a, b| a < b);
            if !ascending || positions.last().is_some_and(|last| *last >= end) {
                return Err(Broken::Order { what });
            }
        }
        self.block(&p.block)?;
        for (at, v) in p.cotangents.iter().zip(&p.block.params) {
            self.float(*v, &self.type_of(results[*at]))?;
        }
        for (at, v) in p.each_gradient() {
            self.float(v, &self.function.values[at].clone())?;
        }
        Ok(())
    }

    fn define(&mut self, v: Value) -> Result<(), Broken> {
        match self.scope.get_mut(v.index()) {
            Some(s) if *s == Scope::Undefined => {
                *s = Scope::Visible;
                Ok(())
            }
            Some(_) => Err(Broken::Redefined(v)),
            None => Err(Broken::Undefined(v)),
        }
    }

    fn used(&self, v: Value) -> Result<(), Broken> {
        match self.scope.get(v.index()) {
            Some(Scope::Visible) => Ok(()),
            Some(Scope::Undefined | Scope::Closed) | None => Err(Broken::Use(v)),
        }
    }

    /// The type of a value that [`Self::used`] or [`Self::define`] has seen.
    fn type_of(&self, v: Value) -> Type {
        self.function.type_of(v).clone()
    }

    fn typed(&self, value: Value, expected: &Type) -> Result<(), Broken> {
        let found = self.type_of(value);
        match found == *expected {
            true => Ok(()),
            false => Err(Broken::Type {
                value,
                expected: expected.clone(),
                found,
            }),
        }
    }

    fn float(&self, value: Value, expected: &Type) -> Result<(), Broken> {
        match expected.dtype.is_float() {
            true => self.typed(value, expected),
            false => Err(Broken::NoFloat(value)),
        }
    }

    fn shape(&self, shape: &Shape) -> Result<(), Broken> {
        if let Some(s) = &shape.sequence {
            self.symbol(s, None)?;
        }
        shape.dims.iter().try_for_each(|d| self.dim(d))
    }

    fn dim(&self, dim: &Dim) -> Result<(), Broken> {
        if dim.as_constant().is_some() {
            return Ok(());
        }
        let symbols = dim.symbols();
        let mut symbols = symbols.iter();
        symbols.try_for_each(|s| self.symbol(s, Some(SymbolType::Size)))
    }

    fn number(&self, number: &Number) -> Result<(), Broken> {
        match number {
            Number::Known(_) => Ok(()),
            Number::Symbol(symbol) => self.symbol(symbol, Some(SymbolType::Float)),
        }
    }

    /// A symbol that is used as a value of this type; as a sequence, where there is none.
    fn symbol(&self, symbol: &Symbol, used: Option<SymbolType>) -> Result<(), Broken> {
        match self.symbols.get(symbol.name()) {
            Some(kind) if kind.value_type() == used => Ok(()),
            Some(kind) => Err(Broken::SymbolType {
                symbol: symbol.clone(),
                declared: *kind,
                used: used.map_or("a sequence", SymbolType::in_words),
            }),
            None => Err(Broken::Undeclared(symbol.clone())),
        }
    }
}
