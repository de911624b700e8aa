//! Calls: what is called, an operation by its table, a model function or a method by its signature.

use super::invoke::Invocation;
use super::turbofish::{arguments_before_last, last_arguments};
use super::value::{StructVal, Val};
use super::{Lowerer, Mention};
use crate::check::scope;
use crate::errors::{Checked, Reported};
use crate::hidden;
use crate::messages;
use crate::names::{self, Callee};
use crate::operations;
use crate::parse;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

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
            return Err(self.report(messages::not_callable(call)));
        };
        if p.qself.is_some() {
            return Err(self.report(messages::not_callable(call)));
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
        // In a definition nothing is the user's.
        if self.defined.is_some()
            && let (Some(name), Some(op)) = (p.path.get_ident(), names::operation(&p.path))
        {
            return self.operation(op, name, None, &call.args);
        }
        match names::callee(&p.path) {
            Callee::Operation(name) => {
                let path = syn::Path::from(name.clone());
                let own = self.mentions.get(&scope::key(&path));
                match (own, operations::find(&parse::name(name))) {
                    (None | Some(Mention::NoItem | Mention::Operation), Some(op)) => {
                        self.operation(op, name, None, &call.args)
                    }
                    _ => self.call_function(call, &p.path, path),
                }
            }
            Callee::Foreign => Err(self.report(messages::plain_function(&p.path))),
            Callee::Function(path) => self.call_function(call, &p.path, path),
            Callee::Method(owner, method) => self.call_method(call, &p.path, &owner, method),
        }
    }

    /// `f(..)`, where a path leads to a model function, or to an operation.
    fn call_function(
        &mut self,
        call: &syn::ExprCall,
        written: &syn::Path,
        path: syn::Path,
    ) -> Checked<Val> {
        self.plain_segments(written, 1)?;
        let f = match self.mentions.get(&scope::key(&path)) {
            Some(Mention::Function(f)) => f.clone(),
            Some(Mention::Struct(_)) => {
                return Err(self.report(messages::struct_called(written)));
            }
            Some(Mention::Broken) => return Err(Reported),
            known @ (Some(Mention::Operation | Mention::NoItem) | None) => {
                let found = matches!(known, Some(Mention::Operation));
                if let (Some(op), Some(name), false) =
                    (names::operation(&path), path.get_ident(), found)
                {
                    return Err(self.report(messages::operation_without_an_import(name, op)));
                }
                return match (names::operation(&path), written.segments.last()) {
                    // That the path leads to the operation is for rustc to say.
                    (Some(op), Some(last)) => self.operation(op, &last.ident, None, &call.args),
                    (None, _) | (_, None) => Err(self.report(messages::plain_function(written))),
                };
            }
        };
        let given = self.given(&call.args)?;
        let instance = self.explicit(last_arguments(written), &f)?;
        let unit = hidden::unit();
        self.invoke(Invocation {
            callee: &f,
            unit: quote!(#path::#unit),
            given,
            instance,
            at: &path.to_token_stream(),
        })
    }

    /// `Type::f(..)`.
    fn call_method(
        &mut self,
        call: &syn::ExprCall,
        written: &syn::Path,
        owner: &syn::Path,
        method: &syn::Ident,
    ) -> Checked<Val> {
        self.plain_segments(written, 2)?;
        let position = if owner.is_ident("Self") {
            self.scope.owner.as_ref().map(|(position, _)| *position)
        } else {
            match self.mentions.get(&scope::key(owner)) {
                Some(Mention::Struct(position)) => Some(*position),
                Some(Mention::Broken) => return Err(Reported),
                Some(Mention::Function(_) | Mention::Operation | Mention::NoItem) | None => None,
            }
        };
        let Some(position) = position else {
            return Err(self.report(messages::plain_function(written)));
        };
        let given = self.given(&call.args)?;
        let of_struct = arguments_before_last(written);
        self.method(position, method, given, of_struct, last_arguments(written))
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
            | Val::Flag(_)
            | Val::Setting(_)
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
        if f.private
            && self.scope.owner.is_none()
            && let Some(receiver) = given.first()
            && let Ok(receiver) = syn::parse2(receiver.tokens.clone())
        {
            let method = name.clone();
            self.private.push(super::Private { receiver, method });
        }
        let unit = super::method_unit(self.scope, position, &text);
        let mut instance = self.explicit(arguments, &f)?;
        if let Some(arguments) = of_struct {
            self.explicit_struct(arguments, &f, &mut instance)?;
        }
        self.invoke(Invocation {
            callee: &f,
            unit,
            given,
            instance,
            at: &name.to_token_stream(),
        })
    }
}
