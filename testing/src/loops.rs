//! Programs with loops and their unrolled forms: forward, pullback and pullback of the pullback, for
//! all roles of arguments and results, either order, nested, and for 0, 1, 2 and 7 iterations.
//!
//! Whoever runs programs (the interpreter, the executor, the emitters) is tested with the same table.

use super::unroll::{leaked, looped, unrolled};
use super::{CaseError, difference, with_gradients};
use sinew_ir::{
    Array, Binding, DType, Function, LoopParam, LoopResult, Order, Unit, derive_pullback,
    interpret, link, link_pullback,
};

/// How often the loops of the table turn.
pub const TRIPS: [usize; 4] = [0, 1, 2, 7];

/// How often the inner loop of a nested one turns: the symbol `K`.
const INNER: usize = 2;

/// A body, and how a loop calls it. Dims are those of one iteration, in the symbols `B`, `H` and `K`.
#[derive(Clone, Debug)]
pub struct LoopSpec {
    /// What the loop shows.
    pub name: String,
    /// The body that the loop calls.
    pub body: &'static Unit,
    /// The same function, without loops.
    pub unrolled_body: &'static Unit,
    /// Roles and dims of the body's parameters.
    pub params: Vec<(LoopParam, &'static [&'static str])>,
    /// Roles and dims of the body's results.
    pub results: Vec<(LoopResult, &'static [&'static str])>,
    /// Where the loop starts.
    pub order: Order,
}

impl LoopSpec {
    /// The loop as one call in a unit of its own; `T` is how often it turns.
    pub fn looped(&self) -> &'static Unit {
        looped(self, "T", "run")
    }

    /// The same as one call an iteration.
    pub fn unrolled(&self, trip: usize) -> &'static Unit {
        unrolled(self, trip, "run")
    }

    /// The same from an end of one's choice.
    fn in_order(self, order: Order) -> LoopSpec {
        let ordered = match order {
            Order::Forward => "forward",
            Order::Backward => "backward",
        };
        LoopSpec {
            name: format!("{}, {ordered}", self.name),
            order,
            ..self
        }
    }
}

/// Every loop of the table, from either end.
pub fn loop_specs() -> Vec<LoopSpec> {
    let (forward, backward) = (Order::Forward, Order::Backward);
    let mut specs = Vec::new();
    for (order, other) in [(forward, backward), (backward, forward)] {
        for spec in [
            step(),
            swap(),
            forgetful(),
            map(),
            nested(&step().in_order(other)),
        ] {
            specs.push(spec.in_order(order));
        }
    }
    specs
}

