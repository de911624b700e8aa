//! What carries a lowered function: its unit, the const assertions, the values of consts.

use super::{const_value, normal_dim, quiet};
use crate::check::Assertion;
use crate::hidden;
use crate::lower::{Callee, Code, Identity, Lowered};
use crate::signature::{Const, Registry};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use sinew_ir::{Dim, Relation, SymbolType, Unit, cost};

/// The associated const with a function's unit, with what is told of the function if it has a signature to
/// tell; and the statements that check what it was made of.
pub fn unit(
    owner: &TokenStream,
    constant: &Ident,
    path: &str,
    lowered: &Lowered,
    told: Option<&str>,
    library: &TokenStream,
) -> (TokenStream, TokenStream) {
    // The text stands in the static alone: metadata has that of a constant twice.
    let told = told.map(|signature| {
        let of_text = super::doc(
            "The function and its derivative as IR; the comment at its end has the place of each instruction.",
        );
        let of_signature = super::doc(&format!(
            "The declaration, and what a call takes: {}",
            takes(&lowered.code)
        ));
        quote! {
            #of_text
            pub const IR: &'static ::core::primitive::str = <#owner>::#constant.text;
            #of_signature
            pub fn signature() -> ::std::string::String {
                #library::__private::signature(#signature, <#owner>::#constant)
            }
        }
    });
    let whole = lowered.whole.iter().map(|c| {
        let span = crate::parse::start(&c.at);
        let message = crate::messages::const_not_whole(&c.source);
        let value = &c.value;
        quote_spanned! {span=>
            {
                static __SINEW_WHOLE: () = ::core::assert!(#value as ::core::primitive::i128 as ::core::primitive::f64 == #value, #message);
            }
        }
    });
    let unit = carrier(path, &lowered.code, library);
    let identities = identities(&lowered.identities, library);
    let associated = quote! {
        #told
        #[doc(hidden)]
        pub const #constant: &'static #library::__private::Unit = #unit;
    };
    (associated, quote!(#(#whole)* #identities))
}

/// What a call takes without what it calls, and what it calls: known while it is compiled.
fn takes(code: &Code) -> String {
    let mut calls = Vec::new();
    let flops = own_flops(code, &mut calls);
    let formula = |d: Option<Dim>| {
        d.map_or("?".to_string(), |d| {
            format!("`{}`", crate::messages::dim(&d))
        })
    };
    let mut text = format!(
        "{} parameters, FLOPs {}",
        formula(cost::parameters(&code.function)),
        formula(flops)
    );
    for name in calls {
        text.push_str(&format!(" and of `{name}`"));
    }
    text.push_str(&format!(
        ", {} bytes.",
        formula(cost::bytes(&code.function))
    ));
    text
}

/// Those of a body and its parts; what it calls else is added to `calls`.
fn own_flops(code: &Code, calls: &mut Vec<String>) -> Option<Dim> {
    cost::flops(&code.function, &mut |name| {
        let (_, callee) = code.callees.iter().find(|(known, _)| known == name)?;
        match callee {
            Callee::Part(part) => own_flops(part, calls),
            Callee::Item(_) => {
                if !calls.iter().any(|c| c == name) {
                    calls.push(name.to_string());
                }
                Some(Dim::constant(0))
            }
        }
    })
}

/// A reference to the static that carries a function, and to those of its parts in it.
fn carrier(path: &str, code: &Code, library: &TokenStream) -> TokenStream {
    let text = Unit::text_of(&code.function);
    let callees = code.callees.iter().map(|(name, callee)| {
        let unit = match callee {
            Callee::Item(unit) => unit.clone(),
            Callee::Part(part) => carrier(&format!("{path}::{name}"), part, library),
        };
        quote!((#name, #unit))
    });
    let consts = code.consts.iter().map(|c| {
        let (name, value) = (&c.name, &c.value);
        let variant = match c.ty {
            SymbolType::Size => quote!(Size),
            SymbolType::Float => quote!(Float),
            SymbolType::Bool => quote!(Bool),
        };
        quote!((#name, #library::__private::SymbolValue::#variant(#value)))
    });
    quote! {
        {
            static __SINEW_STATIC: #library::__private::Unit = #library::__private::Unit {
                path: ::core::concat!(::core::module_path!(), "::", #path),
                file: ::core::file!(),
                text: #text,
                callees: &[#(#callees),*],
                consts: &[#(#consts),*],
            };
            &__SINEW_STATIC
        }
    }
}

/// The associated const in place of the unit of a function with errors, so that these are all that is reported.
pub fn broken(constant: &Ident, library: &TokenStream) -> TokenStream {
    quote! {
        #[doc(hidden)]
        pub const #constant: &'static #library::__private::Unit = {
            static __SINEW_STATIC: #library::__private::Unit = #library::__private::Unit {
                path: "", file: "", text: "", callees: &[], consts: &[],
            };
            &__SINEW_STATIC
        };
    }
}

/// What stands for what is told of a function, of one with errors.
pub fn told_nothing() -> TokenStream {
    quote! {
        pub const IR: &'static ::core::primitive::str = "";
        pub fn signature() -> ::std::string::String {
            ::std::string::String::new()
        }
    }
}

/// The associated const that tells a function's structs from others, for the functions that call it; nothing
/// of one with errors.
pub fn structs(ids: &[&str], library: &TokenStream) -> TokenStream {
    let name = hidden::structs();
    quote! {
        #[doc(hidden)]
        pub const #name: #library::__private::StructIds = &[#(#ids),*];
    }
}

/// Statements that have rustc check that calls pass the structs that their callees' signatures name.
fn identities(identities: &[Identity], library: &TokenStream) -> TokenStream {
    let each = identities.iter().map(|identity| {
        let Identity {
            callee,
            position,
            id,
            message,
        } = identity;
        let (name, text) = (hidden::structs(), message.text());
        let check = quote!(#library::__private::same_struct(#callee::#name, #position, #id, #text));
        let check = between(check, message.spans());
        quote!({ static __SINEW_SAME: () = #check; })
    });
    each.collect()
}

/// An error of the grammar, which rustc has told already. What rustc takes and this macro does not read is an
/// error of a lint, and those come where nothing else is wrong.
pub fn syntax_error(error: &syn::Error) -> TokenStream {
    let text = format!("sinew::model: {error}");
    let used = quote_spanned!(error.span()=> not_read());
    quote! {
        const _: () = {
            #[must_use = #text]
            fn not_read() -> ::core::primitive::bool {
                true
            }
            #[deny(unused_must_use)]
            #[allow(dead_code)]
            fn __sinew_syntax() {
                #used;
            }
        };
    }
}

/// The values of consts in a signature, by their positions in it, for the items that mention this one.
pub fn consts<'r>(
    owner: &TokenStream,
    consts: impl Iterator<Item = (usize, &'r Const)>,
) -> TokenStream {
    let consts = consts.map(|(i, c)| {
        let name = hidden::const_value(i);
        let value = &c.value;
        quote! {
            #[doc(hidden)]
            pub const #name: ::core::primitive::usize = #value;
        }
    });
    let consts: Vec<TokenStream> = consts.collect();
    let quiet = quiet();
    match consts.is_empty() {
        true => TokenStream::new(),
        false => quote!(#quiet impl #owner { #(#consts)* }),
    }
}

/// The units of the methods of the structs that came with this one.
pub fn children(
    owner: &TokenStream,
    registry: &Registry,
    from: usize,
    library: &TokenStream,
) -> TokenStream {
    let mut units = TokenStream::new();
    for (i, known) in registry.structs.iter().enumerate().skip(from.max(1)) {
        for m in &known.signature.methods {
            let method = m.name.rsplit("::").next().unwrap_or_default();
            let (route, position) = (&known.route, &known.position);
            let mine = hidden::method_unit(i, method);
            let theirs = hidden::method_unit(*position, method);
            units.extend(quote! {
                #[doc(hidden)]
                pub const #mine: &'static #library::__private::Unit = #route::#theirs;
            });
        }
    }
    let quiet = quiet();
    match units.is_empty() {
        true => units,
        false => quote!(#quiet impl #owner { #units }),
    }
}

/// The tokens with the span of the first, and for the last that of the last: rustc joins the two.
fn between(tokens: TokenStream, (first, last): (Span, Span)) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let end = tokens.len().saturating_sub(1);
    for (i, token) in tokens.iter_mut().enumerate() {
        token.set_span(if i == end { last } else { first });
    }
    tokens.into_iter().collect()
}

/// Const assertions, as statements: the values are shown where they break a relation.
///
/// They are statics, which rustc evaluates like constants and whose code and messages metadata leaves out. Where
/// they stand dead code is allowed: what a lint keeps is used, and so are the consts in it.
pub fn assertions(
    assertions: &[Assertion],
    registry: &Registry,
    library: &TokenStream,
) -> TokenStream {
    let each = assertions.iter().filter_map(|a| {
        let value = |s: &sinew_ir::Symbol| {
            let c = registry.consts.iter().find(|c| c.symbol == *s)?;
            Some(const_value(&c.value))
        };
        let left = normal_dim(&a.left, &value, library)?;
        let right = normal_dim(&a.right, &value, library)?;
        let check = match a.relation {
            Relation::Equal => quote!(equal),
            Relation::AtMost => quote!(at_most),
            Relation::Below => quote!(below),
        };
        let values: Vec<String> = [(&a.left, '\u{1}'), (&a.right, '\u{2}')]
            .into_iter()
            .filter(|(d, _)| d.as_constant().is_none())
            .map(|(d, place)| format!("`{}` is {place}", crate::messages::dim(d)))
            .collect();
        let message = format!("{}\n= values: {}", a.message, values.join(", "));
        let check = quote!(#library::__private::#check(#left, #right, #message));
        let check = between(check, a.spans);
        let positive = a.positive.iter().map(|d| normal_dim(d, &value, library));
        let positive: Vec<TokenStream> = positive.collect::<Option<_>>()?;
        let check = match positive.is_empty() {
            true => check,
            false => quote!(if #(0 < #positive)&&* { #check }),
        };
        Some(quote!({ static __SINEW_SIZES: () = #check; }))
    });
    let each: Vec<TokenStream> = each.collect();
    quote!(#(#each)*)
}
