//! Calls of model functions: arguments bind the callee's symbols, what is left is compared, and the call
//! becomes an instruction.

use super::call::Given;
use super::structs::Operands;
use super::value::Val;
use super::{Identity, Lowerer, circles};
use crate::check::unify::{Instance, Misfit, Pending};
use crate::check::{Equations, relation, sizes};
use crate::errors::{Checked, Reported};
use crate::messages;
use crate::signature::{Function, Map, ParamType};
use proc_macro2::TokenStream;
use sinew_ir::{
    Call, CalleeInfo, Constraint, Dim, Inst, Relation, Shape, Symbol, SymbolKind, SymbolTerm,
    Target, Type, Value,
};
use std::collections::HashMap;

/// A call on its way into the IR.
pub struct Invocation<'c> {
    /// The callee.
    pub callee: &'c Function,
    /// A Rust expression of its unit.
    pub unit: TokenStream,
    /// The arguments as they were given.
    pub given: Vec<Given>,
    /// What the callee's symbols are here, as far as it is known.
    pub instance: Instance,
    /// Where it stands.
    pub at: &'c TokenStream,
}

/// What the arguments of a call come to.
#[derive(Default)]
struct Arguments {
    /// What is passed.
    operands: Operands,
    /// What is not compared yet.
    pending: Vec<Pending>,
}

impl Invocation<'_> {
    /// Binds what is not bound yet by equations, whatever their order: what one tells may be what another
    /// needs.
    pub(super) fn solve(&mut self, pending: &[Pending]) {
        let Invocation {
            callee, instance, ..
        } = self;
        let equations = callee.constraints.iter();
        let equations = equations.filter(|c| c.relation == Relation::Equal);
        loop {
            let known = instance.sizes.len();
            for p in pending.iter().filter(|p| !p.resolved) {
                instance.learn(&callee.symbols, &p.declared, &p.actual);
            }
            for c in equations.clone() {
                if let Some(zero) = c.left.checked_sub(&c.right) {
                    instance.learn(&callee.symbols, &zero, &Dim::constant(0));
                }
            }
            if instance.sizes.len() == known {
                return;
            }
        }
    }

    pub(super) fn apply(&self, declared: &Dim) -> Option<Dim> {
        self.instance.apply(&self.callee.symbols, declared)
    }

    pub(super) fn apply_shape(&self, declared: &Shape) -> Option<Shape> {
        self.instance.apply_shape(&self.callee.symbols, declared)
    }

    /// A symbol of the callee that nothing binds.
    fn unbound(&self) -> String {
        let mut symbols = self.callee.symbols.iter().map(|(s, _)| s);
        let free = symbols.find(|s| !self.instance.sizes.contains_key(s));
        free.map_or_else(String::new, |s| s.name().to_string())
    }
}

impl Lowerer<'_, '_> {
    /// A call of a model function.
    pub fn invoke(&mut self, call: Invocation<'_>) -> Checked<Val> {
        let (callee, at) = (call.callee, call.at);
        if let Some(through) = circles::closed(self.signature, callee) {
            let name = &self.signature.name;
            return Err(self.report(messages::recursion(at, name, &through)));
        }
        if call.given.len() != callee.params.len() {
            let found = call.given.len();
            return Err(self.report(messages::argument_count(at, callee, found)));
        }
        let identified = self.identify(&call)?;
        let callee = identified.as_ref().unwrap_or(call.callee);
        let mut call = Invocation { callee, ..call };
        let Arguments { operands, pending } = self.arguments(&mut call)?;
        // What one of this function's own equations says may be what makes another size known.
        for dim in call.instance.sizes.values_mut() {
            *dim = self.dim(dim)?;
        }
        call.solve(&pending);
        self.compare_arguments(&call, pending)?;
        self.check_constraints(&call)?;
        let results = self.result_values(&call)?;
        let symbols = self.symbol_terms(&call)?;
        self.locate(crate::parse::start(at));
        let mut values = self.add_call(call, operands, results, symbols)?;
        match callee.tuple {
            true => Ok(Val::Tuple(values)),
            false => Ok(values.pop().unwrap_or(Val::Broken)),
        }
    }

