//! Every name that emitted code makes up for what others name: none is for hands, and no two meet.
//!
//! A name follows from the item it belongs to and from nothing else, so the same source expands to the
//! same tokens. Names that live inside one emitted expression stand where they are emitted.

use proc_macro2::{Ident, Span, TokenStream};
use quote::format_ident;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// What tells an item from all others: a hash of its crate, its place and its tokens.
///
/// Items that agree in all of that stand in several modules out of one source (`macro_rules!` repeats
/// them, or one file is two modules): those are numbered, in the order in which rustc expands them.
pub fn id(name: &Ident, item: &TokenStream) -> String {
    static SEEN: Mutex<Option<HashMap<u64, u64>>> = Mutex::new(None);
    let mut hasher = DefaultHasher::new();
    for variable in ["CARGO_CRATE_NAME", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        std::env::var(variable)
            .unwrap_or_default()
            .hash(&mut hasher);
    }
    let span = name.span();
    (span.file(), span.start().line, span.start().column).hash(&mut hasher);
    name.to_string().hash(&mut hasher);
    item.to_string().hash(&mut hasher);
    let facts = hasher.finish();
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = seen.get_or_insert_default().entry(facts).or_insert(0);
    let number = *count;
    *count += 1;
    match number {
        0 => format!("{facts:016x}"),
        n => format!("{facts:016x}_{n}"),
    }
}

/// Whether another function of this name stands in front of it in its file: in another module, or in the same
/// one, which is a mistake. A crate is expanded in one thread.
pub fn is_repeated(name: &Ident, id: &str) -> bool {
    thread_local! {
        static FIRST: RefCell<HashMap<[String; 3], String>> = RefCell::default();
    }
    let of_crate = std::env::var("CARGO_CRATE_NAME").unwrap_or_default();
    let place = [of_crate, name.span().file(), name.to_string()];
    // Without the number of a repetition, which is the same function.
    let hash = id.split('_').next().unwrap_or(id);
    FIRST.with_borrow_mut(|first| {
        let known = first.entry(place);
        known.or_insert_with(|| hash.to_string()) != hash
    })
}

/// The macro that passes on an item's signature. The identity comes through a chain, which someone may
/// have written by hand.
pub fn item_macro(name: &Ident, id: &str) -> Ident {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let id: String = id.chars().map(plain).collect();
    format_ident!("__sinew_{}_{}", name, id, span = name.span())
}

/// A second name for the macro of a function that is called like an operation of the prelude, or of a type that is
/// called like one of its types: its own name would be ambiguous beside the prelude's glob.
pub fn second_name(name: &Ident) -> Ident {
    format_ident!("{}{}", CALLED_LIKE, name, span = name.span())
}

const CALLED_LIKE: &str = "__sinew_called_";

/// The path that is meant by one that a chain asks for.
pub fn meant(asked: &syn::Path) -> syn::Path {
    let ident = asked.get_ident();
    let name = ident.and_then(|i| {
        Some((
            i.to_string().strip_prefix(CALLED_LIKE)?.to_string(),
            i.span(),
        ))
    });
    match name {
        Some((name, span)) => Ident::new(&name, span).into(),
        None => asked.clone(),
    }
}

/// The macro of a struct's own name that tells its fields before its methods are known.
pub fn fields_macro(structure: &Ident) -> Ident {
    format_ident!("{}{}", FIELDS, structure, span = structure.span())
}

const FIELDS: &str = "__sinew_fields_";

/// The struct whose fields' macro has a name, else that name.
pub fn of_fields(name: &str) -> String {
    name.strip_prefix(FIELDS).unwrap_or(name).to_string()
}

/// The type of a method: that of a function has its name. The struct's length keeps `A::b_c` and
/// `A_b::c` apart.
pub fn method_type(structure: &str, method: &Ident) -> Ident {
    format_ident!("__sinew_method{}_{}_{}", structure.len(), structure, method)
}

/// The method that is seen as far as a method of its name, and takes nothing.
pub fn seen(method: &Ident) -> Ident {
    format_ident!("__sinew_{}", method, span = method.span())
}

/// The constant with the unit of a function.
pub fn unit() -> Ident {
    format_ident!("__SINEW_UNIT")
}

/// The function that calls a model function with what the plain one was given.
pub fn call() -> Ident {
    format_ident!("__sinew_call")
}

/// The constant with what tells the structs of a function's signature from others.
pub fn structs() -> Ident {
    format_ident!("__SINEW_STRUCTS")
}

/// The constant with the unit of a method: of the struct at a position in the signature that it is
/// reached by.
pub fn method_unit(position: usize, method: &str) -> Ident {
    format_ident!("__SINEW_U{}_{}", position, method)
}

/// The constant with the value of a Rust const, by its position in a signature.
pub fn const_value(position: usize) -> Ident {
    format_ident!("__SINEW_C{}", position)
}

/// The method that gives a variant's number, where it is asked with what tells the enum from others of its
/// name: each name has one of its own, so that rustc tells who asks another.
pub fn variant(name: &str) -> Ident {
    format_ident!("__sinew_{}", name)
}

/// What a mention is called in a chain.
pub fn alias(position: usize) -> Ident {
    format_ident!("__sinew_{}", position)
}

/// The name that stands for a field in an expression of sizes.
pub fn field(position: usize, span: Span) -> Ident {
    format_ident!("__sinew_field_{}", position, span = span)
}

/// The macro that passes on a piece of a long chain.
pub fn bundle(position: usize) -> Ident {
    format_ident!("__sinew_bundle_{}", position)
}

/// `wished`, or with the first number behind it that makes it free.
pub fn fresh(wished: &str, taken: &mut dyn FnMut(&str) -> bool) -> String {
    let mut name = wished.to_string();
    let mut number = 2;
    while taken(&name) {
        name = format!("{wished}_{number}");
        number += 1;
    }
    name
}

/// The path of a struct's [`fields_macro`].
pub fn fields_path(structure: &syn::Path) -> syn::Path {
    let mut path = structure.clone();
    if let Some(last) = path.segments.last_mut() {
        last.ident = fields_macro(&last.ident);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn a_name_follows_from_the_item() {
        let name = format_ident!("f");
        let (one, other) = (
            quote!(
                fn f() {}
            ),
            quote!(
                fn f() {
                    x
                }
            ),
        );
        let (a, b) = (id(&name, &one), id(&name, &other));
        assert_ne!(a, b);
        // Twice the same item is two items.
        assert_eq!(id(&name, &one), format!("{a}_1"));
        assert_eq!(id(&name, &one), format!("{a}_2"));
    }

    #[test]
    fn methods_of_structs_that_begin_alike_are_apart() {
        let (a, b) = (format_ident!("b_c"), format_ident!("c"));
        assert_ne!(method_type("A", &a), method_type("A_b", &b));
    }

    #[test]
    fn fresh_names_are_numbered() {
        let taken = ["x", "x_2"];
        assert_eq!(fresh("x", &mut |n| taken.contains(&n)), "x_3");
        assert_eq!(fresh("y", &mut |n| taken.contains(&n)), "y");
    }
}
