//! Every op's pullback against finite differences, to second order: extents 0, 1 and odd ones.
//!
//! The directional derivative of `<c, f(x)>` by a stencil of five points is compared with `<g, v>`,
//! `g` being what the pullback gives for the cotangent `c`. The pullback, taken as a function of inputs
//! and cotangents, is then tried in the same way: the pass applied to its own output.

use sinew_ir::attributes::Running;
use sinew_ir::{
    Array, Attributes, Axis, Binding, Block, Builder, DType, Function, Instance, Kind, Op, Param,
    ParamKind, Pullback, Type, derive_pullback, interpret, link, ops, verify,
};
use sinew_testing::{read, unit, with_gradients};
use std::path::Path;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // Steele, Lea, Flood: SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn array(&mut self, ty: &Type) -> Array {
        let shape = ty.shape.extents().expect("tests have known extents");
        let n: usize = shape.iter().product();
        let data = (0..n).map(|_| self.between(-1.0, 1.0)).collect();
        Array::new(ty.dtype, &shape, data).expect("as many elements")
    }
}

fn function(op: Op, instance: &Instance) -> Result<Function, Box<dyn std::error::Error>> {
    let mut b = Builder::default();
    let operands: Vec<_> = instance
        .operands
        .iter()
        .map(|t| b.value(t.clone()))
        .collect();
    let result = b.op(op, &operands, instance.attributes.clone())?;
    let params = operands.iter().map(|v| Param {
        name: format!("x{}", v.0),
        kind: ParamKind::Input,
    });
    Ok(Function {
        name: op.name.to_string(),
        params: params.collect(),
        values: b.values,
        body: Block::body(operands.len(), b.insts, vec![result]),
        ..Function::default()
    })
}

/// Operands from the op's domain, no two elements close to each other or to a kink.
fn point(op: Op, instance: &Instance, numbers: &mut Numbers) -> Vec<Array> {
    let counts: Vec<usize> = instance
        .operands
        .iter()
        .map(|t| t.shape.extents().expect("known extents").iter().product())
        .collect();
    let all: usize = counts.iter().sum();
    // Places on a grid, shuffled: what ties would be is far apart.
    let mut places: Vec<usize> = (0..all).collect();
    for i in (1..all).rev() {
        places.swap(i, numbers.next() as usize % (i + 1));
    }
    let mut places = places.into_iter();
    let mut domains = op.test.domain.iter();
    let mut out = Vec::new();
    for (t, n) in instance.operands.iter().zip(counts) {
        let data: Vec<f64> = match t.dtype {
            DType::Bool => (0..n).map(|_| (numbers.next() & 1) as f64).collect(),
            DType::I32 | DType::U32 => (0..n).map(|_| (numbers.next() % 3) as f64).collect(),
            DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => {
                let last = *op.test.domain.last().expect("a domain for float operands");
                let (low, high) = domains.next().copied().unwrap_or(last);
                let own = places.by_ref().take(n);
                own.map(|p| {
                    let x = low + (high - low) * (p as f64 + 0.5) / all as f64;
                    let near = op.test.kinks.iter().any(|k| (x - k).abs() < 0.02);
                    if near { x + 0.03 } else { x }
                })
                .collect()
            }
        };
        let shape = t.shape.extents().expect("known extents");
        out.push(Array::new(t.dtype, &shape, data).expect("as many elements"));
    }
    out
}

fn inner(xs: &[Array], ys: &[Array]) -> f64 {
    let pairs = xs.iter().zip(ys);
    pairs
        .flat_map(|(x, y)| x.data.iter().zip(&y.data))
        .map(|(a, b)| a * b)
        .sum()
}

fn is_float(a: &Array) -> bool {
    a.dtype.is_float()
}

/// `x + t v` for the floats.
fn moved(x: &[Array], v: &[Array], t: f64) -> Vec<Array> {
    let mut out = x.to_vec();
    for (a, d) in out.iter_mut().zip(v) {
        if is_float(a) {
            for (e, s) in a.data.iter_mut().zip(&d.data) {
                *e += t * s;
            }
        }
    }
    out
}

