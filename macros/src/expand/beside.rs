//! What stands beside an item in its file.
//!
//! The macro is given one item after the other, and not the module that it stands in. Where that decides something,
//! which is rare, the file is read: the item is found there by its text, since what is read has no places.

use crate::{collect, hidden, names, parse};
use proc_macro2::{Ident, Span};
use quote::ToTokens;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
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

    /// What is derived in front of `#[model]`, by the last names.
    pub(super) fn derived_above(&self) -> Vec<String> {
        let model = Span::call_site().start();
        with_source(self.name.span(), |source| {
            let text = source.text.as_deref().unwrap_or_default();
            let above: Vec<&str> = text.lines().take(model.line).collect();
            let Some((own, above)) = above.split_last() else {
                return Vec::new();
            };
            let start = own.char_indices().nth(model.column);
            let own = start.map_or("", |(i, _)| &own[..i]);
            let lines = above.iter().rev().map(|line| line.trim());
            let lines = lines.take_while(|l| l.starts_with("#[") || l.starts_with("//"));
            let attributes = std::iter::once(own.trim()).chain(lines);
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
        file.flatten().is_some_and(|file| {
            let is_first = |place: &Place, at: usize| {
                let mut alike = place.items[..at].iter();
                !alike.any(|i| i.kind == self.kind && self.name == i.name)
            };
            let found = file.find(self);
            found.is_some_and(|(place, at)| !is_first(&file.places[place], at))
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
                && self.is_declared(&text)
                && self.file().is_some_and(|file| file.declares(self, &text))
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

/// A file as it is, and what it says once that is asked.
struct Source {
    text: Option<String>,
    file: OnceCell<Option<Rc<File>>>,
}

/// What there is to say of the file that a span is in, which is read once.
fn with_source<T>(span: Span, of: impl FnOnce(&Source) -> T) -> T {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Source>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        let source = known.entry(span.file()).or_insert_with(|| Source {
            text: span
                .local_file()
                .and_then(|path| std::fs::read_to_string(path).ok()),
            file: OnceCell::new(),
        });
        of(source)
    })
}

/// What a file says.
pub(super) struct File {
    /// Where its model items stand.
    places: Vec<Place>,
    /// Every name that something in it declares or imports.
    names: HashSet<String>,
    /// Whether these are all: nothing else in it brings names.
    complete: bool,
}

impl File {
    /// Whether nothing is called so.
    pub(super) fn lacks(&self, name: &str) -> bool {
        self.complete && !self.names.contains(name)
    }

    /// The names of its model types.
    pub(super) fn types(&self) -> Vec<String> {
        let items = self.places.iter().flat_map(|place| &place.items);
        let types = items.filter(|i| i.kind == Kind::Type);
        types.map(|i| i.name.clone()).collect()
    }

    /// The file that a span is in.
    fn read(span: Span) -> Option<Rc<File>> {
        with_source(span, |source| {
            let file = source.file.get_or_init(|| {
                let file = syn::parse_file(source.text.as_ref()?).ok()?;
                let mut reader = Reader::default();
                reader.within(None, |reader| reader.visit_file(&file));
                Some(Rc::new(File {
                    places: reader.places,
                    // What is included has the names of where it is included.
                    complete: reader.imports && !reader.brings_more,
                    names: reader.names,
                }))
            });
            file.clone()
        })
    }

    /// The place in which an item stands, and its position there.
    fn find(&self, standing: &Standing<'_>) -> Option<(usize, usize)> {
        let text = text(standing.item);
        let each = self.places.iter().enumerate().flat_map(|(place, p)| {
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
        while let Some(place) = next.and_then(|i| self.places.get(i)) {
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
    names: HashSet<String>,
    /// Whether the library's prelude, or its attribute, is imported.
    imports: bool,
    /// Whether there is something of which it is not known what names it brings.
    brings_more: bool,
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

/// Attributes that leave the names in their items as they are.
const PLAIN_ATTRIBUTES: &[&str] = &[
    "model",
    "derive",
    "doc",
    "cfg",
    "cfg_attr",
    "allow",
    "expect",
    "warn",
    "deny",
    "forbid",
    "must_use",
    "repr",
    "deprecated",
    "non_exhaustive",
    "test",
    "rustfmt",
    "clippy",
    "path",
    "automatically_derived",
];

impl Reader {
    /// Keeps what an item declares, or may bring.
    fn note(&mut self, item: &syn::Item) {
        let (name, attributes) = match item {
            syn::Item::Struct(i) => (&i.ident, &i.attrs),
            syn::Item::Enum(i) => (&i.ident, &i.attrs),
            syn::Item::Union(i) => (&i.ident, &i.attrs),
            syn::Item::Type(i) => (&i.ident, &i.attrs),
            syn::Item::Trait(i) => (&i.ident, &i.attrs),
            syn::Item::TraitAlias(i) => (&i.ident, &i.attrs),
            syn::Item::Mod(i) => (&i.ident, &i.attrs),
            syn::Item::ExternCrate(i) => match &i.rename {
                Some((_, name)) => (name, &i.attrs),
                None => (&i.ident, &i.attrs),
            },
            // These declare no types, nor do their attributes.
            syn::Item::Fn(_) | syn::Item::Const(_) | syn::Item::Static(_) | syn::Item::Use(_) => {
                return;
            }
            syn::Item::Impl(i) => {
                self.brings_more |= !i.attrs.iter().all(is_plain);
                return;
            }
            syn::Item::Macro(i) => {
                self.brings_more |= i.ident.is_none();
                return;
            }
            _ => {
                self.brings_more = true;
                return;
            }
        };
        self.names.insert(parse::name(name));
        self.brings_more |= !attributes.iter().all(is_plain);
    }
}

fn is_plain(attribute: &syn::Attribute) -> bool {
    let first = attribute.path().segments.first();
    let is_plain =
        |s: &syn::PathSegment| PLAIN_ATTRIBUTES.contains(&parse::name(&s.ident).as_str());
    parse::is_model(attribute) || first.is_some_and(is_plain)
}

impl<'a> Visit<'a> for Reader {
    fn visit_use_name(&mut self, name: &'a syn::UseName) {
        let name = parse::name(&name.ident);
        self.imports |= name == "model";
        self.names.insert(name);
    }

    fn visit_use_rename(&mut self, name: &'a syn::UseRename) {
        self.names.insert(parse::name(&name.rename));
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        // Of types, the library's prelude brings what is known.
        if let syn::UseTree::Path(first) = &item.tree
            && let syn::UseTree::Path(second) = &*first.tree
            && let syn::UseTree::Glob(_) = &*second.tree
            && second.ident == "prelude"
            && collect::library().to_string() == format!(":: {}", first.ident)
        {
            self.imports = true;
            return;
        }
        self.visit_use_tree(&item.tree);
    }

    fn visit_use_path(&mut self, path: &'a syn::UsePath) {
        // `use a::{self}` has the name of the module.
        self.names.insert(parse::name(&path.ident));
        self.visit_use_tree(&path.tree);
    }

    fn visit_use_glob(&mut self, _: &'a syn::UseGlob) {
        self.brings_more = true;
    }

    fn visit_item(&mut self, item: &'a syn::Item) {
        self.note(item);
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
