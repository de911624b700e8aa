//! What stands beside an item in its file.
//!
//! The macro is given one item after the other, and not the module that it stands in. Where that decides something,
//! which is rare, the file is read: the item is found there by its text, since what is read has no places.

use crate::{hidden, names, parse};
use proc_macro2::{Ident, Span};
use quote::ToTokens;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;

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
    item: &'i syn::Item,
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

    /// Whether another of its kind and name stands in front of it in the same place.
    pub(super) fn is_second(&self) -> bool {
        let file = (!self.before.is_empty()).then(|| File::read(self.name.span(), None));
        file.flatten().is_some_and(|file| {
            let is_first = |place: &Place, at: usize| {
                let mut alike = place.items[..at].iter();
                !alike.any(|i| i.kind == self.kind && self.name == i.name)
            };
            let found = file.find(self);
            found.is_some_and(|(place, at)| !is_first(&file.0[place], at))
        })
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
                && File::read(self.name.span(), Some(&text))
                    .is_some_and(|file| file.declares(self, &text))
            {
                *path = hidden::second_name(name).into();
            }
        }
    }
}

/// What an item is, with the name of what it declares or is of.
fn kind(item: &syn::Item) -> Option<(Kind, Ident)> {
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

/// A model item as it was read.
struct Read {
    kind: Kind,
    name: String,
    text: String,
    /// How many stand in front of it in the file.
    order: usize,
}

/// A module, or a block.
struct Place {
    /// What is around a block.
    around: Option<usize>,
    items: Vec<Read>,
}

/// The model items of a file.
struct File(Vec<Place>);

impl File {
    /// The file that a span is in, if `word` stands there behind `struct` or `enum`, or whatever stands there.
    fn read(span: Span, word: Option<&str>) -> Option<Rc<File>> {
        type Known = (Option<String>, OnceCell<Option<Rc<File>>>);
        thread_local! {
            static KNOWN: RefCell<HashMap<String, Known>> = RefCell::default();
        }
        KNOWN.with_borrow_mut(|known| {
            let (text, file) = known.entry(span.file()).or_insert_with(|| {
                let text = span.local_file().map(std::fs::read_to_string);
                (text.and_then(Result::ok), OnceCell::new())
            });
            let text = text.as_ref()?;
            let declares = |word: &str| {
                let of = |keyword: &str| text.contains(&format!("{keyword} {word}"));
                of("struct") || of("enum")
            };
            if !word.is_none_or(declares) {
                return None;
            }
            let file = file.get_or_init(|| {
                let file = syn::parse_file(text).ok()?;
                let mut reader = Reader::default();
                reader.within(None, |reader| reader.visit_file(&file));
                Some(Rc::new(File(reader.places)))
            });
            file.clone()
        })
    }

    /// The place in which an item stands, and its position there.
    fn find(&self, standing: &Standing<'_>) -> Option<(usize, usize)> {
        let text = text(standing.item);
        let each = self.0.iter().enumerate().flat_map(|(place, p)| {
            let items = p.items.iter().enumerate();
            items.map(move |(at, item)| ((place, at), item))
        });
        let alike = each.filter(|(_, i)| i.kind == standing.kind && standing.name == i.name);
        let mut alike: Vec<((usize, usize), &Read)> = alike.collect();
        alike.sort_by_key(|(_, item)| item.order);
        // Those of one text are told by their order.
        let exact = alike.get(standing.before.len());
        let exact = exact.filter(|(_, item)| item.text == text);
        let found = exact.or_else(|| alike.iter().find(|(_, item)| item.text == text));
        found.map(|(at, _)| *at)
    }

    fn declares(&self, standing: &Standing<'_>, name: &str) -> bool {
        let mut next = self.find(standing).map(|(place, _)| place);
        while let Some(place) = next.and_then(|i| self.0.get(i)) {
            let declares = |i: &Read| i.kind == Kind::Type && i.name == name;
            if place.items.iter().any(declares) {
                return true;
            }
            next = place.around;
        }
        false
    }
}

/// An item without its attributes, of which some are gone where the macro sees it.
fn text(item: &syn::Item) -> String {
    struct Bare;
    impl VisitMut for Bare {
        fn visit_attributes_mut(&mut self, attributes: &mut Vec<syn::Attribute>) {
            attributes.clear();
        }
    }
    let mut item = item.clone();
    Bare.visit_item_mut(&mut item);
    item.to_token_stream().to_string()
}

#[derive(Default)]
struct Reader {
    places: Vec<Place>,
    /// The place that is being read.
    open: Option<usize>,
    /// Whether a `#[model] mod` is around, in which items need no mark.
    marked: bool,
    /// How many items have been read.
    count: usize,
}

impl Reader {
    fn within(&mut self, around: Option<usize>, inside: impl FnOnce(&mut Self)) {
        let (open, items) = (self.open, Vec::new());
        self.open = Some(self.places.len());
        self.places.push(Place { around, items });
        inside(self);
        self.open = open;
    }

    /// Whether the macro is given an item for sure.
    fn is_expanded(&self, item: &syn::Item) -> bool {
        let attributes = match item {
            syn::Item::Struct(s) => &s.attrs,
            syn::Item::Enum(e) => &e.attrs,
            syn::Item::Impl(i) => &i.attrs,
            syn::Item::Fn(f) => &f.attrs,
            _ => return false,
        };
        let marked = self.marked || attributes.iter().any(parse::is_model);
        marked && !attributes.iter().any(parse::is_cfg)
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if self.is_expanded(item)
            && let Some((kind, name)) = kind(item)
            && let Some(place) = self.open.and_then(|i| self.places.get_mut(i))
        {
            place.items.push(Read {
                kind,
                name: parse::name(&name),
                text: text(item),
                order: self.count,
            });
            self.count += 1;
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        let around = self.marked;
        self.marked |= module.attrs.iter().any(parse::is_model);
        self.within(None, |reader| syn::visit::visit_item_mod(reader, module));
        self.marked = around;
    }

    fn visit_block(&mut self, block: &'a syn::Block) {
        self.within(self.open, |reader| syn::visit::visit_block(reader, block));
    }
}
