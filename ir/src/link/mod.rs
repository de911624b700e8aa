//! The linker: units to programs.
//!
//! A program is one function with every call and every pullback call inlined, every symbol and
//! sequence replaced by numbers, the working float bound, functions over ops decomposed, what computes on
//! halves written out in f32, and the whole simplified, with sums that loops carry taken out of them.
//! [`inline`] stops before the binding and gives the same for people to read, in symbols.
//!
//! It parses each unit once a link, and relies on callees for nothing but their texts.

mod calls;
mod dependence;
mod extent;
mod flat;
mod inliner;
mod map;
mod probe;
mod rule;
mod site;
mod substitution;

use crate::batch::BatchError;
use crate::bind::Binding;
use crate::block::Block;
use crate::carried_sums;
use crate::decompose::decompose;
use crate::dim::DimError;
use crate::dtype::DType;
use crate::function::{
    Function, Location, Origin, Param, ParamKind, PullbackBody, Value, fresh_name,
};
use crate::op::OpError;
use crate::pullback::PullbackError;
use crate::shape::{Shape, Type};
use crate::simplify::{drop_unchanged_states, simplify_checked};
use crate::symbol::{Condition, SymbolKind};
use crate::text::ParseError;
use crate::unit::Unit;
use crate::verify::{Stage, VerifyError, verify_stage};
pub use dependence::dependence;
use inliner::{Inliner, Instance};
use probe::Forward;
pub use probe::{Probed, Probes};
use site::{Place, Run, drop_unused_key, key_type};
use substitution::Substitution;

