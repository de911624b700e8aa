//! What a function is at run time: its models and arguments, as Rust code passes them and as the runtime knows
//! them.

use super::{element, rank};
use crate::parse::{self, Function, StructType, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

/// What a function is at run time: models and tensors.
pub(super) struct Entry<'a> {
    /// The models, with the names of their parameters.
    pub(super) models: Vec<(&'a Ident, &'a StructType)>,
    /// All other parameters: their names, and what they are for the runtime.
    pub(super) inputs: Vec<(&'a Ident, TokenStream)>,
    /// All parameters in the order of the declaration: whether each is a model.
    pub(super) order: Vec<bool>,
    pub(super) output: TokenStream,
}

/// The most arguments of a call from Rust beside models, and the most parts of a tuple: the runtime's
/// `step` and `run` end there.
pub(super) const INPUTS: usize = 16;

/// The most models of a function that Rust calls.
pub(super) const MODELS: usize = 8;

/// What the runtime knows a parameter by; `None` for what Rust does not pass.
pub(super) fn marker(ty: &TypeExpr, library: &TokenStream) -> Option<TokenStream> {
    match ty {
        TypeExpr::Tensor(t) => {
            let (element, rank) = (element(t.dtype, library), rank(t, library));
            Some(quote!(#library::__private::Arg<#element, #rank>))
        }
        TypeExpr::Tuple(parts) if parts.len() <= INPUTS => {
            let parts: Option<Vec<_>> = parts.iter().map(|p| marker(p, library)).collect();
            let parts = parts?;
            Some(quote!((#(#parts,)*)))
        }
        TypeExpr::Array(part, count) => {
            let part = marker(part, library)?;
            Some(quote!([#part; #count]))
        }
        TypeExpr::Tuple(_) | TypeExpr::Struct(_) => None,
    }
}

pub(super) fn entry<'a>(f: &'a Function, library: &TokenStream) -> Option<Entry<'a>> {
    let mut entry = Entry {
        models: Vec::new(),
        inputs: Vec::new(),
        order: Vec::new(),
        output: output(&f.result, library)?,
    };
    for p in &f.parameters {
        entry.order.push(matches!(p.ty, TypeExpr::Struct(_)));
        match &p.ty {
            TypeExpr::Struct(s) => entry.models.push((&p.name, s)),
            other => entry.inputs.push((&p.name, marker(other, library)?)),
        }
    }
    let receiver = usize::from(f.receiver.is_some());
    let fits = entry.inputs.len() <= INPUTS && receiver + entry.models.len() <= MODELS;
    fits.then_some(entry)
}

pub(super) fn output(ty: &TypeExpr, library: &TokenStream) -> Option<TokenStream> {
    match ty {
        TypeExpr::Tensor(t) => {
            let (element, rank) = (element(t.dtype, library), rank(t, library));
            Some(quote!(#library::__private::Out<#element, #rank>))
        }
        TypeExpr::Tuple(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(|p| output(p, library)).collect();
            let parts = parts?;
            Some(quote!((#(#parts,)*)))
        }
        TypeExpr::Struct(_) | TypeExpr::Array(..) => None,
    }
}

/// The parameters of a Rust function, in the order of the declaration.
pub(super) fn parameters(entry: &Entry<'_>, library: &TokenStream) -> Vec<TokenStream> {
    let mut models = entry.models.iter().map(|(name, s)| {
        let path = &s.path;
        quote!(#name: &#path)
    });
    // Where an argument does not fit, rustc shows what it is declared as.
    let mut inputs = entry.inputs.iter().map(|(name, marker)| {
        let bound = quote!(impl #library::__private::IntoArgs<#marker>);
        let bound = super::placed(bound, name.span());
        quote!(#name: #bound)
    });
    let next = |is_model: &bool| match is_model {
        true => models.next(),
        false => inputs.next(),
    };
    entry.order.iter().filter_map(next).collect()
}

/// What the runtime is passed: the models, and the arguments.
pub(super) fn passed(
    entry: &Entry<'_>,
    receiver: Option<&TokenStream>,
) -> (TokenStream, TokenStream) {
    let models = entry.models.iter().map(|(name, _)| name.to_token_stream());
    let models = receiver.cloned().into_iter().chain(models);
    let inputs = entry.inputs.iter().map(|(name, _)| name);
    (quote!((#(#models,)*)), quote!((#(#inputs,)*)))
}

/// What may be given as each model, and the handles of these.
pub(super) fn handles(entry: &Entry<'_>, library: &TokenStream) -> (Vec<TokenStream>, TokenStream) {
    let parameters = entry.models.iter().map(|(name, s)| {
        let path = &s.path;
        quote!(#name: impl #library::__private::IntoShared<#path>)
    });
    let names = entry.models.iter().map(|(name, _)| name);
    let handles = quote!((#(#library::__private::IntoShared::into_shared(#names),)*));
    (parameters.collect(), handles)
}

/// What the runtime is told of a function: its types, its unit, and the symbols whose values its models
/// have. Lints are for what it stands in.
///
/// `models` are the models' structs with their dims here, in terms of `symbols`.
pub(super) fn model_function(
    entry: &Entry<'_>,
    carrier: &Ident,
    unit: &TokenStream,
    models: &[&StructType],
    symbols: &[Ident],
    library: &TokenStream,
) -> TokenStream {
    let inputs = entry.inputs.iter().map(|(_, marker)| marker);
    let output = &entry.output;
    let paths = models.iter().map(|s| &s.path);
    let names = symbols_of(models, symbols);
    quote! {
        #[automatically_derived]
        impl #library::__private::ModelFunction for #carrier {
            type Models = (#(#paths,)*);
            type Inputs = (#(#inputs,)*);
            type Output = #output;
            const UNIT: &'static #library::__private::Unit = #unit;
            #names
        }
    }
}

/// The symbols of each struct by position, under the names they have here; nothing where none has any.
pub(super) fn symbols_of(models: &[&StructType], names: &[Ident]) -> TokenStream {
    if models.iter().all(|s| s.dims.is_empty()) {
        return TokenStream::new();
    }
    let each = models.iter().map(|s| {
        let dims = s.dims.iter().enumerate();
        let named = dims.filter_map(|(i, d)| match d {
            parse::DimExpr::Name(path) => {
                let ident = path.get_ident()?;
                let name = parse::name(ident);
                names.contains(ident).then(|| quote!((#i, #name)))
            }
            _ => None,
        });
        quote!(&[#(#named),*])
    });
    quote! {
        const SYMBOLS: &'static [
            &'static [(::core::primitive::usize, &'static ::core::primitive::str)]
        ] = &[#(#each),*];
    }
}
