//! The plain function, and the type of its name that carries what it becomes: `loss::train(..)`.

use super::structure::{struct_text, tensor_text};
use super::{element, quiet, rank};
use crate::hidden;
use crate::parse::{self, Function, Methods, StructType, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use sinew_ir::DType;

/// What a function is at run time: one model at most, then tensors.
struct Entry<'a> {
    model: Option<(&'a Ident, &'a StructType)>,
    inputs: Vec<(&'a Ident, TokenStream)>,
    output: TokenStream,
}

/// The most tensors of a call from Rust: the runtime's `step` and `run` end there.
const INPUTS: usize = 8;

fn entry<'a>(f: &'a Function, library: &TokenStream) -> Option<Entry<'a>> {
    let mut model = None;
    let mut inputs = Vec::new();
    for p in &f.parameters {
        match &p.ty {
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
    if inputs.len() > INPUTS {
        return None;
    }
    Some(Entry {
        model,
        inputs,
        output: output(&f.result, library)?,
    })
}

fn output(ty: &TypeExpr, library: &TokenStream) -> Option<TokenStream> {
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
        TypeExpr::Struct(_) => None,
    }
}

/// A free function.
pub fn at_once(f: &Function, library: &TokenStream) -> TokenStream {
    let Function {
        visibility, name, ..
    } = f;
    let quiet = quiet();
    let Some(entry) = entry(f, library) else {
        // Rust sees this type and no function, so it says why.
        let attributes = &f.attributes;
        let docs = super::doc(&format!(
            "\n```text\n{}\n```\n\nFor other model functions: Rust calls those with one model struct and \
             {INPUTS} tensors at most.",
            declaration(f)
        ));
        return quote! {
            #(#attributes)*
            #docs
            #quiet
            #visibility enum #name {}
        };
    };
    let carrier = quote! {
        #[doc(hidden)]
        #quiet
        #visibility enum #name {}
    };
    let structure = entry.model.map(|(_, s)| (s, f.symbols.as_slice()));
    let unit = hidden::unit();
    let unit = quote!(#name::#unit);
    let implementation = model_function(&entry, name, &unit, structure, library);
    let (model_parameter, model) = match &entry.model {
        Some((parameter, s)) => {
            let path = &s.path;
            (Some(quote!(#parameter: &#path,)), quote!(#parameter))
        }
        None => (None, quote!(&())),
    };
    let plain = plain(f, &entry, &quote!(#name), model_parameter, &model, library);
    let becomes = becomes(f, &entry, library);
    let derivative = match f.no_derivative {
        Some(_) => TokenStream::new(),
        None => derivative(f, &entry, library),
    };
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

/// `pullback` and `vjp`, and for a loss `gradient` and `gradient_by_inputs`.
fn derivative(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let gradient = entry
        .model
        .as_ref()
        .filter(|_| is_loss(f))
        .map(|(name, s)| {
            let path = &s.path;
            let (parameters, arguments) = inputs(entry, library);
            quote! {
                /// The derivative of this function by each parameter, as a model: of the function as a
                /// plain call runs it, without dropout.
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
    let vjp = vjp(f, entry, library);
    quote! {
        /// The function and its pullback for all sizes, calls inlined.
        ///
        /// # Errors
        /// A call that does not fit its callee, which expansion would have refused.
        pub fn pullback() -> #library::__private::Result<::std::string::String> {
            #library::__private::pullback::<Self>()
        }
        #gradient
        #vjp
    }
}

/// `vjp`, and for a loss of floats `gradient_by_inputs`: a function of integers alone, without a model, has
/// nothing that gets a cotangent.
fn vjp(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let float = |t: &parse::TensorType| t.dtype.is_float();
    let floats = f.parameters.iter().filter_map(|p| match &p.ty {
        TypeExpr::Tensor(t) if float(t) => output(&p.ty, library),
        TypeExpr::Tensor(_) | TypeExpr::Struct(_) | TypeExpr::Tuple(_) => None,
    });
    let floats: Vec<TokenStream> = floats.collect();
    let cotangents = cotangents(f, library);
    if cotangents.is_empty() || (floats.is_empty() && entry.model.is_none()) {
        return TokenStream::new();
    }
    let (parameters, arguments) = inputs(entry, library);
    let (receiver, model, ty) = match &entry.model {
        Some((name, s)) => {
            let path = &s.path;
            (Some(quote!(#name: &#path,)), quote!(#name), quote!(#path))
        }
        None => (None, quote!(&()), quote!(())),
    };
    let by_inputs = match &floats[..] {
        [] => quote!(()),
        [one] => one.clone(),
        _ => quote!((#(#floats,)*)),
    };
    let output = &entry.output;
    let narrow = quote!(<#by_inputs as #library::__private::Outputs>::Narrow);
    let names = cotangents.iter().map(|(name, _)| name);
    let behind = cotangents
        .iter()
        .map(|(name, marker)| quote!(#name: impl #library::__private::IntoArg<#marker>));
    let gradient_by_inputs = (is_loss(f) && !floats.is_empty()).then(|| {
        quote! {
            /// The derivative of this function by each float argument: an array like it, a tuple of them
            /// for several. It is of the function as a plain call runs it, without dropout.
            ///
            /// # Errors
            /// Arguments that do not fit the declared types.
            #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value, clippy::type_complexity)]
            pub fn gradient_by_inputs(
                #receiver #(#parameters),*
            ) -> #library::__private::Result<#narrow> {
                #library::__private::gradient_by_inputs::<Self, #by_inputs>(
                    #model, &[#(#arguments),*]
                )
            }
        }
    });
    quote! {
        /// What this function gives, and what its model and its float arguments get of the cotangents of
        /// its float results, which stand behind the arguments: the products of these and the Jacobians.
        /// It is of the function as a plain call runs it, without dropout.
        ///
        /// # Errors
        /// Arguments that do not fit the declared types.
        #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value, clippy::type_complexity)]
        pub fn vjp(
            #receiver #(#parameters,)* #(#behind),*
        ) -> #library::__private::Result<#library::__private::Vjp<
            <#output as #library::__private::Outputs>::Narrow, #ty, #narrow
        >> {
            #library::__private::vjp::<Self, #by_inputs>(
                #model,
                &[#(#arguments,)* #(#library::__private::IntoArg::arg(&#names)),*]
            )
        }
        #gradient_by_inputs
    }
}

/// The cotangents of the float results, as parameters that are called like no other: each with its marker.
fn cotangents(f: &Function, library: &TokenStream) -> Vec<(Ident, TokenStream)> {
    let results = match &f.result {
        TypeExpr::Tuple(parts) => parts.as_slice(),
        TypeExpr::Tensor(_) | TypeExpr::Struct(_) => std::slice::from_ref(&f.result),
    };
    let several = results.len() > 1;
    let markers = results.iter().enumerate().filter_map(|(i, r)| match r {
        TypeExpr::Tensor(t) if t.dtype.is_float() => {
            let (element, rank) = (element(t.dtype, library), rank(t, library));
            Some((i, quote!(#library::__private::Arg<#element, #rank>)))
        }
        TypeExpr::Tensor(_) | TypeExpr::Struct(_) | TypeExpr::Tuple(_) => None,
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

/// `train`, `attach` and `compile`, as far as the function has them.
fn becomes(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let (parameter, model) = match &entry.model {
        Some((_, s)) => {
            let path = &s.path;
            (quote!(model: #path), quote!(model))
        }
        None => (quote!(), quote!(())),
    };
    let train = (entry.model.is_some() && f.no_derivative.is_none()).then(|| {
        quote! {
            /// Training of the model's parameters with this function as the loss.
            pub fn train(#parameter) -> #library::__private::Train<Self> {
                #library::__private::Train::new(#model)
            }
        }
    });
    let attach = entry.model.is_some().then(|| {
        quote! {
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
        #attach
        /// This function on a model of its own.
        pub fn compile(#parameter) -> #library::__private::Compile<Self> {
            #library::__private::Compile::new(#model)
        }
    }
}

/// What the runtime is told of a function: its types, its unit, and the symbols whose values its model has.
///
/// `structure` is the model's struct with its dims here, in terms of `symbols`.
fn model_function(
    entry: &Entry<'_>,
    carrier: &Ident,
    unit: &TokenStream,
    structure: Option<(&StructType, &[Ident])>,
    library: &TokenStream,
) -> TokenStream {
    let inputs = entry.inputs.iter().map(|(_, marker)| marker);
    let output = &entry.output;
    let quiet = quiet();
    let model = match structure {
        Some((s, _)) => s.path.to_token_stream(),
        None => quote!(()),
    };
    let names = structure.map(|(s, names)| symbols(s, names));
    quote! {
        #[automatically_derived]
        #quiet
        impl #library::__private::ModelFunction for #carrier {
            type Model = #model;
            type Inputs = (#(#inputs,)*);
            type Output = #output;
            const UNIT: &'static #library::__private::Unit = #unit;
            #names
        }
    }
}

/// The struct's symbols by position, under the names they have here; nothing where it has none.
fn symbols(structure: &StructType, names: &[Ident]) -> TokenStream {
    if structure.dims.is_empty() {
        return TokenStream::new();
    }
    let named = structure
        .dims
        .iter()
        .enumerate()
        .filter_map(|(i, d)| match d {
            parse::DimExpr::Name(path) => {
                let ident = path.get_ident()?;
                let name = parse::name(ident);
                names.contains(ident).then(|| quote!((#i, #name)))
            }
            _ => None,
        });
    quote! {
        const SYMBOLS: ::core::option::Option<
            &'static [(::core::primitive::usize, &'static ::core::primitive::str)],
        > = ::core::option::Option::Some(&[#(#named),*]);
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
pub fn method(m: &Methods, f: &Function, library: &TokenStream) -> (TokenStream, TokenStream) {
    let Some(entry) = entry(f, library) else {
        return (TokenStream::new(), TokenStream::new());
    };
    let path = &m.owner.path;
    let carrier = hidden::method_type(&crate::signature::last(&m.owner.path), &f.name);
    let symbols: Vec<Ident> = m.symbols.iter().chain(&f.symbols).cloned().collect();
    let (receiver, model, structure) = match (f.receiver, &entry.model) {
        (Some(token), _) => (Some(quote!(&#token,)), quote!(#token), Some(&m.owner)),
        (None, Some((parameter, s))) => {
            let path = &s.path;
            (
                Some(quote!(#parameter: &#path,)),
                quote!(#parameter),
                Some(*s),
            )
        }
        (None, None) => (None, quote!(&()), None),
    };
    // `Self` stands for the struct in the impl block alone.
    let structure = structure.map(|s| match s.path.is_ident("Self") {
        true => (&m.owner, symbols.as_slice()),
        false => (s, symbols.as_slice()),
    });
    let plain = plain(f, &entry, &quote!(#carrier), receiver, &model, library);
    let unit = hidden::method_unit(0, &parse::name(&f.name));
    let implementation =
        model_function(&entry, &carrier, &quote!(#path::#unit), structure, library);
    let quiet = quiet();
    let hidden = quote! {
        #[doc(hidden)]
        #quiet
        enum #carrier {}
        #implementation
    };
    (plain, hidden)
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
            .map(|p| format!("{}: {}", p.name, type_text(&p.ty))),
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
    }
}
