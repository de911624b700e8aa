//! The simplifier changes no meaning: random programs, simplified, compute what they computed before,
//! NaN and infinities included; and simplifying again changes nothing.

use proptest::prelude::*;
use sinew_ir::{
    Arity, Array, Attribute, Axis, Block, Builder, DType, Dim, Function, Inst, Loop, Op, Order,
    Param, ParamKind, Shape, Sliced, Stage, Type, Value, derive_pullback, interpret, ops, parse,
    simplify, verify, verify_stage,
};
use sinew_testing::{applicable, applied, with_gradients};
use std::collections::{HashMap, HashSet};

/// Choices, one after the other; zeros when none is left, so that a shorter list is a simpler program.
struct Tape<'a>(std::slice::Iter<'a, u16>);

impl Tape<'_> {
    fn below(&mut self, n: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % n.max(1)
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len())).cloned()
    }
}

/// Parts of powers of two: sums of them are exact in any order, so that no jump tells the order.
const NUMBERS: [f64; 14] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    0.5,
    -3.0,
    0.375,
    1e3,
    2147483647.0,
    4294967295.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
const TYPES: [DType; 4] = [DType::F64, DType::F64, DType::I32, DType::U32];
/// What rules see most of.
const COMMON: [Op; 3] = [ops::ADD, ops::MUL, ops::NEG];
const SHAPES: [&[usize]; 8] = [
    &[],
    &[3],
    &[2, 3],
    &[3, 2],
    &[1, 3],
    &[2, 1, 3],
    &[0, 2],
    &[2, 3, 4],
];

/// The elementwise ops of so many operands, those that rules see most of twice.
fn elementwise(operands: usize) -> Vec<Op> {
    let all = COMMON.iter().chain(applicable()).copied();
    let chosen = |op: &Op| op.kind.scalar().is_some() && op.arity == Arity::Exactly(operands);
    all.filter(chosen).collect()
}

/// A program in f64, i32 and u32 that the tape chooses; its inputs are `x0`, `x1`, ..
fn program(tape: &mut Tape<'_>) -> Option<Function> {
    let mut b = Builder::default();
    let mut f = Function {
        name: "random".into(),
        ..Function::default()
    };
    for i in 0..4 {
        let shape = tape.pick(&SHAPES)?;
        b.value(Type::from_extents(tape.pick(&TYPES)?, shape));
        f.params.push(Param {
            name: format!("x{i}"),
            kind: ParamKind::Input,
        });
    }
    let mut closed = HashSet::new();
    for _ in 0..3 + tape.below(14) {
        // What an op refuses is not there: the next choice is made.
        let _ = match tape.below(4) {
            3 => iterate(&mut b, tape, &mut closed, 0),
            _ => step(&mut b, tape, &closed),
        };
    }
    let visible = visible(&b, &closed);
    let results = visible[visible.len().saturating_sub(4)..].to_vec();
    f.body = Block::body(f.params.len(), b.insts, results);
    f.values = b.values;
    Some(f)
}

/// What is not defined in a block that is closed.
fn visible(b: &Builder, closed: &HashSet<Value>) -> Vec<Value> {
    let all = (0..b.values.len()).map(|i| Value(i as u32));
    all.filter(|v| !closed.contains(v)).collect()
}

