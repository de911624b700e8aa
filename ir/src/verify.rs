//! What every function holds, checked after every pass in debug builds and in tests.
//!
//! 1. Parameter `i` of a function is parameter `i` of its body and value `i`; parameter names differ,
//!    and none is only digits.
//! 2. Every value is defined exactly once: as a parameter, a cotangent, or a result.
//! 3. Every use comes after its definition, and the body uses nothing of the pullback.
//! 4. An op has the operands and the kinds of attributes of its entry, and its result has the type
//!    that the entry infers.
//! 5. A pullback call names the first result of a call in the body, has one cotangent a result of that
//!    call, of that result's type, and defines values of the types of that call's float operands.
//! 6. A pullback has at most one cotangent a result, of the result's type, for floats only; and at most
//!    one gradient a parameter, of the parameter's type, for floats only; both in order.
//! 7. A loop, and a call in that mode, pairs what is carried in order, of one type; what is sliced or
//!    stacked has as many slices along its axis as there are iterations. A loop's body has the
//!    parameters that [`crate::Loop`] tells; what it defines is used in it only; no call stands in it.
//! 8. Every symbol is declared, once, and used as what it is: dims hold no sequences, and sequences no
//!    sizes. At most one symbol is a sequence.
//!
//! What else is legal depends on how far a function has come, see [`Stage`]. Callees are none of its
//! business: the linker checks calls where it inlines them.

use crate::attribute::{Attribute, AttributeKind};
use crate::block::{Block, Inst, Loop, OpInst};
use crate::call::{Call, CallMode, LoopMode, LoopParam, LoopResult, PullbackCall};
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::{Function, SymbolKind, Value};
use crate::op::{Arity, Kind, OpError};
use crate::shape::{Shape, Type};
use std::collections::{BTreeMap, HashSet};

/// A function that breaks a rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("in `{function}`: {broken}")]
pub struct VerifyError {
    /// Its name.
    pub function: String,
    /// The rule it breaks.
    pub broken: Box<Broken>,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Broken {
    /// A parameter's name that is taken, or is only digits.
    #[error("the parameter name `{0}` is taken, or a number")]
    ParamName(String),
    /// A parameter without a type.
    #[error("the parameter `{0}` has no type")]
    ParamType(String),
    /// A parameter that is not the value and the body's parameter of its position.
    #[error("parameter {0} is not the value and the body's parameter of its position")]
    Param(usize),
    /// A pullback whose cotangents or gradients are of things that are not there, or out of order.
    #[error("{what} of what is not there, or out of order")]
    Order {
        /// Of what.
        what: &'static str,
    },
    /// A value defined twice.
    #[error("{0} is defined twice")]
    Redefined(Value),
    /// A value that nothing defines.
    #[error("{0} is not defined")]
    Undefined(Value),
    /// A use before the definition.
    #[error("{0} is used before it is defined, or is not of this part")]
    Use(Value),
    /// An op with the wrong number or kinds of attributes.
    #[error("{value}: `{op}` does not have these attributes")]
    Attributes {
        /// The result.
        value: Value,
        /// The op.
        op: &'static str,
    },
    /// An op that its entry refuses.
    #[error("{value}: `{op}` {error}")]
    Op {
        /// The result.
        value: Value,
        /// The op.
        op: &'static str,
        /// The complaint.
        error: OpError,
    },
    /// A value with a type other than it must have.
    #[error("{value} is {found}, and must be {expected}")]
    Type {
        /// Which value.
        value: Value,
        /// The type it must have.
        expected: Type,
        /// The type it has.
        found: Type,
    },
    /// A value that must be a float.
    #[error("{0} is no float")]
    NoFloat(Value),
    /// A pullback of something that is no call.
    #[error("{0} is not the first result of a call in the body")]
    NoCall(Value),
    /// Lists that must be of one length.
    #[error("{what}: {found} instead of {expected}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A slice or a stack of more or fewer iterations than its loop has, or along no axis.
    #[error("{value} does not hold {trip} iterations along axis {axis}")]
    Iterations {
        /// The whole.
        value: Value,
        /// The axis, behind a sequence.
        axis: usize,
        /// The number of iterations.
        trip: Dim,
    },
    /// A call in the body of a loop.
    #[error("a call stands in the body of a loop")]
    CallInLoop,
    /// A symbol that is not declared, declared twice, or declared as something else.
    #[error("`{0}` is not declared once, as what it is used as")]
    Symbol(String),
    /// A second sequence: bindings have one.
    #[error("`{0}` is a second sequence, and a function has one at most")]
    Sequences(String),
    /// Something that a function of this stage has not.
    #[error("{stage} has no {what}")]
    Stage {
        /// The stage, in words.
        stage: &'static str,
        /// What it has not.
        what: &'static str,
    },
}

/// How far a function has come, and with that what it may hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// As a unit stores it: loops are calls in that mode.
    Unit,
    /// Calls inlined, in symbols: no calls; loops have their bodies.
    Inlined,
    /// Calls inlined and sizes bound: no symbols, sequences, consts, working floats, nor pullback.
    Bound,
    /// Ready to run: no functions over ops either.
    Program,
}