    /// The callee with those in place of structs that it knows by name which it is given, if there are any; that
    /// they are the same is for rustc to say.
    fn identify(&mut self, call: &Invocation<'_>) -> Checked<Option<Function>> {
        let mut given: HashMap<usize, usize> = HashMap::new();
        for (param, argument) in call.callee.params.iter().zip(&call.given) {
            let (ParamType::Struct(named, dims), Val::Struct(found)) = (&param.ty, &argument.val)
            else {
                continue;
            };
            let known = &self.scope.registry.structs;
            let (stub, passed) = (&known[*named], &known[found.structure].signature);
            if !stub.signature.id.is_empty() {
                continue;
            }
            let first = *given.entry(*named).or_insert(found.structure);
            if first != found.structure {
                let expected = &known[first].signature;
                let error =
                    messages::other_struct(&argument.tokens, call.callee, param, expected, passed);
                return Err(self.report(error));
            }
            let name = &stub.signature.name;
            let message =
                messages::not_the_named_struct(&argument.tokens, call.callee, param, name, passed);
            if dims.len() != found.dims.len() {
                return Err(self.report(message.into_error()));
            }
            self.identities.push(Identity {
                callee: stub.route.clone(),
                position: stub.position,
                id: passed.id.clone(),
                message,
            });
        }
        if given.is_empty() {
            return Ok(None);
        }
        let map = Map {
            dim: &|d: &Dim| Some(d.clone()),
            structure: &|i| Some(given.get(&i).copied().unwrap_or(i)),
        };
        map.function(call.callee).map(Some).ok_or(Reported)
    }

    /// All arguments, so that the mistakes of each are seen.
    fn arguments(&mut self, call: &mut Invocation<'_>) -> Checked<Arguments> {
        let mut out = Arguments::default();
        let mut bad = false;
        for position in 0..call.given.len() {
            bad |= self.argument(call, position, &mut out).is_err();
        }
        match bad {
            true => Err(Reported),
            false => Ok(out),
        }
    }

    fn argument(
        &mut self,
        call: &mut Invocation<'_>,
        position: usize,
        out: &mut Arguments,
    ) -> Checked<()> {
        let param = &call.callee.params[position];
        let given = call.given[position].clone();
        self.part_of_argument(call, position, (&param.ty, &given), out)
    }

    /// An argument, or a part of one that is a tuple or an array.
    fn part_of_argument(
        &mut self,
        call: &mut Invocation<'_>,
        position: usize,
        (declared, given): (&ParamType, &Given),
        out: &mut Arguments,
    ) -> Checked<()> {
        let Invocation {
            callee, instance, ..
        } = call;
        let param = &callee.params[position];
        let (symbols, pending) = (&callee.symbols, &mut out.pending);
        match (declared, &given.val) {
            (_, Val::Broken) => Err(Reported),
            (ParamType::Tuple(_) | ParamType::Array(..), Val::Tuple(values)) => {
                let parts = declared.parts();
                if parts.len() != values.len() {
                    let what = self.describe(&given.val);
                    let error = messages::argument_kind(&given.tokens, callee, param, &what);
                    return Err(self.report(error));
                }
                for (part, val) in parts.into_iter().zip(values) {
                    let given = Given {
                        val: val.clone(),
                        tokens: given.tokens.clone(),
                    };
                    self.part_of_argument(call, position, (part, &given), out)?;
                }
                Ok(())
            }
            (ParamType::Tensor(_), Val::Struct(_) | Val::Tuple(_))
            | (ParamType::Tuple(_) | ParamType::Array(..), _) => {
                let what = self.describe(&given.val);
                let error = messages::argument_kind(&given.tokens, callee, param, &what);
                Err(self.report(error))
            }
            (ParamType::Tensor(declared), val) => {
                let value = self.tensor_of(val.clone(), Some(declared.dtype), &given.tokens)?;
                let found = self.builder.type_of(value).clone();
                let message = messages::argument(&given.tokens, callee, param, declared, &found);
                if found.dtype != declared.dtype {
                    return Err(self.report(message.into_error()));
                }
                match instance.shape(symbols, &declared.shape, &found.shape, position, pending) {
                    Ok(()) => {}
                    Err(Misfit::Rank) => return Err(self.report(message.into_error())),
                    Err(Misfit::Sequence(bound)) => {
                        let error =
                            messages::sequence_misfit(&given.tokens, callee, param, &found, &bound);
                        return Err(self.report(error));
                    }
                }
                out.operands.values.push(value);
                Ok(())
            }
            (ParamType::Struct(structure, declared), Val::Struct(found)) => {
                if found.structure != *structure {
                    let known = |i: usize| &self.scope.registry.structs[i].signature;
                    let (expected, found) = (known(*structure), known(found.structure));
                    let error =
                        messages::other_struct(&given.tokens, callee, param, expected, found);
                    return Err(self.report(error));
                }
                for (d, a) in declared.iter().zip(&found.dims) {
                    instance.dim(symbols, d, a, position, pending);
                }
                self.pass(found, &mut out.operands, (callee, param), &given.tokens)
            }
            (ParamType::Struct(..), val) => {
                let what = self.describe(val);
                let error = messages::argument_kind(&given.tokens, callee, param, &what);
                Err(self.report(error))
            }
        }
    }

