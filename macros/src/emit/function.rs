//! The plain function, and the type of its name that carries what it becomes: `loss::train(..)`.

use super::structure::{struct_text, tensor_text};
use super::{element, quiet, rank};
use crate::hidden;
use crate::parse::{self, Function, Methods, StructType, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use sinew_ir::DType;

/// What a function is at run time: models and tensors.
struct Entry<'a> {
    /// The models, with the names of their parameters.
    models: Vec<(&'a Ident, &'a StructType)>,
    /// All other parameters: their names, and what they are for the runtime.
    inputs: Vec<(&'a Ident, TokenStream)>,
    /// All parameters in the order of the declaration: whether each is a model.
    order: Vec<bool>,
    output: TokenStream,
}

/// The most arguments of a call from Rust beside models, and the most parts of a tuple: the runtime's
/// `step` and `run` end there.
const INPUTS: usize = 16;

/// The most models of a function that Rust calls.
const MODELS: usize = 8;

/// What the runtime knows a parameter by; `None` for what Rust does not pass.
fn marker(ty: &TypeExpr, library: &TokenStream) -> Option<TokenStream> {
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

fn entry<'a>(f: &'a Function, library: &TokenStream) -> Option<Entry<'a>> {
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
        TypeExpr::Struct(_) | TypeExpr::Array(..) => None,
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
    let unit = hidden::unit();
    let unit = quote!(#name::#unit);
    let models: Vec<&StructType> = entry.models.iter().map(|(_, s)| *s).collect();
    let implementation = model_function(&entry, name, &unit, &models, &f.symbols, library);
    let list = becomes_list(f, &entry, library);
    let plain = plain(f, &entry, &quote!(#name), None, Some(list), library);
    let becomes = becomes(&entry, library);
    let derivative = match f.no_derivative {
        Some(_) => TokenStream::new(),
        None => derivative(f, &entry, library),
    };
    let train = train(f, &entry, library);
    quote! {
        #plain
        #carrier
        #implementation
        #quiet
        impl #name {
            #train
            #becomes
            #derivative
        }
    }
}

/// The first of a function's results.
fn first_result(f: &Function) -> &TypeExpr {
    match &f.result {
        TypeExpr::Tuple(parts) => parts.first().unwrap_or(&f.result),
        other => other,
    }
}

/// Whether a result is one scalar of the working float.
fn is_loss(result: &TypeExpr) -> bool {
    match result {
        TypeExpr::Tensor(t) => t.dtype == DType::Float && t.sequence.is_none() && t.dims.is_empty(),
        TypeExpr::Struct(_) | TypeExpr::Tuple(_) | TypeExpr::Array(..) => false,
    }
}

/// `pullback` and `vjp`, and for a loss `gradient` and `gradient_by_inputs`.
fn derivative(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let first = entry.models.first().filter(|_| is_loss(first_result(f)));
    let gradient = first.map(|(_, s)| {
        let path = &s.path;
        let parameters = parameters(entry, library);
        let (models, views, arguments) = passed(entry, None, &[], library);
        quote! {
            /// The derivative of this function's (first) result by each parameter of its (first) model, as
            /// a model: of the function as a plain call runs it, without dropout.
            ///
            /// # Errors
            /// Arguments that do not fit the declared types.
            #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
            pub fn gradient(#(#parameters),*) -> #library::__private::Result<#path> {
                #views
                #library::__private::gradient::<Self>(#models, #arguments)
            }
        }
    });
    let vjp = vjp(f, entry, library);
    let gradient_by_inputs = gradient_by_inputs(f, entry, library);
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
        #gradient_by_inputs
    }
}

/// Whether anything gets a cotangent of a result: of a function of integers alone, without a model, nothing
/// does.
fn has_vjp(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> bool {
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
    let behind = cotangents
        .iter()
        .map(|(name, marker)| quote!(#name: impl #library::__private::IntoArgs<#marker>));
    let (models, views, arguments) = passed(entry, None, &cotangents, library);
    let paths: Vec<_> = entry.models.iter().map(|(_, s)| &s.path).collect();
    let each = match &paths[..] {
        [one] => one.to_token_stream(),
        _ => quote!((#(#paths),*)),
    };
    let by_inputs = one_or_tuple(&float_inputs(f, library));
    let output = &entry.output;
    Some(quote! {
        /// What this function gives, and what its models and its float arguments get of the cotangents of
        /// its float results, which stand behind the arguments: the products of these and the Jacobians.
        /// It is of the function as a plain call runs it, without dropout.
        ///
        /// # Errors
        /// Arguments that do not fit the declared types.
        #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value, clippy::type_complexity)]
        pub fn vjp(
            #(#parameters,)* #(#behind),*
        ) -> #library::__private::Result<#library::__private::Vjp<
            <#output as #library::__private::Outputs>::Narrow,
            #each,
            <#by_inputs as #library::__private::Gradients>::Narrow
        >> {
            #views
            #library::__private::vjp::<Self, #by_inputs>(#models, #arguments)
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
    let (models, views, arguments) = passed(entry, None, &[], library);
    let by_inputs = one_or_tuple(&floats);
    Some(quote! {
        /// The derivative of this function's (first) result by each float argument: an array like it, a
        /// tuple of them for several; of a tuple or an array of tensors such of its float ones. It is of
        /// the function as a plain call runs it, without dropout.
        ///
        /// # Errors
        /// Arguments that do not fit the declared types.
        #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value, clippy::type_complexity)]
        pub fn gradient_by_inputs(
            #(#parameters),*
        ) -> #library::__private::Result<<#by_inputs as #library::__private::Gradients>::Narrow> {
            #views
            #library::__private::gradient_by_inputs::<Self, #by_inputs>(#models, #arguments)
        }
    })
}

/// Whether what the parameters get of a cotangent comes back: arrays have so many dims at most.
fn gradients_are_arrays(f: &Function) -> bool {
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
fn float_inputs(f: &Function, library: &TokenStream) -> Vec<TokenStream> {
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

/// The parameters of a Rust function, in the order of the declaration.
fn parameters(entry: &Entry<'_>, library: &TokenStream) -> Vec<TokenStream> {
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

/// What the runtime is passed of these and of what stands `behind` them: the models, the statements that
/// collect the arguments, and these.
fn passed(
    entry: &Entry<'_>,
    receiver: Option<&TokenStream>,
    behind: &[(Ident, TokenStream)],
    library: &TokenStream,
) -> (TokenStream, TokenStream, TokenStream) {
    let models = entry.models.iter().map(|(name, _)| name.to_token_stream());
    let models = receiver.cloned().into_iter().chain(models);
    let models = quote!((#(#models,)*));
    if entry.inputs.is_empty() && behind.is_empty() {
        return (models, TokenStream::new(), quote!(&[]));
    }
    let inputs = entry.inputs.iter().map(|(name, marker)| (*name, marker));
    let behind = behind.iter().map(|(name, marker)| (name, marker));
    let each = inputs.chain(behind).map(|(name, marker)| {
        quote!(#library::__private::IntoArgs::<#marker>::add_to(&#name, &mut __sinew_views);)
    });
    let views = quote! {
        let mut __sinew_views = #library::__private::ArgViews::new();
        #(#each)*
    };
    (models, views, quote!(__sinew_views.as_slice()))
}

/// What may be given as each model, and the handles of these.
fn handles(entry: &Entry<'_>, library: &TokenStream) -> (Vec<TokenStream>, TokenStream) {
    let parameters = entry.models.iter().map(|(name, s)| {
        let path = &s.path;
        quote!(#name: impl #library::__private::IntoShared<#path>)
    });
    let names = entry.models.iter().map(|(name, _)| name);
    let handles = quote!((#(#library::__private::IntoShared::into_shared(#names),)*));
    (parameters.collect(), handles)
}

/// `train`: of a function that cannot be trained one that no model fits, whose bound tells why.
fn train(f: &Function, entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let why = if entry.models.is_empty() {
        quote!(HasAModel)
    } else if f.no_derivative.is_some() {
        quote!(HasADerivative)
    } else if is_loss(first_result(f)) {
        let (parameters, handles) = handles(entry, library);
        return quote! {
            /// Training of the first model's parameters with this function's first result as the loss; other
            /// models are held as they are.
            pub fn train(#(#parameters),*) -> #library::__private::Train<Self> {
                #library::__private::Train::new(#handles)
            }
        };
    } else {
        quote!(GivesALoss)
    };
    let others = entry.models.iter().skip(1);
    let others = others.map(|(name, _)| quote!(#name: impl ::core::marker::Sized));
    quote! {
        #[doc(hidden)]
        #[allow(unused_variables)]
        pub fn train(
            model: impl #library::__private::#why<Self>, #(#others),*
        ) -> #library::__private::Train<Self> {
            match model.never() {}
        }
    }
}

/// `attach` and `compile`, as far as the function has them.
fn becomes(entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let (parameters, handles) = handles(entry, library);
    let attach = entry.models.first().map(|(first, _)| {
        let parameters = entry.models.iter().map(|(name, s)| {
            let path = &s.path;
            quote!(#name: &impl #library::__private::Trained<#path>)
        });
        let names = entry.models.iter().map(|(name, _)| name);
        quote! {
            /// This function on the current parameters of a trainer, for each of its models.
            ///
            /// # Errors
            /// Models that are on different devices or in different precisions, one that is given twice.
            pub fn attach(
                #(#parameters),*
            ) -> #library::__private::Result<#library::__private::Runner<Self>> {
                #library::__private::attach::<Self>(
                    (#(#library::__private::Trained::attachment(#names).shared,)*),
                    #library::__private::Trained::attachment(#first).settings,
                )
            }
        }
    });
    quote! {
        #attach
        /// This function on models of its own, or on shared ones.
        pub fn compile(#(#parameters),*) -> #library::__private::Compile<Self> {
            #library::__private::Compile::new(#handles)
        }
    }
}

/// What the runtime is told of a function: its types, its unit, and the symbols whose values its models
/// have.
///
/// `models` are the models' structs with their dims here, in terms of `symbols`.
fn model_function(
    entry: &Entry<'_>,
    carrier: &Ident,
    unit: &TokenStream,
    models: &[&StructType],
    symbols: &[Ident],
    library: &TokenStream,
) -> TokenStream {
    let inputs = entry.inputs.iter().map(|(_, marker)| marker);
    let output = &entry.output;
    let quiet = quiet();
    let paths = models.iter().map(|s| &s.path);
    let names = symbols_of(models, symbols);
    quote! {
        #[automatically_derived]
        #quiet
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
fn symbols_of(models: &[&StructType], names: &[Ident]) -> TokenStream {
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

/// The function as Rust code calls it; a method with the token of its receiver.
fn plain(
    f: &Function,
    entry: &Entry<'_>,
    carrier: &TokenStream,
    receiver: Option<&TokenStream>,
    becomes: Option<String>,
    library: &TokenStream,
) -> TokenStream {
    let becomes = becomes.map(|text| super::doc(&text));
    let Function {
        attributes,
        visibility,
        name,
        ..
    } = f;
    let docs = super::doc(&format!("\n```text\n{}\n```", declaration(f)));
    let parameters = parameters(entry, library);
    let own = receiver.map(|token| quote!(&#token,));
    let (models, views, arguments) = passed(entry, receiver, &[], library);
    let result = host_type(&f.result, library);
    let errors = "\n# Errors\nArguments that do not fit the declared types.";
    quote! {
        #(#attributes)*
        #docs
        #[doc = #errors]
        #becomes
        #[allow(dead_code, clippy::too_many_arguments, clippy::needless_pass_by_value)]
        #visibility fn #name(
            #own #(#parameters),*
        ) -> #library::__private::Result<#result> {
            #views
            #library::__private::call::<#carrier>(#models, #arguments)
        }
    }
}

/// A result as Rust code gets it, under the name that it has in docs.
fn host_type(ty: &TypeExpr, library: &TokenStream) -> TokenStream {
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
        "\nThe type [`{name}`](enum@{name}) has {}.",
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
        &quote!(#carrier),
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
