//! What a chain carries to its end: the item and what is needed to go on with it.

use crate::messages;
use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};

/// Which of an item's two chains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Over the structs in its signature.
    Signature,
    /// Over all that it mentions.
    Body,
}

/// The state of a chain.
pub struct State {
    /// Which chain.
    pub phase: Phase,
    /// Where the library is.
    pub library: TokenStream,
    /// What tells the item from all others; also the suffix of its hidden names.
    pub id: String,
    /// What it asked for, in order.
    pub mentions: Vec<syn::Path>,
    /// The arguments of the attribute.
    pub arguments: TokenStream,
    /// The item.
    pub item: TokenStream,
}

impl ToTokens for State {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let phase = match self.phase {
            Phase::Signature => quote!(Signature),
            Phase::Body => quote!(Body),
        };
        let State {
            library,
            id,
            mentions,
            arguments,
            item,
            ..
        } = self;
        let inner = quote!(#phase (#library) #id [#([#mentions])*] (#arguments) (#item));
        Group::new(Delimiter::Brace, inner).to_tokens(tokens);
    }
}

/// What a chain ends with.
pub enum Finish {
    /// An item and the texts of its mentions.
    Item(Box<State>, Vec<String>),
    /// A piece of a long chain.
    Bundle(Ident, Vec<String>),
}

impl Parse for Finish {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(syn::token::Brace) {
            return Err(messages::not_by_hand());
        }
        let state;
        syn::braced!(state in input);
        let phase: Ident = state.parse()?;
        if phase == "Bundle" {
            return Ok(Finish::Bundle(state.parse()?, texts(input)?));
        }
        let phase = match phase == "Signature" {
            true => Phase::Signature,
            false => Phase::Body,
        };
        let (library, paths, arguments, item);
        syn::parenthesized!(library in state);
        let id: syn::LitStr = state.parse()?;
        syn::bracketed!(paths in state);
        syn::parenthesized!(arguments in state);
        syn::parenthesized!(item in state);
        let mut mentions = Vec::new();
        while !paths.is_empty() {
            let path;
            syn::bracketed!(path in paths);
            mentions.push(path.call(syn::Path::parse_mod_style)?);
        }
        let state = State {
            phase,
            library: library.call(syn::Path::parse_mod_style)?.to_token_stream(),
            id: id.value(),
            mentions,
            arguments: arguments.parse()?,
            item: item.parse()?,
        };
        Ok(Finish::Item(Box::new(state), texts(input)?))
    }
}

fn texts(input: ParseStream<'_>) -> syn::Result<Vec<String>> {
    let mut out = Vec::new();
    while !input.is_empty() {
        out.push(input.parse::<syn::LitStr>()?.value());
    }
    Ok(out)
}

/// Reads the input of [`crate::finish`].
pub fn parse_finish(tokens: TokenStream) -> syn::Result<Finish> {
    Finish::parse.parse2(tokens)
}