/// Why a unit does not link.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LinkError {
    /// A stored text that is no function.
    #[error("the stored text of `{path}` does not parse: {error}")]
    Parse {
        /// The unit.
        path: String,
        /// What is wrong with it.
        error: ParseError,
    },
    /// A call of something that is not among the unit's callees.
    #[error("`{path}` calls `{callee}`, which its unit does not list")]
    Callee {
        /// The caller.
        path: String,
        /// The callee's name.
        callee: String,
    },
    /// A function that calls itself, through others or not.
    #[error("`{0}` calls itself; recursion has no end in a program of fixed shapes")]
    Recursion(String),
    /// A program that would be too large with all calls inlined.
    #[error(
        "`{path}` has {instructions} instructions with its calls inlined; a program has at most {most}"
    )]
    Large {
        /// The function.
        path: String,
        /// How many it would have, its pullback's counted.
        instructions: u64,
        /// The most that a program has.
        most: u64,
    },
    /// Calls that nest too deep.
    #[error("`{path}` is called in more than {most} calls in each other")]
    Depth {
        /// The function that is called too deep.
        path: String,
        /// How deep calls may nest.
        most: usize,
    },
    /// A call that does not fit the function it names.
    #[error("the call of `{callee}` in `{path}` at {at} does not fit it: {what}")]
    Call {
        /// The caller.
        path: String,
        /// The callee.
        callee: String,
        /// Where.
        at: String,
        /// What differs.
        what: &'static str,
    },
    /// A symbol that neither binding, call nor consts give a value.
    #[error("`{symbol}` of `{path}` has no value")]
    Unbound {
        /// The function.
        path: String,
        /// The symbol.
        symbol: String,
    },
    /// A symbol that a call or a binding gives a value of another type.
    #[error("`{symbol}` of `{path}` is {expected}, and is given {found}")]
    SymbolType {
        /// The function.
        path: String,
        /// The symbol.
        symbol: String,
        /// What it is declared as.
        expected: SymbolKind,
        /// What it is given.
        found: SymbolKind,
    },
    /// A call that gives a value of a symbol that its callee has not, or that rustc gives.
    #[error(
        "`{path}` gives a value of `{symbol}`, which is no symbol that callers of `{callee}` give"
    )]
    Undeclared {
        /// The caller.
        path: String,
        /// The callee.
        callee: String,
        /// The symbol.
        symbol: String,
    },
    /// A choice between functions that only symbols decide, where they are not bound.
    #[error("which function `{path}` calls at {at} depends on whether `{condition}`")]
    Choice {
        /// The caller.
        path: String,
        /// Where.
        at: String,
        /// The condition.
        condition: Box<Condition>,
    },
    /// A dim that has no value as an extent.
    #[error("in `{path}`: {error}")]
    Dim {
        /// The function.
        path: String,
        /// What is wrong.
        error: DimError,
    },
    /// A loop whose range ends before it starts.
    #[error(
        "the loop at {at} in `{path}` has `{trips}` iterations, which is {value} for these sizes: its range ends before \
         it starts"
    )]
    Backwards {
        /// The function.
        path: String,
        /// Where.
        at: String,
        /// How many iterations it has.
        trips: String,
        /// What that is.
        value: i64,
    },
    /// A declared relation that does not hold for these sizes.
    #[error("`{path}` needs `{constraint}`, which here is {left} and {right}")]
    Constraint {
        /// The function.
        path: String,
        /// The relation as declared.
        constraint: String,
        /// Left side's value.
        left: i64,
        /// Right side's value.
        right: i64,
    },
    /// An op that its entry refuses once sizes are known.
    #[error("`{op}` in `{path}` at {at}: {error}")]
    Op {
        /// The function.
        path: String,
        /// The op.
        op: &'static str,
        /// Where.
        at: String,
        /// The complaint.
        error: Box<OpError>,
    },
    /// A function that has no derivative.
    #[error("`{path}` has no derivative: {error}, at {at}")]
    Pullback {
        /// The function.
        path: String,
        /// Where.
        at: String,
        /// Why.
        error: PullbackError,
    },
    /// A function that is mapped over an axis and holds what cannot be.
    #[error("`{path}` cannot be mapped over an axis: {error}, at {at}")]
    Map {
        /// The function.
        path: String,
        /// Where.
        at: String,
        /// Why.
        error: BatchError,
    },
    /// The pullback of something that the function does not call.
    #[error("a pullback call in `{path}` is of no call in it")]
    NoPullback {
        /// The function.
        path: String,
    },
    /// A gradient that a callee depends on and its pullback does not give: a rule of an op that leaves
    /// one out.
    #[error("the pullback of `{callee}` leaves out a gradient that `{path}` needs")]
    NoGradient {
        /// The caller.
        path: String,
        /// The callee.
        callee: String,
    },
    /// A gradient asked of a function whose first result is no scalar float.
    #[error("the first result of `{path}` is {found}; a gradient is that of a float without dims")]
    NoScalar {
        /// The function.
        path: String,
        /// What it is.
        found: String,
    },
    /// A name that a run asks for, and that no place of the program has.
    #[error("`{path}` {what} no `{name}`: it has {}", listed(.known))]
    NoProbe {
        /// The function.
        path: String,
        /// What it does not do.
        what: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A value that a run replaces, of which the program takes a derivative at another place too.
    #[error(
        "`{name}` of `{path}` stands at several places, and under a derivative: a run cannot replace it"
    )]
    PatchUnderDerivative {
        /// The function.
        path: String,
        /// The name.
        name: String,
    },
    /// A pass that broke a function: a mistake in Sinew.
    #[error("linking `{path}` broke a rule: {error}")]
    Broken {
        /// The unit.
        path: String,
        /// The rule.
        error: VerifyError,
    },
}

/// A program that computes results and gradients.
#[derive(Clone, PartialEq, Debug)]
pub struct Gradient {
    /// The program: its results are the primal results, then the gradients, then the new states.
    pub program: Function,
    /// How many primal results there are, without states: what the unit returns, then what is captured.
    pub results: usize,
    /// The names of what is captured, in the order of the results.
    pub captured: Vec<String>,
    /// For each parameter of the unit, which result is its gradient; `None` for those that were not
    /// wanted, are no floats, or that the result does not depend on.
    pub gradients: Vec<Option<usize>>,
}

/// The forward program of a unit: its results are what the unit returns, then the states that it
/// changes ([`Function::states`]).
///
/// # Errors
/// Texts, calls or sizes that do not fit each other.
pub fn link(unit: &Unit, binding: &Binding) -> Result<Function, LinkError> {
    link_probed(unit, binding, &Probes::default()).map(|probed| probed.program)
}

/// As [`link`], with what a run asks of the places that functions name.
///
/// # Errors
/// As [`link`]; names that are not there.
pub fn link_probed(unit: &Unit, binding: &Binding, probes: &Probes) -> Result<Probed, LinkError> {
    let mut link = Link::open(unit, binding)?;
    link.body(binding)?;
    let results = link.results();
    let returned = link.root.function.returned().len();
    let forward = link.inliner.builder.values.len();
    link.program(
        results,
        Forward {
            returned,
            values: forward,
        },
        probes,
    )
}

