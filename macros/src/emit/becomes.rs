//! What a function becomes, as associated functions of the type of its name: `loss::train(..)`.

use super::derivatives::{self, derivative};
use super::entry::{Entry, entry, handles, model_function};
use super::function::host_type;
use crate::hidden;
use crate::parse::{Function, StructType, TypeExpr};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use sinew_ir::DType;

/// What is implemented for the type of a function's name, with what is `associated` beside. `on_train` is the
/// attribute of `train`, if any.
pub fn implementations(
    f: &Function,
    on_train: Option<TokenStream>,
    associated: &TokenStream,
    library: &TokenStream,
) -> TokenStream {
    let name = &f.name;
    let Some(entry) = entry(f, library) else {
        return quote!(impl #name { #associated });
    };
    let unit = hidden::unit();
    let unit = quote!(Self::#unit);
    let models: Vec<&StructType> = entry.models.iter().map(|(_, s)| *s).collect();
    let implementation = model_function(&entry, name, &unit, &models, &f.symbols, library);
    let becomes = becomes(&entry, library);
    let derivative = match f.no_derivative {
        Some(_) => TokenStream::new(),
        None => derivative(f, &entry, library),
    };
    let train = train(f, &entry, on_train, library);
    let (call, result) = (hidden::call(), host_type(&f.result, library));
    let paths = models.iter().map(|s| &s.path);
    quote! {
        #implementation
        impl #name {
            #train
            #becomes
            #derivative
            // What it calls is compiled for each function: only where that is called.
            #[inline]
            #[doc(hidden)]
            pub fn #call(
                models: (#(&#paths,)*),
                arguments: impl #library::__private::IntoArgs<
                    <Self as #library::__private::ModelFunction>::Inputs
                >,
            ) -> #library::__private::Result<#result> {
                #library::__private::call::<Self>(models, arguments)
            }
            #associated
        }
    }
}

/// What stands for [`implementations`] where a parameter is of a type that is no model struct: all that is
/// called compiles, whatever it is given, so that this mistake is all that rustc tells.
pub fn broken(f: &Function, associated: &TokenStream, library: &TokenStream) -> TokenStream {
    let name = &f.name;
    let Some(entry) = entry(f, library) else {
        return quote!(impl #name { #associated });
    };
    let unit = hidden::unit();
    let unit = quote!(Self::#unit);
    let implementation = model_function(&entry, name, &unit, &[], &[], library);
    let any = || {
        let models = entry.models.iter();
        models.map(|_| quote!(_: impl ::core::marker::Sized))
    };
    let one = quote!(_: impl ::core::marker::Sized);
    let for_train = match entry.models.is_empty() {
        true => vec![one],
        false => any().collect(),
    };
    let (for_attach, for_compile) = (any(), any());
    let derivatives = derivatives::broken(f, &entry, library);
    let call = hidden::call();
    quote! {
        #implementation
        impl #name {
            pub fn train(#(#for_train),*) -> #library::__private::Train<Self> {
                loop {}
            }
            pub fn gradients(#(#for_train),*) -> #library::__private::GradientBuilder<Self> {
                loop {}
            }
            pub fn attach(
                #(#for_attach),*
            ) -> #library::__private::Result<#library::__private::Runner<Self>> {
                loop {}
            }
            pub fn compile(#(#for_compile),*) -> #library::__private::Compile<Self> {
                loop {}
            }
            #derivatives
            pub fn #call<T>(
                _: impl ::core::marker::Sized,
                _: impl ::core::marker::Sized,
            ) -> #library::__private::Result<T> {
                loop {}
            }
            #associated
        }
    }
}

/// What stands for [`implementations`] where the body has a mistake: if the function gives no loss, that may be part of
/// it, so it is trained too.
pub fn of_a_broken_body(
    f: &Function,
    associated: &TokenStream,
    library: &TokenStream,
) -> TokenStream {
    // Without a model, that may be it.
    let trained =
        is_loss(first_result(f)) && entry(f, library).is_some_and(|e| !e.models.is_empty());
    match trained {
        true => implementations(f, None, associated, library),
        false => broken(f, associated, library),
    }
}

/// The first of a function's results.
pub(super) fn first_result(f: &Function) -> &TypeExpr {
    match &f.result {
        TypeExpr::Tuple(parts) => parts.first().unwrap_or(&f.result),
        other => other,
    }
}

/// Whether a result is one scalar of the working float.
pub(super) fn is_loss(result: &TypeExpr) -> bool {
    match result {
        TypeExpr::Tensor(t) => t.dtype == DType::Float && t.sequence.is_none() && t.dims.is_empty(),
        TypeExpr::Struct(_) | TypeExpr::Tuple(_) | TypeExpr::Array(..) => false,
    }
}

/// `train` and `gradients`: of a function that cannot be trained one that no model fits, whose bound tells why.
fn train(
    f: &Function,
    entry: &Entry<'_>,
    attribute: Option<TokenStream>,
    library: &TokenStream,
) -> TokenStream {
    let why = if entry.models.is_empty() {
        quote!(HasAModel)
    } else if f.no_derivative.is_some() {
        quote!(HasADerivative)
    } else if is_loss(first_result(f)) {
        let (parameters, handles) = handles(entry, library);
        let docs = super::doc(
            "Training of the first model's parameters with this function's first result as the loss; other models \
             are held as they are.",
        );
        return quote! {
            #docs
            #attribute
            pub fn train(#(#parameters),*) -> #library::__private::Train<Self> {
                #library::__private::train::<Self>(#handles)
            }
            /// The loss and the gradients of the first model's parameters, compiled once and run often.
            pub fn gradients(#(#parameters),*) -> #library::__private::GradientBuilder<Self> {
                #library::__private::GradientBuilder::new(#handles)
            }
        };
    } else {
        quote!(GivesALoss)
    };
    let span = f.name.span();
    let train = Ident::new("train", span);
    let place = super::placed(library.clone(), span);
    // The function is shown where it is written.
    let bound = quote_spanned!(span=> impl #place::__private::#why<Self>);
    let others = entry.models.iter().skip(1);
    let others = others.map(|_| quote!(_: impl ::core::marker::Sized));
    quote! {
        #[doc(hidden)]
        pub fn #train(
            model: #bound, #(#others),*
        ) -> #library::__private::Train<Self> {
            #library::__private::#why::never(model)
        }
    }
}

/// `attach` and `compile`, as far as the function has them.
fn becomes(entry: &Entry<'_>, library: &TokenStream) -> TokenStream {
    let (parameters, handles) = handles(entry, library);
    let attach = (!entry.models.is_empty()).then(|| {
        let parameters = entry.models.iter().map(|(name, s)| {
            let path = &s.path;
            quote!(#name: &impl #library::__private::Trained<#path>)
        });
        let names = entry.models.iter().map(|(name, _)| name);
        let docs = super::doc(
            "This function on the current parameters of a trainer, for each of its models.\n\n# Errors\nModels \
             that are on different devices or in different precisions, one that is given twice.",
        );
        quote! {
            #docs
            pub fn attach(
                #(#parameters),*
            ) -> #library::__private::Result<#library::__private::Runner<Self>> {
                #library::__private::attach::<Self>(
                    (#(#library::__private::Trained::attachment(#names),)*)
                )
            }
        }
    });
    let docs = super::doc("This function on models of its own, or on shared ones.");
    quote! {
        #attach
        #docs
        pub fn compile(#(#parameters),*) -> #library::__private::Compile<Self> {
            #library::__private::Compile::new(#handles)
        }
    }
}
