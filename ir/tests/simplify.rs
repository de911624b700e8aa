//! The simplifier changes no meaning: random programs, simplified, compute what they computed before,
//! NaN and infinities included; and simplifying again changes nothing.

use proptest::prelude::*;
use sinew_ir::{
    Array, Attribute, Axis, Builder, DType, Dim, Function, Inst, Op, Param, ParamKind, Shape, Type,
    Value, derive_pullback, interpret, ops, parse, simplify, verify, verify_program,
    with_gradients,
};

/// Choices, one after the other; zeros when none is left, so that a shorter list is a simpler program.
struct Tape<'a>(std::slice::Iter<'a, u16>);

impl Tape<'_> {
    fn below(&mut self, n: usize) -> usize {
        usize::from(*self.0.next().unwrap_or(&0)) % n.max(1)
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        of.get(self.below(of.len())).cloned()
    }
}

const NUMBERS: [f64; 12] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    0.5,
    -3.0,
    0.3,
    1e3,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
const UNARY: [Op; 8] = [
    ops::NEG,
    ops::NEG,
    ops::ABS,
    ops::EXP,
    ops::TANH,
    ops::FLOOR,
    ops::SIGN,
    ops::RELU,
];
const BINARY: [Op; 8] = [
    ops::ADD,
    ops::SUB,
    ops::MUL,
    ops::DIV,
    ops::MAXIMUM,
    ops::MINIMUM,
    ops::ADD,
    ops::MUL,
];
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

/// A program in f64 that the tape chooses; its inputs are `x0`, `x1`, ..
fn program(tape: &mut Tape<'_>) -> Option<Function> {
    let mut b = Builder::default();
    let mut f = Function {
        name: "random".into(),
        ..Function::default()
    };
    for i in 0..4 {
        let shape = tape.pick(&SHAPES)?;
        b.value(Type::of(DType::F64, shape));
        f.params.push(Param {
            name: format!("x{i}"),
            kind: ParamKind::Input,
        });
    }
    for _ in 0..3 + tape.below(14) {
        // What an op refuses is not there: the next choice is made.
        let _ = step(&mut b, tape);
    }
    let floats: Vec<Value> = (0..b.values.len())
        .filter(|i| b.values[*i].dtype.is_float())
        .map(|i| Value(i as u32))
        .collect();
    let last = floats.len().saturating_sub(4);
    f.results = floats[last..].to_vec();
    f.values = b.values;
    f.body = b.insts;
    Some(f)
}