    /// Compares what could not be bound.
    fn compare_arguments(&mut self, call: &Invocation<'_>, pending: Vec<Pending>) -> Checked<()> {
        for p in pending {
            let (param, given) = (&call.callee.params[p.argument], &call.given[p.argument]);
            let declared = match p.resolved {
                true => Some(p.declared.clone()),
                false => call.apply(&p.declared),
            };
            let Some(expected) = declared else {
                let error = messages::not_inferred(&given.tokens, call.callee, &call.unbound());
                return Err(self.report(error));
            };
            let what = self.describe(&given.val);
            let receiver = (p.argument > 0 && call.callee.params[0].name == "self").then(|| {
                let receiver = &call.given[0];
                let name = messages::source(&receiver.tokens);
                format!("`{name}`: {}", self.describe(&receiver.val))
            });
            let message = messages::argument_dim(
                &given.tokens,
                (call.callee, param),
                (&what, receiver),
                &p.declared,
                &expected,
                &p.actual,
            );
            self.equal(&p.actual, &expected, &message)?;
        }
        Ok(())
    }

    /// What the callee assumes must be known here, or left to rustc.
    pub(super) fn check_constraints(&mut self, call: &Invocation<'_>) -> Checked<()> {
        for c in &call.callee.constraints {
            let (Some(left), Some(right)) = (call.apply(&c.left), call.apply(&c.right)) else {
                let no_multiple = self.no_multiple(call, c);
                return Err(no_multiple.unwrap_or_else(|| self.not_inferred(call)));
            };
            let (left, right) = (self.dim(&left)?, self.dim(&right)?);
            let message = messages::constraint(call.at, call.callee, c, &left, &right);
            match relation::decide(&left, c.relation, &right) {
                Some(true) => continue,
                Some(false) => return Err(self.report(message.into_error())),
                None => {}
            }
            if relation::const_only(&left, &right) {
                self.assert(left, c.relation, right, &message);
                continue;
            }
            if !self.assumed(&left, c.relation, &right)? {
                return Err(self.report(message.into_error()));
            }
        }
        Ok(())
    }

    /// Reports what is not known to be a multiple of another size, where the callee has a symbol for the quotient that
    /// nothing tells.
    fn no_multiple(&self, call: &Invocation<'_>, c: &Constraint) -> Option<Reported> {
        let own = |s: &Symbol| call.callee.symbols.iter().any(|(own, _)| own == s);
        let untold = |s: &Symbol| own(s) && !call.instance.sizes.contains_key(s);
        let quotient = c.right.symbols().into_iter().find(untold)?;
        let divisor = c.right.exact_div(&Dim::from(quotient))?;
        let (whole, by) = (call.apply(&c.left)?, call.apply(&divisor)?);
        let declared = (&c.left, &divisor);
        let error = messages::no_multiple(call.at, call.callee, declared, (&whole, &by));
        (c.relation == Relation::Equal).then(|| self.report(error))
    }

