//! Random programs of calls in every mode, nested in each other, against the same programs with plain
//! calls and unrolled loops: forward, pullback, and the two ways to a second order.
//!
//! Bodies of loops are random in what they are given and give back: parameters as results, one value
//! twice, constants, what is carried and not used, integers. Callees are called with their sizes
//! exchanged; some have their pullbacks in the bodies of others. Half of them have a stored pullback, as
//! the macro stores it, and some of these say that it is written by hand.

use sinew_fuzz::{Random, Target};
use sinew_ir::testing::{difference, leaked, with_gradients};
use sinew_ir::{
    Array, Binding, CalleeInfo, DType, Function, Type, Unit, derive_pullback, interpret, link,
    link_pullback, parse, simplify,
};
use std::collections::HashMap;
use std::error::Error;
use std::fmt;

type Outcome = Result<(), Box<dyn Error>>;

const SIZES: [(&str, usize); 2] = [("N", 3), ("K", 2)];

/// An element type and dims, as texts have them.
#[derive(Clone, PartialEq, Debug)]
struct Ty {
    dtype: &'static str,
    dims: Vec<String>,
}

impl Ty {
    fn new(dtype: &'static str, dims: &[&str]) -> Ty {
        let dims = dims.iter().map(|d| d.to_string()).collect();
        Ty { dtype, dims }
    }

    fn shape(&self) -> String {
        self.dims.join(", ")
    }

    fn is_float(&self) -> bool {
        self.dtype == "float"
    }

    fn stack(&self, axis: usize, trip: &str) -> Ty {
        let mut out = self.clone();
        out.dims.insert(axis, trip.to_string());
        out
    }

    /// With the two sizes exchanged.
    fn exchanged(&self) -> Ty {
        let other = |d: &String| match d.as_str() {
            "N" => "K".to_string(),
            "K" => "N".to_string(),
            _ => d.clone(),
        };
        Ty {
            dtype: self.dtype,
            dims: self.dims.iter().map(other).collect(),
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.dtype, self.shape())
    }
}

/// A function that loops, chooses and checkpoints, and the same function of plain calls.
#[derive(Clone)]
struct Pair {
    name: String,
    modes: &'static Unit,
    plain: &'static Unit,
    params: Vec<Ty>,
    results: Vec<Ty>,
}

/// What a function is made of while it is written, in both forms.
struct Writer<'r> {
    random: &'r mut Random,
    /// How often a loop of `T` iterations turns.
    turns: usize,
    /// How many functions there are: their names.
    functions: &'r mut usize,
    values: Vec<(String, Ty)>,
    names: usize,
    modes: String,
    plain: String,
    callees: Vec<Pair>,
}

