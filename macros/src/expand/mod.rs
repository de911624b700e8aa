//! Drives the stages: what the attribute expands to at once, and what each chain ends in.

mod beside;
mod collected;
mod enumeration;
mod file;
mod function;
mod methods;
mod module;
mod nowhere;
mod placeholder;
mod structure;
mod twins;

use crate::collect::{self, Finish, Phase, State};
use crate::errors::{Checked, Errors, Reported};
use crate::hidden;
use crate::names::{self, Mentions};
use crate::parse::{self, Function, Item};
use crate::{depth, emit, messages};
use beside::Standing;
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

/// The attribute: the plain item, then its chains.
pub fn attribute(arguments: TokenStream, tokens: TokenStream) -> TokenStream {
    let errors = Errors::default();
    let out = attribute_checked(arguments, tokens, &errors);
    let errors = errors.into_tokens();
    let out = out.unwrap_or_default();
    quote!(#out #errors)
}

fn attribute_checked(
    arguments: TokenStream,
    tokens: TokenStream,
    errors: &Errors,
) -> Checked<TokenStream> {
    if let Some(span) = depth::too_deep(&tokens).or(depth::too_deep(&arguments)) {
        return Err(errors.report(messages::too_deep(span)));
    }
    let Ok(options) = parse::options::read(arguments.clone(), errors) else {
        return Ok(placeholder::for_item(
            &tokens,
            &arguments,
            &collect::library(),
        ));
    };
    let library = match &options.library {
        Some(path) => path.to_token_stream(),
        None => collect::library(),
    };
    if let Some(reordered) = module::cfg_first(&arguments, &tokens, &library) {
        return Ok(reordered);
    }
    let read = match syn::parse2::<syn::Item>(tokens.clone()) {
        Ok(read) => read,
        Err(error) => return Ok(not_read(&tokens, &arguments, &error, &library, errors)),
    };
    let standing = Standing::of(&read);
    if let Some(standing) = &standing
        && let Some(second) = twins::second(standing)
    {
        if !second.of_twins {
            errors.report(match &read {
                syn::Item::Impl(i) => messages::second_impl(&i.self_ty, second.other),
                _ => messages::type_twice(&standing.name, second.other),
            });
        }
        return Ok(placeholder::for_second(&read, &library));
    }
    if let syn::Item::Struct(s) = &read {
        let derived = standing.as_ref().map(Standing::derived_above);
        let derived = derived.unwrap_or_default();
        if !derived.is_empty() {
            errors.report(messages::derive_above(Span::call_site()));
            let marked = options.methods.is_some();
            return Ok(placeholder::structure(s, marked, derived, &library));
        }
    }
    let lost = standing.as_ref();
    let lost = lost.and_then(|s| nowhere::without_lost_fields(&read, s, errors));
    if let Some(rest) = lost {
        // What else is wrong with it is told too.
        let _ = parse::item(rest.clone(), options, errors);
        return Ok(placeholder::for_item(&rest, &arguments, &library));
    }
    let item = match parse::item(tokens.clone(), options.clone(), errors) {
        Ok(item) => item,
        // Its name stays known, so that what mentions it is not reported too.
        Err(Reported) if twins::doubt(&read) => return Ok(TokenStream::new()),
        Err(Reported) => return Ok(placeholder::for_item(&tokens, &arguments, &library)),
    };
    let state = |id: &str, phase, mut mentions: Vec<syn::Path>| {
        if let Some(standing) = &standing {
            standing.rename(&mut mentions);
        }
        State {
            phase,
            library: library.clone(),
            id: id.to_string(),
            mentions,
            arguments: arguments.clone(),
            item: tokens.clone(),
        }
    };
    // In front: an editor looks for what is typed from the left.
    let editor = emit::editor::is_there().then(|| emit::editor::beside(&item, &library));
    let expanded = match &item {
        Item::Module(m) => module::expand(m, &options, &library),
        Item::Structure(s) => {
            let mut mentions = Vec::new();
            names::of_fields(&s.fields, &mut mentions);
            let id = hidden::id(&s.name, &tokens);
            let definition = emit::structure::definition(s, &library);
            let checks = structs(&mentions, &library);
            let signature = chain(&state(&id, Phase::Signature, mentions.clone()));
            let body = state(&id, Phase::Body, mentions);
            let body = match body.mentions.is_empty() {
                true => finish_item(&body, &[]),
                false => collect::body_chain(&body),
            };
            quote!(#definition #checks #signature #body)
        }
        Item::Enumeration(e) => {
            let state = state(&hidden::id(&e.name, &tokens), Phase::Signature, Vec::new());
            let definition = emit::enumeration::definition(e, &library);
            let chain = chain(&state);
            quote!(#definition #chain)
        }
        Item::Function(f) => {
            let mut mentions = Mentions::default();
            names::of_signature(f, &mut mentions.items);
            let checks = structs(&mentions.items, &library);
            names::of_body(f, &mut mentions);
            let lost = |s| nowhere::report_lost(&mentions.items, s, errors);
            if standing.as_ref().is_some_and(lost) {
                return Ok(placeholder::for_item(&tokens, &arguments, &library));
            }
            let id = hidden::id(&f.name, &tokens);
            let own = syn::Path::from(names::asked(&f.name));
            // Which function has the name if there are two, rustc knows.
            if hidden::is_repeated(&f.name, &id) && !mentions.items.contains(&own) {
                mentions.items.push(own);
            }
            let body = state(&id, Phase::Body, mentions.items);
            let function = function::expand_at_once(f, &body, errors);
            quote!(#checks #function)
        }
        Item::Methods(m) => {
            let lost = |s| nowhere::report_undeclared(m, s, errors);
            if standing.as_ref().is_some_and(lost) {
                return Ok(placeholder::for_item(&tokens, &arguments, &library));
            }
            let name = last_ident(&m.owner.path);
            let mut mentions = Mentions::default();
            mentions.items.push(hidden::fields_path(&m.owner.path));
            for f in &m.functions {
                names::of_signature(f, &mut mentions.items);
            }
            mentions.items.retain(|p| *p != m.owner.path);
            let checks = structs(&mentions.items[1..], &library);
            let own = structs(std::slice::from_ref(&m.owner.path), &library);
            let id = hidden::id(&name, &tokens);
            let signature = state(&id, Phase::Signature, mentions.items);
            let mut mentions = Mentions::default();
            mentions.items.push(m.owner.path.clone());
            for f in &m.functions {
                names::of_signature(f, &mut mentions.items);
                names::of_body(f, &mut mentions);
            }
            let body = state(&id, Phase::Body, mentions.items);
            let (first, second) = (chain(&signature), collect::body_chain(&body));
            quote!(#own #checks #first #second)
        }
    };
    Ok(quote!(#editor #expanded))
}

/// What stands for an item that the grammar refuses.
fn not_read(
    tokens: &TokenStream,
    arguments: &TokenStream,
    error: &syn::Error,
    library: &TokenStream,
    errors: &Errors,
) -> TokenStream {
    let rest = placeholder::for_item(tokens, arguments, library);
    match refused(tokens, Delimiter::None, error.span()) {
        Some((TokenTree::Ident(word), _)) if word == "where" => {
            errors.report(messages::selection_by_keyword(&word));
            return rest;
        }
        Some((TokenTree::Punct(sign), Delimiter::Bracket)) if ",:".contains(sign.as_char()) => {
            errors.report(messages::index_of_python(&sign));
            return rest;
        }
        Some((TokenTree::Punct(sign), _)) if sign.as_char() == '@' => {
            errors.report(messages::product_by_sign(&sign));
            return rest;
        }
        _ => {}
    }
    let told = emit::unit::syntax_error(error);
    quote!(#rest #told)
}

/// The token at a place that the grammar refuses, and what is around it.
fn refused(tokens: &TokenStream, around: Delimiter, at: Span) -> Option<(TokenTree, Delimiter)> {
    tokens.clone().into_iter().find_map(|token| match &token {
        TokenTree::Group(group) => refused(&group.stream(), group.delimiter(), at),
        _ => {
            let span = token.span();
            let here = span.start() == at.start() && span.file() == at.file();
            here.then_some((token, around))
        }
    })
}

/// Dead code that has rustc say which of these are no model structs.
fn structs(paths: &[syn::Path], library: &TokenStream) -> TokenStream {
    let checks = paths.iter().map(|path| {
        let span = parse::start(path);
        let check = quote_spanned!(span=> ::__private::model_struct::<#path>());
        quote!(#library #check;)
    });
    match paths.is_empty() {
        true => TokenStream::new(),
        false => quote! {
            const _: () = {
                fn __sinew_structs() { #(#checks)* }
            };
        },
    }
}

/// A chain over a signature; without mentions its end comes at once.
fn chain(state: &State) -> TokenStream {
    match state.mentions.is_empty() {
        true => finish_item(state, &[]),
        false => collect::signature_chain(state),
    }
}

/// The end of a chain.
pub fn finish(input: TokenStream) -> TokenStream {
    // The attribute has looked at the item; whoever writes the end by hand has not come through it.
    if let Some(span) = depth::chain_too_deep(&input) {
        return messages::too_deep(span).to_compile_error();
    }
    match collect::parse_finish(input) {
        Ok(Finish::Item(state, texts)) => finish_item(&state, &texts),
        Ok(Finish::Bundle(name, texts)) => collect::bundle(&name, &texts),
        Err(error) => error.to_compile_error(),
    }
}

fn finish_item(state: &State, texts: &[String]) -> TokenStream {
    let errors = Errors::default();
    let out = finish_checked(state, texts, &errors).unwrap_or_default();
    let errors = errors.into_tokens();
    quote!(#out #errors)
}

fn finish_checked(state: &State, texts: &[String], errors: &Errors) -> Checked<TokenStream> {
    if let Some(span) = depth::too_deep(&state.item).or(depth::too_deep(&state.arguments)) {
        return Err(errors.report(messages::too_deep(span)));
    }
    let options = parse::options::read(state.arguments.clone(), errors)?;
    let item = parse::item(state.item.clone(), options.clone(), errors)?;
    // What can be read all the same, the attribute has reported.
    errors.truncate(0);
    match (&item, state.phase) {
        (Item::Structure(s), Phase::Signature) => Ok(structure::expand_signature(
            s, &options, state, texts, errors,
        )),
        (Item::Structure(s), Phase::Body) => Ok(structure::expand_body(s, &options, state, texts)),
        (Item::Enumeration(e), _) => Ok(enumeration::expand(e, &options, state)),
        (Item::Function(f), _) => Ok(function::expand_body(f, state, texts, errors)),
        (Item::Methods(m), Phase::Signature) => {
            Ok(methods::expand_signature(m, &options, state, texts, errors))
        }
        (Item::Methods(m), Phase::Body) => Ok(methods::expand_body(m, state, texts, errors)),
        (Item::Module(_), _) => Ok(TokenStream::new()),
    }
}

/// Dead code that has rustc decide what the names of operations and of `Tensor` mean: where an item of
/// the user's own has such a name, its type is another. `asked` are the paths of the chain; `is_item` says which
/// paths are model items.
fn uses(
    functions: &[&Function],
    asked: &[syn::Path],
    library: &TokenStream,
    is_item: &dyn Fn(&syn::Path) -> bool,
) -> TokenStream {
    let (mut mentions, mut of_fields) = (Mentions::default(), TokenStream::new());
    for f in functions {
        names::of_body(f, &mut mentions);
        names::tensors(f, &mut mentions.tensors);
        of_fields.extend(fields(f, &std::mem::take(&mut mentions.fields)));
    }
    let operations = mentions.operations.into_iter().filter(|p| !is_item(p));
    let operations: Vec<TokenStream> = operations
        .filter_map(|path| {
            let operation = names::operation(&path)?;
            let name = Ident::new(operation.name, Span::call_site());
            let marker = quote!(#library::__private::the_operation::#name);
            let span = parse::start(&path);
            // What was asked has an import, which is all that is told of a name that is nowhere.
            let item = match asked.iter().position(|p| *p == path) {
                Some(i) => Ident::new(&hidden::alias(i).to_string(), span).to_token_stream(),
                None => path.to_token_stream(),
            };
            let check = quote_spanned!(span=> ::__private::operation::<#marker, _, _>(#item));
            Some(quote!(#library #check;))
        })
        .collect();
    let tensors = mentions.tensors.iter().map(|path| {
        let span = parse::start(path);
        let check = quote!(#library::__private::tensor(__sinew_never));
        let check = emit::placed(check, span);
        // The name of a struct needs none of its parameters in a pattern.
        quote!(let #path { .. } = #check;)
    });
    if operations.is_empty() && mentions.tensors.is_empty() {
        return of_fields;
    }
    quote! {
        #of_fields
        fn __sinew_uses(__sinew_never: ::core::convert::Infallible) {
            #(#operations)*
            #(#tensors)*
        }
    }
}

/// Dead code that has rustc say which of these fields of a function's models are private elsewhere.
fn fields(f: &Function, named: &[syn::ExprField]) -> TokenStream {
    let models = f.parameters.iter().filter_map(|p| match &p.ty {
        parse::TypeExpr::Struct(s) => Some((&p.name, &s.path)),
        _ => None,
    });
    let each = models.filter_map(|(name, path)| {
        let own: Vec<_> = named
            .iter()
            .filter(|e| names::root(e) == Some(name))
            .collect();
        let check = quote!({ fn __sinew_fields(#name: &#path) { #(let _ = &#own;)* } });
        (!own.is_empty()).then_some(check)
    });
    each.collect()
}

fn last_ident(path: &syn::Path) -> Ident {
    match path.segments.last() {
        Some(s) => s.ident.clone(),
        None => Ident::new("unnamed", Span::call_site()),
    }
}
