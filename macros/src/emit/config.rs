//! Configuration of structs: its type, what is told of it, and what children get.

use super::quiet;
use crate::parse::structure::SettingValue;
use crate::parse::{self, FieldKind, Structure};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use sinew_ir::SymbolType;

/// What a field is for the configuration.
pub enum Part {
    /// A value of it.
    Value(Value),
    /// A child, with what each value of the configuration in it is.
    Child(Vec<Inherited>),
    /// A parameter or a state.
    Leaf,
}

/// A value of the configuration.
pub struct Value {
    /// Its type as programs know it.
    pub ty: SymbolType,
    /// What it can be, of an enum.
    pub variants: Vec<String>,
    /// What it is where nobody says: a Rust literal, of an enum the variant's number.
    pub default: Option<String>,
}

/// What a value of the configuration in a child is.
pub enum Inherited {
    /// The value at a position beside the child.
    Beside(usize),
    /// What it is where nothing around it says.
    Default(Value),
}

/// What the fields are as far as their types say without the signatures of others.
pub fn as_written(s: &Structure) -> Vec<Part> {
    let part = |f: &parse::Field| match f.kind {
        FieldKind::Setting(ty, default) => Part::Value(Value {
            ty: ty.symbol_type(),
            variants: Vec::new(),
            default: default.map(SettingValue::literal),
        }),
        FieldKind::Child(..) => Part::Child(Vec::new()),
        FieldKind::Param(..) | FieldKind::State(..) => Part::Leaf,
    };
    s.fields.iter().map(part).collect()
}

/// Whether a model of this type takes a configuration.
pub fn is_configured(s: &Structure, parts: &[Part]) -> bool {
    !s.symbols.is_empty() || parts.iter().any(|p| matches!(p, Part::Value(_)))
}