impl Stage {
    fn in_words(self) -> &'static str {
        match self {
            Stage::Unit => "a unit",
            Stage::Inlined => "a function whose calls are inlined",
            Stage::Bound | Stage::Program => "a program",
        }
    }
}

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

fn check_stage(function: &Function, stage: Stage) -> Result<(), Broken> {
    let refuse = |what| {
        Err(Broken::Stage {
            stage: stage.in_words(),
            what,
        })
    };
    let bound = stage >= Stage::Bound;
    if bound && !(function.symbols.is_empty() && function.constraints.is_empty()) {
        return refuse("symbols");
    }
    if bound && function.pullback.is_some() {
        return refuse("pullback");
    }
    let mut found = None;
    let mut check = |inst: &Inst| {
        let what = match inst {
            Inst::Op(i) if bound && i.attributes.0.iter().any(is_const) => {
                Some("consts without a number")
            }
            Inst::Op(i) => match i.op.kind {
                Kind::Function(_) if stage == Stage::Program => Some("functions over ops"),
                Kind::Function(_)
                | Kind::Constant
                | Kind::Iota
                | Kind::Extent
                | Kind::Elementwise(_)
                | Kind::View(_)
                | Kind::Reduce(_)
                | Kind::Contract
                | Kind::Concat
                | Kind::Gather
                | Kind::Scatter
                | Kind::Identity => None,
            },
            Inst::Call(_) | Inst::PullbackCall(_) if stage > Stage::Unit => Some("calls"),
            Inst::Call(_) | Inst::PullbackCall(_) => None,
            Inst::Loop(_) if stage == Stage::Unit => Some("loops but calls"),
            Inst::Loop(_) => None,
        };
        found = found.or(what);
    };
    function.body.each_inst(&mut check);
    if let Some(p) = &function.pullback {
        p.block.each_inst(&mut check);
    }
    if let Some(what) = found {
        return refuse(what);
    }
    if bound && function.values.iter().any(|t| t.dtype == DType::Float) {
        return refuse("working floats");
    }
    match bound && function.values.iter().any(|t| t.shape.extents().is_none()) {
        true => refuse("dims without a value"),
        false => Ok(()),
    }
}

fn is_const(a: &Attribute) -> bool {
    match a {
        Attribute::Const(_) => true,
        Attribute::Axes(_)
        | Attribute::Shape(_)
        | Attribute::Dims(_)
        | Attribute::DType(_)
        | Attribute::Number(_) => false,
    }
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
    let (params, declared) = (&function.body.params, &function.params);
    counted("parameters of the body", declared.len(), params.len())?;
    if let Some(i) = (0..function.params.len()).find(|i| function.body.params[*i].index() != *i) {
        return Err(Broken::Param(i));
    }
    let mut checker = Checker {
        function,
        symbols: symbols(function)?,
        scope: vec![Scope::Undefined; function.values.len()],
        loops: 0,
    };
    for c in &function.constraints {
        checker.dim(&c.left)?;
        checker.dim(&c.right)?;
    }
    for t in &function.values {
        checker.shape(&t.shape)?;
    }
    checker.block(&function.body)?;
    checker.pullback()?;
    match checker.scope.iter().position(|s| *s == Scope::Undefined) {
        Some(i) => Err(Broken::Undefined(Value(
            u32::try_from(i).unwrap_or(u32::MAX),
        ))),
        None => Ok(()),
    }
}

fn counted(what: &'static str, expected: usize, found: usize) -> Result<(), Broken> {
    match expected == found {
        true => Ok(()),
        false => Err(Broken::Count {
            what,
            expected,
            found,
        }),
    }
}