/// Compares `f`'s pullback at `x` with differences; gives the pullback as a function, and its inputs.
fn compare(
    what: &str,
    mut f: Function,
    x: &[Array],
    numbers: &mut Numbers,
) -> Result<(Function, Vec<Array>), Box<dyn std::error::Error>> {
    derive_pullback(&mut f, &|_| None)?;
    verify(&f)?;
    let with = with_gradients(&f).ok_or("no calls are here")?;
    verify(&with)?;
    let mut inputs = x.to_vec();
    let results = interpret(&f, x)?;
    let cotangents: Vec<Array> = results
        .iter()
        .map(|r| match is_float(r) {
            true => numbers.array(&r.type_of()),
            false => Array::filled(r.dtype, &r.shape, 0.0),
        })
        .collect();
    inputs.extend(cotangents.iter().filter(|c| is_float(c)).cloned());
    let found = interpret(&with, &inputs)?;
    let mut gradients = found[results.len()..].iter();
    let pullback = f.pullback.as_ref().ok_or("it was derived")?;
    let v: Vec<Array> = x.iter().map(|a| numbers.array(&a.type_of())).collect();
    let mut slope = 0.0;
    for param in &pullback.gradients {
        let g = gradients.next().ok_or("a gradient a parameter")?;
        slope += inner(std::slice::from_ref(g), std::slice::from_ref(&v[*param]));
    }
    let at = |t: f64| -> Result<f64, Box<dyn std::error::Error>> {
        let y = interpret(&f, &moved(x, &v, t))?;
        let floats = y.iter().map(|r| match is_float(r) {
            true => r.clone(),
            false => Array::filled(r.dtype, &r.shape, 0.0),
        });
        Ok(inner(&floats.collect::<Vec<_>>(), &cotangents))
    };
    let h = 1e-3;
    let near = at(h)? - at(-h)?;
    let far = at(2.0 * h)? - at(-2.0 * h)?;
    let difference = (8.0 * near - far) / (12.0 * h);
    let finite = |a: &Array| a.data.iter().all(|e| e.is_finite());
    if !results.iter().all(finite) {
        // A mean or a maximum of nothing has no slope; that the gradient has its shape is seen above.
        assert!(x.iter().any(|a| a.data.is_empty()), "{what} is not finite");
        return Ok((with, inputs));
    }
    let scale = slope.abs().max(1.0);
    assert!(
        (slope - difference).abs() <= 1e-6 * scale,
        "{what}: the pullback gives {slope}, differences {difference}"
    );
    Ok((with, inputs))
}

#[test]
fn every_pullback_is_the_derivative_to_second_order() -> Outcome {
    let mut numbers = Numbers(1);
    for op in ops::TABLE {
        // Its derivative is zero by intention.
        if matches!(op.kind, Kind::Identity)
            || matches!(op.pullback, Pullback::NotDifferentiable(_))
        {
            continue;
        }
        for (i, instance) in (op.test.instances)(op).iter().enumerate() {
            let what = format!("{} {i}", op.name);
            let x = point(*op, instance, &mut numbers);
            let f = function(*op, instance)?;
            let (g, inputs) = compare(&format!("{what}, first order"), f, &x, &mut numbers)?;
            compare(&format!("{what}, second order"), g, &inputs, &mut numbers)?;
        }
    }
    Ok(())
}

#[test]
fn what_is_made_of_ops_has_their_derivative_to_second_order() -> Outcome {
    let made = [
        "einsum",
        "rearrange",
        "reduce",
        "repeat",
        "set",
        "add_to",
        "set_at",
        "add_at",
        "take_points",
        "pad",
        "triu",
        "windows",
        "meshgrid",
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");
    let mut numbers = Numbers(3);
    let mut tried = 0;
    for case in read(Path::new(folder))? {
        if !made.contains(&case.op.as_str()) {
            continue;
        }
        let f = case.function()?.ok_or("it is covered")?;
        let f = link(unit(&f), &Binding::new(DType::F64))?;
        let bound = |(_, x): &(String, Array)| {
            let mut x = x.clone();
            if is_float(&x) {
                x.dtype = DType::F64;
            }
            x
        };
        let x: Vec<Array> = case.inputs.iter().map(bound).collect();
        let what = &case.name;
        let (g, inputs) = compare(&format!("{what}, first order"), f, &x, &mut numbers)?;
        compare(&format!("{what}, second order"), g, &inputs, &mut numbers)?;
        tried += 1;
    }
    assert!(tried > 100, "{tried} cases are few");
    Ok(())
}

#[test]
fn nothing_flows_through_stop_gradient() -> Outcome {
    let instance = Instance {
        operands: vec![Type::from_extents(DType::F64, &[3])],
        attributes: Attributes::none(),
    };
    let mut f = function(ops::STOP_GRADIENT, &instance)?;
    derive_pullback(&mut f, &|_| None)?;
    let pullback = f.pullback.ok_or("it was derived")?;
    assert!(pullback.gradients.is_empty());
    Ok(())
}

#[test]
fn entries_say_what_they_take() {
    for op in ops::TABLE {
        assert_eq!(ops::find(op.name), Some(*op));
        assert!(op.doc.ends_with('.'), "{}", op.name);
        for t in op.test.domain {
            assert!(t.0 < t.1, "{}", op.name);
        }
    }
}

#[test]
fn a_running_product_has_its_derivative_where_factors_are_zero() -> Outcome {
    let mut numbers = Numbers(2);
    let rows: [&[f64]; 4] = [
        &[2.0, 0.0, 3.0, 0.5, -1.0],
        &[0.0, 2.0, 0.0, 3.0, 0.0],
        &[0.0, 0.0, 0.0, 0.0, 1.0],
        &[1.5, -2.0, 0.5, 4.0, 0.0],
    ];
    for (row, reverse) in rows.iter().flat_map(|row| [(row, false), (row, true)]) {
        let axis = Axis::At(0);
        let instance = Instance {
            operands: vec![Type::from_extents(DType::F64, &[row.len()])],
            attributes: Running { axis, reverse }.into(),
        };
        let x = vec![Array::new(DType::F64, &[row.len()], row.to_vec()).expect("as many")];
        let f = function(ops::CUMPROD, &instance)?;
        let what = format!("{row:?} {reverse}");
        let (g, inputs) = compare(&format!("{what}, first order"), f, &x, &mut numbers)?;
        let (h, inputs) = compare(&format!("{what}, second order"), g, &inputs, &mut numbers)?;
        compare(&format!("{what}, third order"), h, &inputs, &mut numbers)?;
    }
    Ok(())
}