/// The program of a unit's results and of the gradients of the first of them, a scalar float; the others
/// are as they are.
///
/// # Errors
/// As [`link`]; a unit whose first result is no scalar float, or that has no derivative.
pub fn link_gradient(
    unit: &Unit,
    binding: &Binding,
    wanted: &dyn Fn(&Param) -> bool,
) -> Result<Gradient, LinkError> {
    link_gradient_probed(unit, binding, wanted, &[])
}

/// As [`link_gradient`], with the values of the places of these names, as [`link_probed`] gives them.
///
/// # Errors
/// As [`link_gradient`]; names that are not there.
pub fn link_gradient_probed(
    unit: &Unit,
    binding: &Binding,
    wanted: &dyn Fn(&Param) -> bool,
    captured: &[String],
) -> Result<Gradient, LinkError> {
    let mut link = Link::open(unit, binding)?;
    link.body(binding)?;
    let results = link.results();
    let returned = &results[..link.root.function.returned().len()];
    let first = returned.first().map(|r| link.inliner.builder.type_of(*r));
    let scalar = first.filter(|t| t.dtype.is_float() && t.shape == Shape::scalar());
    let Some(dtype) = scalar.map(|t| t.dtype) else {
        return Err(LinkError::NoScalar {
            path: unit.path.to_string(),
            found: first.map_or("nothing".to_string(), |t| format!("`{t}`")),
        });
    };
    let one = link.constant_one(dtype)?;
    let mut cotangents: Vec<Option<Value>> = vec![None; results.len()];
    cotangents[0] = Some(one);
    link.gradient(results, &cotangents, wanted, captured)
}

/// The program of a unit's results and of its pullback: the cotangents of its float results are
/// further inputs `cotangent.0`, `cotangent.1`, .. behind the parameters, numbered as the results.
///
/// # Errors
/// As [`link`]; a unit without a derivative.
pub fn link_pullback(
    unit: &Unit,
    binding: &Binding,
    wanted: &dyn Fn(&Param) -> bool,
) -> Result<Gradient, LinkError> {
    let mut link = Link::open(unit, binding)?;
    let function = link.root.function.clone();
    let mut cotangents = Vec::with_capacity(function.body.results.len());
    for (i, r) in function.returned().iter().enumerate() {
        let ty = link.root.substitution.of_type(function.type_of(*r))?;
        cotangents.push(match ty.dtype.is_float() {
            true => Some(link.input(format!("cotangent.{i}"), ty)),
            false => None,
        });
    }
    link.body(binding)?;
    let results = link.results();
    link.gradient(results, &cotangents, wanted, &[])
}

/// A unit's function and its pullback with all calls inlined, in symbols: what tools print.
///
/// Functions over ops (`softmax`) stay as they are. Rust consts become numbers: two functions may mean
/// different ones by one name, and one by two.
///
/// # Errors
/// As [`link`]; a unit that has results to differentiate and no derivative.
pub fn inline(unit: &Unit) -> Result<Function, LinkError> {
    inline_with(unit, Inliner::default())
}

/// What is assumed of symbols that choose: each condition, and whether it holds.
pub type Assumptions = Vec<(Condition, bool)>;

/// The most ways to choose that [`inline_each`] goes.
const CHOICES: usize = 16;

