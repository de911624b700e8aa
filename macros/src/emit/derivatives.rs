//! The derivatives of a function as Rust code calls them.

use super::becomes::{first_result, is_loss};
use super::entry::{Entry, marker, output, parameters, passed};
use super::function::host_type;
use crate::parse::{Function, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

/// `pullback` and `vjp`, and for a loss `gradient` and `gradient_by_inputs`.
pub(super) fn derivative(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let first = entry.models.first().filter(|_| is_loss(first_result(f)));
    let (models, arguments) = passed(entry, None);
    let gradient = first.map(|(_, s)| {
        let path = &s.path;
        let parameters = parameters(entry, library);
        let docs = of_arguments(
            "The derivative of this function's (first) result by each parameter of its (first) model, as a \
             model: of the function as a plain call runs it, without dropout.",
        );
        quote! {
            #docs
            pub fn gradient(#(#parameters),*) -> #library::__private::Result<#path> {
                #library::__private::gradient::<Self>(#models, #arguments)
            }
        }
    });
    let vjp = vjp(f, entry, library);
    let gradient_by_inputs = gradient_by_inputs(f, entry, library);
    let docs = super::doc(
        "The function and its pullback for all sizes, calls inlined.\n\n# Errors\nA call that does not fit its \
         callee, which expansion would have refused.",
    );
    quote! {
        #docs
        pub fn pullback() -> #library::__private::Result<::std::string::String> {
            #library::__private::pullback::<Self>()
        }
        #gradient
        #vjp
        #gradient_by_inputs
    }
}

/// What stands for [`derivative`] where the function has a mistake: all of it is there, whatever it is given, so that
/// this mistake is all that rustc tells.
pub(super) fn broken(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let any = |count: usize| vec![quote!(_: impl ::core::marker::Sized); count];
    let all = any(entry.order.len());
    let with_cotangents = any(entry.order.len() + cotangents(f, library).len());
    let derivatives = [
        ("gradient", &all),
        ("gradient_by_inputs", &all),
        ("vjp", &with_cotangents),
    ];
    let derivatives = derivatives.map(|(name, parameters)| {
        let name = Ident::new(name, proc_macro2::Span::call_site());
        quote! {
            pub fn #name<T>(#(#parameters),*) -> #library::__private::Result<T> {
                loop {}
            }
        }
    });
    quote! {
        pub fn pullback() -> #library::__private::Result<::std::string::String> {
            loop {}
        }
        #(#derivatives)*
    }
}

/// Docs of what takes the function's arguments.
fn of_arguments(text: &str) -> TokenStream {
    super::doc(&format!(
        "{text}\n\n# Errors\nArguments that do not fit the declared types."
    ))
}

