//! Types of one name in one module, and impl blocks of one type: the second is told and emits nothing that the first
//! has, of which rustc would tell each part.

use super::beside::{Kind, Name, Standing, in_file};
use crate::parse;
use std::cell::RefCell;
use std::collections::HashSet;

thread_local! {
    static TWICE: RefCell<HashSet<(Kind, Name)>> = RefCell::default();
}

/// Of an item that is not the first of its kind and name where it stands.
pub(super) struct Second {
    /// The line of the one in front of it.
    pub(super) other: usize,
    /// Whether that its type is there twice has been said.
    pub(super) of_twins: bool,
}

/// Whether an item is the second type of its name where it stands, or the second impl block of its type.
pub(super) fn second(item: &Standing<'_>) -> Option<Second> {
    if item.kind == Kind::Function || !item.is_second() {
        return None;
    }
    let other = *item.before.last()?;
    let name = in_file(item.name.span().file(), parse::name(&item.name));
    TWICE.with_borrow_mut(|twice| {
        let of_twins = item.kind == Kind::Methods && twice.contains(&(Kind::Type, name.clone()));
        twice.insert((item.kind, name));
        Some(Second { other, of_twins })
    })
}

/// Whether a type, or its impl block, was told to be there twice: what is in it is either's. `at` is the file of its
/// declaration with the line behind.
pub(super) fn is_twice(name: &str, at: &str) -> bool {
    let file = at.rsplit_once(':').map_or(at, |(file, _)| file);
    let key = in_file(file.to_string(), name.to_string());
    let kinds = [Kind::Type, Kind::Methods];
    TWICE.with_borrow(|twice| kinds.iter().any(|k| twice.contains(&(*k, key.clone()))))
}

/// Keeps that what is in a type is not known where a trait's implementation was taken for its methods; whether it is one.
pub(super) fn doubt(item: &syn::Item) -> bool {
    let syn::Item::Impl(i) = item else {
        return false;
    };
    let of = match parse::unwrapped(&i.self_ty) {
        syn::Type::Path(of) => of.path.segments.last(),
        _ => None,
    };
    if let Some(of) = of.filter(|_| i.trait_.is_some()) {
        let name = in_file(of.ident.span().file(), parse::name(&of.ident));
        TWICE.with_borrow_mut(|twice| twice.insert((Kind::Methods, name)));
    }
    i.trait_.is_some()
}