/// Everything at once: the index, what is carried, invariant, sliced along two axes, and stacked.
pub fn step() -> LoopSpec {
    let body = leaked(
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
    LoopSpec {
        name: "step".into(),
        body,
        unrolled_body: body,
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
fn swap() -> LoopSpec {
    let body = leaked(
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
    LoopSpec {
        name: "swap".into(),
        body,
        unrolled_body: body,
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

/// What is carried does not depend on what came, one parameter is a result twice, and one is forgotten.
fn forgetful() -> LoopSpec {
    let body = leaked(
        "forgetful",
        "fn @forgetful<B, H, K>(%a: float[B], %b: float[B], %x: float[B]) -> float[B], float[B], float[B], float[B] {
  %3 = const value 0.5 dtype float shape [B]
  return %3, %a, %a, %x
}",
        &[],
    );
    let b: &[&str] = &["B"];
    LoopSpec {
        name: "forgetful".into(),
        body,
        unrolled_body: body,
        params: vec![
            (LoopParam::Carried, b),
            (LoopParam::Carried, b),
            (LoopParam::Sliced { axis: 1 }, b),
        ],
        results: vec![
            (LoopResult::Carried, b),
            (LoopResult::Carried, b),
            (LoopResult::Stacked { axis: 1 }, b),
            (LoopResult::Stacked { axis: 0 }, b),
        ],
        order: Order::Forward,
    }
}

/// A function of the slice alone, and a stack of what is the same in every iteration.
fn map() -> LoopSpec {
    let body = leaked(
        "map",
        "fn @map<B, H, K>(%x: float[B], %y: float[B]) -> float[B], float[B] {
  %2 = exp %x
  %3 = sigmoid %y
  return %2, %3
}",
        &[],
    );
    LoopSpec {
        name: "map".into(),
        body,
        unrolled_body: body,
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

/// A loop over another of [`step`], whose slices are the whole of what the inner one slices.
fn nested(inner: &LoopSpec) -> LoopSpec {
    let sliced: &[&str] = &["K", "B", "H"];
    let stacked: &[&str] = &["B", "K"];
    LoopSpec {
        name: "nested".into(),
        body: looped(inner, "K", "inner"),
        unrolled_body: unrolled(inner, INNER, "inner"),
        params: vec![
            (LoopParam::Carried, &["B", "H"]),
            (LoopParam::Invariant, &["H", "H"]),
            (LoopParam::Sliced { axis: 0 }, sliced),
            (LoopParam::Sliced { axis: 2 }, stacked),
        ],
        results: vec![
            (LoopResult::Carried, &["B", "H"]),
            (LoopResult::Stacked { axis: 1 }, stacked),
        ],
        order: Order::Forward,
    }
}

/// A linked program with a loop, and what its unrolled form computes.
#[derive(Clone, Debug)]
pub struct LoopCase {
    /// The loop, how often it turns, and which derivative this is.
    pub name: String,
    /// The program, without calls.
    pub function: Function,
    /// Its arguments: exact in f32.
    pub inputs: Vec<Array>,
    /// What is expected, in f64, and which result it is; a gradient that is no result is zero.
    expected: Vec<(Option<usize>, Array)>,
}

impl LoopCase {
    /// The first element where the function's results are not what the unrolled form computes in f64, in
    /// words. The tolerance is relative to the magnitude of the expected element, or to 1.
    pub fn difference(&self, results: &[Array], tolerance: f64) -> Option<String> {
        for (i, (at, expected)) in self.expected.iter().enumerate() {
            let zeros = Array::filled(DType::F64, &expected.shape, 0.0);
            let found = at.map_or(&zeros, |at| &results[at]);
            if let Some(what) = difference(found, expected, tolerance, tolerance) {
                return Some(format!("{}, value {i}: {what}", self.name));
            }
        }
        None
    }
}

/// A program and the results that a case compares, as [`LoopCase`] has them.
struct Derived {
    function: Function,
    outputs: Vec<Option<usize>>,
    /// Which numbers each of its parameters gets: the same in both forms for what means the same.
    seeds: Vec<usize>,
}

/// A unit, its pullback, and the pullback of its pullback as it is derived: not simplified.
fn derived(unit: &'static Unit, binding: &Binding) -> Result<[Derived; 3], CaseError> {
    let function = link(unit, binding)?;
    let forward = Derived {
        outputs: (0..function.body.results.len()).map(Some).collect(),
        seeds: (0..function.params.len()).collect(),
        function,
    };
    let pullback = link_pullback(unit, binding, &|_| true)?;
    let results = (0..pullback.results).map(Some);
    let pullback = Derived {
        outputs: results.chain(pullback.gradients).collect(),
        seeds: (0..pullback.program.params.len()).collect(),
        function: pullback.program,
    };
    let mut second = pullback.function.clone();
    derive_pullback(&mut second, &|_| None)?;
    let derived = second.pullback.clone().unwrap_or_default();
    let results = second.body.results.len();
    let gradient = |p| {
        let at = derived.gradients.iter().position(|g| *g == p);
        at.map(|at| results + at)
    };
    let mut outputs = pullback.outputs.clone();
    outputs.extend((0..second.params.len()).map(gradient));
    // A form may have a gradient that the other has not, and with it a cotangent of that.
    let mut seeds = pullback.seeds.clone();
    let first = seeds.len();
    for result in &derived.cotangents {
        let output = pullback.outputs.iter().position(|o| *o == Some(*result));
        seeds.push(first + output.unwrap_or_default());
    }
    let second = Derived {
        outputs,
        seeds,
        function: with_gradients(&second).expect("linked programs have no calls"),
    };
    Ok([forward, pullback, second])
}

/// A loop that turns `trip` times, its pullback, and the pullback of that (not simplified yet), in
/// `float`. The interpreter runs the unrolled form in f64 for what is expected.
///
/// # Errors
/// Units that do not link, or whose unrolled form does not run.
pub fn loop_cases(
    name: &str,
    looped: &'static Unit,
    unrolled: &'static Unit,
    trip: usize,
    float: DType,
) -> Result<[LoopCase; 3], CaseError> {
    let binding = |float| {
        let sizes = [("B", 3), ("H", 5), ("K", INNER), ("T", trip)];
        let each = sizes.iter();
        each.fold(Binding::new(float), |b, (s, n)| b.with(s, *n))
    };
    let [a, b, c] = derived(looped, &binding(float))?;
    let [x, y, z] = derived(unrolled, &binding(DType::F64))?;
    let case =
        |derivative: &str, looped: Derived, unrolled: &Derived| -> Result<LoopCase, CaseError> {
            let name = format!("{derivative} of {name}, {trip} turns");
            let given = inputs(unrolled);
            let results = interpret(&unrolled.function, &given).map_err(|e| CaseError::Form {
                case: name.clone(),
                what: e.to_string(),
            })?;
            let pairs = looped.outputs.iter().zip(&unrolled.outputs);
            let expected = pairs.filter_map(|(found, at)| {
                let zeros = || {
                    let result = looped.function.body.results[(*found)?];
                    let shape = looped.function.type_of(result).shape.extents()?;
                    Some(Array::filled(DType::F64, &shape, 0.0))
                };
                let expected = at.map(|at| results[at].clone()).or_else(zeros)?;
                Some((*found, expected))
            });
            Ok(LoopCase {
                name,
                expected: expected.collect(),
                inputs: inputs(&looped),
                function: looped.function,
            })
        };
    Ok([
        case("forward", a, &x)?,
        case("pullback", b, &y)?,
        case("second order", c, &z)?,
    ])
}

/// Numbers from -1/2 to 1/2 without a pattern, the same on every run and for every float.
///
/// Numbers up to 1 would make the second order of 7 turns so sensitive that the 2.5e-7 to which a device
/// knows `tanh` becomes 4e-5 there; a case is to tell a wrong loop from rounding.
fn inputs(program: &Derived) -> Vec<Array> {
    let params = program.function.values.iter().zip(&program.seeds);
    let array = |(ty, seed): (&sinew_ir::Type, &usize)| {
        let mut state = 7 + *seed as u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f64 / f64::from(1u32 << 24) - 0.5
        };
        let shape = ty.shape.extents()?;
        let n: usize = shape.iter().product();
        Array::new(ty.dtype, &shape, (0..n).map(|_| next()).collect())
    };
    params.filter_map(array).collect()
}