/// Whether anything gets a cotangent of a result: of a function of integers alone, without a model, nothing
/// does.
pub(super) fn has_vjp(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> bool {
    let by = !entry.models.is_empty() || !float_inputs(f, library).is_empty();
    by && !cotangents(f, library).is_empty() && gradients_are_arrays(f)
}

/// `vjp`, if there is anything that gets a cotangent.
fn vjp(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> Option<TokenStream> {
    if !has_vjp(f, entry, library) {
        return None;
    }
    let parameters = parameters(entry, library);
    let cotangents = cotangents(f, library);
    let names = cotangents.iter().map(|(name, _)| name);
    let behind = cotangents
        .iter()
        .map(|(name, marker)| quote!(#name: impl #library::__private::IntoArgs<#marker>));
    let (models, arguments) = passed(entry, None);
    let paths: Vec<_> = entry.models.iter().map(|(_, s)| &s.path).collect();
    let each = match &paths[..] {
        [one] => one.to_token_stream(),
        _ => quote!((#(#paths),*)),
    };
    let by_inputs = one_or_tuple(&float_inputs(f, library));
    let value = host_type(&f.result, library);
    let docs = of_arguments(
        "What this function gives, and what its models and its float arguments get of the cotangents of its \
         float results, which stand behind the arguments: the products of these and the Jacobians. It is of \
         the function as a plain call runs it, without dropout.",
    );
    Some(quote! {
        #docs
        pub fn vjp(
            #(#parameters,)* #(#behind),*
        ) -> #library::__private::Result<#library::__private::Vjp<
            #value, #each, <#by_inputs as #library::__private::Gradients>::Narrow
        >> {
            #library::__private::vjp::<Self, #by_inputs, _>(#models, #arguments, (#(#names,)*))
        }
    })
}

/// `gradient_by_inputs`, for a loss of floats.
fn gradient_by_inputs(
    f: &Function,
    entry: &Entry<'_>,
    library: &TokenStream,
) -> Option<TokenStream> {
    let floats = float_inputs(f, library);
    if floats.is_empty() || !is_loss(first_result(f)) || !gradients_are_arrays(f) {
        return None;
    }
    let parameters = parameters(entry, library);
    let (models, arguments) = passed(entry, None);
    let by_inputs = one_or_tuple(&floats);
    let docs = of_arguments(
        "The derivative of this function's (first) result by each float argument: an array like it, a tuple of \
         them for several; of a tuple or an array of tensors such of its float ones. It is of the function as \
         a plain call runs it, without dropout.",
    );
    Some(quote! {
        #docs
        pub fn gradient_by_inputs(
            #(#parameters),*
        ) -> #library::__private::Result<<#by_inputs as #library::__private::Gradients>::Narrow> {
            #library::__private::gradient_by_inputs::<Self, #by_inputs>(#models, #arguments)
        }
    })
}

/// Whether what the parameters get of a cotangent comes back: arrays have so many dims at most.
pub(super) fn gradients_are_arrays(f: &Function) -> bool {
    const MOST: usize = 8;
    fn fits(ty: &TypeExpr) -> bool {
        match ty {
            TypeExpr::Tensor(t) => t.dims.len() <= MOST,
            TypeExpr::Tuple(parts) => parts.iter().all(fits),
            TypeExpr::Array(part, _) => fits(part),
            TypeExpr::Struct(_) => true,
        }
    }
    f.parameters.iter().all(|p| fits(&p.ty))
}

/// What each parameter with float tensors in it gets of a cotangent.
pub(super) fn float_inputs(f: &Function, library: &TokenStream) -> Vec<TokenStream> {
    let parameters = f.parameters.iter();
    parameters
        .filter_map(|p| gradients(&p.ty, library))
        .collect()
}

/// The float tensors of a parameter, in its tuples and arrays; `None` without any.
fn gradients(ty: &TypeExpr, library: &TokenStream) -> Option<TokenStream> {
    match ty {
        TypeExpr::Tensor(t) if t.dtype.is_float() => output(ty, library),
        TypeExpr::Tuple(parts) => {
            let parts = parts.iter().filter_map(|p| gradients(p, library));
            let parts: Vec<_> = parts.collect();
            (!parts.is_empty()).then(|| quote!((#(#parts,)*)))
        }
        TypeExpr::Array(part, count) => {
            let part = gradients(part, library)?;
            Some(quote!([#part; #count]))
        }
        TypeExpr::Tensor(_) | TypeExpr::Struct(_) => None,
    }
}

/// The type itself, or a tuple of several.
fn one_or_tuple(types: &[TokenStream]) -> TokenStream {
    match types {
        [one] => one.clone(),
        _ => quote!((#(#types,)*)),
    }
}

/// The cotangents of the float results, as parameters that are called like no other: each with its marker.
fn cotangents(f: &Function, library: &TokenStream) -> Vec<(Ident, TokenStream)> {
    let results = match &f.result {
        TypeExpr::Tuple(parts) => parts.as_slice(),
        TypeExpr::Tensor(_) | TypeExpr::Struct(_) | TypeExpr::Array(..) => {
            std::slice::from_ref(&f.result)
        }
    };
    let several = results.len() > 1;
    let markers = results.iter().enumerate().filter_map(|(i, r)| match r {
        TypeExpr::Tensor(t) if t.dtype.is_float() => Some((i, marker(r, library)?)),
        TypeExpr::Tensor(_) | TypeExpr::Struct(_) | TypeExpr::Tuple(_) | TypeExpr::Array(..) => {
            None
        }
    });
    let named = markers.map(|(i, marker)| {
        let mut name = match several {
            true => format!("cotangent{i}"),
            false => "cotangent".to_string(),
        };
        while f.parameters.iter().any(|p| p.name == name.as_str()) {
            name.push('_');
        }
        (Ident::new(&name, proc_macro2::Span::call_site()), marker)
    });
    named.collect()
}