fn step(b: &mut Builder, tape: &mut Tape<'_>) -> Option<Value> {
    let floats: Vec<Value> = (0..b.values.len())
        .filter(|i| b.values[*i].dtype.is_float())
        .map(|i| Value(i as u32))
        .collect();
    // Later values more often: chains are what rules see.
    let recent = floats.len().saturating_sub(3);
    let x = match tape.below(3) {
        0 => tape.pick(&floats)?,
        _ => tape.pick(&floats[recent..])?,
    };
    let shape = b.type_of(x).shape.clone();
    let rank = shape.len();
    let alike: Vec<Value> = floats
        .iter()
        .copied()
        .filter(|v| b.type_of(*v).shape == shape)
        .collect();
    let axis = Axis::At(tape.below(rank));
    let some_axes: Vec<Axis> = (0..rank)
        .filter(|_| tape.below(2) == 1)
        .map(Axis::At)
        .collect();
    match tape.below(16) {
        0 => {
            let op = tape.pick(&UNARY)?;
            b.op(op, &[x], vec![]).ok()
        }
        1 | 2 => {
            let op = tape.pick(&BINARY)?;
            let y = tape.pick(&alike)?;
            b.op(op, &[x, y], vec![]).ok()
        }
        3 => {
            let op = tape.pick(&BINARY)?;
            let y = b.constant(tape.pick(&NUMBERS)?, DType::F64, shape).ok()?;
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
            let attributes = vec![Attribute::Shape(Shape::of(&to))];
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
            let y = tape.pick(&floats)?;
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
            let attributes = roles.into_iter().map(Attribute::Axes).collect();
            let dot = b.op(ops::DOT, &[x, y], attributes).ok()?;
            (b.type_of(dot).shape.len() <= 4).then_some(dot)
        }
        _ => {
            let y = tape.pick(&alike)?;
            let z = tape.pick(&alike)?;
            let op = tape.pick(&[ops::LT, ops::LE, ops::EQ, ops::NE])?;
            let zero = b.constant(0.0, DType::F64, shape).ok()?;
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
    }
}

fn inputs(f: &Function, tape: &mut Tape<'_>) -> Vec<Array> {
    let special = tape.below(2) == 1;
    let of = |t: &Type| {
        let shape = t.shape.extents().unwrap_or_default();
        let n = shape.iter().product();
        let mut data = Vec::with_capacity(n);
        for _ in 0..n {
            data.push(match special {
                true => NUMBERS[tape.below(NUMBERS.len())],
                false => tape.below(4001) as f64 / 1000.0 - 2.0,
            });
        }
        Array::new(DType::F64, &shape, data)
    };
    let types = &f.values[..f.params.len()];
    types
        .iter()
        .map(of)
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// Equal up to the rounding of sums; NaN and infinities exactly. Where terms cancel, the error is that
/// of the terms: `scale` is the greatest number met.
fn close(a: f64, b: f64, scale: f64) -> bool {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => true,
        (false, false) if a.is_infinite() || b.is_infinite() => a == b,
        (false, false) => (a - b).abs() <= 1e-9 * scale.max(1.0),
        _ => false,
    }
}

/// The greatest finite number that any instruction makes; `None` where the order of a sum can tell:
/// numbers near overflow, and quotients beside a sum that is zero, whose sign is not kept.
fn scale(f: &Function, inputs: &[Array]) -> Option<f64> {
    let mut all = f.clone();
    all.results = (0..f.values.len()).map(|i| Value(i as u32)).collect();
    let values = interpret(&all, inputs).ok()?;
    let made_by = |op: Op| {
        let insts = f.body.iter().filter_map(move |i| match i {
            Inst::Op(i) if i.op == op => Some(i.result),
            _ => None,
        });
        insts.map(|v| &values[v.index()].data)
    };
    let zero_sum = made_by(ops::SUM)
        .chain(made_by(ops::DOT))
        .any(|data| data.contains(&0.0));
    if zero_sum && made_by(ops::DIV).next().is_some() {
        return None;
    }
    let numbers = values.iter().flat_map(|a| &a.data);
    let greatest = numbers
        .filter(|x| x.is_finite())
        .fold(0.0f64, |m, x| x.abs().max(m));
    (greatest < 1e100).then_some(greatest)
}

fn same(f: &Function, g: &Function, inputs: &[Array]) -> Result<(), TestCaseError> {
    let Some(scale) = scale(f, inputs) else {
        return Ok(());
    };
    let (a, b) = (interpret(f, inputs), interpret(g, inputs));
    let (Ok(a), Ok(b)) = (&a, &b) else {
        return Err(TestCaseError::fail(format!("{a:?}\n{b:?}\n{f}\n{g}")));
    };
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        prop_assert_eq!(&a.shape, &b.shape);
        for (x, y) in a.data.iter().zip(&b.data) {
            prop_assert!(
                close(*x, *y, scale),
                "result {}: {} became {}\n{}\n{}",
                i,
                x,
                y,
                f,
                g
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_simplified_program_computes_the_same(tape in prop::collection::vec(any::<u16>(), 0..300)) {
        let mut tape = Tape(tape.iter());
        let Some(mut f) = program(&mut tape) else { return Ok(()) };
        f.compact();
        prop_assert!(verify_program(&f).is_ok(), "{}", f);
        let mut g = f.clone();
        simplify(&mut g);
        let checked = verify_program(&g);
        prop_assert!(checked.is_ok(), "{:?}\n{}\n{}", checked, f, g);
        let inputs = inputs(&f, &mut tape);
        same(&f, &g, &inputs)?;
        prop_assert!(g.body.len() <= f.body.len() + 8, "it grew\n{}\n{}", f, g);
        // Compared as text: NaN equals nothing.
        prop_assert_eq!(parse(&g.to_string()).map(|f| f.to_string()), Ok(g.to_string()));
        let mut again = g.clone();
        simplify(&mut again);
        prop_assert_eq!(again.to_string(), g.to_string());
    }

    #[test]
    fn a_simplified_pullback_computes_the_same(tape in prop::collection::vec(any::<u16>(), 0..200)) {
        let mut tape = Tape(tape.iter());
        let Some(mut f) = program(&mut tape) else { return Ok(()) };
        f.compact();
        if derive_pullback(&mut f, &|_| None).is_err() {
            return Ok(());
        }
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
    for _ in 0..500 {
        let tape: Vec<u16> = (0..200)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 40) as u16
            })
            .collect();
        let f = program(&mut Tape(tape.iter()));
        for inst in f.iter().flat_map(|f| &f.body) {
            if let Inst::Op(i) = inst {
                seen.insert(i.op.name);
            }
        }
    }
    assert!(seen.len() >= 25, "{seen:?}");
}