impl Writer<'_> {
    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("%{}", self.names)
    }

    /// An instruction that both forms have.
    fn both(&mut self, ty: Ty, inst: &str) -> String {
        let name = self.fresh();
        let line = format!("  {name} = {inst}\n");
        self.modes += &line;
        self.plain += &line;
        self.values.push((name.clone(), ty));
        name
    }

    /// An instruction of the plain form alone.
    fn plainly(&mut self, inst: &str) -> String {
        let name = self.fresh();
        self.plain += &format!("  {name} = {inst}\n");
        name
    }

    fn having(&mut self, kind: impl Fn(&Ty) -> bool) -> Option<(String, Ty)> {
        let values = self.values.iter().filter(|(_, ty)| kind(ty));
        let values: Vec<_> = values.cloned().collect();
        // Later values more often.
        let from = match self.random.one_in(2) {
            true => 0,
            false => values.len().saturating_sub(3),
        };
        match values.is_empty() {
            true => None,
            false => Some(self.random.pick(&values[from..])),
        }
    }

    /// A value of the type: one that there is, or a constant.
    fn of(&mut self, ty: &Ty) -> String {
        match self.having(|t| t == ty) {
            Some((name, _)) => name,
            None => {
                let number = self.random.pick(&["0", "1", "2"]);
                let (dtype, shape) = (ty.dtype, ty.shape());
                self.both(
                    ty.clone(),
                    &format!("const value {number} dtype {dtype} shape [{shape}]"),
                )
            }
        }
    }

    /// A value that differs along the axis of the iterations.
    fn whole(&mut self, slice: &Ty, axis: usize, trip: &str) -> String {
        let (x, ty) = (self.of(slice), slice.stack(axis, trip));
        let shape = ty.shape();
        let wide = self.both(
            ty.clone(),
            &format!("broadcast {x} shape [{shape}] new [{axis}]"),
        );
        let mut index = self.both(
            Ty {
                dtype: "i32",
                ..ty.clone()
            },
            &format!("iota dtype i32 shape [{shape}] axis [{axis}]"),
        );
        if ty.is_float() {
            index = self.both(ty.clone(), &format!("cast {index} dtype float"));
        }
        let sum = self.both(ty.clone(), &format!("add {wide}, {index}"));
        match ty.is_float() {
            true => self.both(ty, &format!("sin {sum}")),
            false => sum,
        }
    }

    fn step(&mut self, depth: usize) -> Option<()> {
        let kind = self.random.below(if depth == 0 { 10 } else { 18 });
        let (x, ty) = self.having(Ty::is_float)?;
        match kind {
            0 | 1 => {
                let op = self.random.pick(&[
                    "tanh",
                    "sigmoid",
                    "sin",
                    "neg",
                    "stop_gradient",
                    "softplus",
                ]);
                self.both(ty, &format!("{op} {x}"));
            }
            2 | 3 => {
                let op = self.random.pick(&["add", "mul", "sub", "mul", "maximum"]);
                let y = self.of(&ty);
                self.both(ty, &format!("{op} {x}, {y}"));
            }
            4 => {
                let other = self
                    .random
                    .pick(&[Ty::new("float", &["N"]), Ty::new("float", &[])]);
                self.of(&other);
            }
            5 => {
                let dim = self.random.pick(&["N", "K"]);
                let axis = self.random.below(ty.dims.len() + 1);
                let wide = ty.stack(axis, dim);
                if wide.dims.len() <= 2 {
                    let shape = wide.shape();
                    self.both(wide, &format!("broadcast {x} shape [{shape}] new [{axis}]"));
                }
            }
            6 if !ty.dims.is_empty() => {
                let op = self.random.pick(&["sum", "prod", "max"]);
                let axis = self.random.below(ty.dims.len());
                let mut less = ty;
                less.dims.remove(axis);
                self.both(less, &format!("{op} {x} axes [{axis}]"));
            }
            7 if !ty.dims.is_empty() => {
                let op = self.random.pick(&["cumsum", "cumprod"]);
                let reverse = self.random.below(2);
                self.both(ty, &format!("{op} {x} axis [0] reverse {reverse}"));
            }
            8 => {
                let (index, ty) = self.having(|t| t.dtype == "i32")?;
                let ty = Ty {
                    dtype: "float",
                    ..ty
                };
                self.both(ty, &format!("cast {index} dtype float"));
            }
            9 => {
                let (index, ty) = self.having(|t| t.dtype == "i32")?;
                let other = self.of(&ty);
                self.both(ty, &format!("add {index}, {other}"));
            }
            10..=13 => self.call(depth),
            14.. => self.iterate(depth),
            _ => {}
        }
        Some(())
    }

    /// A function, of those that are called already or a new one.
    fn callee(&mut self, depth: usize) -> Pair {
        if !self.callees.is_empty() && self.random.one_in(3) {
            let callees = self.callees.clone();
            return self.random.pick(&callees);
        }
        let made = function(self.random, self.functions, self.turns, depth - 1, None);
        self.callees.push(made.clone());
        made
    }

    fn call(&mut self, depth: usize) {
        let callee = self.callee(depth);
        let exchanged = self.random.one_in(3);
        let here = |ty: &Ty| {
            if exchanged {
                ty.exchanged()
            } else {
                ty.clone()
            }
        };
        let params: Vec<Ty> = callee.params.iter().map(here).collect();
        let results: Vec<Ty> = callee.results.iter().map(here).collect();
        let sizes = if exchanged {
            "N = K, K = N"
        } else {
            "N = N, K = K"
        };
        let operands: Vec<String> = params.iter().map(|ty| self.of(ty)).collect();
        let name = &callee.name;
        let (target, mut chosen) = (
            format!("@{name}<{sizes}, T = T>"),
            format!("@{name}<{sizes}>"),
        );
        let how = match self.random.below(4) {
            0 => format!("{target} checkpoint "),
            1 | 2 => {
                let signature = (callee.params.clone(), callee.results.clone());
                let other = function(self.random, self.functions, self.turns, 0, Some(signature));
                // The same where the sizes are exchanged.
                let (holds, when) = self.random.pick(&[
                    (true, "N + K <= 5"),
                    (false, "N + K < 5"),
                    (true, "0 <= T"),
                    (false, "!(N*K == 6)"),
                ]);
                let name = other.name.clone();
                if holds {
                    chosen = format!("@{name}<{sizes}>");
                }
                self.callees.push(other);
                format!("{target} choice @{name}<{sizes}, T = T> where {when} ")
            }
            _ => target,
        };
        let names: Vec<String> = results.iter().map(|_| self.fresh()).collect();
        let types: Vec<String> = results.iter().map(Ty::to_string).collect();
        let (operands, types) = (operands.join(", "), types.join(", "));
        let defined = names.join(", ");
        self.modes += &format!("  {defined} = call {how}({operands}) -> {types}\n");
        self.plain += &format!("  {defined} = call {chosen}({operands}) -> {types}\n");
        self.values
            .extend(names.iter().cloned().zip(results.clone()));
        if self.random.one_in(5) {
            self.pullback(&names[0], &params, &results);
        }
    }

    /// The pullback of a call, with some cotangents, to some of its operands.
    fn pullback(&mut self, call: &str, params: &[Ty], results: &[Ty]) {
        let mut cotangents = Vec::new();
        for ty in results {
            cotangents.push(match ty.is_float() && !self.random.one_in(3) {
                true => self.of(ty),
                false => "_".to_string(),
            });
        }
        let floats = (0..params.len()).filter(|i| params[*i].is_float());
        let wanted: Vec<usize> = floats.filter(|_| !self.random.one_in(3)).collect();
        if wanted.is_empty() || cotangents.iter().all(|c| c == "_") {
            return;
        }
        let names: Vec<String> = wanted.iter().map(|_| self.fresh()).collect();
        let positions: Vec<String> = wanted.iter().map(usize::to_string).collect();
        let line = format!(
            "  {} = pullback {call}({}) of [{}]\n",
            names.join(", "),
            cotangents.join(", "),
            positions.join(", "),
        );
        self.modes += &line;
        self.plain += &line;
        let types = wanted.iter().map(|i| params[*i].clone());
        self.values.extend(names.into_iter().zip(types));
    }

    fn iterate(&mut self, depth: usize) {
        let callee = self.callee(depth);
        let (trip, turns) = match self.random.below(4) {
            0 => ("2".to_string(), 2),
            1 => ("1".to_string(), 1),
            _ => ("T".to_string(), self.turns),
        };
        let backward = self.random.one_in(2);
        // Which result each parameter gets behind an iteration, if it is carried: in order.
        let mut carried = vec![None; callee.params.len()];
        let mut from = 0;
        for (p, ty) in callee.params.iter().enumerate() {
            let rest = from..callee.results.len();
            let fitting: Vec<usize> = rest.filter(|r| callee.results[*r] == *ty).collect();
            if !fitting.is_empty() && !self.random.one_in(4) {
                let r = self.random.pick(&fitting);
                carried[p] = Some(r);
                from = r + 1;
            }
        }
        // Per parameter: its text as an argument, and what each iteration of the plain form gets.
        let mut arguments = Vec::new();
        let mut wholes: Vec<(String, Option<usize>)> = Vec::new();
        for (p, ty) in callee.params.iter().enumerate() {
            if carried[p].is_some() {
                let first = self.of(ty);
                arguments.push(format!("carried {first}"));
                wholes.push((first, None));
            } else if *ty == Ty::new("i32", &[]) && self.random.one_in(2) {
                arguments.push("index".to_string());
                wholes.push(("index".to_string(), None));
            } else if self.random.one_in(2) {
                let axis = self.random.below(ty.dims.len() + 1);
                let whole = self.whole(ty, axis, &trip);
                arguments.push(format!("sliced {whole}{}", axis_in_words(axis)));
                wholes.push((whole, Some(axis)));
            } else {
                let value = self.of(ty);
                arguments.push(value.clone());
                wholes.push((value, None));
            }
        }
        let axes: Vec<Option<usize>> = (0..callee.results.len())
            .map(|r| match carried.contains(&Some(r)) {
                true => None,
                false => Some(self.random.below(callee.results[r].dims.len() + 1)),
            })
            .collect();
        let results: Vec<Ty> = callee
            .results
            .iter()
            .zip(&axes)
            .map(|(ty, axis)| axis.map_or(ty.clone(), |axis| ty.stack(axis, &trip)))
            .collect();
        let types: Vec<String> = results
            .iter()
            .zip(&axes)
            .map(|(ty, axis)| match axis {
                Some(axis) => format!("stacked {ty}{}", axis_in_words(*axis)),
                None => format!("carried {ty}"),
            })
            .collect();
        let names: Vec<String> = results.iter().map(|_| self.fresh()).collect();
        self.modes += &format!(
            "  {} = call @{}<N = N, K = K, T = T> loop {trip}{} ({}) -> {}\n",
            names.join(", "),
            callee.name,
            if backward { " backward" } else { "" },
            arguments.join(", "),
            types.join(", "),
        );
        let made = self.unroll(&callee, &carried, &wholes, &axes, turns, backward);
        for ((name, ty), value) in names.iter().zip(&results).zip(made) {
            let shape = ty.shape();
            self.plain += &format!("  {name} = reshape {value} shape [{shape}]\n");
        }
        self.values.extend(names.into_iter().zip(results));
    }

    /// The iterations as plain calls; gives the results.
    fn unroll(
        &mut self,
        callee: &Pair,
        carried: &[Option<usize>],
        wholes: &[(String, Option<usize>)],
        axes: &[Option<usize>],
        turns: usize,
        backward: bool,
    ) -> Vec<String> {
        let mut now: Vec<String> = wholes.iter().map(|(v, _)| v.clone()).collect();
        let mut stacks: Vec<Vec<(usize, String)>> = vec![Vec::new(); axes.len()];
        let types: Vec<String> = callee.results.iter().map(Ty::to_string).collect();
        for i in 0..turns {
            let t = if backward { turns - 1 - i } else { i };
            let mut operands = Vec::new();
            for (p, (value, axis)) in wholes.iter().enumerate() {
                operands.push(match axis {
                    Some(axis) => {
                        let range = format!("axis [{axis}] range [{t}, {}, 1]", t + 1);
                        let slice = self.plainly(&format!("slice {value} {range}"));
                        let shape = callee.params[p].shape();
                        self.plainly(&format!("reshape {slice} shape [{shape}]"))
                    }
                    None if value == "index" => {
                        self.plainly(&format!("const value {t} dtype i32 shape []"))
                    }
                    None => now[p].clone(),
                });
            }
            let names: Vec<String> = types.iter().map(|_| self.fresh()).collect();
            self.plain += &format!(
                "  {} = call @{}<N = N, K = K>({}) -> {}\n",
                names.join(", "),
                callee.name,
                operands.join(", "),
                types.join(", "),
            );
            for (p, r) in carried.iter().enumerate() {
                if let Some(r) = r {
                    now[p] = names[*r].clone();
                }
            }
            for (stack, name) in stacks.iter_mut().zip(names) {
                stack.push((t, name));
            }
        }
        let mut out = Vec::new();
        for (r, axis) in axes.iter().enumerate() {
            let Some(axis) = axis else {
                let p = carried.iter().position(|c| *c == Some(r));
                out.extend(p.map(|p| now[p].clone()));
                continue;
            };
            stacks[r].sort();
            let ty = &callee.results[r];
            let one = ty.stack(*axis, "1").shape();
            let mut parts = Vec::new();
            for (_, value) in stacks[r].clone() {
                parts.push(self.plainly(&format!("reshape {value} shape [{one}]")));
            }
            out.push(match parts.is_empty() {
                true => {
                    let none = ty.stack(*axis, "0").shape();
                    let dtype = ty.dtype;
                    self.plainly(&format!("const value 0 dtype {dtype} shape [{none}]"))
                }
                false => self.plainly(&format!("concat {} axis [{axis}]", parts.join(", "))),
            });
        }
        out
    }
}

