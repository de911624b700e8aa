//! Dims that a call gives itself: `attention::<_, 4>(x)`, `Linear::<64, 10>::forward(m, x)`.

use super::Lowerer;
use crate::check::unify::Instance;
use crate::errors::Checked;
use crate::messages;
use crate::parse::types;
use crate::signature::{self, ParamType};
use sinew_ir::SymbolKind;

impl Lowerer<'_, '_> {
    /// Only the last `count` segments of a path may have generic arguments.
    pub fn plain_segments(&mut self, path: &syn::Path, count: usize) -> Checked<()> {
        let plain = path.segments.len().saturating_sub(count);
        let full = |s: &&syn::PathSegment| !s.arguments.is_none();
        match path.segments.iter().take(plain).find(full) {
            Some(segment) => Err(self.report(messages::not_in_the_language(&segment.arguments))),
            None => Ok(()),
        }
    }

    /// Symbols that the call gives itself: `attention::<_, 4>(x)`, the first ones that the function
    /// itself declares.
    pub fn explicit(
        &mut self,
        arguments: Option<&syn::AngleBracketedGenericArguments>,
        f: &signature::Function,
    ) -> Checked<Instance> {
        let mut instance = Instance::default();
        let Some(arguments) = arguments else {
            return Ok(instance);
        };
        let own = f.symbols.get(f.outer..).unwrap_or_default();
        if arguments.args.len() > own.len() {
            return Err(self.report(messages::symbol_count(arguments, f)));
        }
        for (a, (symbol, kind)) in arguments.args.iter().zip(own) {
            if let syn::GenericArgument::Type(syn::Type::Infer(_)) = a {
                continue;
            }
            if *kind == SymbolKind::Sequence {
                return Err(self.report(messages::symbol_count(arguments, f)));
            }
            let dim = types::dim(a, self.scope.errors)?;
            let dim = self.scope.dim(&dim)?;
            instance.sizes.insert(symbol.clone(), self.dim(&dim)?);
        }
        Ok(instance)
    }

    /// Dims that the call gives the struct of a method: `Linear::<64, 10>::forward(m, x)`.
    pub fn explicit_struct(
        &mut self,
        arguments: &syn::AngleBracketedGenericArguments,
        f: &signature::Function,
        instance: &mut Instance,
    ) -> Checked<()> {
        let Some(ParamType::Struct(_, declared)) =
            f.params.first().map(|p| &p.ty).filter(|_| f.is_method())
        else {
            return Err(self.report(messages::no_receiver_for_dims(arguments, f)));
        };
        if arguments.args.len() != declared.len() {
            return Err(self.report(messages::struct_dims_count(arguments, f, declared)));
        }
        for (a, declared) in arguments.args.iter().zip(declared) {
            if let syn::GenericArgument::Type(syn::Type::Infer(_)) = a {
                continue;
            }
            let dim = types::dim(a, self.scope.errors)?;
            let dim = self.scope.dim(&dim)?;
            let dim = self.dim(&dim)?;
            match declared.as_symbol() {
                // What the receiver then has must be the same.
                Some(symbol) => drop(instance.sizes.insert(symbol.clone(), dim)),
                None => {
                    let message = messages::struct_dim(a, f, declared, &dim);
                    self.equal(declared, &dim, &message)?;
                }
            }
        }
        Ok(())
    }
}

/// The generic arguments at the end of a path.
pub fn last_arguments(path: &syn::Path) -> Option<&syn::AngleBracketedGenericArguments> {
    match &path.segments.last()?.arguments {
        syn::PathArguments::AngleBracketed(a) => Some(a),
        syn::PathArguments::None | syn::PathArguments::Parenthesized(_) => None,
    }
}

/// The generic arguments of the segment before the last one of a path.
pub fn arguments_before_last(path: &syn::Path) -> Option<&syn::AngleBracketedGenericArguments> {
    match &path.segments.iter().rev().nth(1)?.arguments {
        syn::PathArguments::AngleBracketed(a) => Some(a),
        syn::PathArguments::None | syn::PathArguments::Parenthesized(_) => None,
    }
}
