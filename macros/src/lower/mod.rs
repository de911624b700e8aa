//! Bodies to IR: every expression is typed as it is lowered.
//!
//! Shapes are the builder's business: this maps names to ops (`operations`), resolves calls, and turns
//! what the builder refuses into messages. A relation between Rust consts becomes an assertion for
//! rustc; from there on the two are taken for equal (`substitution`).
//!
//! Names are bound by their text: where a `macro_rules!` puts a name of its own next to the caller's, the
//! two are one name here, though they would be two in Rust.

mod access;
mod arguments;
mod arithmetic;
mod assignment;
mod build;
mod call;
mod child;
mod choice;
mod circles;
mod condition;
mod constant;
mod consts;
mod expression;
mod index;
mod invoke;
mod iteration;
mod lift;
mod lists;
mod locals;
mod loops;
mod names;
mod operations;
mod pattern;
mod pushes;
mod rule;
mod size;
mod structs;
mod substitution;
mod turbofish;
mod value;

use crate::check::{Assertion, Equations, Scope, relation, sizes};
use crate::errors::{Checked, Reported};
use crate::hidden;
use crate::lints::Warning;
use crate::messages::{self, Message};
use crate::parse;
use crate::signature::{self, ParamType};
pub use arguments::Arguments;
use constant::Constant;
pub use consts::DeclaredConst;
use lift::{OpenPart, Units};
use lists::List;
use locals::Locals;
use loops::Frame;
use names::Names;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use sinew_ir::{
    Block, Builder, CalleeInfo, Dim, Function, Inst, Location, Param, Relation, Symbol, SymbolDecl,
    Value,
};
use std::collections::{HashMap, HashSet};
use structs::Parameters;
use substitution::Substitution;
pub use value::Val;

/// What a mentioned path turned out to be.
pub enum Mention {
    /// A model function.
    Function(signature::Function),
    /// A model struct: its position in the registry.
    Struct(usize),
    /// An operation that the prelude does not bring, by its name or another.
    Operation,
    /// An item with errors of its own: who uses it keeps silent.
    Broken,
    /// Something else.
    NoItem,
}

/// A lowered function.
pub struct Lowered {
    /// What it becomes.
    pub code: Code,
    /// Consts that it computes with and that meet integers.
    pub whole: Vec<Constant>,
    /// Structs that are passed to functions.
    pub identities: Vec<Identity>,
    /// What rustc must check of consts.
    pub assertions: Vec<Assertion>,
    /// The spans of places that instructions have.
    pub spans: HashMap<Location, Span>,
    /// What lints found on the way.
    pub warnings: Vec<Warning>,
    /// Calls of methods that are not seen everywhere.
    pub private: Vec<Private>,
}

/// A call of a method that is not seen everywhere, of which rustc says whether it is seen here.
pub struct Private {
    /// What it is called on, as written.
    pub receiver: syn::Expr,
    /// Its name.
    pub method: syn::Ident,
}

/// That a call passes the struct that its callee's signature names, which rustc checks.
pub struct Identity {
    /// The path to the callee.
    pub callee: syn::Path,
    /// The position of the struct among those that the signature names.
    pub position: usize,
    /// What tells the struct that is passed from all others.
    pub id: String,
    /// What is said where it is another, and where it is passed.
    pub message: Message,
}

/// What a unit carries: a function, or a part of one that is called from there alone.
pub struct Code {
    /// The IR, with pullback.
    pub function: Function,
    /// The Rust consts among its symbols.
    pub consts: Vec<DeclaredConst>,
    /// Its callees, by their names in the text.
    pub callees: Vec<(String, Callee)>,
}

/// Where a callee's unit is.
pub enum Callee {
    /// An item's: a Rust expression.
    Item(TokenStream),
    /// A part of the body that became a function of its own.
    Part(Box<Code>),
}

