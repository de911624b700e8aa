//! The Rust consts of a finished body: declared as symbols, under names of the function's text.

use super::value;
use crate::check::Scope;
use crate::errors::Checked;
use crate::hidden;
use crate::messages;
use crate::signature;
use proc_macro2::{Span, TokenStream};
use sinew_ir::{Dim, Function, Number, Symbol, SymbolDecl, SymbolKind, SymbolSource, SymbolType};
use std::collections::{HashMap, HashSet};

/// A Rust const that a function is written in.
pub struct DeclaredConst {
    /// Its name in the text.
    pub name: String,
    /// What it is used as: rustc checks that it is of that type.
    pub ty: SymbolType,
    /// Its value, a Rust expression of that type.
    pub value: TokenStream,
}

/// Gives every const in dims, and every one of the `numbers` that a function computes with, its name in
/// the text, and declares it. One that is both is two symbols, since these have types.
pub fn declare(
    scope: &Scope<'_>,
    function: &mut Function,
    numbers: &[(String, TokenStream)],
) -> Checked<Vec<DeclaredConst>> {
    let declared = function.symbols.iter();
    let mut taken: HashSet<String> = declared.map(|s| s.symbol.name().to_string()).collect();
    let mut name = |wished: &str, ty: SymbolType| {
        let mut not_free = |name: &str| taken.contains(name) || !ty.allows(name);
        let name = hidden::fresh(wished, &mut not_free);
        taken.insert(name.clone());
        name
    };
    let mut consts = Vec::new();
    let mut sizes = HashMap::new();
    let used = value::symbols(function);
    for c in &scope.registry.consts {
        if !used.contains(&c.symbol) {
            continue;
        }
        let plain = c.symbol.name().chars();
        let plain = plain.filter(|c| *c != signature::CONST_MARK);
        let plain: String = plain
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let name = name(&plain, SymbolType::Size);
        sizes.insert(c.symbol.clone(), Dim::symbol(&name));
        consts.push(DeclaredConst {
            name,
            ty: SymbolType::Size,
            value: c.value.clone(),
        });
    }
    let mut computed = HashSet::new();
    function.each_number_mut(&mut |number| {
        if let Number::Symbol(symbol) = number {
            computed.insert(symbol.clone());
        }
    });
    let mut renamed = HashMap::new();
    for (before, value) in numbers {
        let before = Symbol::new(before);
        if !computed.contains(&before) {
            continue;
        }
        let name = name(before.name(), SymbolType::Float);
        renamed.insert(before, Symbol::new(&name));
        consts.push(DeclaredConst {
            name,
            ty: SymbolType::Float,
            value: value.clone(),
        });
    }
    let symbols = consts.iter().map(|c| SymbolDecl {
        symbol: Symbol::new(&c.name),
        kind: SymbolKind::Value(c.ty, SymbolSource::Rustc),
    });
    function.symbols.extend(symbols);
    function.each_number_mut(&mut |number| {
        if let Number::Symbol(symbol) = number
            && let Some(to) = renamed.get(symbol)
        {
            *symbol = to.clone();
        }
    });
    match value::map_dims(function, &|d| d.substitute(&|s| sizes.get(s).cloned())) {
        Ok(()) => Ok(consts),
        Err(_) => Err(scope
            .errors
            .report(messages::dim_arithmetic(Span::call_site()))),
    }
}