/// A loop, which stacks all that its body defines: that tells what its results are made of.
fn iterate(
    b: &mut Builder,
    tape: &mut Tape<'_>,
    closed: &mut HashSet<Value>,
    depth: usize,
) -> Option<()> {
    let trip = tape.pick(&[0, 1, 2, 3])?;
    let known = visible(b, closed);
    let mut carried = Vec::new();
    for _ in 0..1 + tape.below(2) {
        carried.push(tape.pick(&known)?);
    }
    let whole = |v: &Value| {
        let dims = &b.type_of(*v).shape.dims;
        (0..dims.len())
            .filter(|a| dims[*a] == Dim::from(trip))
            .map(|axis| Sliced { value: *v, axis })
            .collect::<Vec<_>>()
    };
    let wholes: Vec<Sliced> = known.iter().flat_map(whole).collect();
    let mut sliced = Vec::new();
    for _ in 0..tape.below(3) {
        sliced.extend(tape.pick(&wholes));
    }
    let mut types = vec![Loop::index_type()];
    types.extend(carried.iter().map(|v| b.type_of(*v).clone()));
    for s in &sliced {
        types.push(b.type_of(s.value).slice(s.axis)?);
    }
    let start = b.values.len();
    let params: Vec<Value> = types.into_iter().map(|t| b.value(t)).collect();
    let outer = std::mem::take(&mut b.insts);
    for _ in 0..tape.below(5) {
        let _ = match tape.below(4) {
            3 if depth == 0 => iterate(b, tape, closed, 1),
            _ => step(b, tape, closed),
        };
    }
    let insts = std::mem::replace(&mut b.insts, outer);
    let inner = visible(b, closed);
    let mut handed = Vec::new();
    for first in &carried {
        let same = |v: &&Value| b.type_of(**v) == b.type_of(*first);
        let alike: Vec<Value> = inner.iter().filter(same).copied().collect();
        let recent = alike.len().saturating_sub(3);
        handed.push(tape.pick(&alike[recent..])?);
    }
    let mut results: Vec<Type> = carried.iter().map(|v| b.type_of(*v).clone()).collect();
    let (mut body, mut stacked) = (
        Block {
            params,
            insts,
            results: handed,
        },
        Vec::new(),
    );
    for v in inner.into_iter().filter(|v| v.index() >= start) {
        let ty = b.type_of(v).clone();
        let axis = tape.below(ty.shape.len() + 1);
        results.push(ty.stack(axis, Dim::from(trip))?);
        body.results.push(v);
        stacked.push(axis);
    }
    closed.extend((start..b.values.len()).map(|i| Value(i as u32)));
    let results = results.into_iter().map(|t| b.value(t)).collect();
    let order = tape.pick(&[Order::Forward, Order::Backward])?;
    b.insts.push(Inst::Loop(Loop {
        trip: Dim::from(trip),
        order,
        carried,
        sliced,
        body,
        stacked,
        results,
        location: None,
    }));
    Some(())
}

