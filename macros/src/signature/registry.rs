//! The consts and structs that one item sees, whatever way they came.

use super::{ConstName, FieldKind, Function, Map, Signature, Struct};
use crate::hidden;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use sinew_ir::{Dim, Symbol, SymbolType, field_path};
use std::collections::{HashMap, HashSet};
use syn::spanned::Spanned;

/// A Rust const as an item sees it.
pub struct Const {
    /// Its symbol in this item's dims.
    pub symbol: Symbol,
    /// As its author wrote it.
    pub name: String,
    /// What tells it from others.
    pub origin: String,
    /// A Rust expression of its value, of type usize.
    pub value: TokenStream,
}

impl Const {
    fn told(&self) -> ConstName {
        ConstName {
            name: self.name.clone(),
            origin: self.origin.clone(),
        }
    }

    /// Whether the item `id` names it itself.
    pub fn is_of(&self, id: &str) -> bool {
        let own = self.origin.strip_prefix(id);
        own.is_some_and(|rest| rest.starts_with('#'))
    }
}

/// A struct as an item sees it.
pub struct Known {
    /// Its signature, in this registry's terms.
    pub signature: Struct,
    /// The item through which it came: code reaches its methods there.
    pub route: syn::Path,
    /// Its position in that item's signature.
    pub position: usize,
}

/// What one item sees.
#[derive(Default)]
pub struct Registry {
    /// Rust consts.
    pub consts: Vec<Const>,
    /// Structs.
    pub structs: Vec<Known>,
    /// Positions of consts by origin, and by symbol.
    origins: HashMap<String, usize>,
    symbols: HashMap<Symbol, usize>,
    /// Names the item uses itself: consts of the same name that come from elsewhere are qualified.
    pub taken: HashSet<String>,
}

/// The type of a value of the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Configured {
    /// A plain one.
    Plain(SymbolType),
    /// An enum: its position in the registry.
    Enum(usize),
}

/// A signature in a registry's terms.
pub struct Imported {
    /// The position of its first struct: the item itself, if it is a struct.
    pub structure: Option<usize>,
    /// The function, if it is one.
    pub function: Option<Function>,
}

