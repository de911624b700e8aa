//! Random programs of calls in every mode, nested in each other, against the same programs with plain
//! calls and unrolled loops: forward, pullback, and the two ways to a second order.
//!
//! Bodies of loops are random in what they are given and give back: parameters as results, one value
//! twice, constants, what is carried and not used, integers. Callees are called with their sizes
//! exchanged; some have their pullbacks in the bodies of others. Half of them have a stored pullback, as
//! the macro stores it, and some of these say that it is written by hand.

mod ty;
mod unit;
mod writer;

use sinew_fuzz::{Random, Target};
use sinew_ir::each_recomputed;
use sinew_ir::{
    Array, Binding, DType, Function, Type, Unit, derive_pullback, interpret, link, link_pullback,
    simplify, verify_program,
};
use sinew_testing::{difference, leaked, with_gradients};
use std::error::Error;
use std::fmt;
use ty::Ty;
use unit::{Pair, function};

type Outcome = Result<(), Box<dyn Error>>;

const SIZES: [(&str, usize); 2] = [("N", 3), ("K", 2)];

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
    let turns = random.below(5);
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
    recomputes(
        &first.program,
        first.results,
        &arguments(&first.program, |i| i),
    )?;
    recomputes(&second, behind, &given)?;
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

/// Whether programs that compute values again, in any way there is, have the same bits.
fn recomputes(program: &Function, results: usize, given: &[Array]) -> Outcome {
    let expected = interpret(program, given)?;
    let bits = |arrays: &[Array]| -> Vec<Vec<u64>> {
        let of = |a: &Array| a.data.iter().map(|x| x.to_bits()).collect();
        arrays.iter().map(of).collect()
    };
    for again in each_recomputed(program, results) {
        verify_program(&again.program)?;
        let found = interpret(&again.program, given)?;
        assert_eq!(bits(&found), bits(&expected), "{}", again.program);
    }
    Ok(())
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
