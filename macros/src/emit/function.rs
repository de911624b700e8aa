//! The plain function, and the type of its name that carries what it becomes: `loss::train(..)`.

use super::structure::{struct_text, tensor_text};
use super::{element, quiet, rank};
use crate::parse::{self, Function, StructType, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use sinew_ir::DType;

/// What a function is at run time: one model at most, then tensors.
struct Entry<'a> {
    model: Option<(&'a Ident, &'a StructType)>,
    inputs: Vec<(&'a Ident, TokenStream)>,
    output: TokenStream,
}

fn entry<'a>(f: &'a Function, library: &TokenStream) -> Option<Entry<'a>> {
    let mut model = None;
    let mut inputs = Vec::new();
    for p in &f.parameters {
        match &p.of {
            TypeExpr::Tensor(t) => {
                let (element, rank) = (element(t.dtype, library), rank(t, library));
                inputs.push((&p.name, quote!(#library::__private::Arg<#element, #rank>)));
            }
            TypeExpr::Struct(s) if model.is_none() && f.receiver.is_none() => {
                model = Some((&p.name, s))
            }
            TypeExpr::Struct(_) | TypeExpr::Tuple(_) => return None,
        }
    }
    // The runtime's `step` and `run` end there.
    if inputs.len() > 8 {
        return None;
    }
    Some(Entry {
        model,
        inputs,
        output: output(&f.result, library)?,
    })
}

fn output(of: &TypeExpr, library: &TokenStream) -> Option<TokenStream> {
    match of {
        TypeExpr::Tensor(t) => {
            let (element, rank) = (element(t.dtype, library), rank(t, library));
            Some(quote!(#library::__private::Out<#element, #rank>))
        }
        TypeExpr::Tuple(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(|p| output(p, library)).collect();
            let parts = parts?;
            Some(quote!((#(#parts,)*)))
        }
        TypeExpr::Struct(_) => None,
    }
}

/// A free function.
pub fn at_once(f: &Function, library: &TokenStream) -> TokenStream {
    let Function {
        visibility, name, ..
    } = f;
    let quiet = quiet();
    let carrier = quote! {
        #[doc(hidden)]
        #quiet
        #[derive(Clone, Copy, Debug)]
        #visibility enum #name {}
    };
    let Some(entry) = entry(f, library) else {
        return carrier;
    };
    let implementation = model_function(f, &entry, name, library);
    let (model_parameter, model) = match &entry.model {
        Some((parameter, s)) => {
            let path = &s.path;
            (Some(quote!(#parameter: &#path,)), quote!(#parameter))
        }
        None => (None, quote!(&())),
    };
    let plain = plain(f, &entry, &quote!(#name), model_parameter, &model, library);
    let becomes = becomes(&entry, library);
    let derivative = derivative(f, &entry, library);
    quote! {
        #plain
        #carrier
        #implementation
        #quiet
        impl #name {
            #becomes
            #derivative
        }
    }
}

/// Whether it returns one scalar of the working float.
fn is_loss(f: &Function) -> bool {
    match &f.result {
        TypeExpr::Tensor(t) => t.dtype == DType::Float && t.sequence.is_none() && t.dims.is_empty(),
        TypeExpr::Struct(_) | TypeExpr::Tuple(_) => false,
    }
}

/// `pullback`, and for a loss `gradient`.
fn derivative(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let gradient = entry
        .model
        .as_ref()
        .filter(|_| is_loss(f))
        .map(|(name, s)| {
            let path = &s.path;
            let (parameters, arguments) = inputs(entry, library);
            quote! {
                /// The derivative of this function by each parameter, as a model.
                ///
                /// # Errors
                /// Arguments that do not fit the declared types.
                #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
                pub fn gradient(
                    #name: &#path, #(#parameters),*
                ) -> #library::__private::Result<#path> {
                    #library::__private::gradient::<Self>(#name, &[#(#arguments),*])
                }
            }
        });
    quote! {
        /// The function and its pullback for all sizes, calls inlined.
        ///
        /// # Errors
        /// A call that does not fit its callee, which expansion would have refused.
        pub fn pullback() -> #library::__private::Result<::std::string::String> {
            #library::__private::pullback::<Self>()
        }
        #gradient
    }
}

/// The tensor arguments as parameters of a Rust function, and as views of them.
fn inputs(entry: &Entry<'_>, library: &TokenStream) -> (Vec<TokenStream>, Vec<TokenStream>) {
    let parameter = |(name, marker): &(&Ident, TokenStream)| quote!(#name: impl #library::__private::IntoArg<#marker>);
    let argument =
        |(name, _): &(&Ident, TokenStream)| quote!(#library::__private::IntoArg::arg(&#name));
    (
        entry.inputs.iter().map(parameter).collect(),
        entry.inputs.iter().map(argument).collect(),
    )
}

/// `train`, `attach`, `compile` and what is told of the function.
fn becomes(entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let (parameter, model) = match &entry.model {
        Some((_, s)) => {
            let path = &s.path;
            (quote!(model: #path), quote!(model))
        }
        None => (quote!(), quote!(())),
    };
    let train = entry.model.is_some().then(|| {
        quote! {
            /// Training of the model's parameters with this function as the loss.
            pub fn train(#parameter) -> #library::__private::Train<Self> {
                #library::__private::Train::new(#model)
            }
            /// This function on the current parameters of a trainer.
            pub fn attach(
                trained: &impl #library::__private::Trained<<Self as #library::__private::ModelFunction>::Model>,
            ) -> #library::__private::Result<#library::__private::Runner<Self>> {
                #library::__private::attach::<Self>(trained)
            }
        }
    });
    quote! {
        #train
        /// This function on a model of its own.
        pub fn compile(#parameter) -> #library::__private::Compile<Self> {
            #library::__private::Compile::new(#model)
        }
    }
}

fn model_function(
    f: &Function,
    entry: &Entry<'_>,
    carrier: &Ident,
    library: &TokenStream,
) -> TokenStream {
    let inputs = entry.inputs.iter().map(|(_, marker)| marker);
    let output = &entry.output;
    let quiet = quiet();
    let (model, sizes) = match &entry.model {
        Some((_, s)) => {
            let path = &s.path;
            // The struct's symbols by position, under the names they have here.
            let named = s.dims.iter().enumerate().filter_map(|(i, d)| match d {
                crate::parse::DimExpr::Name(path) => {
                    let ident = path.get_ident()?;
                    let declared = f.symbols.contains(ident);
                    let name = parse::name(ident);
                    declared.then(|| quote!((#i, #name)))
                }
                _ => None,
            });
            let sizes = quote! {
                fn sizes(
                    model: &Self::Model,
                ) -> ::std::vec::Vec<(&'static ::core::primitive::str, ::core::primitive::usize)> {
                    let values = #library::__private::Model::sizes(model);
                    let named: &[(::core::primitive::usize, &'static ::core::primitive::str)] = &[#(#named),*];
                    let pairs = named.iter().filter_map(|(i, name)| Some((*name, values.get(*i)?.1)));
                    pairs.collect()
                }
            };
            (quote!(#path), Some(sizes))
        }
        None => (quote!(()), None),
    };
    quote! {
        #[automatically_derived]
        #quiet
        impl #library::__private::ModelFunction for #carrier {
            type Model = #model;
            type Inputs = (#(#inputs,)*);
            type Output = #output;
            const UNIT: &'static #library::__private::Unit = #carrier::__SINEW_UNIT;
            #sizes
        }
    }
}

/// The function as Rust code calls it.
fn plain(
    f: &Function,
    entry: &Entry<'_>,
    carrier: &TokenStream,
    model_parameter: Option<TokenStream>,
    model: &TokenStream,
    library: &TokenStream,
) -> TokenStream {
    let Function {
        attributes,
        visibility,
        name,
        ..
    } = f;
    let docs = super::doc(&format!("\n```text\n{}\n```", declaration(f)));
    let (parameters, arguments) = inputs(entry, library);
    let output = &entry.output;
    let errors = "\n# Errors\nArguments that do not fit the declared types.";
    quote! {
        #(#attributes)*
        #docs
        #[doc = #errors]
        #[allow(dead_code, clippy::too_many_arguments, clippy::needless_pass_by_value)]
        #visibility fn #name(
            #model_parameter #(#parameters),*
        ) -> #library::__private::Result<<#output as #library::__private::Outputs>::Narrow> {
            #library::__private::call::<#carrier>(#model, &[#(#arguments),*])
        }
    }
}

/// A method, and the hidden type that carries it.
pub fn method(of: &StructType, f: &Function, library: &TokenStream) -> (TokenStream, TokenStream) {
    let Some(mut entry) = entry(f, library) else {
        return (TokenStream::new(), TokenStream::new());
    };
    let path = &of.path;
    let carrier = carrier(of, &f.name);
    let quiet = quiet();
    let (receiver, model) = match f.receiver {
        Some(token) => {
            entry.model = None;
            (Some(quote!(&#token,)), quote!(#token))
        }
        None => match &entry.model {
            Some((parameter, s)) => {
                let path = &s.path;
                (Some(quote!(#parameter: &#path,)), quote!(#parameter))
            }
            None => (None, quote!(&())),
        },
    };
    let plain = plain(f, &entry, &quote!(#carrier), receiver, &model, library);
    let inputs = entry.inputs.iter().map(|(_, marker)| marker);
    let output = &entry.output;
    let model = match (f.receiver, &entry.model) {
        (Some(_), _) => quote!(#path),
        (None, Some((_, s))) => {
            let path = &s.path;
            quote!(#path)
        }
        (None, None) => quote!(()),
    };
    let unit = format_ident!("__SINEW_U0_{}", f.name);
    let hidden = quote! {
        #[doc(hidden)]
        #quiet
        enum #carrier {}
        #[automatically_derived]
        #quiet
        impl #library::__private::ModelFunction for #carrier {
            type Model = #model;
            type Inputs = (#(#inputs,)*);
            type Output = #output;
            const UNIT: &'static #library::__private::Unit = #path::#unit;
        }
    };
    (plain, hidden)
}

/// The hidden type of a method.
fn carrier(of: &StructType, method: &Ident) -> Ident {
    format_ident!("__sinew_{}_{}", crate::signature::last(&of.path), method)
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
            .map(|p| format!("{}: {}", p.name, type_text(&p.of))),
    );
    format!(
        "fn {}{generics}({}) -> {}",
        f.name,
        parameters.join(", "),
        type_text(&f.result)
    )
}

fn type_text(of: &TypeExpr) -> String {
    match of {
        TypeExpr::Tensor(t) => tensor_text("Tensor", t),
        TypeExpr::Struct(s) if s.reference => format!("&{}", struct_text(s)),
        TypeExpr::Struct(s) => struct_text(s),
        TypeExpr::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(type_text).collect();
            format!("({})", parts.join(", "))
        }
    }
}
