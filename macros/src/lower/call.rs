//! Calls: of operations by their table, of model functions and methods by their signatures.

use super::structs::Operands;
use super::turbofish::{arguments_before_last, last_arguments};
use super::value::{StructVal, Val};
use super::{Lowerer, Mention};
use crate::check::unify::{Instance, Misfit, Pending};
use crate::check::{Equations, relation, scope, sizes};
use crate::errors::{Checked, Reported};
use crate::hidden;
use crate::messages;
use crate::names::{self, Callee};
use crate::operations;
use crate::parse;
use crate::signature::{self, ParamType};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use sinew_ir::{CalleeInfo, Dim, Inst, Relation, Symbol, SymbolKind, SymbolTerm, Type};

/// An argument of a call: its value, and its tokens for messages.
#[derive(Clone)]
pub struct Given {
    /// What it is.
    pub val: Val,
    /// As written.
    pub tokens: TokenStream,
}

impl Lowerer<'_, '_> {
    /// `f(..)`.
    pub fn call(&mut self, call: &syn::ExprCall) -> Checked<Val> {
        let syn::Expr::Path(p) = names::unwrapped(&call.func) else {
            return Err(self.report(messages::not_callable(&call.func)));
        };
        if p.qself.is_some() {
            return Err(self.report(messages::not_callable(&call.func)));
        }
        if let Some(name) = p.path.get_ident()
            && let Some(local) = self.lookup(&parse::name(name)).cloned()
        {
            if let Val::Broken = local {
                return Err(Reported);
            }
            let what = self.describe(&local);
            return Err(self.report(messages::local_called(name, &what)));
        }
        match names::callee(&p.path) {
            Callee::Operation(name) => match operations::find(&parse::name(name)) {
                Some(op) => self.operation(op, name, None, &call.args),
                None => Err(self.report(messages::plain_function(&p.path))),
            },
            Callee::Foreign => Err(self.report(messages::plain_function(&p.path))),
            Callee::Function(path) => {
                self.plain_segments(&p.path, 1)?;
                let f = match (
                    self.mentions.get(&scope::key(&path)),
                    p.path.segments.last(),
                ) {
                    (Some(Mention::Function(f)), _) => f.clone(),
                    (Some(Mention::Struct(_)), _) => {
                        return Err(self.report(messages::struct_called(&p.path)));
                    }
                    (Some(Mention::Broken), _) => return Err(Reported),
                    (Some(Mention::NoItem) | None, Some(last)) => {
                        return match names::operation(&path) {
                            // That the path leads to the operation is for rustc to say.
                            Some(op) => self.operation(op, &last.ident, None, &call.args),
                            None => Err(self.report(messages::plain_function(&p.path))),
                        };
                    }
                    (Some(Mention::NoItem) | None, None) => {
                        return Err(self.report(messages::plain_function(&p.path)));
                    }
                };
                let given = self.given(&call.args)?;
                let unit = hidden::unit();
                let unit = quote!(#path::#unit);
                let explicit = self.explicit(last_arguments(&p.path), &f)?;
                self.invoke(&f, unit, given, explicit, &path.to_token_stream())
            }
            Callee::Method(owner, method) => {
                self.plain_segments(&p.path, 2)?;
                let position = if owner.is_ident("Self") {
                    self.scope.owner.as_ref().map(|(position, _)| *position)
                } else {
                    match self.mentions.get(&scope::key(&owner)) {
                        Some(Mention::Struct(position)) => Some(*position),
                        Some(Mention::Broken) => return Err(Reported),
                        Some(Mention::Function(_) | Mention::NoItem) | None => None,
                    }
                };
                let Some(position) = position else {
                    return Err(self.report(messages::plain_function(&p.path)));
                };
                let given = self.given(&call.args)?;
                let struct_arguments = arguments_before_last(&p.path);
                self.method(
                    position,
                    method,
                    given,
                    struct_arguments,
                    last_arguments(&p.path),
                )
            }
        }
    }

    /// `x.f(..)`.
    pub fn method_call(&mut self, call: &syn::ExprMethodCall) -> Checked<Val> {
        let receiver = self.expression(&call.receiver)?;
        let given = Given {
            val: receiver,
            tokens: call.receiver.to_token_stream(),
        };
        match &given.val {
            Val::Broken => Err(Reported),
            Val::Struct(StructVal { structure, .. }) => {
                let structure = *structure;
                let mut all = vec![given.clone()];
                all.extend(self.given(&call.args)?);
                self.method(structure, &call.method, all, None, call.turbofish.as_ref())
            }
            Val::Tensor(_)
            | Val::Number(_)
            | Val::Size(_)
            | Val::Const(_)
            | Val::Counted(_)
            | Val::Repeated(_)
            | Val::Tuple(_)
            | Val::Index(_)
            | Val::List(_) => {
                if let Some(fish) = &call.turbofish {
                    return Err(self.report(messages::not_in_the_language(fish)));
                }
                match operations::find(&parse::name(&call.method)) {
                    Some(op) => self.operation(op, &call.method, Some(given), &call.args),
                    None => {
                        let what = self.describe(&given.val);
                        Err(self.report(messages::no_method(&call.method, &what)))
                    }
                }
            }
        }
    }

    /// The values of a call's arguments.
    fn given(
        &mut self,
        args: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
    ) -> Checked<Vec<Given>> {
        let mut out = Vec::new();
        let mut bad = false;
        for a in args {
            if let syn::Expr::Assign(assign) = a {
                self.report(messages::named_argument(&assign.left));
                bad = true;
                continue;
            }
            match self.expression(a) {
                Ok(val) => out.push(Given {
                    val,
                    tokens: a.to_token_stream(),
                }),
                Err(Reported) => bad = true,
            }
        }
        match bad {
            true => Err(Reported),
            false => Ok(out),
        }
    }

    fn method(
        &mut self,
        position: usize,
        name: &syn::Ident,
        given: Vec<Given>,
        of_struct: Option<&syn::AngleBracketedGenericArguments>,
        arguments: Option<&syn::AngleBracketedGenericArguments>,
    ) -> Checked<Val> {
        let structure = &self.scope.registry.structs[position].signature;
        let text = parse::name(name);
        let full = format!("{}::{text}", structure.name);
        let Some(f) = structure.methods.iter().find(|m| m.name == full).cloned() else {
            let error = messages::no_struct_method(name, structure);
            return Err(self.report(error));
        };
        let unit = super::method_unit(self.scope, position, &text);
        let mut explicit = self.explicit(arguments, &f)?;
        if let Some(arguments) = of_struct {
            self.explicit_struct(arguments, &f, &mut explicit)?;
        }
        self.invoke(&f, unit, given, explicit, &name.to_token_stream())
    }

    /// A call of a model function.
    fn invoke(
        &mut self,
        f: &signature::Function,
        unit: TokenStream,
        given: Vec<Given>,
        mut instance: Instance,
        at: &TokenStream,
    ) -> Checked<Val> {
        if f.id == self.signature.id && f.name == self.signature.name {
            return Err(self.report(messages::recursion(at, &f.name)));
        }
        if given.len() != f.params.len() {
            return Err(self.report(messages::argument_count(at, f, given.len())));
        }
        let mut operands = Operands::default();
        let mut pending = Vec::new();
        let mut bad = false;
        for (i, (param, given)) in f.params.iter().zip(&given).enumerate() {
            let done = self.argument(
                f,
                i,
                param,
                given,
                &mut instance,
                &mut pending,
                &mut operands,
            );
            bad |= done.is_err();
        }
        if bad {
            return Err(Reported);
        }
        // What one equation tells may be what another needs.
        loop {
            let known = instance.sizes.len();
            for p in pending.iter().filter(|p| !p.resolved) {
                instance.learn(&f.symbols, &p.declared, &p.actual);
            }
            for c in f
                .constraints
                .iter()
                .filter(|c| c.relation == Relation::Equal)
            {
                if let Some(zero) = c.left.checked_sub(&c.right) {
                    instance.learn(&f.symbols, &zero, &Dim::constant(0));
                }
            }
            if instance.sizes.len() == known {
                break;
            }
        }
        self.settle(f, &given, &instance, pending)?;
        self.constraints(f, &instance, at)?;
        let mut results = Vec::new();
        for t in &f.results {
            let Some(shape) = instance.apply_shape(&f.symbols, &t.shape) else {
                return Err(self.report(messages::not_inferred(at, f, &unbound(f, &instance))));
            };
            if shape.dims.iter().any(relation::is_great) {
                return Err(self.overflow(crate::parse::start(at)));
            }
            let ty = self
                .equations
                .ty(&Type::new(t.dtype, shape))
                .ok_or_else(|| self.overflow(crate::parse::start(at)))?;
            results.push(self.builder.value(ty));
        }
        let replaced = Equations::from_constraints(&f.constraints);
        let configured = sizes::configured(&self.scope.registry, f, &replaced);
        let gone = |s: &Symbol| replaced.replaces(s) && !configured.contains(s);
        let mut symbols = Vec::new();
        for (symbol, kind) in &f.symbols {
            if *kind == SymbolKind::SIZE && !gone(symbol) {
                match instance.sizes.get(symbol) {
                    Some(d) => symbols.push((symbol.clone(), SymbolTerm::Size(self.dim(d)?))),
                    None => return Err(self.report(messages::not_inferred(at, f, symbol.name()))),
                }
            }
        }
        self.locate(crate::parse::start(at));
        let callee = self.callees.name_for(&f.name, unit);
        let returned = results.len();
        let states = self.new_states(&operands, &mut results);
        let Operands {
            values, structs, ..
        } = operands;
        let builder = &self.builder;
        let info = CalleeInfo::assumed(
            values.iter().map(|v| builder.type_of(*v)),
            results.iter().map(|v| builder.type_of(*v)),
        );
        let info = info.keeping(states);
        self.places.callees.insert(callee.clone(), info);
        if let Some(why) = &f.no_derivative {
            let message = messages::call_without_derivative(at, f, why);
            self.places.without.insert(callee.clone(), message);
        }
        let mut call = sinew_ir::Call::plain(
            sinew_ir::Target {
                name: callee,
                symbols,
                sequence: instance.sequence,
            },
            values,
            results.clone(),
            self.builder.location,
        );
        call.structs = structs;
        self.builder.insts.push(Inst::Call(call));
        results.truncate(returned);
        let mut vals: Vec<Val> = results.into_iter().map(Val::Tensor).collect();
        match f.tuple {
            true => Ok(Val::Tuple(vals)),
            false => Ok(vals.pop().unwrap_or(Val::Broken)),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one step of invoke, which owns them all"
    )]
    fn argument(
        &mut self,
        f: &signature::Function,
        position: usize,
        param: &signature::Param,
        given: &Given,
        instance: &mut Instance,
        pending: &mut Vec<Pending>,
        operands: &mut Operands,
    ) -> Checked<()> {
        match &param.ty {
            ParamType::Tensor(declared) => {
                let value = match &given.val {
                    Val::Struct(_) | Val::Tuple(_) => {
                        let what = self.describe(&given.val);
                        return Err(self.report(messages::argument_kind(
                            &given.tokens,
                            f,
                            param,
                            &what,
                        )));
                    }
                    val => self.tensor_of(val.clone(), Some(declared.dtype), &given.tokens)?,
                };
                let found = self.builder.type_of(value).clone();
                let message = messages::argument(&given.tokens, f, param, declared, &found);
                if found.dtype != declared.dtype {
                    return Err(self.report(message.into_error()));
                }
                match instance.shape(&f.symbols, &declared.shape, &found.shape, position, pending) {
                    Ok(()) => {}
                    Err(Misfit::Rank) => return Err(self.report(message.into_error())),
                    Err(Misfit::Sequence(bound)) => {
                        let error =
                            messages::sequence_misfit(&given.tokens, f, param, &found, &bound);
                        return Err(self.report(error));
                    }
                }
                operands.values.push(value);
            }
            ParamType::Struct(structure, declared) => {
                let given_struct = match &given.val {
                    Val::Struct(s) => s,
                    val => {
                        let what = self.describe(val);
                        return Err(self.report(messages::argument_kind(
                            &given.tokens,
                            f,
                            param,
                            &what,
                        )));
                    }
                };
                let found = given_struct.structure;
                if found != *structure {
                    let expected = &self.scope.registry.structs[*structure].signature;
                    let found = &self.scope.registry.structs[found].signature;
                    let error = messages::other_struct(&given.tokens, f, param, expected, found);
                    return Err(self.report(error));
                }
                for (d, a) in declared.iter().zip(&given_struct.dims) {
                    instance.dim(&f.symbols, d, a, position, pending);
                }
                self.pass(given_struct, operands, (f, param), &given.tokens)?;
            }
        }
        Ok(())
    }

    /// Compares what could not be bound.
    fn settle(
        &mut self,
        f: &signature::Function,
        given: &[Given],
        instance: &Instance,
        pending: Vec<Pending>,
    ) -> Checked<()> {
        let mut bad = Ok(());
        for p in pending {
            let (param, given) = (&f.params[p.argument], &given[p.argument]);
            let declared = match p.resolved {
                true => Some(p.declared.clone()),
                false => instance.apply(&f.symbols, &p.declared),
            };
            let Some(expected) = declared else {
                let error = messages::not_inferred(&given.tokens, f, &unbound(f, instance));
                return Err(self.report(error));
            };
            let what = self.describe(&given.val);
            let message = messages::argument_dim(
                &given.tokens,
                f,
                param,
                &what,
                &p.declared,
                &expected,
                &p.actual,
            );
            if let Err(Reported) = self.equal(&p.actual, &expected, &message) {
                bad = Err(Reported);
                break;
            }
        }
        bad
    }

    /// What the callee assumes must be known here, or left to rustc.
    fn constraints(
        &mut self,
        f: &signature::Function,
        instance: &Instance,
        at: &TokenStream,
    ) -> Checked<()> {
        for c in &f.constraints {
            let (Some(left), Some(right)) = (
                instance.apply(&f.symbols, &c.left),
                instance.apply(&f.symbols, &c.right),
            ) else {
                return Err(self.report(messages::not_inferred(at, f, &unbound(f, instance))));
            };
            let (left, right) = (self.dim(&left)?, self.dim(&right)?);
            let message = messages::constraint(at, f, c, &left, &right);
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
}

/// A symbol of the callee that no argument binds.
fn unbound(f: &signature::Function, instance: &Instance) -> String {
    let symbols = f.symbols.iter().map(|(s, _)| s);
    let mut free = symbols.filter(|s| !instance.sizes.contains_key(s));
    free.next()
        .map_or_else(String::new, |s| s.name().to_string())
}
