//! The plain function, and the type of its name that carries what it becomes.

use super::becomes::{first_result, is_loss};
use super::derivatives::{float_inputs, gradients_are_arrays, has_vjp};
use super::entry::{Entry, INPUTS, MODELS, entry, model_function, parameters, passed};
use super::structure::{struct_text, tensor_text};
use super::{element, quiet};
use crate::hidden;
use crate::parse::{self, Function, Methods, StructType, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use sinew_ir::DType;

/// A free function, of which no more has to be known than its declaration.
pub fn at_once(f: &Function, library: &TokenStream) -> TokenStream {
    let Function {
        visibility, name, ..
    } = f;
    let quiet = quiet();
    let Some(entry) = entry(f, library) else {
        // Rust sees this type and no function, so it says why.
        let attributes = &f.attributes;
        let docs = super::doc(&format!(
            "\n```text\n{}\n```\n\nFor other model functions: Rust calls those with at most {MODELS} model \
             structs and {INPUTS} other parameters, and tuples of at most {INPUTS} parts.",
            declaration(f)
        ));
        return quote! {
            #(#attributes)*
            #docs
            #quiet
            #visibility enum #name {}
        };
    };
    let docs = super::doc(&format!("What [`{name}`](fn@{name}) becomes."));
    let carrier = quote! {
        #docs
        #quiet
        #visibility enum #name {}
    };
    let list = becomes_list(f, &entry, library);
    let call = hidden::call();
    let plain = plain(
        f,
        &entry,
        &quote!(<#name>::#call),
        None,
        Some(list),
        library,
    );
    quote!(#plain #carrier)
}

/// The function as Rust code calls it, through `call`; a method with the token of its receiver.
fn plain(
    f: &Function,
    entry: &Entry<'_>,
    call: &TokenStream,
    receiver: Option<&TokenStream>,
    becomes: Option<String>,
    library: &TokenStream,
) -> TokenStream {
    let Function {
        attributes,
        visibility,
        name,
        ..
    } = f;
    let docs = super::doc(&format!(
        "\n```text\n{}\n```\n\n# Errors\nArguments that do not fit the declared types.{}",
        declaration(f),
        becomes.as_deref().unwrap_or_default()
    ));
    let mut parameters = parameters(entry, library);
    let own = receiver.map(|token| quote!(&#token,));
    let (models, arguments) = passed(entry, receiver);
    let result = host_type(&f.result, library);
    let mut work = quote!(#call(#models, #arguments));
    if let Some(first) = entry.order.iter().position(|is_model| !is_model)
        && leaves_sizes_open(f)
    {
        let input = entry.inputs[0].0;
        let of = match &becomes {
            Some(_) => name.to_token_stream(),
            None => quote!(Self),
        };
        let bound = quote!(impl #library::__private::TellsAllSizes<#of>);
        let bound = super::placed(bound, input.span());
        parameters[first] = quote!(#input: #bound);
        let inputs = entry.inputs.iter().skip(1).map(|(name, _)| *name);
        let others = inputs.chain(entry.models.iter().map(|(name, _)| *name));
        // The others are mentioned, so that nothing is said of them.
        work = quote! {{
            #(let _ = &#others;)*
            #library::__private::TellsAllSizes::never(#input)
        }};
    }
    quote! {
        #(#attributes)*
        #docs
        #[allow(dead_code, clippy::too_many_arguments)]
        #visibility fn #name(
            #own #(#parameters),*
        ) -> #library::__private::Result<#result> {
            #work
        }
    }
}

/// Whether a size in the result is in no parameter, nor in an equation with one.
fn leaves_sizes_open(f: &Function) -> bool {
    let mut told = Vec::new();
    f.parameters.iter().for_each(|p| sizes(&p.ty, &mut told));
    for constraint in &f.constraints {
        constraint.left.names(&mut told);
        constraint.right.names(&mut told);
    }
    let mut asked = Vec::new();
    sizes(&f.result, &mut asked);
    let own = |name: &String| f.symbols.iter().any(|s| parse::name(s) == *name);
    asked.iter().any(|name| own(name) && !told.contains(name))
}

/// The names in the dims of a type.
fn sizes(ty: &TypeExpr, names: &mut Vec<String>) {
    match ty {
        TypeExpr::Tensor(t) => {
            names.extend(t.sequence.iter().map(parse::name));
            t.dims.iter().for_each(|d| d.names(names));
        }
        TypeExpr::Struct(s) => s.dims.iter().for_each(|d| d.names(names)),
        TypeExpr::Tuple(parts) => parts.iter().for_each(|p| sizes(p, names)),
        TypeExpr::Array(part, _) => sizes(part, names),
    }
}

/// A result as Rust code gets it, under the name that it has in docs.
pub(super) fn host_type(ty: &TypeExpr, library: &TokenStream) -> TokenStream {
    let tensor = match ty {
        TypeExpr::Tensor(t) => t,
        TypeExpr::Tuple(parts) => {
            let parts = parts.iter().map(|p| host_type(p, library));
            return quote!((#(#parts,)*));
        }
        // Refused where it is read.
        TypeExpr::Struct(_) | TypeExpr::Array(..) => return quote!(()),
    };
    let element = match tensor.dtype {
        DType::Float => quote!(::core::primitive::f32),
        other => element(other, library),
    };
    match (&tensor.sequence, tensor.dims.len()) {
        (None, 0) => element,
        (None, rank @ 1..=6) => {
            let array = format_ident!("Array{}", rank);
            quote!(#library::ndarray::#array<#element>)
        }
        _ => quote!(#library::ndarray::ArrayD<#element>),
    }
}

/// Where a reader of the function's page finds what else it is, in as few words as metadata should hold.
fn becomes_list(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> String {
    let name = &f.name;
    let loss = is_loss(first_result(f)) && !entry.models.is_empty();
    let differentiable = f.no_derivative.is_none();
    let trained = loss && differentiable;
    let items = [
        (trained, "train"),
        (!entry.models.is_empty(), "attach"),
        (true, "compile"),
        (trained, "gradients"),
        (trained, "gradient"),
        (
            differentiable
                && is_loss(first_result(f))
                && !float_inputs(f, library).is_empty()
                && gradients_are_arrays(f),
            "gradient_by_inputs",
        ),
        (differentiable && has_vjp(f, entry, library), "vjp"),
        (true, "signature"),
    ];
    let names = items.iter().filter(|(has, _)| *has);
    let names: Vec<String> = names.map(|(_, item)| format!("`{item}`")).collect();
    format!(
        "\n\nThe type [`{name}`](enum@{name}) has {}.",
        names.join(", ")
    )
}

/// A method, and the hidden type that carries it.
pub fn method(m: &Methods, f: &Function, library: &TokenStream) -> (TokenStream, TokenStream) {
    let Some(entry) = entry(f, library) else {
        return (TokenStream::new(), TokenStream::new());
    };
    let path = &m.owner.path;
    let carrier = hidden::method_type(&crate::signature::last(&m.owner.path), &f.name);
    let symbols: Vec<Ident> = m.symbols.iter().chain(&f.symbols).cloned().collect();
    let receiver = f.receiver.map(|token| token.to_token_stream());
    // `Self` stands for the struct in the impl block alone.
    let named = entry
        .models
        .iter()
        .map(|(_, s)| match s.path.is_ident("Self") {
            true => &m.owner,
            false => *s,
        });
    let own = receiver.iter().map(|_| &m.owner);
    let models: Vec<&StructType> = own.chain(named).collect();
    let plain = plain(
        f,
        &entry,
        &quote!(#library::__private::call::<#carrier>),
        receiver.as_ref(),
        None,
        library,
    );
    let unit = hidden::method_unit(0, &parse::name(&f.name));
    let unit = quote!(#path::#unit);
    let implementation = model_function(&entry, &carrier, &unit, &models, &symbols, library);
    let quiet = quiet();
    let hidden = quote! {
        #[doc(hidden)]
        #quiet
        enum #carrier {}
        #quiet
        #implementation
    };
    // Whether the method is seen where a body calls it, rustc is asked by this.
    let visibility = &f.visibility;
    let seen = hidden::seen(&f.name);
    let seen = match (visibility, f.receiver) {
        (syn::Visibility::Public(_), _) | (_, None) => TokenStream::new(),
        (_, Some(_)) => {
            let seen = quote_spanned!(f.name.span()=> fn #seen(&self) {});
            quote!(#[doc(hidden)] #quiet #visibility #seen)
        }
    };
    (quote!(#plain #seen), hidden)
}

/// The function as it was declared.
pub fn declaration(f: &Function) -> String {
    let symbols: Vec<String> = f.symbols.iter().map(ToString::to_string).collect();
    let generics = match symbols.is_empty() {
        true => String::new(),
        false => format!("<{}>", symbols.join(", ")),
    };
    let mut parameters: Vec<String> = f.receiver.iter().map(|_| "&self".to_string()).collect();
    parameters.extend(
        f.parameters
            .iter()
            .map(|p| format!("{}: {}", p.written(), type_text(&p.ty))),
    );
    format!(
        "fn {}{generics}({}) -> {}",
        f.name,
        parameters.join(", "),
        type_text(&f.result)
    )
}

fn type_text(ty: &TypeExpr) -> String {
    match ty {
        TypeExpr::Tensor(t) => tensor_text("Tensor", t),
        TypeExpr::Struct(s) if s.reference => format!("&{}", struct_text(s)),
        TypeExpr::Struct(s) => struct_text(s),
        TypeExpr::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(type_text).collect();
            format!("({})", parts.join(", "))
        }
        TypeExpr::Array(part, count) => format!("[{}; {count}]", type_text(part)),
    }
}