/// As [`inline`], for each way that symbols may choose; those that exclude each other are not told from
/// others. What does not choose has one.
///
/// # Errors
/// As [`inline`]; more than 16 ways.
pub fn inline_each(unit: &Unit) -> Result<Vec<(Assumptions, Function)>, LinkError> {
    let mut out = Vec::new();
    let mut open: Vec<Assumptions> = vec![Vec::new()];
    while let Some(assumed) = open.pop() {
        let mut inliner = Inliner::default();
        inliner.assumed = Some(assumed.clone());
        match inline_with(unit, inliner) {
            Ok(function) => out.push((assumed, function)),
            Err(LinkError::Choice { condition, .. }) if out.len() + open.len() + 2 <= CHOICES => {
                for holds in [false, true] {
                    let mut more = assumed.clone();
                    more.push((condition.as_ref().clone(), holds));
                    open.push(more);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(out)
}

fn inline_with<'u>(unit: &'u Unit, mut inliner: Inliner<'u>) -> Result<Function, LinkError> {
    extent::check(&mut inliner, unit)?;
    let stored = inliner.load(unit)?;
    let substitution = Substitution::in_symbols(unit, &stored)?;
    let (symbols, constraints) = substitution.open(&stored)?;
    let mut link = Link::open_with(unit, inliner, substitution, Place::default())?;
    let function = link.root.function.clone();
    link.inliner.body(&mut link.root)?;
    let results = link.results();
    let body = std::mem::take(&mut link.inliner.builder.insts);
    let returned = function.returned().len();
    let cotangents: Vec<Option<Value>> = results[..returned]
        .iter()
        .map(|r| {
            let ty = link.inliner.builder.type_of(*r).clone();
            let float = ty.dtype.is_float();
            float.then(|| link.inliner.builder.value(ty))
        })
        .collect();
    let gradients = link.inliner.pullback(&mut link.root, &cotangents)?;
    let stored = function.pullback.as_ref();
    let mut pullback = PullbackBody {
        origin: stored.map_or(Origin::Derived, |p| p.origin),
        cotangents: given(&cotangents),
        gradients: given(&gradients),
        block: Block {
            params: cotangents.into_iter().flatten().collect(),
            insts: std::mem::take(&mut link.inliner.builder.insts),
            results: gradients.into_iter().flatten().collect(),
        },
    };
    let body = link.inliner.given.before(body);
    let mut body = Block::body(function.params.len(), body, results);
    link.inliner.stacks.apply(&mut body);
    link.inliner.stacks.apply(&mut pullback.block);
    let mut out = Function {
        name: function.name.clone(),
        symbols,
        constraints,
        params: link.params,
        structs: function.structs.clone(),
        states: function.states.clone(),
        values: link.inliner.builder.values,
        body,
        pullback: Some(pullback),
    };
    check(unit, &out, Stage::Inlined)?;
    simplify_checked(&mut out, &mut |f| check(unit, f, Stage::Inlined))?;
    drop_unchanged_states(&mut out);
    check(unit, &out, Stage::Inlined)?;
    Ok(out)
}

/// The positions of those that there are.
fn given(values: &[Option<Value>]) -> Vec<usize> {
    let all = values.iter().enumerate();
    all.filter_map(|(i, v)| v.map(|_| i)).collect()
}

/// A link under way.
struct Link<'u> {
    unit: &'u Unit,
    inliner: Inliner<'u>,
    root: Instance<'u>,
    params: Vec<Param>,
}

impl<'u> Link<'u> {
    fn open(unit: &'u Unit, binding: &Binding) -> Result<Self, LinkError> {
        let mut inliner = Inliner::default();
        extent::check(&mut inliner, unit)?;
        let stored = inliner.load(unit)?;
        let substitution = Substitution::from_binding(unit, &stored, binding)?;
        Link::open_with(unit, inliner, substitution, Place::root(unit))
    }

    fn open_with(
        unit: &'u Unit,
        mut inliner: Inliner<'u>,
        substitution: Substitution<'u>,
        place: Place,
    ) -> Result<Self, LinkError> {
        let inlinable = inliner.inlinable(unit, &substitution)?;
        let function = inlinable.function.clone();
        let mut operands = Vec::with_capacity(function.params.len());
        for t in &function.values[..function.params.len()] {
            let ty = substitution.of_type(t)?;
            operands.push(inliner.builder.value(ty));
        }
        let params = function.params.clone();
        let root = Instance::new(inlinable, substitution, place, &operands)?;
        Ok(Link {
            unit,
            inliner,
            root,
            params,
        })
    }

    fn input(&mut self, name: String, ty: Type) -> Value {
        self.param(name, ParamKind::Input, ty)
    }

    fn param(&mut self, name: String, kind: ParamKind, ty: Type) -> Value {
        self.params.push(Param {
            name: fresh_name(&self.params, name),
            kind,
        });
        self.inliner.builder.value(ty)
    }

    /// Inlines the body of the program, which has all its parameters but the run's key.
    fn body(&mut self, binding: &Binding) -> Result<(), LinkError> {
        let draws = self.inliner.draws(self.unit)?;
        let key = draws.then(|| self.param("run.key".to_string(), ParamKind::Key, key_type()));
        self.inliner.given.run = Some(Run {
            key,
            training: binding.training,
        });
        self.inliner.body(&mut self.root)
    }

    fn results(&self) -> Vec<Value> {
        let results = &self.root.function.body.results;
        results.iter().map(|r| self.root.value(*r)).collect()
    }

    fn constant_one(&mut self, dtype: DType) -> Result<Value, LinkError> {
        let one = self.inliner.builder.constant(1.0, dtype, Shape::scalar());
        one.map_err(|error| op_error(self.unit, crate::ops::CONST.name, None, error))
    }

    fn gradient(
        mut self,
        mut results: Vec<Value>,
        cotangents: &[Option<Value>],
        wanted: &dyn Fn(&Param) -> bool,
        captured: &[String],
    ) -> Result<Gradient, LinkError> {
        let states = results.split_off(self.root.function.returned().len());
        let forward = Forward {
            returned: results.len(),
            values: self.inliner.builder.values.len(),
        };
        let found = self.inliner.pullback(&mut self.root, cotangents)?;
        let mut gradients = vec![None; found.len()];
        for (i, value) in found.into_iter().enumerate() {
            if let Some(value) = value.filter(|_| wanted(&self.params[i])) {
                gradients[i] = Some(results.len());
                results.push(value);
            }
        }
        results.extend(states);
        let probes = Probes {
            captured: captured.to_vec(),
            patched: Vec::new(),
        };
        let probed = self.program(results, forward, &probes)?;
        // What is captured stands between what the unit returns and the gradients.
        let more = probed.captured.len();
        gradients.iter_mut().flatten().for_each(|at| *at += more);
        Ok(Gradient {
            program: probed.program,
            results: forward.returned + more,
            captured: probed.captured,
            gradients,
        })
    }

    fn program(
        mut self,
        results: Vec<Value>,
        forward: Forward,
        probes: &Probes,
    ) -> Result<Probed, LinkError> {
        let params = self.params.len();
        let insts = self.inliner.given.before(self.inliner.builder.insts);
        let mut out = Function {
            name: self.root.function.name.clone(),
            symbols: Vec::new(),
            constraints: Vec::new(),
            params: self.params,
            structs: self.root.function.structs.clone(),
            states: self.root.function.states.clone(),
            values: self.inliner.builder.values,
            body: Block::body(params, insts, results),
            pullback: None,
        };
        self.inliner.stacks.apply(&mut out.body);
        check(self.unit, &out, Stage::Bound)?;
        let (captured, patched) = probe::apply(self.unit.path, &mut out, forward, probes)?;
        check(self.unit, &out, Stage::Bound)?;
        decompose(&mut out).map_err(|e| op_error(self.unit, e.op, e.location, *e.error))?;
        check(self.unit, &out, Stage::Program)?;
        let unit = self.unit;
        let checked = &mut |f: &Function| check(unit, f, Stage::Program);
        simplify_checked(&mut out, checked)?;
        let taken = carried_sums::take_out(&mut out)
            .map_err(|error| op_error(unit, crate::ops::DOT.name, None, error))?;
        if taken {
            simplify_checked(&mut out, checked)?;
        }
        drop_unchanged_states(&mut out);
        drop_unused_key(&mut out);
        check(unit, &out, Stage::Program)?;
        Ok(Probed {
            program: out,
            captured,
            patched,
        })
    }
}

/// In debug builds, whether the pass just made kept the rules of its stage.
fn check(unit: &Unit, function: &Function, stage: Stage) -> Result<(), LinkError> {
    if cfg!(debug_assertions)
        && let Err(error) = verify_stage(function, stage)
    {
        return Err(LinkError::Broken {
            path: unit.path.to_string(),
            error,
        });
    }
    Ok(())
}

fn op_error(
    unit: &Unit,
    op: &'static str,
    location: Option<Location>,
    error: OpError,
) -> LinkError {
    LinkError::Op {
        path: unit.path.to_string(),
        op,
        at: place(unit, location),
        error: Box::new(error),
    }
}

/// `a`, `b`, in words; none.
fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match names.is_empty() {
        true => "none".to_string(),
        false => names.join(", "),
    }
}

/// `src/net.rs:21:24`, or the file alone.
fn place(unit: &Unit, location: Option<Location>) -> String {
    match location {
        Some(l) => l.in_file(unit.file).to_string(),
        None => unit.file.to_string(),
    }
}
