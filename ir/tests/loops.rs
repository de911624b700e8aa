//! Loops mean what their unrolled forms mean: forward, pullback and pullback of the pullback, for all
//! roles of arguments and results, either order, nested, and for 0, 1, 2 and 7 iterations.

use sinew_ir::testing::{difference, with_gradients};
use sinew_ir::{
    Array, Binding, DType, Function, Gradient, LoopParam, LoopResult, Order, Stage, Unit,
    derive_pullback, inline, interpret, link, link_pullback, parse, simplify, verify_stage,
};
use std::error::Error;

const TRIPS: [usize; 4] = [0, 1, 2, 7];

/// A body, and how a loop calls it. Dims of one iteration; symbols are `B = 2`, `H = 3`, `K = 2`.
#[derive(Clone)]
struct Spec {
    body: &'static Unit,
    params: Vec<(LoopParam, &'static [&'static str])>,
    results: Vec<(LoopResult, &'static [&'static str])>,
    order: Order,
}

const SYMBOLS: &str = "B, H, K";
const SIZES: &str = "B = B, H = H, K = K";

/// Everything at once: the index, what is carried, invariant, sliced along two axes, and stacked.
fn step() -> Spec {
    let body = unit(
        "step",
        "fn @step<B, H, K>(%t: i32[], %h: float[B, H], %w: float[H, H], %x: float[B, H], %s: float[B]) -> float[B, H], float[B] {
  %5 = dot %h, %w contract_x [1] contract_y [0]
  %6 = add %5, %x
  %7 = tanh %6
  %8 = cast %t dtype float
  %9 = broadcast %8 shape [B] new [0]
  %10 = mul %9, %s
  %11 = sum %7 axes [1]
  %12 = mul %11, %10
  %13 = add %12, %s
  return %7, %13
}",
        &[],
    );
    Spec {
        body,
        params: vec![
            (LoopParam::Index, &[]),
            (LoopParam::Carried, &["B", "H"]),
            (LoopParam::Invariant, &["H", "H"]),
            (LoopParam::Sliced { axis: 0 }, &["B", "H"]),
            (LoopParam::Sliced { axis: 1 }, &["B"]),
        ],
        results: vec![
            (LoopResult::Carried, &["B", "H"]),
            (LoopResult::Stacked { axis: 1 }, &["B"]),
        ],
        order: Order::Forward,
    }
}

/// Two values that are carried and swap places, a third that never changes, and one that is set
/// without regard to what it was.
fn swap() -> Spec {
    let body = unit(
        "swap",
        "fn @swap<B, H, K>(%a: float[B], %b: float[B], %c: float[B], %d: float[B], %x: float[B]) -> float[B], float[B], float[B], float[B], float[B] {
  %5 = mul %a, %c
  %6 = sigmoid %5
  %7 = mul %x, %x
  %8 = mul %6, %d
  return %b, %6, %8, %c, %7
}",
        &[],
    );
    let b: &[&str] = &["B"];
    Spec {
        body,
        params: vec![
            (LoopParam::Carried, b),
            (LoopParam::Carried, b),
            (LoopParam::Carried, b),
            (LoopParam::Carried, b),
            (LoopParam::Sliced { axis: 0 }, b),
        ],
        results: vec![
            (LoopResult::Carried, b),
            (LoopResult::Carried, b),
            (LoopResult::Stacked { axis: 0 }, b),
            (LoopResult::Carried, b),
            (LoopResult::Carried, b),
        ],
        order: Order::Forward,
    }
}

/// A function of the slice alone, and a stack of what is the same in every iteration.
fn map() -> Spec {
    let body = unit(
        "map",
        "fn @map<B, H, K>(%x: float[B], %y: float[B]) -> float[B], float[B] {
  %2 = exp %x
  %3 = sigmoid %y
  return %2, %3
}",
        &[],
    );
    Spec {
        body,
        params: vec![
            (LoopParam::Sliced { axis: 0 }, &["B"]),
            (LoopParam::Invariant, &["B"]),
        ],
        results: vec![
            (LoopResult::Stacked { axis: 0 }, &["B"]),
            (LoopResult::Stacked { axis: 1 }, &["B"]),
        ],
        order: Order::Forward,
    }
}

