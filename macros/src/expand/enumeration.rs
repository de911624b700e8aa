//! Enums: to whoever mentions one, a struct without leaves, with one value of the configuration.

use super::structure::own_macro;
use crate::check::signature::place;
use crate::collect::State;
use crate::emit;
use crate::parse::enumeration::Enumeration;
use crate::parse::{self, Options};
use crate::signature::{Field, FieldKind, Signature, Struct, VARIANT};
use proc_macro2::TokenStream;
use quote::quote;
use sinew_ir::SymbolType;

pub(super) fn expand(e: &Enumeration, options: &Options, state: &State) -> TokenStream {
    let library = &state.library;
    let marked = options.methods.is_some();
    let visibility = &e.visibility;
    let signature = Struct {
        id: state.id.clone(),
        name: parse::name(&e.name),
        at: place(e.name.span()),
        symbols: Vec::new(),
        fields: vec![Field {
            name: VARIANT.to_string(),
            kind: FieldKind::Setting(SymbolType::Size),
            default: None,
        }],
        variants: e.variants.iter().map(|v| parse::name(&v.name)).collect(),
        methods: Vec::new(),
        told: true,
        visibility: quote!(#visibility).to_string(),
        marked,
    };
    let text = Signature {
        structs: vec![signature],
        ..Signature::default()
    };
    let own = own_macro(&e.name, visibility, marked, &text.encode(), state);
    let implementations = emit::enumeration::implementations(e, VARIANT, &state.id, library);
    quote!(#implementations #own)
}
