//! Parts of a body as functions of their own: what a loop does in an iteration, an arm of a choice.
//!
//! A part is lowered where it stands, among the values of the whole body, so that names, types and
//! equations are the same inside and outside. Behind its last instruction it is taken out: what it uses
//! of the outside becomes parameters.

use super::value;
use super::{Callee, Code, Lowerer, Places, consts, derive};
use crate::check::Scope;
use crate::errors::Checked;
use proc_macro2::TokenStream;
use sinew_ir::{
    Block, CalleeInfo, Function, Inst, Param, SymbolDecl, SymbolKind, SymbolTerm, Target, Value,
};
use std::collections::{HashMap, HashSet};

/// A part that is being lowered, and that is no loop's body.
pub struct OpenPart {
    /// The position of its first instruction.
    start: usize,
    /// How many loops are around it.
    frames: usize,
}

impl OpenPart {
    /// Instructions were added in front of a loop.
    pub(super) fn moved(&mut self, frame: usize, added: usize) {
        if self.frames > frame {
            self.start += added;
        }
    }
}

/// A part that was taken out.
pub struct Lifted {
    /// How it is called.
    pub target: Target,
    /// What it takes behind the parameters it was given: the values of the outside that it uses.
    pub captured: Vec<Value>,
}

impl Lowerer<'_, '_> {
    /// Begins a part behind the last instruction.
    pub(super) fn open_part(&mut self) {
        let (start, frames) = (self.builder.insts.len(), self.frames.len());
        self.open.push(OpenPart { start, frames });
    }

    /// Ends the part that was begun last: gives the position of its first instruction.
    pub(super) fn close_part(&mut self) -> usize {
        let end = self.builder.insts.len();
        self.open.pop().map_or(end, |open| open.start)
    }

    /// Takes the instructions from position `start` on out of the body. The part's parameters are
    /// `params`, and behind them what it uses of the outside.
    pub(super) fn lift(
        &mut self,
        what: &str,
        start: usize,
        params: &[Value],
        results: &[Value],
    ) -> Lifted {
        let mut body = Block {
            params: params.to_vec(),
            insts: self.builder.insts.split_off(start),
            results: results.to_vec(),
        };
        let captured = captures(&[&body]);
        body.params.extend(&captured);
        let target = self.as_part(what, body);
        Lifted { target, captured }
    }

    /// A function of its own out of a body that uses nothing but its parameters.
    pub(super) fn as_part(&mut self, what: &str, body: Block) -> Target {
        let name = self.callees.reserve(what);
        let param = |i: usize| Param::input(&format!("p{i}"));
        let mut function = Function {
            name: format!("{}::{name}", self.signature.name),
            params: (0..body.params.len()).map(param).collect(),
            values: self.builder.values.clone(),
            body,
            ..Function::default()
        };
        function.compact();
        let sequence = self.declare_symbols(&mut function);
        let known = |name: &str| self.places.callees.get(name).cloned();
        // A callee that is not known has an error that is reported, so nobody asks what depends on what.
        if let Ok(info) = CalleeInfo::of_function(&function, &known) {
            self.places.callees.insert(name.clone(), info);
        }
        let symbols = function.symbols.iter().filter_map(|s| {
            let ty = s.kind.value_type()?;
            Some((s.symbol.clone(), SymbolTerm::symbol(s.symbol.clone(), ty)))
        });
        let target = Target {
            name: name.clone(),
            symbols: symbols.collect(),
            sequence,
            maps: Vec::new(),
        };
        self.parts.push((name, function));
        target
    }

    /// Declares those of the body's symbols that a part uses; gives its sequence, which is the body's.
    fn declare_symbols(&self, part: &mut Function) -> Option<(sinew_ir::Symbol, sinew_ir::Shape)> {
        let used = value::symbols(part);
        let has_sequence = part.values.iter().any(|t| t.shape.sequence.is_some());
        let mut sequence = None;
        let settings = self.parameters.settings.iter();
        let settings = settings.map(|s| (&s.symbol, &s.kind));
        let symbols = self.signature.symbols.iter().map(|(s, kind)| (s, kind));
        for (symbol, kind) in symbols.chain(settings) {
            match kind {
                SymbolKind::Sequence if has_sequence => {
                    let shape = sinew_ir::Shape {
                        sequence: Some(symbol.clone()),
                        dims: Vec::new(),
                    };
                    sequence = Some((symbol.clone(), shape));
                }
                SymbolKind::Value(..) if used.contains(symbol) => {}
                SymbolKind::Sequence | SymbolKind::Value(..) => continue,
            }
            part.symbols.push(SymbolDecl {
                symbol: symbol.clone(),
                kind: *kind,
            });
        }
        sequence
    }
}

/// What blocks use of the outside, each value once.
pub(super) fn captures(blocks: &[&Block]) -> Vec<Value> {
    let mut captured = Vec::new();
    let mut seen = HashSet::new();
    for block in blocks {
        block.each_capture(&mut |v| {
            if seen.insert(v) {
                captured.push(v);
            }
        });
    }
    captured
}

/// The units that a body's functions call, each by its name in the text.
pub struct Units {
    items: HashMap<String, TokenStream>,
    /// A part is called from one place, whose code it then is in.
    parts: HashMap<String, Code>,
}

impl Units {
    /// Of items; parts are added as they are done.
    pub fn new(items: Vec<(String, TokenStream)>) -> Self {
        Units {
            items: items.into_iter().collect(),
            parts: HashMap::new(),
        }
    }

    /// Adds a part.
    pub fn add(&mut self, name: String, code: Code) {
        self.parts.insert(name, code);
    }

    /// Those that a function calls, each once, in the order of its calls.
    fn called(&mut self, function: &Function) -> Vec<(String, Callee)> {
        let mut called = Vec::new();
        let mut seen = HashSet::new();
        for inst in &function.body.insts {
            let Inst::Call(call) = inst else { continue };
            for target in call.targets() {
                if !seen.insert(target.name.clone()) {
                    continue;
                }
                let item = self.items.get(&target.name).cloned().map(Callee::Item);
                let part = || {
                    let code = self.parts.remove(&target.name)?;
                    Some(Callee::Part(Box::new(code)))
                };
                called.extend(item.or_else(part).map(|c| (target.name.clone(), c)));
            }
        }
        called
    }
}

/// What a unit carries of a function: its consts, its callees, and if it is to have one its pullback.
pub fn code(
    scope: &Scope<'_>,
    has_pullback: bool,
    mut function: Function,
    places: &Places,
    numbers: &[(String, TokenStream)],
    units: &mut Units,
) -> Checked<Code> {
    let consts = consts::declare(scope, &mut function, numbers)?;
    if has_pullback {
        derive(scope, &mut function, places)?;
    }
    Ok(Code {
        callees: units.called(&function),
        consts,
        function,
    })
}