/// The state of one function's lowering.
pub struct Lowerer<'a, 'e> {
    scope: &'a mut Scope<'e>,
    mentions: &'a HashMap<String, Mention>,
    signature: &'a signature::Function,
    builder: Builder,
    parameters: Parameters,
    locals: Locals,
    /// Loops that are being lowered, innermost last.
    frames: Vec<Frame>,
    /// Other parts that are being lowered, innermost last.
    open: Vec<OpenPart>,
    /// For each value, how many loops are around its definition.
    depths: Vec<usize>,
    lists: Vec<List>,
    /// Parts that are functions of their own, by their names in the text; those that a part calls stand
    /// before it.
    parts: Vec<(String, Function)>,
    callees: Names,
    numbers: Names,
    whole: Vec<Constant>,
    identities: Vec<Identity>,
    /// Places so far that draw random elements.
    sites: i64,
    equations: Equations,
    substitution: Substitution,
    assertions: Vec<Assertion>,
    /// What is asserted already.
    asserted: HashSet<(Dim, &'static str, Dim)>,
    places: Places,
    warnings: Vec<Warning>,
    private: Vec<Private>,
    /// The call whose operation is defined in the language, while its definition is lowered.
    defined: Option<operations::Defined>,
}

/// What the pullback pass is told, and where its errors go.
#[derive(Default)]
struct Places {
    /// The span of each place that instructions have.
    spans: HashMap<Location, Span>,
    /// What is assumed of each callee.
    callees: HashMap<String, CalleeInfo>,
    /// Calls of functions that are declared without a derivative, by callee and place, and what is said
    /// where one is needed.
    without: HashMap<(String, Option<Location>), Message>,
}

/// Lowers a function's body.
pub fn function(
    scope: &mut Scope<'_>,
    mentions: &HashMap<String, Mention>,
    signature: &signature::Function,
    parsed: &parse::Function,
) -> Checked<Lowered> {
    let before = scope.errors.count();
    circles::begin(signature);
    let mut lowerer = Lowerer {
        scope,
        mentions,
        signature,
        builder: Builder::default(),
        parameters: Parameters::default(),
        locals: Locals::default(),
        frames: Vec::new(),
        open: Vec::new(),
        depths: Vec::new(),
        lists: Vec::new(),
        parts: Vec::new(),
        callees: Names::default(),
        numbers: Names::default(),
        whole: Vec::new(),
        identities: Vec::new(),
        sites: 0,
        equations: Equations::from_constraints(&signature.constraints),
        substitution: Substitution::default(),
        assertions: Vec::new(),
        asserted: HashSet::new(),
        places: Places::default(),
        warnings: Vec::new(),
        private: Vec::new(),
        defined: None,
    };
    let function = lowerer.run(parsed)?;
    let Lowerer {
        parts,
        places,
        numbers,
        whole,
        identities,
        callees,
        assertions,
        warnings,
        private,
        ..
    } = lowerer;
    if scope.errors.count() > before {
        return Err(Reported);
    }
    let numbers = numbers.into_list();
    let mut units = Units::new(callees.into_list());
    let differentiable = signature.no_derivative.is_none();
    // Of a function with a rule, the parts are what needs no derivative; where there is one in them, the
    // linker finds it.
    let of_parts = differentiable && parsed.rule.is_none();
    for (name, part) in parts {
        let code = lift::code(scope, of_parts, part, &places, &numbers, &mut units)?;
        units.add(name, code);
    }
    let code = lift::code(
        scope,
        differentiable,
        function,
        &places,
        &numbers,
        &mut units,
    )?;
    Ok(Lowered {
        code,
        whole,
        identities,
        assertions,
        spans: places.spans,
        warnings,
        private,
    })
}

impl Lowerer<'_, '_> {
    fn run(&mut self, parsed: &parse::Function) -> Checked<Function> {
        self.parameters(parsed)?;
        let inputs = self.builder.values.len();
        let mut results = match &parsed.rule {
            Some(rule) => self.with_rule(rule, parsed)?,
            None => self.returned(parsed)?,
        };
        debug_assert!(inputs <= self.builder.values.len());
        let configured = sizes::configured(&self.scope.registry, self.signature, &self.equations);
        let gone = |s: &Symbol| self.equations.replaces(s) && !configured.contains(s);
        let declared = self.signature.symbols.iter();
        let symbols = declared
            .filter(|(s, _)| !gone(s))
            .map(|(symbol, kind)| SymbolDecl {
                symbol: symbol.clone(),
                kind: *kind,
            })
            .chain(self.parameters.settings.iter().cloned())
            .collect();
        self.assumptions(parsed)?;
        let mut constraints = Vec::new();
        for c in &self.signature.constraints {
            // Products stay: the equation that replaces one is what has to be checked.
            let side = |d: &Dim| {
                let dim = self.equations.with_symbols(d, &configured);
                dim.ok_or_else(|| self.overflow(parsed.span()))
            };
            let mut c = c.clone();
            (c.left, c.right) = (side(&c.left)?, side(&c.right)?);
            if relation::decide(&c.left, c.relation, &c.right) != Some(true) {
                constraints.push(c);
            }
        }
        let (states, now) = self.parameters.states_now();
        results.extend(now);
        let Parameters {
            params, structs, ..
        } = std::mem::take(&mut self.parameters);
        let insts = std::mem::take(&mut self.builder.insts);
        let mut function = Function {
            name: self.signature.name.clone(),
            symbols,
            constraints,
            values: std::mem::take(&mut self.builder.values),
            body: Block::body(params.len(), insts, results),
            params,
            structs,
            states,
            pullback: None,
        };
        // What parts have taken out is defined nowhere here.
        function.compact();
        let mut parts = std::mem::take(&mut self.parts);
        for f in parts
            .iter_mut()
            .map(|(_, part)| part)
            .chain([&mut function])
        {
            self.rewritten(f)?;
        }
        self.parts = parts;
        Ok(function)
    }

