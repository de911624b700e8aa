//! Writes a random body in both forms: with calls in modes, and with plain calls.

use super::ty::Ty;
use super::unit::{Pair, function};
use sinew_fuzz::Random;

/// What a function is made of while it is written, in both forms.
pub struct Writer<'r> {
    pub random: &'r mut Random,
    /// How often a loop of `T` iterations turns.
    pub turns: usize,
    /// How many functions there are: their names.
    pub functions: &'r mut usize,
    pub values: Vec<(String, Ty)>,
    pub names: usize,
    pub modes: String,
    pub plain: String,
    pub callees: Vec<Pair>,
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

    pub fn having(&mut self, kind: impl Fn(&Ty) -> bool) -> Option<(String, Ty)> {
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
    pub fn of(&mut self, ty: &Ty) -> String {
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

    pub fn step(&mut self, depth: usize) -> Option<()> {
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