fn symbols(function: &Function) -> Result<BTreeMap<&str, SymbolKind>, Broken> {
    let mut out = BTreeMap::new();
    let mut sequences = 0;
    for s in &function.symbols {
        if out.insert(s.symbol.name(), s.kind).is_some() {
            return Err(Broken::Symbol(s.symbol.name().to_string()));
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
                Inst::Call(_) | Inst::PullbackCall(_) if self.loops > 0 => {
                    return Err(Broken::CallInLoop);
                }
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
                | (AttributeKind::Number, Attribute::Number(_) | Attribute::Const(_)) => true,
                (
                    AttributeKind::Axes(_)
                    | AttributeKind::Shape
                    | AttributeKind::Dims
                    | AttributeKind::DType
                    | AttributeKind::Number,
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
                Attribute::Axes(_)
                | Attribute::DType(_)
                | Attribute::Number(_)
                | Attribute::Const(_) => {}
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
        for v in &c.operands {
            self.used(*v)?;
        }
        for target in c.targets() {
            for (_, d) in &target.sizes {
                self.dim(d)?;
            }
            if let Some((_, s)) = &target.sequence {
                self.shape(s)?;
            }
        }
        for v in &c.results {
            self.define(*v)?;
        }
        match &c.mode {
            CallMode::Plain | CallMode::Checkpoint => Ok(()),
            CallMode::Choice(alternatives) => alternatives.iter().try_for_each(|a| {
                self.dim(&a.when.left)?;
                self.dim(&a.when.right)
            }),
            CallMode::Loop(l) => self.call_of_loop(c, l),
        }
    }

    fn call_of_loop(&self, c: &Call, l: &LoopMode) -> Result<(), Broken> {
        self.dim(&l.trip)?;
        let roles: Vec<LoopParam> = l.operands().map(|(_, role)| role).collect();
        counted("operands of a loop", roles.len(), c.operands.len())?;
        counted("results of a loop", l.results.len(), c.results.len())?;
        let mut carried = Vec::new();
        for (role, v) in roles.iter().zip(&c.operands) {
            match role {
                LoopParam::Carried => carried.push(*v),
                LoopParam::Sliced { axis } => self.iterations(*v, *axis, &l.trip)?,
                LoopParam::Index | LoopParam::Invariant => {}
            }
        }
        let mut handed = Vec::new();
        for (role, v) in l.results.iter().zip(&c.results) {
            match role {
                LoopResult::Carried => handed.push(*v),
                LoopResult::Stacked { axis } => self.iterations(*v, *axis, &l.trip)?,
            }
        }
        counted("carried results of a loop", carried.len(), handed.len())?;
        for (first, last) in carried.iter().zip(&handed) {
            self.typed(*last, &self.type_of(*first))?;
        }
        Ok(())
    }

    fn iterate(&mut self, l: &Loop) -> Result<(), Broken> {
        self.dim(&l.trip)?;
        let mut types = vec![Loop::index_type()];
        for v in &l.carried {
            self.used(*v)?;
            types.push(self.type_of(*v));
        }
        for s in &l.sliced {
            self.used(s.value)?;
            self.iterations(s.value, s.axis, &l.trip)?;
            types.extend(self.type_of(s.value).slice(s.axis));
        }
        let (params, results) = (&l.body.params, &l.body.results);
        counted("parameters of a loop's body", types.len(), params.len())?;
        let given = l.carried.len() + l.stacked.len();
        counted("results of a loop's body", given, results.len())?;
        counted("results of a loop", given, l.results.len())?;
        self.loops += 1;
        self.block(&l.body)?;
        self.loops -= 1;
        for (v, of) in params.iter().zip(&types) {
            self.typed(*v, of)?;
        }
        for (v, first) in results.iter().zip(&l.carried) {
            self.typed(*v, &self.type_of(*first))?;
        }
        for v in &l.results {
            self.define(*v)?;
        }
        for (v, first) in l.results.iter().zip(&l.carried) {
            self.typed(*v, &self.type_of(*first))?;
        }
        for (value, axis, stack) in l.stacks() {
            self.iterations(stack, axis, &l.trip)?;
            let slice = self.type_of(stack).slice(axis);
            self.typed(value, &slice.unwrap_or_else(Loop::index_type))?;
        }
        let mut inner = Vec::new();
        l.body.each_definition(&mut |v| inner.push(v));
        for v in inner {
            self.scope[v.index()] = Scope::Closed;
        }
        Ok(())
    }

    /// Whether a value holds a slice for each iteration.
    fn iterations(&self, value: Value, axis: usize, trip: &Dim) -> Result<(), Broken> {
        match self.function.type_of(value).shape.dims.get(axis) == Some(trip) {
            true => Ok(()),
            false => Err(Broken::Iterations {
                value,
                axis,
                trip: trip.clone(),
            }),
        }
    }

    fn pullback_call(&mut self, p: &PullbackCall) -> Result<(), Broken> {
        let call = self
            .function
            .call_of(p.call)
            .ok_or(Broken::NoCall(p.call))?;
        // A pullback in the body may stand before the call, whose values nothing has looked at then.
        for v in call.results.iter().chain(&call.operands) {
            self.used(*v)?;
        }
        counted("cotangents", call.results.len(), p.cotangents.len())?;
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
            counted(what, positions.len(), values.len())?;
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
        if let Some(s) = &shape.sequence
            && self.symbols.get(s.name()) != Some(&SymbolKind::Sequence)
        {
            return Err(Broken::Symbol(s.name().to_string()));
        }
        shape.dims.iter().try_for_each(|d| self.dim(d))
    }

    fn dim(&self, dim: &Dim) -> Result<(), Broken> {
        if dim.as_constant().is_some() {
            return Ok(());
        }
        for s in dim.symbols() {
            match self.symbols.get(s.name()) {
                Some(SymbolKind::Size | SymbolKind::Const) => {}
                Some(SymbolKind::Sequence) | None => {
                    return Err(Broken::Symbol(s.name().to_string()));
                }
            }
        }
        Ok(())
    }
}
