//! The text of a loop as one call, and of its unrolled form.

use super::loops::LoopSpec;
use sinew_ir::{LoopParam, LoopResult, Order, Unit};

/// The symbols of every body.
const SYMBOLS: &str = "B, H, K";
const SIZES: &str = "B = B, H = H, K = K";

/// A unit whose text lives as long as the process, as a macro's would.
pub fn leaked(name: &str, text: &str, callees: &[(&'static str, &'static Unit)]) -> &'static Unit {
    let leak = |s: &str| -> &'static str { Box::leak(s.to_string().into_boxed_str()) };
    Box::leak(Box::new(Unit {
        path: leak(name),
        file: "tests",
        text: leak(text),
        callees: Box::leak(callees.to_vec().into_boxed_slice()),
        consts: &[],
    }))
}

fn shape(dims: &[&str], axis: Option<usize>, trip: &str) -> String {
    let mut dims = dims.to_vec();
    if let Some(axis) = axis {
        dims.insert(axis, trip);
    }
    dims.join(", ")
}

fn param_axis(role: LoopParam) -> Option<usize> {
    match role {
        LoopParam::Sliced { axis } => Some(axis),
        LoopParam::Index | LoopParam::Invariant | LoopParam::Carried => None,
    }
}

fn result_axis(role: LoopResult) -> Option<usize> {
    match role {
        LoopResult::Stacked { axis } => Some(axis),
        LoopResult::Carried => None,
    }
}

/// `fn @name<..>(%a0: .., ..) -> ..` of a function that loops.
fn head(spec: &LoopSpec, trip: &str, name: &str, symbols: &str) -> String {
    let params = spec.params.iter().enumerate();
    let params: Vec<String> = params
        .filter(|(_, (role, _))| *role != LoopParam::Index)
        .map(|(i, (role, dims))| format!("%a{i}: float[{}]", shape(dims, param_axis(*role), trip)))
        .collect();
    let results: Vec<String> = spec
        .results
        .iter()
        .map(|(role, dims)| format!("float[{}]", shape(dims, result_axis(*role), trip)))
        .collect();
    let (params, results) = (params.join(", "), results.join(", "));
    format!("fn @{name}<{symbols}>({params}) -> {results} {{\n")
}

/// The loop, as one call.
pub(super) fn looped(spec: &LoopSpec, trip: &str, name: &str) -> &'static Unit {
    let symbols = match trip {
        "T" => format!("{SYMBOLS}, T"),
        _ => SYMBOLS.to_string(),
    };
    let axis = |axis: Option<usize>| match axis {
        Some(axis) if axis > 0 => format!(" axis {axis}"),
        Some(_) | None => String::new(),
    };
    let operands = spec
        .params
        .iter()
        .enumerate()
        .map(|(i, (role, _))| match role {
            LoopParam::Index => "index".to_string(),
            LoopParam::Invariant => format!("%a{i}"),
            LoopParam::Carried => format!("carried %a{i}"),
            LoopParam::Sliced { .. } => format!("sliced %a{i}{}", axis(param_axis(*role))),
        });
    let operands: Vec<String> = operands.collect();
    let types = spec.results.iter().map(|(role, dims)| {
        let extents = shape(dims, result_axis(*role), trip);
        match role {
            LoopResult::Carried => format!("carried float[{extents}]"),
            LoopResult::Stacked { .. } => {
                format!("stacked float[{extents}]{}", axis(result_axis(*role)))
            }
        }
    });
    let types: Vec<String> = types.collect();
    let results: Vec<String> = (0..types.len()).map(|i| format!("%{}", 90 + i)).collect();
    let order = match spec.order {
        Order::Forward => "",
        Order::Backward => " backward",
    };
    let (operands, types, results) = (operands.join(", "), types.join(", "), results.join(", "));
    let path = spec.body.path;
    let text = format!(
        "{}  {results} = call @{path}<{SIZES}> loop {trip}{order} ({operands}) -> {types}\n  return {results}\n}}",
        head(spec, trip, name, &symbols),
    );
    leaked(name, &text, &[(path, spec.body)])
}

/// Lines of a text, and names for what they define.
#[derive(Default)]
struct Lines {
    text: String,
    names: usize,
}

impl Lines {
    /// Adds an instruction with `count` results; returns their names.
    fn define(&mut self, count: usize, inst: &str) -> Vec<String> {
        let names: Vec<String> = (0..count)
            .map(|i| format!("%{}", 100 + self.names + i))
            .collect();
        self.names += count;
        self.text += &format!("  {} = {inst}\n", names.join(", "));
        names
    }

    fn value(&mut self, inst: &str) -> String {
        self.define(1, inst).concat()
    }
}

/// The same, one call an iteration.
pub(super) fn unrolled(spec: &LoopSpec, trip: usize, name: &str) -> &'static Unit {
    let (path, extent) = (spec.unrolled_body.path, trip.to_string());
    let mut lines = Lines::default();
    let carried = spec.params.iter().enumerate();
    let carried = carried.filter(|(_, (role, _))| *role == LoopParam::Carried);
    let mut carried: Vec<String> = carried.map(|(i, _)| format!("%a{i}")).collect();
    let mut stacks: Vec<Vec<(usize, String)>> = vec![Vec::new(); spec.results.len()];
    let types = spec
        .results
        .iter()
        .map(|(_, dims)| format!("float[{}]", dims.join(", ")));
    let types = types.collect::<Vec<_>>().join(", ");
    for t in spec.order.indices(trip) {
        let mut now = carried.into_iter();
        let mut operands = Vec::new();
        for (i, (role, dims)) in spec.params.iter().enumerate() {
            operands.push(match role {
                LoopParam::Index => lines.value(&format!("const value {t} dtype i32 shape []")),
                LoopParam::Invariant => format!("%a{i}"),
                LoopParam::Carried => now.next().unwrap_or_default(),
                LoopParam::Sliced { axis } => {
                    let range = format!("slice %a{i} axis [{axis}] range [{t}, {}, 1]", t + 1);
                    let slice = lines.value(&range);
                    lines.value(&format!("reshape {slice} shape [{}]", dims.join(", ")))
                }
            });
        }
        let call = format!("call @{path}<{SIZES}>({}) -> {types}", operands.join(", "));
        let results = lines.define(spec.results.len(), &call);
        carried = Vec::new();
        for (r, (role, _)) in spec.results.iter().enumerate() {
            match role {
                LoopResult::Carried => carried.push(results[r].clone()),
                LoopResult::Stacked { .. } => stacks[r].push((t, results[r].clone())),
            }
        }
    }
    let mut carried = carried.into_iter();
    let mut out = Vec::new();
    for ((role, dims), stack) in spec.results.iter().zip(&mut stacks) {
        let Some(axis) = result_axis(*role) else {
            out.extend(carried.next());
            continue;
        };
        stack.sort();
        let one = shape(dims, Some(axis), "1");
        let parts: Vec<String> = stack
            .iter()
            .map(|(_, v)| lines.value(&format!("reshape {v} shape [{one}]")))
            .collect();
        let extents = shape(dims, Some(axis), "0");
        out.push(match parts.is_empty() {
            true => lines.value(&format!("const value 0 dtype float shape [{extents}]")),
            false => lines.value(&format!("concat {} axis [{axis}]", parts.join(", "))),
        });
    }
    let head = head(spec, &extent, name, SYMBOLS);
    let text = format!("{head}{}  return {}\n}}", lines.text, out.join(", "));
    leaked(name, &text, &[(path, spec.unrolled_body)])
}