impl Registry {
    /// The dim of a const that the item `id` writes as `path`.
    pub fn own_const(&mut self, path: &syn::Path, id: &str) -> Dim {
        let value = quote_spanned!(path.span()=> #path);
        self.own_value(path, "", value, id)
    }

    /// The dim of a value of type usize that the item `id` has of what it writes as `path`; `what` tells
    /// it from others of that path.
    pub fn own_value(&mut self, path: &syn::Path, what: &str, value: TokenStream, id: &str) -> Dim {
        let written = quote!(#path).to_string().replace(' ', "");
        let origin = format!("{id}#{written}{what}");
        if let Some(known) = self.origins.get(&origin) {
            return Dim::from(self.consts[*known].symbol.clone());
        }
        let name = last(path);
        // Two paths that end alike keep their whole path as name.
        let symbol = const_symbol(&self.free(&name, &written));
        self.push(Const {
            symbol: symbol.clone(),
            name,
            origin,
            value,
        });
        Dim::from(symbol)
    }

    /// `name` if no const is called so, else `longer`, with a number behind where that is taken too.
    fn free(&self, name: &str, longer: &str) -> String {
        let mut taken = |name: &str| self.symbols.contains_key(&const_symbol(name));
        match taken(name) {
            false => name.to_string(),
            true => hidden::fresh(longer, &mut taken),
        }
    }

    fn push(&mut self, new: Const) {
        let position = self.consts.len();
        self.origins.insert(new.origin.clone(), position);
        self.symbols.insert(new.symbol.clone(), position);
        self.consts.push(new);
    }

    /// The position of a const, by its symbol.
    pub fn position(&self, symbol: &Symbol) -> Option<usize> {
        self.symbols.get(symbol).copied()
    }

    /// The paths in a struct of what is configuration, with their types, in the order of the fields.
    pub fn settings(&self, structure: usize) -> Vec<(String, SymbolType)> {
        let mut out = Vec::new();
        let Some(known) = self.structs.get(structure) else {
            return out;
        };
        for field in &known.signature.fields {
            match &field.kind {
                FieldKind::Setting(ty) => out.push((field.name.clone(), *ty)),
                FieldKind::Child(child, ..) => {
                    let inner = self.settings(*child).into_iter();
                    out.extend(inner.map(|(path, ty)| (field_path(&field.name, &path), ty)));
                }
                FieldKind::Param(_) | FieldKind::State(_) => {}
            }
        }
        out
    }

    /// What a field of this kind is of the configuration, if it is a value of it itself.
    pub fn configured(&self, kind: &FieldKind) -> Option<Configured> {
        match kind {
            FieldKind::Setting(ty) => Some(Configured::Plain(*ty)),
            FieldKind::Child(child, ..) if self.structs[*child].signature.is_enum() => {
                Some(Configured::Enum(*child))
            }
            FieldKind::Param(_) | FieldKind::State(_) | FieldKind::Child(..) => None,
        }
    }

    /// How many values of the configuration a field is, or has in it.
    pub fn setting_count(&self, kind: &FieldKind) -> usize {
        match kind {
            FieldKind::Setting(..) => 1,
            FieldKind::Param(_) | FieldKind::State(_) => 0,
            FieldKind::Child(child, ..) => {
                let fields = self.structs[*child].signature.fields.iter();
                let counts = fields.map(|f| self.setting_count(&f.kind));
                counts.fold(0, usize::saturating_add)
            }
        }
    }

    /// How many leaves a field has: one, or those of a child and of its children.
    pub fn leaves(&self, kind: &FieldKind) -> usize {
        match kind {
            FieldKind::Param(_) | FieldKind::State(_) => 1,
            FieldKind::Setting(..) => 0,
            FieldKind::Child(child, ..) => {
                let fields = self.structs[*child].signature.fields.iter();
                let counts = fields.map(|f| self.leaves(&f.kind));
                counts.fold(0, usize::saturating_add)
            }
        }
    }

    /// The position that is made for a struct of which no more is known than the path that a signature has for it.
    pub fn named(&mut self, path: &syn::Path) -> usize {
        self.structs.push(Known {
            signature: Struct::named(last(path)),
            route: path.clone(),
            position: 0,
        });
        self.structs.len() - 1
    }

    /// Takes in a signature that came from the item at `path`; `None` if it is not well formed.
    pub fn import(&mut self, signature: &Signature, path: &syn::Path) -> Option<Imported> {
        let mut symbols = Vec::new();
        for (i, c) in signature.consts.iter().enumerate() {
            if let Some(known) = self.origins.get(&c.origin) {
                symbols.push(self.consts[*known].symbol.clone());
                continue;
            }
            let qualified = format!("{}::{}", last(path), c.name);
            let name = match self.taken.contains(&c.name) {
                true => self.free(&qualified, &qualified),
                false => self.free(&c.name, &qualified),
            };
            let constant = hidden::const_value(i);
            let symbol = const_symbol(&name);
            self.push(Const {
                symbol: symbol.clone(),
                name: c.name.clone(),
                origin: c.origin.clone(),
                value: quote!(#path::#constant),
            });
            symbols.push(symbol);
        }
        let positions: Vec<usize> = self.positions(signature);
        let dim = |d: &Dim| {
            d.substitute(&|s| {
                let i: usize = s.name().strip_prefix("__c")?.parse().ok()?;
                symbols.get(i).cloned().map(Dim::from)
            })
            .ok()
        };
        let structure = |i: usize| positions.get(i).copied();
        for (i, s) in signature.structs.iter().enumerate() {
            if positions[i] < self.structs.len() {
                // A struct of which less was known may come again with its fields, or its methods.
                let known = &mut self.structs[positions[i]];
                let told = s.told && !known.signature.told;
                if told || s.methods.len() > known.signature.methods.len() {
                    let map = Map {
                        dim: &dim,
                        structure: &structure,
                    };
                    known.signature = map.structure(s)?;
                    known.route = path.clone();
                    known.position = i;
                }
                continue;
            }
            let map = Map {
                dim: &dim,
                structure: &structure,
            };
            self.structs.push(Known {
                signature: map.structure(s)?,
                route: path.clone(),
                position: i,
            });
        }
        let function = match &signature.function {
            Some(f) => Some(
                Map {
                    dim: &dim,
                    structure: &structure,
                }
                .function(f)?,
            ),
            None => None,
        };
        Some(Imported {
            structure: positions.first().copied(),
            function,
        })
    }

    /// Where each struct of a signature stands, or will stand once added in order.
    fn positions(&self, signature: &Signature) -> Vec<usize> {
        let mut next = self.structs.len();
        let place = |s: &Struct| {
            let is_it = |k: &Known| !s.id.is_empty() && k.signature.id == s.id;
            let known = self.structs.iter().position(is_it);
            known.unwrap_or_else(|| {
                next += 1;
                next - 1
            })
        };
        signature.structs.iter().map(place).collect()
    }

    /// The signature of a function to tell others, and the positions of the consts in it.
    pub fn export_function(&self, function: &Function) -> Option<(Signature, Vec<usize>)> {
        let mut consts: Vec<usize> = Vec::new();
        function.each_dim(&mut |d| {
            let found = d.symbols();
            consts.extend(found.iter().filter_map(|s| self.position(s)));
        });
        consts.sort_unstable();
        consts.dedup();
        let structs = function.structs();
        let dim = |d: &Dim| {
            d.substitute(&|s| {
                let i = consts.binary_search(&self.position(s)?).ok()?;
                Some(Dim::symbol(&format!("__c{i}")))
            })
            .ok()
        };
        let structure = |i: usize| structs.iter().position(|known| *known == i);
        let map = Map {
            dim: &dim,
            structure: &structure,
        };
        let signature = Signature {
            broken: false,
            consts: consts.iter().map(|i| self.consts[*i].told()).collect(),
            structs: structs
                .iter()
                .map(|i| Struct::named(self.structs[*i].signature.name.clone()))
                .collect(),
            function: Some(map.function(function)?),
        };
        Some((signature, consts))
    }

    /// Takes the values of consts that a function's own signature names from what was emitted with it: their types
    /// are asked for there.
    pub fn have_told(&mut self, function: &Function, owner: &TokenStream, id: &str) {
        let Some((_, consts)) = self.export_function(function) else {
            return;
        };
        for (i, position) in consts.into_iter().enumerate() {
            let constant = hidden::const_value(i);
            if let Some(c) = self.consts.get_mut(position).filter(|c| c.is_of(id)) {
                c.value = quote!(<#owner>::#constant);
            }
        }
    }

    /// The signature of a struct to tell others: all consts and structs seen.
    pub fn export(&self) -> Option<Signature> {
        let signature = Signature {
            broken: false,
            consts: self.consts.iter().map(Const::told).collect(),
            structs: self.structs.iter().map(|k| k.signature.clone()).collect(),
            function: None,
        };
        let dim = |d: &Dim| {
            d.substitute(&|s| {
                let i = self.position(s)?;
                Some(Dim::symbol(&format!("__c{i}")))
            })
            .ok()
        };
        signature.map(&dim, &Some)
    }
}

/// Stands in front of the symbol of every const, so that no declared symbol is ever the same; messages
/// and the IR's text leave it out.
pub const CONST_MARK: char = '§';

fn const_symbol(name: &str) -> Symbol {
    Symbol::new(&format!("{CONST_MARK}{name}"))
}

/// The last segment of a path.
pub fn last(path: &syn::Path) -> String {
    path.segments
        .last()
        .map_or_else(String::new, |s| crate::parse::name(&s.ident))
}