    /// Whether this function's own `where` says it.
    fn assumed(&self, left: &Dim, relation: Relation, right: &Dim) -> Checked<bool> {
        let wanted = right.checked_sub(left);
        for own in &self.signature.constraints {
            let (l, r) = (self.dim(&own.left)?, self.dim(&own.right)?);
            if own.relation == relation && r.checked_sub(&l) == wanted && wanted.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A value for each result, of the type that it has here.
    fn result_values(&mut self, call: &Invocation<'_>) -> Checked<Vec<Value>> {
        let overflow = |l: &Self| l.overflow(crate::parse::start(call.at));
        let mut values = Vec::new();
        for declared in &call.callee.results {
            let Some(shape) = call.apply_shape(&declared.shape) else {
                return Err(self.not_inferred(call));
            };
            if shape.dims.iter().any(relation::is_great) {
                return Err(overflow(self));
            }
            let ty = self.equations.ty(&Type::new(declared.dtype, shape));
            let ty = ty.ok_or_else(|| overflow(self))?;
            values.push(self.builder.value(ty));
        }
        Ok(values)
    }

    /// What the caller gives for the callee's symbols: those that its own equations do not tell.
    pub(super) fn symbol_terms(&self, call: &Invocation<'_>) -> Checked<Vec<(Symbol, SymbolTerm)>> {
        let callee = call.callee;
        let replaced = Equations::from_constraints(&callee.constraints);
        let configured = sizes::configured(&self.scope.registry, callee, &replaced);
        let gone = |s: &Symbol| replaced.replaces(s) && !configured.contains(s);
        let declared = callee.symbols.iter();
        let sizes = declared.filter(|(s, kind)| *kind == SymbolKind::SIZE && !gone(s));
        let term = |(symbol, _): &(Symbol, SymbolKind)| match call.instance.sizes.get(symbol) {
            Some(dim) => Ok((symbol.clone(), SymbolTerm::Size(self.dim(dim)?))),
            None => Err(self.report(messages::not_inferred(call.at, callee, symbol.name()))),
        };
        sizes.map(term).collect()
    }

    /// Adds the instruction, and notes what the pullback pass is told of the callee.
    fn add_call(
        &mut self,
        call: Invocation<'_>,
        operands: Operands,
        mut results: Vec<Value>,
        symbols: Vec<(Symbol, SymbolTerm)>,
    ) -> Checked<Vec<Val>> {
        let callee = call.callee;
        let name = self.callees.name_for(&callee.name, call.unit);
        let returned = results.len();
        let states = self.new_states(&operands, &mut results);
        let Operands {
            values,
            structs,
            settings,
            ..
        } = operands;
        let symbols = symbols.into_iter().chain(settings).collect();
        let builder = &self.builder;
        let info = CalleeInfo::assumed(
            values.iter().map(|v| builder.type_of(*v)),
            results.iter().map(|v| builder.type_of(*v)),
        );
        self.places
            .callees
            .insert(name.clone(), info.keeping(states.results.clone()));
        if let Some(why) = &callee.no_derivative {
            let message = messages::call_without_derivative(call.at, callee, why);
            let place = (name.clone(), self.builder.location);
            self.places.without.insert(place, message);
        }
        let target = Target {
            name,
            symbols,
            sequence: call.instance.sequence,
            maps: Vec::new(),
        };
        let location = self.builder.location;
        let mut instruction = Call::plain(target, values, results.clone(), location);
        instruction.structs = structs;
        self.builder.insts.push(Inst::Call(instruction));
        self.leave_states(states)?;
        results.truncate(returned);
        Ok(results.into_iter().map(Val::Tensor).collect())
    }

    fn not_inferred(&self, call: &Invocation<'_>) -> Reported {
        self.report(messages::not_inferred(
            call.at,
            call.callee,
            &call.unbound(),
        ))
    }
}