fn step(b: &mut Builder, tape: &mut Tape<'_>, closed: &HashSet<Value>) -> Option<()> {
    let visible = visible(b, closed);
    let having = |kind: fn(&DType) -> bool| -> Vec<Value> {
        let all = visible.iter().copied();
        all.filter(|v| kind(&b.type_of(*v).dtype)).collect()
    };
    let numbers = having(|d| *d != DType::Bool);
    let truths = having(|d| *d == DType::Bool);
    let indices = having(|d| *d == DType::I32);
    // Later values more often: chains are what rules see.
    let recent = numbers.len().saturating_sub(3);
    let x = match tape.below(3) {
        0 => tape.pick(&numbers)?,
        _ => tape.pick(&numbers[recent..])?,
    };
    let dtype = b.type_of(x).dtype;
    let shape = b.type_of(x).shape.clone();
    let rank = shape.len();
    let alike: Vec<Value> = numbers
        .iter()
        .copied()
        .filter(|v| b.type_of(*v) == b.type_of(x))
        .collect();
    let held: Vec<f64> = NUMBERS.into_iter().filter(|n| dtype.holds(*n)).collect();
    let axis = Axis::At(tape.below(rank));
    let some_axes: Vec<Axis> = (0..rank)
        .filter(|_| tape.below(2) == 1)
        .map(Axis::At)
        .collect();
    let made = match tape.below(25) {
        0 => {
            let op = tape.pick(&elementwise(1))?;
            b.op(op, &[x], vec![]).ok()
        }
        1 | 2 => {
            let op = tape.pick(&elementwise(2))?;
            let y = tape.pick(&alike)?;
            b.op(op, &[x, y], vec![]).ok()
        }
        3 => {
            let op = tape.pick(&elementwise(2))?;
            let y = b.constant(tape.pick(&held)?, dtype, shape).ok()?;
            match tape.below(2) {
                0 => b.op(op, &[x, y], vec![]).ok(),
                _ => b.op(op, &[y, x], vec![]).ok(),
            }
        }
        4 | 5 => {
            let mut dims = shape.dims.clone();
            let mut new = Vec::new();
            for _ in 0..=tape.below(2) {
                let at = tape.below(dims.len() + 1);
                dims.insert(at, Dim::from(tape.pick(&[1, 2, 3, 0])?));
                for a in &mut new {
                    if *a >= at {
                        *a += 1;
                    }
                }
                new.push(at);
            }
            new.sort_unstable();
            if dims.len() > 4 {
                return None;
            }
            let new = new.into_iter().map(Axis::At).collect();
            let attributes = vec![Attribute::Shape(Shape::new(dims)), Attribute::Axes(new)];
            b.op(ops::BROADCAST, &[x], attributes).ok()
        }
        6 => {
            let extents = shape.extents()?;
            let count: usize = extents.iter().product();
            let mut to = Vec::new();
            let mut left = count;
            while left > 1 && to.len() < 3 {
                let factors: Vec<usize> = (1..=left).filter(|f| left.is_multiple_of(*f)).collect();
                let f = tape.pick(&factors)?;
                to.push(f);
                left /= f;
            }
            to.push(left);
            let attributes = vec![Attribute::Shape(Shape::from_extents(&to))];
            b.op(ops::RESHAPE, &[x], attributes).ok()
        }
        7 | 8 => {
            let mut axes: Vec<Axis> = (0..rank).map(Axis::At).collect();
            for i in (1..rank).rev() {
                axes.swap(i, tape.below(i + 1));
            }
            b.op(ops::PERMUTE, &[x], vec![Attribute::Axes(axes)]).ok()
        }
        9 => {
            let n = shape.extents()?.get(tape.below(rank)).copied()?;
            let (start, step) = (tape.below(n + 1), 1 + tape.below(2));
            let stop = start + tape.below(n - start + 1);
            let range = [start, stop, step].map(Dim::from).to_vec();
            let attributes = vec![Attribute::Axes(vec![axis]), Attribute::Dims(range)];
            b.op(ops::SLICE, &[x], attributes).ok()
        }
        10 => {
            let widths = [tape.below(3), tape.below(2), 1 + tape.below(2)];
            let widths = widths.map(Dim::from).to_vec();
            let attributes = vec![Attribute::Axes(vec![axis]), Attribute::Dims(widths)];
            b.op(ops::PAD, &[x], attributes).ok()
        }
        11 | 12 => b.op(ops::SUM, &[x], vec![Attribute::Axes(some_axes)]).ok(),
        13 => b.op(ops::MAX, &[x], vec![Attribute::Axes(some_axes)]).ok(),
        14 => {
            let y = tape.pick(&numbers)?;
            let other = b.type_of(y).shape.clone();
            let mut roles = [const { Vec::new() }; 4];
            for i in 0..rank {
                let equal: Vec<usize> = (0..other.len())
                    .filter(|j| other.dims[*j] == shape.dims[i])
                    .filter(|j| {
                        !roles[1].contains(&Axis::At(*j)) && !roles[3].contains(&Axis::At(*j))
                    })
                    .collect();
                let (j, role) = (tape.pick(&equal), tape.below(3));
                if let (Some(j), 0 | 1) = (j, role) {
                    roles[2 * role].push(Axis::At(i));
                    roles[2 * role + 1].push(Axis::At(j));
                }
            }
            let attributes: Vec<_> = roles.into_iter().map(Attribute::Axes).collect();
            let dot = b.op(ops::DOT, &[x, y], attributes).ok()?;
            (b.type_of(dot).shape.len() <= 4).then_some(dot)
        }
        15 | 16 => {
            let to = tape.pick(&[DType::F64, DType::I32, DType::U32, DType::Bool])?;
            let x = match tape.below(4) {
                0 => tape.pick(&truths)?,
                _ => x,
            };
            b.cast(x, to).ok()
        }
        17 => {
            let x = tape.pick(&truths)?;
            let same = |v: &Value| b.type_of(*v) == b.type_of(x);
            let alike: Vec<Value> = truths.iter().copied().filter(same).collect();
            let known = b.type_of(x).shape.clone();
            let known = b.constant(tape.pick(&[0.0, 1.0])?, DType::Bool, known);
            let y = match tape.below(3) {
                0 => known.ok()?,
                _ => tape.pick(&alike)?,
            };
            let op = tape.pick(&[ops::AND, ops::OR, ops::EQ, ops::NE])?;
            b.op(op, &[x, y], vec![]).ok()
        }
        18 => {
            let dims = Attribute::Dims(vec![Dim::from(tape.below(4))]);
            let attributes = vec![dims, Attribute::DType(dtype), Attribute::Shape(shape)];
            b.op(ops::EXTENT, &[], attributes).ok()
        }
        19 => {
            let index = tape.pick(&indices)?;
            let attributes = vec![Attribute::Axes(vec![axis])];
            b.op(ops::TAKE_ALONG_AXIS, &[x, index], attributes).ok()
        }
        20 => {
            let index = tape.pick(&indices)?;
            let updates = tape.pick(&numbers)?;
            let attributes = vec![Attribute::Axes(vec![axis])];
            let operands = [x, index, updates];
            b.op(ops::SCATTER_ADD, &operands, attributes).ok()
        }
        21 => {
            let parts: Vec<Value> = (0..=tape.below(3))
                .filter_map(|_| tape.pick(&alike))
                .collect();
            b.op(ops::CONCAT, &parts, vec![Attribute::Axes(vec![axis])])
                .ok()
        }
        22 | 23 => {
            let op = tape.pick(applicable())?;
            let instance = tape.pick(&(op.test.instances)(&op))?;
            let mut from = |_: &Builder| tape.pick(&visible).unwrap_or(x);
            applied(b, op, &instance, DType::F64, &mut from).ok()
        }
        _ => {
            let y = tape.pick(&alike)?;
            let z = tape.pick(&alike)?;
            let op = tape.pick(&[ops::LT, ops::LE, ops::EQ, ops::NE])?;
            let zero = b.constant(0.0, dtype, shape).ok()?;
            let other = tape.pick(&[y, zero])?;
            let mut c = b.op(op, &[x, other], vec![]).ok()?;
            if tape.below(3) == 0 {
                c = b.op(ops::NOT, &[c], vec![]).ok()?;
            }
            match tape.below(3) {
                0 => b.op(ops::SELECT, &[c, zero, x], vec![]).ok(),
                _ => b.op(ops::SELECT, &[c, y, z], vec![]).ok(),
            }
        }
    };
    made.map(|_| ())
}