/// `Model::settings`: what is configuration, with that of children.
pub fn settings(s: &Structure, library: &TokenStream) -> TokenStream {
    let told = s.fields.iter().filter_map(|f| {
        let name = &f.name;
        let text = parse::name(name);
        let path = quote!(&#library::__private::join(prefix, #text));
        Some(match &f.kind {
            FieldKind::Setting(..) => {
                quote!(f(#path, #library::__private::Setting::value(&self.#name));)
            }
            FieldKind::Child(..) => {
                quote!(#library::__private::Model::settings(&self.#name, #path, f)?;)
            }
            FieldKind::Param(..) | FieldKind::State(..) => return None,
        })
    });
    let told: Vec<TokenStream> = told.collect();
    if told.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn settings(
            &self,
            prefix: &::core::primitive::str,
            f: &mut dyn ::core::ops::FnMut(&::core::primitive::str, #library::__private::SymbolValue),
        ) -> #library::__private::Result<()> {
            #(#told)*
            ::core::result::Result::Ok(())
        }
    }
}

/// What the values of the configuration in a child are.
pub fn inherited(values: &[Inherited], library: &TokenStream) -> TokenStream {
    let values = values.iter().map(|value| match value {
        Inherited::Beside(i) => quote!(settings[#i]),
        Inherited::Default(value) => {
            let default = value.default.as_ref().and_then(|d| d.parse().ok());
            let default: TokenStream =
                default.unwrap_or_else(|| quote!(::core::default::Default::default()));
            let kind = value_kind(value.ty);
            quote!(#library::__private::SymbolValue::#kind(#default))
        }
    });
    quote!(&[#(#values),*])
}

/// The configuration of a struct: its sizes, and its fields of plain type.
pub fn config_type(
    s: &Structure,
    parts: &[Part],
    config: &Ident,
    library: &TokenStream,
) -> TokenStream {
    let Structure {
        visibility,
        name,
        symbols,
        fields,
        ..
    } = s;
    let quiet = quiet();
    let doc = format!(
        "The configuration of a [`{name}`]. It is read from a file by `serde`, where a size may be written in \
         small letters, and so may a variant; what has a default may be left out. A name that is none of these \
         is an error."
    );
    let mut fields_of_config = Vec::new();
    let mut names = Vec::new();
    let mut specs = Vec::new();
    let mut spec = |ident: &Ident, value: &Value| {
        let text = parse::name(ident);
        let alias = match value.ty {
            SymbolType::Size if value.variants.is_empty() => snake_case(&text),
            SymbolType::Size | SymbolType::Float | SymbolType::Bool => text.clone(),
        };
        let kind = value_kind(value.ty);
        let default = value.default.as_ref();
        let default = match default.and_then(|d| d.parse::<TokenStream>().ok()) {
            Some(value) => {
                quote!(::core::option::Option::Some(#library::__private::SymbolValue::#kind(#value)))
            }
            None => quote!(::core::option::Option::None),
        };
        let variants = &value.variants;
        let aliases = variants.iter().map(|v| snake_case(v));
        specs.push(quote! {
            #library::__private::ConfigField {
                name: #text,
                alias: #alias,
                ty: #library::__private::SymbolType::#kind,
                variants: &[#(#variants),*],
                variant_aliases: &[#(#aliases),*],
                default: #default,
            }
        });
        names.push(text);
    };
    for symbol in symbols {
        let doc = format!("The value of `{symbol}`.");
        let ty = quote!(::core::primitive::usize);
        fields_of_config.push((symbol, quote!(#[doc = #doc] #visibility #symbol: #ty)));
        let size = Value {
            ty: SymbolType::Size,
            variants: Vec::new(),
            default: None,
        };
        spec(symbol, &size);
    }
    for (f, part) in fields.iter().zip(parts) {
        let Part::Value(value) = part else {
            continue;
        };
        let (field, ty) = (&f.name, &f.written);
        let docs = f.attributes.iter().filter(|a| a.path().is_ident("doc"));
        let mut doc = quote!(#(#docs)*);
        if doc.is_empty() {
            doc = super::doc(&format!("The value of `{}`.", parse::name(field)));
        }
        fields_of_config.push((field, quote!(#doc #visibility #field: #ty)));
        spec(field, value);
    }
    let (idents, definitions): (Vec<_>, Vec<_>) = fields_of_config.into_iter().unzip();
    let positions = 0..idents.len();
    let text = config.to_string();
    let private = quote!(#library::__private);
    quote! {
        #[doc = #doc]
        #[derive(
            ::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug, ::core::cmp::PartialEq,
        )]
        #quiet
        #visibility struct #config { #(#definitions,)* }

        #[automatically_derived]
        #quiet
        impl<'de> #private::serde::Deserialize<'de> for #config {
            fn deserialize<D: #private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                let values = #private::read_config(deserializer, #text, &[#(#names),*], &[#(#specs),*])?;
                ::core::result::Result::Ok(#config {
                    #(#idents: #private::Setting::of(values[#positions]),)*
                })
            }
        }

        #[automatically_derived]
        #quiet
        impl #private::serde::Serialize for #config {
            fn serialize<S: #private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let values = [#(#private::Setting::value(&self.#idents)),*];
                #private::write_config(serializer, #text, &[#(#specs),*], &values)
            }
        }
    }
}

/// The variant of a symbol's type, and of its value.
fn value_kind(ty: SymbolType) -> TokenStream {
    match ty {
        SymbolType::Size => quote!(Size),
        SymbolType::Float => quote!(Float),
        SymbolType::Bool => quote!(Bool),
    }
}

/// `Layers`, `QKWidth` and `In2` in small letters: `layers`, `qk_width`, `in2`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in letters.iter().enumerate() {
        let after_small = i > 0 && !letters[i - 1].is_uppercase() && letters[i - 1] != '_';
        let before_small = i > 0
            && letters[i - 1].is_uppercase()
            && letters.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_small || before_small) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