fn axis_in_words(axis: usize) -> String {
    match axis {
        0 => String::new(),
        _ => format!(" axis {axis}"),
    }
}

fn types() -> Vec<Ty> {
    vec![
        Ty::new("float", &["N"]),
        Ty::new("float", &["N"]),
        Ty::new("float", &[]),
        Ty::new("float", &["K", "N"]),
        Ty::new("i32", &[]),
        Ty::new("i32", &["N"]),
    ]
}

/// A random function, of a signature or of any.
fn function(
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

/// A program of both forms.
struct Program {
    pair: Pair,
    turns: usize,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "T = {}", self.turns)?;
        let mut open = vec![self.pair.modes];
        let mut seen: Vec<&str> = Vec::new();
        while let Some(unit) = open.pop() {
            if !seen.contains(&unit.path) {
                seen.push(unit.path);
                writeln!(f, "{}", unit.text)?;
                open.extend(unit.callees.iter().map(|(_, u)| *u));
            }
        }
        Ok(())
    }
}

fn program(seed: u64) -> Program {
    let mut random = Random::new(seed);
    let turns = random.below(4);
    let depth = 1 + random.below(3);
    let pair = function(&mut random, &mut 0, turns, depth, None);
    Program { pair, turns }
}

/// A unit that gives the gradients of another one, by a pullback in its body.
fn gradient_unit(pair: &Pair, unit: &'static Unit, symbols: &str) -> Option<&'static Unit> {
    let position = |i: &usize| pair.params[*i].is_float();
    let positions: Vec<usize> = (0..pair.params.len()).filter(position).collect();
    if !pair.results.iter().any(Ty::is_float) {
        return None;
    }
    let mut params = Vec::new();
    let mut operands = Vec::new();
    for (i, ty) in pair.params.iter().enumerate() {
        params.push(format!("%a{i}: {ty}"));
        operands.push(format!("%a{i}"));
    }
    let mut cotangents = Vec::new();
    for (i, ty) in pair.results.iter().enumerate() {
        match ty.is_float() {
            true => {
                params.push(format!("%c{i}: {ty}"));
                cotangents.push(format!("%c{i}"));
            }
            false => cotangents.push("_".to_string()),
        }
    }
    let results: Vec<String> = pair.results.iter().map(Ty::to_string).collect();
    let types: Vec<String> = positions
        .iter()
        .map(|i| pair.params[*i].to_string())
        .collect();
    let defined: Vec<String> = (0..results.len())
        .map(|i| format!("%{}", 100 + i))
        .collect();
    let found: Vec<String> = (0..positions.len())
        .map(|i| format!("%{}", 200 + i))
        .collect();
    let sizes: Vec<String> = symbols.split(", ").map(|s| format!("{s} = {s}")).collect();
    let at: Vec<String> = positions.iter().map(usize::to_string).collect();
    let text = format!(
        "fn @gradient<{symbols}>({}) -> {} {{\n  {} = call @{}<{}>({}) -> {}\n  {} = pullback {}({}) of [{}]\n  return {}\n}}\n",
        params.join(", "),
        types.join(", "),
        defined.join(", "),
        pair.name,
        sizes.join(", "),
        operands.join(", "),
        results.join(", "),
        found.join(", "),
        defined[0],
        cotangents.join(", "),
        at.join(", "),
        found.join(", "),
    );
    Some(leaked("gradient", &text, &[(unit.path, unit)]))
}

/// What a program computes, and which of its results each value to compare is; zeros where there is none.
struct Computed {
    results: Vec<Array>,
    outputs: Vec<Option<usize>>,
}

/// Arguments, each by a seed of its own.
fn arguments(function: &Function, seed: impl Fn(usize) -> usize) -> Vec<Array> {
    let params = &function.values[..function.params.len()];
    let array = |(i, ty): (usize, &Type)| {
        let mut random = Random::new(seed(i) as u64);
        let shape = ty.shape.extents().expect("a bound program");
        let n: usize = shape.iter().product();
        let mut number = || match ty.dtype.is_float() {
            true => random.below(2001) as f64 / 1000.0 - 1.0,
            false => random.below(3) as f64,
        };
        Array::new(ty.dtype, &shape, (0..n).map(|_| number()).collect()).expect("as many")
    };
    params.iter().enumerate().map(array).collect()
}

/// Forward, pullback, and the pullback of the pullback, derived of the program.
fn orders(unit: &'static Unit, binding: &Binding) -> Result<[Computed; 3], Box<dyn Error>> {
    let forward = link(unit, binding)?;
    let first = link_pullback(unit, binding, &|_| true)?;
    let mut outputs: Vec<Option<usize>> = (0..first.results).map(Some).collect();
    outputs.extend(&first.gradients);
    let mut second = first.program.clone();
    derive_pullback(&mut second, &|_| None)?;
    let gradients = second.pullback.as_ref().map(|p| p.gradients.clone());
    let gradients = gradients.unwrap_or_default();
    let behind = second.body.results.len();
    let mut all = outputs.clone();
    all.extend((0..second.params.len()).map(|p| {
        let at = gradients.iter().position(|g| *g == p);
        at.map(|at| behind + at)
    }));
    // The cotangent of a result is that of what it is: forms may differ in which gradients there are.
    let first_params = first.program.params.len();
    let float = |r: &&usize| {
        let value = second.body.results[**r];
        second.type_of(value).dtype.is_float()
    };
    let results: Vec<usize> = (0..behind).collect();
    let floats: Vec<usize> = results.iter().filter(float).copied().collect();
    let seed = |param: usize| match param.checked_sub(first_params) {
        None => param,
        Some(cotangent) => {
            let output = outputs.iter().position(|o| *o == Some(floats[cotangent]));
            1000 + output.unwrap_or(0)
        }
    };
    let mut second = with_gradients(&second).ok_or("linked programs have no calls")?;
    let given = arguments(&second, seed);
    let as_is = interpret(&second, &given)?;
    simplify(&mut second);
    let results = interpret(&second, &given)?;
    for (found, expected) in results.iter().zip(&as_is) {
        assert_eq!(unlike(found, expected), None, "simplified");
    }
    Ok([
        Computed {
            results: interpret(&forward, &arguments(&forward, |i| i))?,
            outputs: (0..forward.body.results.len()).map(Some).collect(),
        },
        Computed {
            results: interpret(&first.program, &arguments(&first.program, |i| i))?,
            outputs,
        },
        Computed {
            results,
            outputs: all,
        },
    ])
}

/// The difference beyond rounding, which grows with the largest element.
fn unlike(found: &Array, expected: &Array) -> Option<String> {
    let finite = expected.data.iter().filter(|x| x.is_finite());
    let scale = finite.fold(1.0f64, |most, x| most.max(x.abs()));
    difference(found, expected, 1e-9, 1e-9 * scale)
}

fn compare(what: &str, modes: &Computed, plain: &Computed) {
    assert_eq!(modes.outputs.len(), plain.outputs.len(), "{what}");
    for (i, (m, p)) in modes.outputs.iter().zip(&plain.outputs).enumerate() {
        let (m, p) = (m.map(|m| &modes.results[m]), p.map(|p| &plain.results[p]));
        let zeros = m.or(p).map(|x| Array::filled(x.dtype, &x.shape, 0.0));
        let Some(zeros) = zeros else { continue };
        let difference = unlike(m.unwrap_or(&zeros), p.unwrap_or(&zeros));
        assert_eq!(difference, None, "{what}, value {i}");
    }
}

fn holds(program: &Program) -> Outcome {
    let pair = &program.pair;
    let sizes = SIZES.iter();
    let plain = sizes.fold(Binding::new(DType::F64), |b, (s, n)| b.with(s, *n));
    let modes = plain.clone().with("T", program.turns);
    let names = ["forward", "pullback", "second order"];
    let found = orders(pair.modes, &modes)?;
    let expected = orders(pair.plain, &plain)?;
    for ((found, expected), what) in found.iter().zip(&expected).zip(names) {
        compare(what, found, expected);
    }
    let gradients = gradient_unit(pair, pair.modes, "N, K, T");
    if let (Some(m), Some(p)) = (gradients, gradient_unit(pair, pair.plain, "N, K")) {
        let found = orders(m, &modes)?;
        let expected = orders(p, &plain)?;
        for ((found, expected), what) in found.iter().zip(&expected).zip(names) {
            compare(&format!("gradient unit, {what}"), found, expected);
        }
    }
    Ok(())
}

#[test]
fn modes_of_calls_mean_what_plain_calls_mean() {
    Target::new("ir-modes", 80)
        .limit(std::time::Duration::from_secs(20))
        .run(program, |program| {
            holds(program).unwrap_or_else(|e| panic!("{e}"));
        });
}