fn inputs(f: &Function, tape: &mut Tape<'_>) -> Vec<Array> {
    let special = tape.below(2) == 1;
    let filled = |t: &Type| {
        let shape = t.shape.extents().unwrap_or_default();
        let n = shape.iter().product();
        let held: Vec<f64> = NUMBERS.into_iter().filter(|n| t.dtype.holds(*n)).collect();
        let mut data = Vec::with_capacity(n);
        for _ in 0..n {
            data.push(match (special, t.dtype) {
                (true, _) => held[tape.below(held.len())],
                (false, DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16) => {
                    t.dtype.nearest(tape.below(4097) as f64 / 1024.0 - 2.0)
                }
                (false, DType::I32) => tape.below(7) as f64 - 2.0,
                (false, DType::U32) => tape.below(5) as f64,
                (false, DType::Bool) => tape.below(2) as f64,
            });
        }
        Array::new(t.dtype, &shape, data)
    };
    let types = &f.values[..f.params.len()];
    types
        .iter()
        .map(filled)
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// Equal up to the rounding of sums; NaN, infinities, integers and truths exactly. Where terms cancel,
/// the error is that of the terms: `scale` is the greatest number that the result is made of.
fn close(a: f64, b: f64, scale: f64) -> bool {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => true,
        (false, false) if a.is_infinite() || b.is_infinite() => a == b,
        (false, false) => (a - b).abs() <= 1e-12 * scale,
        (true, false) | (false, true) => false,
    }
}

/// For each result, the greatest finite number that it is made of. Rejected is where the order of a
/// sum can tell more than its rounding: numbers near overflow, and quotients beside a sum that is zero,
/// whose sign is not kept.
fn scales(f: &Function, inputs: &[Array]) -> Result<Vec<f64>, TestCaseError> {
    let mut all = f.clone();
    let mut inner = HashMap::new();
    f.body.each_inst(&mut |inst| {
        if let Inst::Loop(l) = inst {
            inner.extend(l.stacks().map(|(value, _, stack)| (value, stack)));
            // Those of a pullback do not stack all.
            let mut rest = Vec::new();
            l.body.each_definition(&mut |v| rest.push(v));
            for v in rest {
                inner.entry(v).or_insert(l.results[0]);
            }
        }
    });
    // What holds a value of a body in all iterations, or what it is made into.
    let shown = |mut v: Value| {
        while let Some(stack) = inner.get(&v) {
            v = *stack;
        }
        v
    };
    all.body.results = (0..f.values.len())
        .map(|i| shown(Value(i as u32)))
        .collect();
    let values = interpret(&all, inputs).map_err(|e| TestCaseError::fail(format!("{e}\n{f}")))?;
    let mut insts = Vec::new();
    f.body.each_inst(&mut |inst| insts.push(inst));
    let made_by = |op: Op| {
        let made = insts.iter().filter_map(|i| i.op());
        let made = made.filter(move |i| i.op == op).map(|i| i.result);
        made.map(|v| &values[v.index()].data)
    };
    let zero_sum = [ops::SUM, ops::DOT, ops::SCATTER_ADD]
        .into_iter()
        .flat_map(made_by)
        .any(|data| data.contains(&0.0));
    let of_signs = [ops::DIV, ops::RECIPROCAL, ops::REM]
        .into_iter()
        .flat_map(made_by);
    if zero_sum && of_signs.count() > 0 {
        return Err(TestCaseError::reject("the sign of a zero may tell"));
    }
    let own = values.iter().map(|a| {
        let finite = a.data.iter().filter(|x| x.is_finite());
        finite.fold(0.0f64, |m, x| x.abs().max(m))
    });
    let mut greatest: Vec<f64> = own.collect();
    for inst in &f.body.insts {
        let mut made_of = inst.operands();
        made_of.extend(inst.results().into_iter().filter(|_| inst.op().is_none()));
        let most = made_of
            .iter()
            .fold(0.0f64, |m, v| m.max(greatest[v.index()]));
        for r in inst.results() {
            greatest[r.index()] = greatest[r.index()].max(most);
        }
    }
    if greatest.iter().any(|g| *g > 1e100) {
        return Err(TestCaseError::reject("a sum may overflow in one order"));
    }
    Ok(f.body.results.iter().map(|r| greatest[r.index()]).collect())
}

