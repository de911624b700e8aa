//! The plain struct: fields without dims, its `Model` implementation, and its constructor.

use super::config::{Inherited, Part, as_written, config_type, inherited, is_configured, settings};
use super::{dim, quiet};
use crate::parse::structure::Initial;
use crate::parse::{self, DimExpr, Field, FieldKind, StructType, Structure};
use crate::signature::last;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

/// The struct itself.
pub fn definition(s: &Structure, library: &TokenStream) -> TokenStream {
    let Structure {
        attributes,
        visibility,
        name,
        symbols,
        fields,
        ..
    } = s;
    let own_docs = super::doc(&format!("\n```text\n{}\n```", declaration(s)));
    let plain = fields.iter().map(|f| {
        let Field {
            attributes,
            visibility,
            name,
            kind,
            ..
        } = f;
        let (ty, doc) = match kind {
            FieldKind::Param(t, _) => (
                t.path.to_token_stream(),
                format!("`{}`", leaf_text("Param", t)),
            ),
            FieldKind::State(t, _) => (
                t.path.to_token_stream(),
                format!("`{}`", leaf_text("State", t)),
            ),
            FieldKind::Child(c, None) => {
                (c.path.to_token_stream(), format!("`{}`", struct_text(c)))
            }
            FieldKind::Child(c, Some(count)) => {
                let path = &c.path;
                (
                    quote!(::std::vec::Vec<#path>),
                    format!("`{}`", repeated_text(c, count)),
                )
            }
            FieldKind::Setting(_, default) => {
                let default = default.map(|d| format!(", `{}` where nobody says", d.literal()));
                let default = default.unwrap_or_default();
                (
                    f.written.to_token_stream(),
                    format!("Configuration, the same in every run{default}."),
                )
            }
        };
        let doc = super::doc(&doc);
        quote!(#(#attributes)* #doc #visibility #name: #ty)
    });
    let count = symbols.len();
    let sizes_field = (count > 0)
        .then(|| quote!(#[doc(hidden)] __sinew_sizes: [::core::primitive::usize; #count],));
    let quiet = quiet();
    // A field that only other model items use is used.
    quote! {
        #(#attributes)*
        #own_docs
        #[allow(dead_code)]
        #visibility struct #name { #(#plain,)* #sizes_field }

        #[automatically_derived]
        #quiet
        impl #library::__private::ModelStruct for #name {}
    }
}

/// `Model` for a struct, and its constructor.
///
/// `parts` has for each field what it is for the configuration.
pub fn implementations(s: &Structure, parts: &[Part], library: &TokenStream) -> TokenStream {
    let Structure {
        name,
        symbols,
        fields,
        ..
    } = s;
    let count = symbols.len();
    let leaves = || {
        let setting = |f: &&Field| matches!(f.kind, FieldKind::Setting(..));
        fields.iter().filter(move |f| !setting(f))
    };
    let visits = leaves().map(|f| {
        let name = &f.name;
        let text = parse::name(name);
        quote!(#library::__private::Model::visit(&self.#name, &#library::__private::join(prefix, #text), f);)
    });
    let visits_mut = leaves().map(|f| {
        let name = &f.name;
        let text = parse::name(name);
        quote!(#library::__private::Model::visit_mut(&mut self.#name, &#library::__private::join(prefix, #text), f);)
    });
    let pytorch_names = super::pytorch::names(fields, library);
    let symbol_names = symbols.iter().map(parse::name);
    let positions = 0..count;
    let symbol_values = (count > 0).then(|| {
        quote! {
            fn symbols(&self) -> ::std::vec::Vec<(&'static ::core::primitive::str, #library::__private::SymbolValue)> {
                ::std::vec![#((#symbol_names, #library::__private::SymbolValue::Size(self.__sinew_sizes[#positions]))),*]
            }
        }
    });
    let blank = (!is_configured(s, parts)).then(|| {
        quote! {
            fn blank() -> ::core::option::Option<Self> {
                ::core::option::Option::Some(Self::__sinew_init(0, "", &[], &[]))
            }
        }
    });
    let settings = settings(s, library);
    let constructor = constructor(s, parts, library);
    let common = common_traits(s, field_by_field(s));
    let quiet = quiet();
    quote! {
        #[automatically_derived]
        #quiet
        impl #library::__private::Model for #name {
            fn visit<'m>(&'m self, prefix: &::core::primitive::str, f: &mut dyn ::core::ops::FnMut(&::core::primitive::str, &'m #library::__private::Param)) {
                let _ = (prefix, &f);
                #(#visits)*
            }
            fn visit_mut(&mut self, prefix: &::core::primitive::str, f: &mut dyn ::core::ops::FnMut(&::core::primitive::str, &mut #library::__private::Param)) {
                let _ = (prefix, &f);
                #(#visits_mut)*
            }
            #pytorch_names
            #symbol_values
            #settings
            #blank
        }

        #common
        #constructor
    }
}

fn config_name(structure: &Ident) -> Ident {
    format_ident!("{}Config", structure, span = structure.span())
}

/// The type of the configuration that `init` takes, where the struct has some.
pub fn configuration(s: &Structure, parts: &[Part], library: &TokenStream) -> TokenStream {
    match is_configured(s, parts) {
        true => config_type(s, parts, &config_name(&s.name), library),
        false => TokenStream::new(),
    }
}

/// What stands for [`implementations`] where a field is of something that has none: whatever the fields are,
/// all of it compiles, so that this mistake is all that rustc tells.
pub fn broken(s: &Structure, library: &TokenStream) -> TokenStream {
    let (name, visibility) = (&s.name, &s.visibility);
    let configured = is_configured(s, &as_written(s)).then(|| {
        let config = config_name(name);
        quote!(_: &#config,)
    });
    let result = match &configured {
        Some(_) => quote!(#library::__private::Result<Self>),
        None => quote!(Self),
    };
    let never = quote!(loop {});
    let common = common_traits(s, [never.clone(), never.clone(), never]);
    let quiet = quiet();
    quote! {
        #quiet
        impl #library::__private::Model for #name {
            fn visit<'m>(&'m self, _: &::core::primitive::str, _: &mut dyn ::core::ops::FnMut(&::core::primitive::str, &'m #library::__private::Param)) {}
            fn visit_mut(&mut self, _: &::core::primitive::str, _: &mut dyn ::core::ops::FnMut(&::core::primitive::str, &mut #library::__private::Param)) {}
        }
        #common
        #quiet
        impl #name {
            #visibility fn init(#configured _: ::core::primitive::u64) -> #result {
                loop {}
            }
            #[doc(hidden)]
            pub fn __sinew_init(
                _: ::core::primitive::u64,
                _: &::core::primitive::str,
                _: &[::core::primitive::i128],
                _: &[#library::__private::SymbolValue],
            ) -> <Self as #library::__private::Itself>::This {
                loop {}
            }
        }
    }
}

/// `init`.
fn constructor(s: &Structure, parts: &[Part], library: &TokenStream) -> TokenStream {
    let Structure {
        visibility,
        name,
        symbols,
        fields,
        ..
    } = s;
    let quiet = quiet();
    let count = symbols.len();
    let value = |path: &syn::Path| -> TokenStream {
        let declared = path
            .get_ident()
            .and_then(|i| symbols.iter().position(|s| s == i));
        match declared {
            Some(i) => quote!(sizes[#i]),
            None => super::known_const(&quote_spanned!(path.span()=> #path)),
        }
    };
    let mut setting = 0_usize;
    let values = fields.iter().zip(parts).map(|(f, part)| {
        let name = &f.name;
        let text = parse::name(name);
        let path = quote!(&#library::__private::join(prefix, #text));
        let own;
        let given = match part {
            Part::Value(_) => {
                own = [Inherited::Beside(setting)];
                setting += 1;
                own.as_slice()
            }
            Part::Child(values) => values,
            Part::Leaf => &[],
        };
        let given = inherited(given, library);
        match &f.kind {
            FieldKind::Setting(..) => {
                quote!(#name: #library::__private::Setting::of((#given)[0]))
            }
            FieldKind::Param(t, initial) | FieldKind::State(t, initial) => {
                let dims = t.dims.iter().map(|d| {
                    let (text, value) = (dim_text(d), dim(d, &value, library));
                    quote!((#text, #value))
                });
                let inputs = initial.inputs.as_ref();
                let inputs = inputs.map(|d| dim(d, &value, library));
                let initial = init(initial, inputs, library);
                let state = matches!(f.kind, FieldKind::State(..)).then(|| quote!(.into_state()));
                quote!(#name: #library::__private::Param::declared(seed, #path, &[#(#dims),*], #initial)#state)
            }
            FieldKind::Child(c, count) => {
                let child = &c.path;
                let sizes = c.dims.iter().map(|d| dim(d, &value, library));
                let sizes = quote!(&[#(#sizes),*]);
                match count {
                    None => quote!(#name: #child::__sinew_init(seed, #path, #sizes, #given)),
                    Some(count) => {
                        let (text, count) = (dim_text(count), dim(count, &value, library));
                        quote! {
                            #name: #library::__private::repeated((#text, #count), #path, |path| {
                                #child::__sinew_init(seed, path, #sizes, #given)
                            })
                        }
                    }
                }
            }
        }
    });
    let values: Vec<TokenStream> = values.collect();
    let configured = fields.iter().zip(parts);
    let configured = configured.filter(|(_, part)| matches!(part, Part::Value(_)));
    let settings: Vec<&Ident> = configured.map(|(f, _)| &f.name).collect();
    let setting_count = settings.len();
    let sizes_value =
        (count > 0).then(|| quote!(__sinew_sizes: sizes.map(#library::__private::size),));
    let hidden = quote! {
        #[doc(hidden)]
        pub fn __sinew_init(
            seed: ::core::primitive::u64,
            prefix: &::core::primitive::str,
            given: &[::core::primitive::i128],
            given_settings: &[#library::__private::SymbolValue],
        ) -> <Self as #library::__private::Itself>::This {
            let mut sizes = [0i128; #count];
            let mut settings = [#library::__private::SymbolValue::Size(0); #setting_count];
            // As many as the struct has symbols: the struct's own chain reports another number.
            for (size, given) in ::core::iter::Iterator::zip(sizes.iter_mut(), given) {
                *size = *given;
            }
            for (setting, given) in ::core::iter::Iterator::zip(settings.iter_mut(), given_settings) {
                *setting = *given;
            }
            let _ = (seed, prefix, sizes, settings);
            Self { #(#values,)* #sizes_value }
        }
    };
    if !is_configured(s, parts) {
        let doc = "A model whose parameters are drawn from `seed`, each from a stream of its own.\n\nA parameter that is too large for the memory, or whose shape has a negative extent, is an error where the model is used first: in `build`, a call, or `save`.";
        return quote! {
            #quiet
            impl #name {
                #[doc = #doc]
                #visibility fn init(seed: ::core::primitive::u64) -> Self {
                    Self::__sinew_init(seed, "", &[], &[])
                }
                #hidden
            }
        };
    }
    let config = config_name(name);
    let init_doc = "A model of this configuration whose parameters are drawn from `seed`, each from a stream of its own.\n\n# Errors\nA parameter that has a negative dim, or that is too large for the memory.";
    quote! {
        #quiet
        impl #name {
            #[doc = #init_doc]
            #visibility fn init(config: &#config, seed: ::core::primitive::u64) -> #library::__private::Result<Self> {
                #library::__private::complete(Self::__sinew_init(
                    seed,
                    "",
                    &[#(config.#symbols as ::core::primitive::i128),*],
                    &[#(#library::__private::Setting::value(&config.#settings)),*],
                ))
            }
            #hidden
        }
    }
}

fn init(initial: &Initial, inputs: Option<TokenStream>, library: &TokenStream) -> TokenStream {
    let name = &initial.name;
    let mut numbers: Vec<TokenStream> = match (initial.numbers.as_slice(), *name == "uniform") {
        // One number is the bound on both sides.
        ([bound], true) => [-*bound, *bound].iter().map(|n| quote!(#n)).collect(),
        (numbers, _) => numbers.iter().map(|n| quote!(#n)).collect(),
    };
    numbers.extend(inputs.map(|n| quote!(#library::__private::size(#n))));
    let name = Ident::new(&name.to_string(), proc_macro2::Span::call_site());
    quote!(#library::__private::init::#name(#(#numbers),*))
}

/// `Clone`, `Debug` and `PartialEq` with these bodies, where the user does not derive them.
///
/// They are not derived, so that a field that is no model struct is told once, by its chain.
fn common_traits(s: &Structure, [clone, debug, partial_eq]: [TokenStream; 3]) -> TokenStream {
    let name = &s.name;
    let derived = &s.derived;
    let quiet = quiet();
    let mut out = TokenStream::new();
    let mut add = |trait_name: &str, implementation: TokenStream| {
        if !derived.iter().any(|d| d == trait_name) {
            out.extend(quote!(#[automatically_derived] #quiet #implementation));
        }
    };
    add(
        "Clone",
        quote! {
            impl ::core::clone::Clone for #name {
                fn clone(&self) -> Self {
                    #clone
                }
            }
        },
    );
    add(
        "Debug",
        quote! {
            impl ::core::fmt::Debug for #name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    let _ = &f;
                    #debug
                }
            }
        },
    );
    add(
        "PartialEq",
        quote! {
            impl ::core::cmp::PartialEq for #name {
                fn eq(&self, other: &Self) -> ::core::primitive::bool {
                    let _ = other;
                    #partial_eq
                }
            }
        },
    );
    out
}

/// The bodies of [`common_traits`] as `derive` would have them, in their order.
fn field_by_field(s: &Structure) -> [TokenStream; 3] {
    let fields: Vec<&Ident> = s.fields.iter().map(|f| &f.name).collect();
    let sizes = (!s.symbols.is_empty()).then(|| quote!(__sinew_sizes: self.__sinew_sizes,));
    let same_sizes =
        (!s.symbols.is_empty()).then(|| quote!(&&self.__sinew_sizes == other.__sinew_sizes));
    let texts = fields.iter().map(|f| parse::name(f));
    let text = parse::name(&s.name);
    [
        quote!(Self { #(#fields: ::core::clone::Clone::clone(&self.#fields),)* #sizes }),
        quote!(f.debug_struct(#text)#(.field(#texts, &self.#fields))*.finish()),
        quote!(true #(&& self.#fields == other.#fields)* #same_sizes),
    ]
}

/// The struct as it was declared.
fn declaration(s: &Structure) -> String {
    let symbols: Vec<String> = s.symbols.iter().map(ToString::to_string).collect();
    let generics = match symbols.is_empty() {
        true => String::new(),
        false => format!("<{}>", symbols.join(", ")),
    };
    let mut out = format!("struct {}{generics} {{\n", s.name);
    for f in &s.fields {
        let ty = match &f.kind {
            FieldKind::Param(t, _) => leaf_text("Param", t),
            FieldKind::State(t, _) => leaf_text("State", t),
            FieldKind::Child(c, None) => struct_text(c),
            FieldKind::Child(c, Some(count)) => repeated_text(c, count),
            FieldKind::Setting(..) => f.written.to_token_stream().to_string(),
        };
        out.push_str(&format!("    {}: {ty},\n", f.name));
    }
    out.push('}');
    out
}

/// The type of repeated children as it is written.
fn repeated_text(child: &StructType, count: &DimExpr) -> String {
    format!("[{}; {}]", struct_text(child), dim_text(count))
}

/// A leaf's type as it is written.
fn leaf_text(kind: &str, tensor: &crate::parse::TensorType) -> String {
    tensor_text(kind, tensor)
}

/// A tensor's type as it is written.
pub fn tensor_text(kind: &str, tensor: &crate::parse::TensorType) -> String {
    let mut parts = Vec::new();
    if tensor.dtype != sinew_ir::DType::Float {
        parts.push(tensor.dtype.name().to_string());
    }
    parts.extend(tensor.sequence.iter().map(|s| format!("[{s}]")));
    parts.extend(tensor.dims.iter().map(dim_text));
    match parts.is_empty() {
        true => kind.to_string(),
        false => format!("{kind}<{}>", parts.join(", ")),
    }
}

/// A struct's type as it is written.
pub fn struct_text(structure: &StructType) -> String {
    let name = last(&structure.path);
    match structure.dims.is_empty() {
        true => name,
        false => {
            let dims: Vec<String> = structure.dims.iter().map(dim_text).collect();
            format!("{name}<{}>", dims.join(", "))
        }
    }
}

/// A dim as it is written; arithmetic in braces.
fn dim_text(d: &DimExpr) -> String {
    fn inner(d: &DimExpr) -> String {
        use crate::parse::dims::DimOp;
        match d {
            DimExpr::Integer(v, _) => v.to_string(),
            DimExpr::Name(path) => path.to_token_stream().to_string().replace(' ', ""),
            DimExpr::Binary(l, op, r, _) => {
                let op = match op {
                    DimOp::Add => '+',
                    DimOp::Sub => '-',
                    DimOp::Mul => '*',
                    DimOp::Div => '/',
                };
                let side = |d: &DimExpr| match d {
                    DimExpr::Binary(..) => format!("({})", inner(d)),
                    DimExpr::Integer(..) | DimExpr::Name(_) => inner(d),
                };
                format!("{} {op} {}", side(l), side(r))
            }
        }
    }
    match d {
        DimExpr::Binary(..) => format!("{{{}}}", inner(d)),
        DimExpr::Integer(..) | DimExpr::Name(_) => inner(d),
    }
}
