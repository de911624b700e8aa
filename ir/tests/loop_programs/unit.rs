//! A random function as units of both forms.

use super::ty::{Ty, types};
use super::writer::Writer;
use sinew_fuzz::Random;
use sinew_ir::{CalleeInfo, Type, Unit, derive_pullback, parse};
use sinew_testing::leaked;
use std::collections::HashMap;

/// A function that loops, chooses and checkpoints, and the same function of plain calls.
#[derive(Clone)]
pub struct Pair {
    pub name: String,
    pub modes: &'static Unit,
    pub plain: &'static Unit,
    pub params: Vec<Ty>,
    pub results: Vec<Ty>,
}

/// A random function, of a signature or of any.
pub fn function(
    random: &mut Random,
    functions: &mut usize,
    turns: usize,
    depth: usize,
    signature: Option<(Vec<Ty>, Vec<Ty>)>,
) -> Pair {
    *functions += 1;
    let name = format!("f{functions}");
    let (params, wanted) = match signature {
        Some((params, results)) => (params, Some(results)),
        None => {
            let mut params = vec![Ty::new("float", &["N"])];
            for _ in 0..random.below(4) {
                params.push(random.pick(&types()));
            }
            (params, None)
        }
    };
    let named = params.iter().enumerate();
    let mut writer = Writer {
        values: named
            .map(|(i, ty)| (format!("%a{i}"), ty.clone()))
            .collect(),
        random,
        turns,
        functions,
        names: 0,
        modes: String::new(),
        plain: String::new(),
        callees: Vec::new(),
    };
    for _ in 0..1 + writer.random.below(5) {
        writer.step(depth);
    }
    let mut results = Vec::new();
    match wanted {
        Some(types) => {
            for ty in types {
                let value = writer.of(&ty);
                results.push((value, ty));
            }
        }
        None => {
            for _ in 0..1 + writer.random.below(3) {
                results.extend(
                    writer.having(|ty| !ty.dims.iter().any(|d| d == "T" || d == "2" || d == "1")),
                );
            }
        }
    }
    let head = |symbols: &str| {
        let params: Vec<String> = params
            .iter()
            .enumerate()
            .map(|(i, ty)| format!("%a{i}: {ty}"))
            .collect();
        let types: Vec<String> = results.iter().map(|(_, ty)| ty.to_string()).collect();
        format!(
            "fn @{name}<{symbols}>({}) -> {} {{\n",
            params.join(", "),
            types.join(", ")
        )
    };
    let tail: Vec<String> = results.iter().map(|(v, _)| v.clone()).collect();
    let tail = format!("  return {}\n}}\n", tail.join(", "));
    let modes = format!("{}{}{tail}", head("N, K, T"), writer.modes);
    // Here the iterations are a number.
    let plain = writer.plain.replace('T', &turns.to_string());
    let plain = format!("{}{plain}{tail}", head("N, K"));
    let stored = writer.random.one_in(2);
    let written = writer.random.one_in(4);
    let callees = writer.callees;
    let list = |of: fn(&Pair) -> &'static Unit| -> Vec<(&'static str, &'static Unit)> {
        callees.iter().map(|c| (of(c).path, of(c))).collect()
    };
    let mut modes = match stored {
        true => with_stored_pullback(&modes, &callees),
        false => modes,
    };
    if written {
        modes = modes.replace("\npullback(", "\nwritten pullback(");
    }
    Pair {
        modes: leaked(&name, &modes, &list(|c| c.modes)),
        plain: leaked(&name, &plain, &list(|c| c.plain)),
        name,
        params,
        results: results.into_iter().map(|(_, ty)| ty).collect(),
    }
}

/// The text with its pullback, as it is derived where callees' bodies are not known.
fn with_stored_pullback(text: &str, callees: &[Pair]) -> String {
    let mut infos = HashMap::new();
    for callee in callees {
        let parsed = parse(callee.modes.text).expect("a callee that was written");
        let types = |values: &[sinew_ir::Value]| -> Vec<Type> {
            values.iter().map(|v| parsed.type_of(*v).clone()).collect()
        };
        let (params, results) = (types(&parsed.body.params), types(&parsed.body.results));
        let info = CalleeInfo::assumed(params.iter(), results.iter());
        infos.insert(callee.name.clone(), info);
    }
    let mut function = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    derive_pullback(&mut function, &|name| infos.get(name).cloned())
        .unwrap_or_else(|e| panic!("{e}\n{text}"));
    function.to_string()
}
