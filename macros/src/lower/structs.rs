//! Values of struct type: leaves, which a function takes, a field is some of, and a call is given.
//!
//! Where a struct comes from does not matter to what is done with it. A state is a place: who reads it
//! gets what was written last, so a call that is given one leaves its new value there.

use super::Lowerer;
use super::value::{Leaf, Repeated, StructVal, Val};
use crate::check::extents::at_dims;
use crate::errors::{Checked, Reported};
use crate::messages;
use crate::parse;
use crate::signature::{self, FieldKind};
use proc_macro2::{Span, TokenStream};
use sinew_ir::compose::{self, Reach};
use sinew_ir::{
    Axis, Dim, OpError, Param, ParamKind, StructArgument, StructParam, Symbol, SymbolDecl,
    SymbolKind, SymbolSource, SymbolTerm, Value, field_path,
};
use std::rc::Rc;

/// Where a state is kept: of the function's arguments, or of the child that an iteration of a loop gets.
pub struct Place {
    /// The position of the parameter that it is, or is part of.
    pub param: usize,
    /// What it is at this point of the body.
    pub now: Value,
}

/// The parameters of a function, as its body finds them.
#[derive(Default)]
pub struct Parameters {
    /// One a tensor, and one a leaf.
    pub params: Vec<Param>,
    /// Which of them are one struct.
    pub structs: Vec<StructParam>,
    /// What is configuration in those of struct type, as symbols.
    pub settings: Vec<SymbolDecl>,
    /// Those that are states, and while a loop's body is lowered, those of its iteration.
    pub places: Vec<Place>,
}

impl Parameters {
    /// The positions of the states, and their values at this point.
    pub fn states_now(&self) -> (Vec<usize>, Vec<Value>) {
        self.places.iter().map(|s| (s.param, s.now)).unzip()
    }
}

/// The leaves of a struct while they become parameters.
struct Leaves {
    /// Where the struct stands.
    span: Span,
    /// How many there are of each repeated child around.
    counts: Vec<Dim>,
    found: Vec<Leaf>,
    /// What is configuration.
    settings: Vec<SymbolTerm>,
}

/// A field of a struct value.
struct Part {
    kind: FieldKind,
    leaves: Rc<[Leaf]>,
    settings: Rc<[SymbolTerm]>,
}

/// The arguments of a call.
#[derive(Default)]
pub struct Operands {
    /// One a tensor, and one a leaf.
    pub values: Vec<Value>,
    /// Which of them are one struct.
    pub structs: Vec<StructArgument>,
    /// What the callee's symbols are that are configuration.
    pub settings: Vec<(Symbol, SymbolTerm)>,
    /// The states among them.
    states: Vec<GivenState>,
}

/// A state that a call is given.
#[derive(Clone)]
struct GivenState {
    place: usize,
    picked: Rc<[Reach]>,
    /// Its position among the operands.
    operand: usize,
}

impl GivenState {
    /// Whether another is this one, as far as can be told: two children have other numbers.
    fn may_be(&self, other: &GivenState) -> bool {
        let mut pairs = self.picked.iter().zip(other.picked.iter());
        let apart = pairs.any(|pair| match pair {
            (Reach::Point(a), Reach::Point(b)) => {
                let difference = a.checked_sub(b).and_then(|d| d.as_constant());
                difference.is_some_and(|d| d != 0)
            }
            _ => false,
        });
        self.place == other.place && !apart
    }
}

/// The states that a call leaves.
#[derive(Default)]
pub struct NewStates {
    /// The position of each among the call's results, and that of its operand.
    pub results: Vec<(usize, usize)>,
    left: Vec<(GivenState, Value)>,
}

impl Lowerer<'_, '_> {
    /// A parameter of struct type.
    pub fn struct_parameter(
        &mut self,
        name: &str,
        structure: usize,
        dims: &[Dim],
        span: Span,
    ) -> Checked<StructVal> {
        let mut leaves = Leaves {
            span,
            counts: Vec::new(),
            found: Vec::new(),
            settings: Vec::new(),
        };
        let made = self.leaves(name, name, (structure, dims), &mut leaves)?;
        self.parameters.structs.push(made);
        Ok(StructVal {
            structure,
            dims: dims.to_vec(),
            leaves: leaves.found.into(),
            settings: leaves.settings.into(),
            mapped: 0,
            picked: [].into(),
        })
    }

