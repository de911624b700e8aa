//! What a file says of the items in it: an item is found by its text, since what is read has no places.

use super::beside::{Kind, Standing, kind};
use crate::{collect, parse};
use proc_macro2::Span;
use quote::ToTokens;
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;

/// A model item as it was read.
struct Read {
    kind: Kind,
    name: String,
    text: String,
    /// Whether it is seen in its module alone.
    private: bool,
    /// How many stand in front of it in the file.
    order: usize,
}

/// A module, or a block.
struct Place {
    /// The name of a module.
    module: Option<String>,
    /// What is around it.
    around: Option<usize>,
    items: Vec<Read>,
}

/// A file as it is, and what it says once that is asked.
pub(super) struct Source {
    pub(super) text: Option<String>,
    file: OnceCell<Option<Rc<File>>>,
}

/// What there is to say of the file that a span is in, which is read once.
pub(super) fn with_source<T>(span: Span, of: impl FnOnce(&Source) -> T) -> T {
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

    /// Whether the only module of a name has a private model function, and an item does not stand in it.
    pub(super) fn hides(&self, module: &str, function: &str, from: &Standing<'_>) -> bool {
        let places = self.places.iter();
        let mut modules = places.filter(|place| place.module.as_deref() == Some(module));
        let (Some(place), None) = (modules.next(), modules.next()) else {
            return false;
        };
        let mut inside = self.find(from).map(|(place, _)| place);
        while let Some(at) = inside.and_then(|i| self.places.get(i)) {
            if std::ptr::eq(at, place) {
                return false;
            }
            inside = at.around;
        }
        let mut items = place.items.iter();
        items.any(|i| i.kind == Kind::Function && i.name == function && i.private)
    }

    /// Whether another item of the same kind and name stands in front of one in the same place.
    pub(super) fn has_another(&self, item: &Standing<'_>) -> bool {
        self.find(item).is_some_and(|(place, at)| {
            let mut others = self.places[place].items[..at].iter();
            others.any(|other| other.kind == item.kind && item.name == other.name)
        })
    }

    /// The names of its model types.
    pub(super) fn types(&self) -> Vec<String> {
        let items = self.places.iter().flat_map(|place| &place.items);
        let types = items.filter(|i| i.kind == Kind::Type);
        types.map(|i| i.name.clone()).collect()
    }

    /// The file that a span is in.
    pub(super) fn read(span: Span) -> Option<Rc<File>> {
        with_source(span, |source| {
            let file = source.file.get_or_init(|| {
                let file = syn::parse_file(source.text.as_ref()?).ok()?;
                let mut reader = Reader::default();
                reader.within(None, None, |reader| reader.visit_file(&file));
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
    pub(super) fn find(&self, standing: &Standing<'_>) -> Option<(usize, usize)> {
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

    /// Whether a model type of a name is declared where an item stands, or around the block that it stands in.
    pub(super) fn declares(&self, standing: &Standing<'_>, name: &str) -> bool {
        let mut next = self.find(standing).map(|(place, _)| place);
        while let Some(place) = next.and_then(|i| self.places.get(i)) {
            let declares = |i: &Read| i.kind == Kind::Type && i.name == name;
            if place.items.iter().any(declares) {
                return true;
            }
            // Names of a block are those around it too.
            next = place.around.filter(|_| place.module.is_none());
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
    fn within(
        &mut self,
        module: Option<String>,
        around: Option<usize>,
        inside: impl FnOnce(&mut Self),
    ) {
        let (open, items) = (self.open, Vec::new());
        self.open = Some(self.places.len());
        self.places.push(Place {
            module,
            around,
            items,
        });
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

/// Macros that are statements and declare nothing; of others it is not known.
const PLAIN_MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "dbg",
    "debug_assert",
    "eprintln",
    "format",
    "panic",
    "print",
    "println",
    "todo",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

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
            syn::Item::Const(i) => (&i.ident, &i.attrs),
            syn::Item::Static(i) => (&i.ident, &i.attrs),
            // These declare neither types nor sizes, nor do their attributes.
            syn::Item::Fn(_) | syn::Item::Use(_) => return,
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
                private: matches!(item, syn::Item::Fn(f) if matches!(f.vis, syn::Visibility::Inherited)),
                order: self.count,
            });
            self.count += 1;
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_stmt_macro(&mut self, statement: &'a syn::StmtMacro) {
        let name = statement.mac.path.get_ident().map(parse::name);
        self.brings_more |= !name.is_some_and(|name| PLAIN_MACROS.contains(&name.as_str()));
    }

    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        let around = self.marked;
        self.marked |= module.attrs.iter().any(parse::is_model);
        let name = Some(parse::name(&module.ident));
        self.within(name, self.open, |reader| {
            syn::visit::visit_item_mod(reader, module);
        });
        self.marked = around;
    }

    fn visit_block(&mut self, block: &'a syn::Block) {
        self.within(None, self.open, |reader| {
            syn::visit::visit_block(reader, block);
        });
    }
}
