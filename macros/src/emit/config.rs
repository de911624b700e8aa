//! Configuration of structs: its type, what is told of it, and what children get.

use super::quiet;
use crate::parse::structure::SettingValue;
use crate::parse::{self, FieldKind, Structure};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use sinew_ir::SymbolType;

/// Whether a model of this type takes a configuration.
pub fn is_configured(s: &Structure) -> bool {
    let mut fields = s.fields.iter();
    !s.symbols.is_empty() || fields.any(|f| matches!(f.kind, FieldKind::Setting(..)))
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

/// Something in a child that is configuration.
pub struct ChildSetting {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: SymbolType,
    /// What it is where nothing around it says: a Rust literal.
    pub default: Option<String>,
}

/// What a child's configuration is: that of the same name beside it, or its default.
pub fn child_settings(s: &Structure, child: &[ChildSetting], library: &TokenStream) -> TokenStream {
    let own = s.fields.iter().filter_map(|f| match f.kind {
        FieldKind::Setting(ty, _) => Some((parse::name(&f.name), ty.symbol_type())),
        FieldKind::Param(..) | FieldKind::State(..) | FieldKind::Child(..) => None,
    });
    let own: Vec<(String, SymbolType)> = own.collect();
    let values = child.iter().map(|c| {
        let beside = own.iter().position(|(n, ty)| *n == c.name && *ty == c.ty);
        if let Some(i) = beside {
            return quote!(settings[#i]);
        }
        let default = c.default.as_ref().and_then(|d| d.parse().ok());
        let default: TokenStream =
            default.unwrap_or_else(|| quote!(::core::default::Default::default()));
        let kind = value_kind(c.ty);
        quote!(#library::__private::SymbolValue::#kind(#default))
    });
    quote!(&[#(#values),*])
}

/// The configuration of a struct: its sizes, and its fields of plain type.
pub fn config_type(s: &Structure, config: &Ident, library: &TokenStream) -> TokenStream {
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
         small letters and what has a default may be left out; a name that is none of these is an error."
    );
    let mut fields_of_config = Vec::new();
    let mut names = Vec::new();
    let mut specs = Vec::new();
    let mut spec = |ident: &Ident, ty: SymbolType, default: Option<SettingValue>| {
        let text = parse::name(ident);
        let alias = match ty {
            SymbolType::Size => snake_case(&text),
            SymbolType::Float | SymbolType::Bool => text.clone(),
        };
        let kind = value_kind(ty);
        let default = match default.and_then(|d| d.literal().parse::<TokenStream>().ok()) {
            Some(value) => {
                quote!(::core::option::Option::Some(#library::__private::SymbolValue::#kind(#value)))
            }
            None => quote!(::core::option::Option::None),
        };
        specs.push(quote! {
            #library::__private::ConfigField {
                name: #text,
                alias: #alias,
                ty: #library::__private::SymbolType::#kind,
                default: #default,
            }
        });
        names.push(text);
    };
    for symbol in symbols {
        let doc = format!("The value of `{symbol}`.");
        let ty = quote!(::core::primitive::usize);
        fields_of_config.push((symbol, quote!(#[doc = #doc] #visibility #symbol: #ty)));
        spec(symbol, SymbolType::Size, None);
    }
    for f in fields {
        let FieldKind::Setting(setting, default) = &f.kind else {
            continue;
        };
        let (field, ty) = (&f.name, &f.written);
        let docs = f.attributes.iter().filter(|a| a.path().is_ident("doc"));
        let mut doc = quote!(#(#docs)*);
        if doc.is_empty() {
            doc = super::doc(&format!("The value of `{}`.", parse::name(field)));
        }
        fields_of_config.push((field, quote!(#doc #visibility #field: #ty)));
        spec(field, setting.symbol_type(), *default);
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
                let values = [#((#names, #private::Setting::value(&self.#idents))),*];
                #private::write_config(serializer, #text, &values)
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