    /// The leaves of the struct at `path`, as parameters.
    fn leaves(
        &mut self,
        path: &str,
        name: &str,
        (structure, dims): (usize, &[Dim]),
        leaves: &mut Leaves,
    ) -> Checked<StructParam> {
        let span = leaves.span;
        let signature = self.scope.registry.structs[structure].signature.clone();
        let start = self.parameters.params.len();
        let mut children = Vec::new();
        for field in &signature.fields {
            let path = field_path(path, &field.name);
            let at = |d: &Dim| at_dims(d, &signature.symbols, dims);
            let (ty, kind) = match &field.kind {
                FieldKind::Param(t) => (t, ParamKind::Param),
                FieldKind::State(t) => (t, ParamKind::State),
                FieldKind::Setting(ty) => {
                    let symbol = Symbol::new(&path);
                    let kind = SymbolKind::Value(*ty, SymbolSource::Caller);
                    leaves
                        .settings
                        .push(SymbolTerm::symbol(symbol.clone(), *ty));
                    self.parameters.settings.push(SymbolDecl { symbol, kind });
                    continue;
                }
                FieldKind::Child(child, child_dims, count) => {
                    let dims: Option<Vec<Dim>> = child_dims.iter().map(at).collect();
                    let dims = dims.ok_or_else(|| self.overflow(span))?;
                    let child = (*child, dims.as_slice());
                    let around = leaves.counts.len();
                    if let Some(count) = count {
                        leaves
                            .counts
                            .push(at(count).ok_or_else(|| self.overflow(span))?);
                    }
                    children.push(self.leaves(&path, &field.name, child, leaves)?);
                    leaves.counts.truncate(around);
                    continue;
                }
            };
            let mut ty = ty.clone();
            for d in &mut ty.shape.dims {
                *d = at(d).ok_or_else(|| self.overflow(span))?;
            }
            ty.shape.dims.splice(..0, leaves.counts.iter().cloned());
            let ty = self.equations.ty(&ty).ok_or_else(|| self.overflow(span))?;
            let value = self.builder.value(ty);
            leaves.found.push(match kind {
                ParamKind::Input | ParamKind::Param | ParamKind::Key => Leaf::Param(value),
                ParamKind::State => {
                    let param = self.parameters.params.len();
                    self.parameters.places.push(Place { param, now: value });
                    Leaf::State(self.parameters.places.len() - 1)
                }
            });
            self.parameters.params.push(Param { name: path, kind });
        }
        Ok(StructParam {
            name: name.to_string(),
            type_name: signature.name,
            leaves: start..self.parameters.params.len(),
            children,
        })
    }

    /// `m.hidden`: of a struct some leaves, of a leaf what it is at this point.
    pub fn struct_field(&mut self, s: &StructVal, name: &syn::Ident) -> Checked<Val> {
        let Part {
            kind,
            leaves,
            settings,
        } = self.part(s, name)?;
        match (kind, leaves) {
            (FieldKind::Setting(..), _) => match settings.first() {
                Some(SymbolTerm::Size(dim)) => Ok(Val::Size(self.dim(dim)?)),
                Some(SymbolTerm::Float(number)) => Ok(Val::Setting(Box::new(number.clone()))),
                Some(SymbolTerm::Bool(flag)) => Ok(Val::Flag(Box::new(flag.clone()))),
                None => Err(Reported),
            },
            (FieldKind::Child(structure, dims, count), leaves) => {
                let declared = &self.scope.registry.structs[s.structure].signature;
                let at = |d: &Dim| at_dims(d, &declared.symbols, &s.dims);
                let dims: Option<Vec<_>> = dims.iter().map(at).collect();
                let child = StructVal {
                    structure,
                    dims: dims.ok_or_else(|| self.overflow(name.span()))?,
                    leaves,
                    settings,
                    mapped: s.mapped,
                    picked: s.picked.clone(),
                };
                if count.is_some() && s.mapped > 0 {
                    return Err(self.report(messages::mapped_children(name)));
                }
                Ok(match count {
                    None => Val::Struct(child),
                    Some(count) => Val::Repeated(Repeated {
                        count: at(&count).ok_or_else(|| self.overflow(name.span()))?,
                        stacked: child,
                    }),
                })
            }
            (FieldKind::Param(_) | FieldKind::State(_), leaves) => match &*leaves {
                [leaf] => Ok(Val::Tensor(self.leaf_now(*leaf, &s.picked)?)),
                _ => Err(Reported),
            },
        }
    }

    /// What a field holds, and what of the struct it is.
    fn part(&mut self, s: &StructVal, name: &syn::Ident) -> Checked<Part> {
        let registry = &self.scope.registry;
        let signature = &registry.structs[s.structure].signature;
        if signature.is_enum() {
            return Err(self.report(messages::enum_field(name, signature)));
        }
        let text = parse::name(name);
        let Some(position) = signature.fields.iter().position(|f| f.name == text) else {
            return Err(self.report(messages::no_field(name, signature)));
        };
        let (before, field) = (&signature.fields[..position], &signature.fields[position]);
        let counts = before.iter().map(|f| registry.leaves(&f.kind));
        let start: usize = counts.sum();
        let leaves = start..start + registry.leaves(&field.kind);
        let leaves = s.leaves.get(leaves).ok_or(Reported)?;
        let counts = before.iter().map(|f| registry.setting_count(&f.kind));
        let start: usize = counts.sum();
        let settings = start..start + registry.setting_count(&field.kind);
        let settings = s.settings.get(settings).ok_or(Reported)?;
        Ok(Part {
            kind: field.kind.clone(),
            leaves: leaves.into(),
            settings: settings.into(),
        })
    }

