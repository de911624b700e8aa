//! What stands beside an item in its file.
//!
//! The macro is given one item after the other, and not the module that it stands in. Where that decides something,
//! which is rare, the [`file`](super::file) is read.

use super::file::{File, with_source};
use crate::{hidden, names, parse};
use proc_macro2::{Ident, Span};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// What an item declares, or is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A struct or an enum.
    Type,
    /// An impl block that is of no trait.
    Methods,
    /// A function.
    Function,
}

/// A crate, a file in it, and a name in that.
pub(super) type Name = [String; 3];

/// A name in a file of this crate.
pub(super) fn in_file(file: String, name: String) -> Name {
    let of_crate = std::env::var("CARGO_CRATE_NAME").unwrap_or_default();
    [of_crate, file, name]
}

/// An item, and which one it is in its file.
pub(super) struct Standing<'i> {
    pub(super) item: &'i syn::Item,
    pub(super) kind: Kind,
    pub(super) name: Ident,
    /// The lines of those of its kind and name in front of it in the file.
    pub(super) before: Vec<usize>,
}

impl<'i> Standing<'i> {
    /// Counts an item, which is expanded behind those in front of it.
    pub(super) fn of(item: &'i syn::Item) -> Option<Self> {
        type Places = HashMap<(Kind, Name), BTreeSet<(usize, usize)>>;
        thread_local! {
            static SEEN: RefCell<Places> = RefCell::default();
        }
        let (kind, name) = kind(item)?;
        let key = (kind, in_file(name.span().file(), parse::name(&name)));
        let start = name.span().start();
        let here = (start.line, start.column);
        let before = SEEN.with_borrow_mut(|seen| {
            let seen = seen.entry(key).or_default();
            seen.insert(here);
            seen.range(..here).map(|(line, _)| *line).collect()
        });
        Some(Standing {
            item,
            kind,
            name,
            before,
        })
    }

    /// What is derived in front of `#[model]`, by the last names.
    pub(super) fn derived_above(&self) -> Vec<String> {
        let (model, file) = (Span::call_site().start(), Span::call_site().file());
        if file != self.name.span().file() {
            return Vec::new();
        }
        with_source(self.name.span(), |source| {
            let text = source.text.as_deref().unwrap_or_default();
            let above: Vec<&str> = text.lines().take(model.line).collect();
            let Some((own, above)) = above.split_last() else {
                return Vec::new();
            };
            let start = own.char_indices().nth(model.column);
            let own = start.map_or("", |(i, _)| &own[..i]);
            let lines = above.iter().rev().map(|line| line.trim());
            // A line that goes on behind its attributes is another item's.
            let is_attribute = |line: &&str| line.starts_with("#[") && line.ends_with(']');
            let lines = lines.take_while(|l| is_attribute(l) || l.starts_with("//"));
            let attributes = std::iter::once(own.trim()).chain(lines);
            let attributes = attributes.filter(is_attribute);
            let derives = attributes.filter(|line| line.starts_with("#[derive"));
            let words = derives.flat_map(|line| line.split(|c: char| !c.is_alphanumeric()));
            words
                .filter(|w| !w.is_empty())
                .map(ToString::to_string)
                .collect()
        })
    }

    /// The file that it stands in.
    pub(super) fn file(&self) -> Option<Rc<File>> {
        let file = File::read(self.name.span())?;
        file.find(self).map(|_| file.clone())
    }

    /// Whether a path is that of a model function which is private in a module of its file.
    pub(super) fn is_private(&self, path: &syn::Path) -> bool {
        let mut names = path.segments.iter().map(|s| parse::name(&s.ident));
        let (Some(module), Some(function), None) = (names.next(), names.next(), names.next())
        else {
            return false;
        };
        let is_public = |text: &str| text.contains(&format!("pub fn {function}"));
        let unclear = with_source(self.name.span(), |source| {
            source.text.as_deref().is_none_or(is_public)
        });
        !unclear
            && self
                .file()
                .is_some_and(|file| file.hides(&module, &function, self))
    }

    /// Whether its file says that nothing there is called so.
    pub(super) fn lacks(&self, name: &str) -> bool {
        let file = File::read(self.name.span());
        file.is_some_and(|file| file.lacks(name) && file.find(self).is_some())
    }

    /// Whether the text of its file declares a type or a module of a name somewhere.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        let words = ["struct", "enum", "mod"].map(|word| format!("{word} {name}"));
        with_source(self.name.span(), |source| {
            let text = source.text.as_deref().unwrap_or_default();
            words.iter().any(|word| text.contains(word))
        })
    }

    /// Whether another of its kind and name stands in front of it in the same place.
    pub(super) fn is_second(&self) -> bool {
        let file = (!self.before.is_empty()).then(|| self.file());
        file.flatten().is_some_and(|file| file.has_another(self))
    }

    /// Puts the second name in place of those that mean a type of the prelude's name that is declared where the item
    /// stands, or in the blocks and the module around it.
    pub(super) fn rename(&self, mentions: &mut [syn::Path]) {
        for path in mentions {
            let Some(name) = path.get_ident() else {
                continue;
            };
            let text = hidden::of_fields(&parse::name(name));
            if names::is_type_of_prelude(&text)
                && self.is_declared(&text)
                && self.file().is_some_and(|file| file.declares(self, &text))
            {
                *path = hidden::second_name(name).into();
            }
        }
    }
}

/// What an item is, with the name of what it declares or is of.
pub(super) fn kind(item: &syn::Item) -> Option<(Kind, Ident)> {
    Some(match item {
        syn::Item::Struct(s) => (Kind::Type, s.ident.clone()),
        syn::Item::Enum(e) => (Kind::Type, e.ident.clone()),
        syn::Item::Fn(f) => (Kind::Function, f.sig.ident.clone()),
        syn::Item::Impl(i) if i.trait_.is_none() => match parse::unwrapped(&i.self_ty) {
            syn::Type::Path(of) => (Kind::Methods, of.path.segments.last()?.ident.clone()),
            _ => return None,
        },
        _ => return None,
    })
}