/// A loop over the loop of [`step`], whose slices are the whole of what the inner one slices.
fn nested(inner: &Spec) -> Spec {
    let body = loop_of(inner, "K", "inner");
    let whole = |axis: usize| -> &'static [&'static str] {
        match axis {
            0 => &["K", "B", "H"],
            _ => &["B", "K"],
        }
    };
    Spec {
        body,
        params: vec![
            (LoopParam::Carried, &["B", "H"]),
            (LoopParam::Invariant, &["H", "H"]),
            (LoopParam::Sliced { axis: 0 }, whole(0)),
            (LoopParam::Sliced { axis: 2 }, whole(1)),
        ],
        results: vec![
            (LoopResult::Carried, &["B", "H"]),
            (LoopResult::Stacked { axis: 1 }, whole(1)),
        ],
        order: Order::Backward,
    }
}

/// The same with the inner loop unrolled.
fn nested_unrolled(inner: &Spec) -> Spec {
    Spec {
        body: unrolled(inner, 2, "inner"),
        ..nested(inner)
    }
}

fn unit(name: &str, text: &str, callees: &[(&'static str, &'static Unit)]) -> &'static Unit {
    let leak = |s: &str| -> &'static str { Box::leak(s.to_string().into_boxed_str()) };
    Box::leak(Box::new(Unit {
        path: leak(name),
        file: "loops",
        text: leak(text),
        callees: Box::leak(callees.to_vec().into_boxed_slice()),
        consts: &[],
        numbers: &[],
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
fn head(spec: &Spec, trip: &str, name: &str, symbols: &str) -> String {
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
fn loop_of(spec: &Spec, trip: &str, name: &str) -> &'static Unit {
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
    unit(name, &text, &[(path, spec.body)])
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
fn unrolled(spec: &Spec, trip: usize, name: &str) -> &'static Unit {
    let (path, extent) = (spec.body.path, trip.to_string());
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
    unit(name, &text, &[(path, spec.body)])
}

fn binding(trip: usize) -> Binding {
    let sizes = [("B", 2), ("H", 3), ("K", 2), ("T", trip)];
    Binding {
        float: DType::F64,
        sizes: sizes
            .iter()
            .map(|(s, n)| (sinew_ir::Symbol::new(s), *n))
            .collect(),
        sequence: None,
    }
}

/// Numbers without a pattern, the same on every run.
fn inputs(program: &Function) -> Vec<Array> {
    let mut state = 7u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    };
    let params = &program.values[..program.params.len()];
    let array = |t: &sinew_ir::Type| {
        let shape = t.shape.extents()?;
        let n: usize = shape.iter().product();
        Array::new(t.dtype, &shape, (0..n).map(|_| next()).collect())
    };
    params.iter().filter_map(array).collect()
}

fn assert_same(found: &Array, expected: &Array, what: &str) {
    let difference = difference(found, expected, 1e-12, 1e-12);
    assert_eq!(difference, None, "{what}");
}

/// Gradients by parameter; one that is not there is zero.
fn gradients(results: &[Array], at: &[Option<usize>], inputs: &[Array]) -> Vec<Array> {
    let params = at.iter().zip(inputs);
    let gradient = |(at, input): (&Option<usize>, &Array)| match at {
        Some(at) => results[*at].clone(),
        None => Array::filled(input.dtype, &input.shape, 0.0),
    };
    params.map(gradient).collect()
}

/// The gradients of a program's own pullback, simplified or not, for some cotangents.
fn second(program: &Function, simpler: bool) -> Result<Vec<Array>, Box<dyn Error>> {
    let mut f = program.clone();
    derive_pullback(&mut f, &|_| None)?;
    let pullback = f.pullback.as_ref().ok_or("it was derived")?;
    let at: Vec<Option<usize>> = (0..program.params.len())
        .map(|p| {
            let at = pullback.gradients.iter().position(|g| *g == p);
            at.map(|g| f.body.results.len() + g)
        })
        .collect();
    let mut with = with_gradients(&f).ok_or("no calls are here")?;
    if simpler {
        simplify(&mut with);
    }
    verify_stage(&with, Stage::Bound)?;
    let inputs = inputs(&with);
    let results = interpret(&with, &inputs)?;
    Ok(gradients(&results, &at, &inputs))
}

/// Forward, pullback and second order of the two units.
fn agree(looped: &Unit, plain: &Unit, trip: usize) -> Result<Gradient, Box<dyn Error>> {
    let binding = binding(trip);
    let (a, b) = (link(looped, &binding)?, link(plain, &binding)?);
    let given = inputs(&a);
    let results = interpret(&a, &given)?;
    for (found, expected) in results.iter().zip(&interpret(&b, &given)?) {
        assert_same(found, expected, &format!("forward of {trip}\n{a}"));
    }
    let a = link_pullback(looped, &binding, &|_| true)?;
    let b = link_pullback(plain, &binding, &|_| true)?;
    let given = inputs(&a.program);
    let found = interpret(&a.program, &given)?;
    let expected = interpret(&b.program, &given)?;
    let found = gradients(&found, &a.gradients, &given);
    for (i, (found, expected)) in found
        .iter()
        .zip(&gradients(&expected, &b.gradients, &given))
        .enumerate()
    {
        assert_same(
            found,
            expected,
            &format!("gradient {i} of {trip}\n{}", a.program),
        );
    }
    for simpler in [false, true] {
        let found = second(&a.program, simpler)?;
        for (i, (found, expected)) in found.iter().zip(&second(&b.program, simpler)?).enumerate() {
            let what = format!("second gradient {i} of {trip}, {simpler}\n{}", a.program);
            assert_same(found, expected, &what);
        }
    }
    Ok(a)
}

fn check(spec: &Spec) -> Result<(), Box<dyn Error>> {
    for order in [Order::Forward, Order::Backward] {
        let spec = Spec {
            order,
            ..spec.clone()
        };
        for trip in TRIPS {
            agree(
                loop_of(&spec, "T", "run"),
                unrolled(&spec, trip, "run"),
                trip,
            )?;
        }
    }
    Ok(())
}

#[test]
fn every_role_at_once() -> Result<(), Box<dyn Error>> {
    check(&step())
}

#[test]
fn values_that_swap_places_and_one_that_never_changes() -> Result<(), Box<dyn Error>> {
    check(&swap())
}

#[test]
fn a_function_of_slices_alone() -> Result<(), Box<dyn Error>> {
    check(&map())
}

#[test]
fn loops_in_loops() -> Result<(), Box<dyn Error>> {
    let (looped, plain) = (nested(&step()), nested_unrolled(&step()));
    for trip in TRIPS {
        let plain = unrolled(&plain, trip, "run");
        agree(loop_of(&looped, "T", "run"), plain, trip)?;
    }
    Ok(())
}

/// A body whose pullback is stored, as the macro stores it.
#[test]
fn the_bodys_stored_pullback_is_the_one_that_is_linked() -> Result<(), Box<dyn Error>> {
    let spec = step();
    let mut body = parse(spec.body.text)?;
    derive_pullback(&mut body, &|_| None)?;
    let stored = unit("step", &body.to_string(), &[]);
    let looped = Spec {
        body: stored,
        ..spec.clone()
    };
    for trip in TRIPS {
        agree(
            loop_of(&looped, "T", "run"),
            unrolled(&spec, trip, "run"),
            trip,
        )?;
    }
    Ok(())
}

/// A caller whose pullback was derived where the body of the loop is not known.
#[test]
fn a_loops_pullback_is_derived_at_its_call() -> Result<(), Box<dyn Error>> {
    let spec = step();
    let run = loop_of(&spec, "T", "run");
    let mut caller = parse(run.text)?;
    let body = parse(spec.body.text)?;
    let types = |values: &[sinew_ir::Value]| -> Vec<sinew_ir::Type> {
        values.iter().map(|v| body.type_of(*v).clone()).collect()
    };
    let (params, results) = (types(&body.body.params), types(&body.body.results));
    derive_pullback(&mut caller, &|_| {
        Some(sinew_ir::CalleeInfo::assumed(params.iter(), results.iter()))
    })?;
    verify_stage(&caller, Stage::Unit)?;
    let text = caller.to_string();
    assert_eq!(parse(&text)?, caller);
    assert!(text.contains(" = pullback %"), "{text}");
    let stored = unit("run", &text, run.callees);
    for trip in TRIPS {
        agree(stored, unrolled(&spec, trip, "run"), trip)?;
    }
    Ok(())
}

#[test]
fn a_loop_is_inlined_in_symbols_and_reads_back() -> Result<(), Box<dyn Error>> {
    for spec in [step(), swap(), map(), nested(&step())] {
        let inlined = inline(loop_of(&spec, "T", "run"))?;
        let text = inlined.to_string();
        assert_eq!(parse(&text).map_err(|e| format!("{e}\n{text}"))?, inlined);
    }
    Ok(())
}