    /// The body, compared with what is declared.
    fn returned(&mut self, parsed: &parse::Function) -> Checked<Vec<Value>> {
        let result = self.block(&parsed.body)?;
        self.results(result, parsed)
    }

    /// What is assumed of literals and Rust consts alone is checked here; all else where sizes are known.
    fn assumptions(&mut self, parsed: &parse::Function) -> Checked<()> {
        let mut bad = Ok(());
        for (c, written) in self.signature.constraints.iter().zip(&parsed.constraints) {
            let message = messages::assumption(&written.written, &self.signature.name, c);
            match relation::decide(&c.left, c.relation, &c.right) {
                Some(true) => {}
                Some(false) => bad = Err(self.report(message.into_error())),
                None if relation::const_only(&c.left, &c.right) => {
                    self.assert(c.left.clone(), c.relation, c.right.clone(), &message);
                }
                None => {}
            }
        }
        bad
    }

    /// Parameters become values: a tensor one, a struct one for each of its leaves.
    fn parameters(&mut self, parsed: &parse::Function) -> Checked<()> {
        let signature = self.signature;
        let receiver = usize::from(signature.is_method());
        let written = parsed.parameters.iter().map(Some);
        let written = std::iter::repeat_n(None, receiver).chain(written);
        for (p, written) in signature.params.iter().zip(written) {
            let names = match written {
                Some(written) => written.names(),
                None => vec![p.name.clone()],
            };
            let val = self.parameter(&p.ty, &mut names.into_iter(), parsed.span())?;
            match written.and_then(|w| w.pattern.as_ref()) {
                Some(pattern) => self.pattern(pattern, val)?,
                None => self.bind(&p.name, val),
            }
        }
        Ok(())
    }

    /// A parameter whose tensors have these names.
    fn parameter(
        &mut self,
        ty: &ParamType,
        names: &mut dyn Iterator<Item = String>,
        span: Span,
    ) -> Checked<Val> {
        match ty {
            ParamType::Tensor(t) => {
                let t = self.equations.ty(t).ok_or_else(|| self.overflow(span))?;
                let value = self.builder.value(t);
                let name = names.next().unwrap_or_default();
                self.parameters.params.push(Param::input(&name));
                Ok(Val::Tensor(value))
            }
            ParamType::Struct(structure, dims) => {
                let name = names.next().unwrap_or_default();
                let value = self.struct_parameter(&name, *structure, dims, span)?;
                Ok(Val::Struct(value))
            }
            ParamType::Tuple(_) | ParamType::Array(..) => {
                let parts = ty.parts().into_iter();
                let parts = parts.map(|part| self.parameter(part, names, span));
                Ok(Val::Tuple(parts.collect::<Checked<_>>()?))
            }
        }
    }

    /// Compares the body's value with the declared result.
    fn results(&mut self, result: Val, parsed: &parse::Function) -> Checked<Vec<Value>> {
        let signature = self.signature;
        let tail = pattern::tail(&parsed.body);
        let parts = match (result, signature.tuple) {
            (Val::Broken, _) => return Err(Reported),
            (Val::Tuple(parts), true) => parts,
            (one, false) => vec![one],
            (_, true) => return Err(self.report(messages::result_not_tuple(&tail, signature))),
        };
        if parts.len() != signature.results.len() {
            return Err(self.report(messages::result_count(&tail, parts.len(), signature)));
        }
        let mut out = Vec::new();
        let mut bad = false;
        let all = parts.len();
        for (i, (part, declared)) in parts.into_iter().zip(&signature.results).enumerate() {
            let at = pattern::tuple_part(&tail, i);
            let place = signature.tuple.then_some((i, all));
            match self.result(part, declared, place, &at) {
                Ok(value) => out.push(value),
                Err(Reported) => bad = true,
            }
        }
        match bad {
            true => Err(Reported),
            false => Ok(out),
        }
    }