fn size(f: &Function) -> usize {
    let mut count = 0;
    f.body.each_inst(&mut |_| count += 1);
    count
}

fn same(f: &Function, g: &Function, inputs: &[Array]) -> Result<(), TestCaseError> {
    let scales = scales(f, inputs)?;
    let (a, b) = (interpret(f, inputs), interpret(g, inputs));
    let (Ok(a), Ok(b)) = (&a, &b) else {
        return Err(TestCaseError::fail(format!("{a:?}\n{b:?}\n{f}\n{g}")));
    };
    for (i, ((a, b), scale)) in a.iter().zip(b).zip(scales).enumerate() {
        prop_assert_eq!(a.type_of(), b.type_of());
        for (x, y) in a.data.iter().zip(&b.data) {
            let equal = match a.dtype.is_float() {
                true => close(*x, *y, scale),
                false => x == y,
            };
            prop_assert!(equal, "result {}: {} became {}\n{}\n{}", i, x, y, f, g);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_simplified_program_computes_the_same(tape in prop::collection::vec(any::<u16>(), 0..300)) {
        let mut tape = Tape(tape.iter());
        let Some(mut f) = program(&mut tape) else {
            return Err(TestCaseError::fail("shapes and types are there to pick"));
        };
        f.compact();
        prop_assert!(verify_stage(&f, Stage::Bound).is_ok(), "{}", f);
        let mut g = f.clone();
        simplify(&mut g);
        let checked = verify_stage(&g, Stage::Bound);
        prop_assert!(checked.is_ok(), "{:?}\n{}\n{}", checked, f, g);
        let inputs = inputs(&f, &mut tape);
        same(&f, &g, &inputs)?;
        prop_assert!(size(&g) <= size(&f) + 8, "it grew\n{}\n{}", f, g);
        // Compared as text: NaN equals nothing.
        prop_assert_eq!(parse(&g.to_string()).map(|f| f.to_string()), Ok(g.to_string()));
        let mut again = g.clone();
        simplify(&mut again);
        prop_assert_eq!(again.to_string(), g.to_string());
    }

    #[test]
    fn a_simplified_pullback_computes_the_same(tape in prop::collection::vec(any::<u16>(), 0..200)) {
        let mut tape = Tape(tape.iter());
        let Some(mut f) = program(&mut tape) else {
            return Err(TestCaseError::fail("shapes and types are there to pick"));
        };
        f.compact();
        let derived = derive_pullback(&mut f, &|_| None);
        prop_assert!(derived.is_ok(), "{:?}\n{}", derived, f);
        let checked = verify(&f);
        prop_assert!(checked.is_ok(), "{:?}\n{}", checked, f);
        let mut g = f.clone();
        simplify(&mut g);
        let checked = verify(&g);
        prop_assert!(checked.is_ok(), "{:?}\n{}\n{}", checked, f, g);
        let (Some(f), Some(g)) = (with_gradients(&f), with_gradients(&g)) else {
            return Err(TestCaseError::fail("no pullback"));
        };
        let inputs = inputs(&f, &mut tape);
        same(&f, &g, &inputs)?;
    }
}

#[test]
fn random_programs_have_every_kind_of_instruction() {
    let mut seen = std::collections::BTreeSet::new();
    let mut state = 1u64;
    for _ in 0..2000 {
        let tape: Vec<u16> = (0..200)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 40) as u16
            })
            .collect();
        let f = program(&mut Tape(tape.iter()));
        if let Some(f) = &f {
            f.body.each_inst(&mut |inst| {
                seen.insert(inst.op().map_or("loop", |i| i.op.name));
            });
        }
    }
    for op in applicable() {
        assert!(seen.contains(op.name), "no `{}` in {seen:?}", op.name);
    }
    for kind in [ops::CONST.name, ops::EXTENT.name, "loop"] {
        assert!(seen.contains(kind), "no `{kind}` in {seen:?}");
    }
}