    /// `m.mean = val`: from here on the state is that.
    pub fn assign_state(
        &mut self,
        s: &StructVal,
        name: &syn::Ident,
        val: Val,
        at: &TokenStream,
    ) -> Checked<()> {
        let Part { kind, leaves, .. } = self.part(s, name)?;
        let place = match (&kind, &*leaves) {
            (FieldKind::State(_), [Leaf::State(place)]) => *place,
            (FieldKind::Child(..), _) => {
                return Err(self.report(messages::assign_child(name)));
            }
            (FieldKind::Setting(..), _) => {
                return Err(self.report(messages::assign_setting(name)));
            }
            _ => return Err(self.report(messages::assign_parameter(name))),
        };
        let now = self.leaf_now(Leaf::State(place), &s.picked)?;
        let declared = self.builder.type_of(now).clone();
        let value = self.tensor_of(val, Some(declared.dtype), at)?;
        let found = self.builder.type_of(value).clone();
        let message = messages::state_type(at, name, &declared, &found);
        self.same_type(&found, &declared, &message)?;
        self.leave_state(place, &s.picked, value)
    }

    /// What a leaf is at this point of the body; of a state what is picked of its place.
    fn leaf_now(&mut self, leaf: Leaf, picked: &[Reach]) -> Checked<Value> {
        let place = match leaf {
            Leaf::Param(value) => return Ok(value),
            Leaf::State(place) => place,
        };
        let mut now = self.parameters.places[place].now;
        for index in picked {
            now = self.build(&TokenStream::new(), "index", &[], |b| match index {
                Reach::Index(at) => compose::take(b, now, *at, Axis::At(0)),
                Reach::Point(at) => {
                    let stop = at.checked_add(&Dim::constant(1)).ok_or(OpError::Overflow)?;
                    compose::slice(b, now, Axis::At(0), at.clone(), stop, Dim::constant(1))
                        .and_then(|one| compose::squeeze(b, one, &[Axis::At(0)]))
                }
                Reach::Whole | Reach::Range { .. } => Ok(now),
            })?;
        }
        Ok(now)
    }

    /// Leaves a new value in what is picked of a state's place.
    fn leave_state(&mut self, place: usize, picked: &[Reach], value: Value) -> Checked<()> {
        let whole = self.parameters.places[place].now;
        let mut reach = picked.to_vec();
        reach.resize(self.builder.type_of(whole).shape.len(), Reach::Whole);
        self.parameters.places[place].now = match picked {
            [] => value,
            _ => self.build(&TokenStream::new(), "index", &[], |b| {
                compose::set(b, whole, &reach, value)
            })?,
        };
        Ok(())
    }

    /// Gives a struct to a call: one argument of all its leaves.
    pub fn pass(
        &mut self,
        s: &StructVal,
        operands: &mut Operands,
        (f, param): (&signature::Function, &signature::Param),
        at: &TokenStream,
    ) -> Checked<()> {
        if s.mapped > 0 {
            return Err(self.report(messages::mapped_struct(at)));
        }
        let start = operands.values.len();
        for leaf in s.leaves.iter() {
            if let Leaf::State(place) = leaf {
                let state = GivenState {
                    place: *place,
                    picked: s.picked.clone(),
                    operand: operands.values.len(),
                };
                if operands.states.iter().any(|given| given.may_be(&state)) {
                    let place = &self.parameters.places[*place];
                    let path = &self.parameters.params[place.param].name;
                    return Err(self.report(messages::state_twice(at, f, param, path)));
                }
                operands.states.push(state);
            }
            let now = self.leaf_now(*leaf, &s.picked)?;
            operands.values.push(now);
        }
        let paths = self.scope.registry.settings(s.structure).into_iter();
        let settings = paths.zip(s.settings.iter()).map(|((path, _), term)| {
            let symbol = Symbol::new(&field_path(&param.name, &path));
            (symbol, term.clone())
        });
        operands.settings.extend(settings);
        let signature = &self.scope.registry.structs[s.structure].signature;
        operands.structs.push(StructArgument {
            type_name: signature.name.clone(),
            leaves: start..operands.values.len(),
        });
        Ok(())
    }

    /// The states that a call leaves: results of its own behind what it returns.
    pub fn new_states(&mut self, operands: &Operands, results: &mut Vec<Value>) -> NewStates {
        let mut out = NewStates::default();
        for given in &operands.states {
            let ty = self.builder.type_of(operands.values[given.operand]).clone();
            let now = self.builder.value(ty);
            out.results.push((results.len(), given.operand));
            results.push(now);
            out.left.push((given.clone(), now));
        }
        out
    }

    /// Leaves the states where they were taken from, behind the call that gives them.
    pub fn leave_states(&mut self, states: NewStates) -> Checked<()> {
        for (given, now) in states.left {
            self.leave_state(given.place, &given.picked, now)?;
        }
        Ok(())
    }
}