    fn result(
        &mut self,
        part: Val,
        declared: &sinew_ir::Type,
        place: Option<(usize, usize)>,
        at: &TokenStream,
    ) -> Checked<Value> {
        let declared = self
            .equations
            .ty(declared)
            .ok_or_else(|| self.overflow(crate::parse::start(at)))?;
        let value = self.tensor_of(part, Some(declared.dtype), at)?;
        let found = self.builder.type_of(value).clone();
        let message = messages::result(at, &self.signature.name, place, &found, &declared);
        self.same_type(&found, &declared, &message)?;
        Ok(value)
    }

    /// Makes sure that two types are equal; otherwise `message` is reported.
    fn same_type(
        &mut self,
        found: &sinew_ir::Type,
        wanted: &sinew_ir::Type,
        message: &Message,
    ) -> Checked<()> {
        let same = found.dtype == wanted.dtype
            && found.shape.sequence == wanted.shape.sequence
            && found.shape.dims.len() == wanted.shape.dims.len();
        if !same {
            return Err(self.report(message.clone().into_error()));
        }
        for (a, b) in found.shape.dims.iter().zip(&wanted.shape.dims) {
            self.equal(a, b, message)?;
        }
        Ok(())
    }

    /// Leaves a relation between Rust consts to rustc.
    fn assert(&mut self, left: Dim, relation: Relation, right: Dim, message: &Message) {
        let key = (left.clone(), relation.sign(), right.clone());
        if self.asserted.insert(key) {
            let assertion = Assertion::new(left, relation, right, message);
            self.assertions.push(assertion);
        }
    }

    /// A dim under the equations.
    fn dim(&self, dim: &Dim) -> Checked<Dim> {
        self.equations
            .dim(dim)
            .ok_or_else(|| self.overflow(Span::call_site()))
    }

    fn overflow(&self, span: Span) -> Reported {
        self.report(messages::dim_arithmetic(span))
    }

    fn report(&self, error: syn::Error) -> Reported {
        self.scope.errors.report(error)
    }

    /// Binds a name that is not assigned to.
    fn bind(&mut self, name: &str, val: Val) {
        self.locals.bind(name, val, false);
    }

    fn lookup(&self, name: &str) -> Option<&Val> {
        self.locals.get(name).map(|local| &local.val)
    }

    /// The place that the next instructions get.
    fn locate(&mut self, span: Span) {
        let start = span.start();
        let line = u32::try_from(start.line).unwrap_or(u32::MAX);
        let column = u32::try_from(start.column.saturating_add(1)).unwrap_or(u32::MAX);
        let location = Location::new(line, column);
        self.places.spans.entry(location).or_insert(span);
        self.builder.location = Some(location);
    }
}

/// Adds the pullback: an operation without a derivative is an error at its place, and so is the call of
/// a function without one whose derivative is needed.
fn derive(scope: &Scope<'_>, function: &mut Function, places: &Places) -> Checked<()> {
    let callee = |name: &str| places.callees.get(name).cloned();
    sinew_ir::derive_pullback(function, &callee).map_err(|error| {
        let span = error.location.and_then(|l| places.spans.get(&l).copied());
        let span = span.unwrap_or_else(Span::call_site);
        scope.errors.report(messages::no_derivative(span, &error))
    })?;
    let pullback = function.pullback.iter().flat_map(|p| &p.block.insts);
    let needed: HashSet<Value> = pullback
        .filter_map(|inst| match inst {
            Inst::PullbackCall(pullback) => Some(pullback.call),
            Inst::Call(_) | Inst::Op(_) | Inst::Loop(_) => None,
        })
        .collect();
    let mut done = Ok(());
    function.body.each_inst(&mut |inst| {
        if let Inst::Call(call) = inst
            && call.results.first().is_some_and(|r| needed.contains(r))
            && let Some(message) = places
                .without
                .get(&(call.target.name.clone(), call.location))
        {
            done = Err(scope.errors.report(message.clone().into_error()));
        }
    });
    done
}

/// The path of a struct's method's unit: through the item by which the struct is known.
pub fn method_unit(scope: &Scope<'_>, structure: usize, method: &str) -> TokenStream {
    let known = &scope.registry.structs[structure];
    let route = &known.route;
    let constant = hidden::method_unit(known.position, method);
    quote!(#route::#constant)
}
