//! Random elements: the generator against its published vectors, distributions against what they say, and
//! which place of a program draws what.

use sinew_ir::attributes::{Bits, Dropout};
use sinew_ir::{
    Array, Binding, Block, Builder, DType, Dim, Function, LinkError, Number, ParamKind, Shape,
    Type, Unit, inline, interpret, link, link_gradient, ops, threefry,
};
use sinew_testing::unit_of;
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

/// The generator as an op: key, iteration and element as numbers of the host have it.
#[test]
fn the_op_is_the_generator_of_the_host() -> Outcome {
    let (key, iteration, n) = ([0x1319_8a2e, 0x0370_7344], 0x85a3_08d3u32, 5u32);
    for word in 0..2 {
        let mut b = Builder::default();
        let scalar = Type::from_extents(DType::U32, &[]);
        let operands = [(); 3].map(|()| b.value(scalar.clone()));
        let (shape, word_dim) = (&Shape::from_extents(&[5]), &Dim::constant(word));
        let form = Bits {
            shape,
            word: word_dim,
        };
        let bits = b.op(ops::RANDOM_BITS, &operands, form)?;
        let function = Function {
            params: ["a", "b", "c"].map(sinew_ir::Param::input).to_vec(),
            values: b.values,
            body: Block::body(3, b.insts, vec![bits]),
            ..Function::default()
        };
        let number = |x: u32| Array::filled(DType::U32, &[], f64::from(x));
        let inputs = [number(key[0]), number(key[1]), number(iteration)];
        let found = interpret(&function, &inputs)?;
        let expected = (0..n).map(|i| threefry(key, [i, iteration])[word as usize]);
        let expected: Vec<f64> = expected.map(f64::from).collect();
        assert_eq!(found[0].data, expected);
    }
    Ok(())
}

/// u32 and i32 wrap in the interpreter, which computes in f64: products have up to 64 bits.
#[test]
fn integers_wrap() -> Outcome {
    let numbers = [
        0,
        1,
        2,
        65_537,
        0x7fff_ffff,
        0x8000_0000,
        0x9e37_79b9,
        u32::MAX,
    ];
    let pairs: Vec<(u32, u32)> = numbers
        .iter()
        .flat_map(|a| numbers.iter().map(|b| (*a, *b)))
        .collect();
    for dtype in [DType::U32, DType::I32] {
        let element = |x: u32| match dtype {
            DType::I32 => f64::from(x as i32),
            _ => f64::from(x),
        };
        type Wraps = fn(u32, u32) -> u32;
        for (op, expected) in [
            (ops::ADD, u32::wrapping_add as Wraps),
            (ops::SUB, u32::wrapping_sub),
            (ops::MUL, u32::wrapping_mul),
        ] {
            let mut b = Builder::default();
            let ty = Type::from_extents(dtype, &[pairs.len()]);
            let (x, y) = (b.value(ty.clone()), b.value(ty));
            let z = b.op(op, &[x, y], Vec::new())?;
            let function = Function {
                params: ["x", "y"].map(sinew_ir::Param::input).to_vec(),
                values: b.values,
                body: Block::body(2, b.insts, vec![z]),
                ..Function::default()
            };
            let column = |of: fn(&(u32, u32)) -> u32| Array {
                dtype,
                shape: vec![pairs.len()],
                data: pairs.iter().map(|p| element(of(p))).collect(),
            };
            let found = interpret(&function, &[column(|p| p.0), column(|p| p.1)])?;
            let wanted = pairs.iter().map(|(a, b)| element(expected(*a, *b)));
            assert_eq!(
                found[0].data,
                wanted.collect::<Vec<_>>(),
                "{} {dtype}",
                op.name
            );
        }
    }
    Ok(())
}

/// A function of one draw, and others around it.
static DRAW: Unit = unit_of(
    "draw",
    "fn @draw<N>(%x: float[N]) -> float[N] {
  %1 = run_key site [0] word [0]
  %2 = run_key site [0] word [1]
  %3 = iteration
  %4 = uniform %1, %2, %3 low 0 high 1 dtype float shape [N]
  %5 = add %x, %4
  return %5
}",
    &[],
);

static STILL: Unit = unit_of(
    "still",
    "fn @still<N>(%x: float[N]) -> float[N] {
  %1 = neg %x
  return %1
}",
    &[],
);

static TWICE: Unit = unit_of(
    "twice",
    "fn @twice<N>(%x: float[N]) -> float[N], float[N] {
  %1 = call @draw<N = N>(%x) -> float[N]
  %2 = call @draw<N = N>(%x) -> float[N]
  return %1, %2
}",
    &[("draw", &DRAW)],
);

/// The same with what draws nothing before, between and behind, and another draw behind.
static AMONG: Unit = unit_of(
    "twice",
    "fn @twice<N>(%x: float[N]) -> float[N], float[N], float[N] {
  %1 = call @still<N = N>(%x) -> float[N]
  %2 = neg %1
  %3 = call @draw<N = N>(%2) -> float[N]
  %4 = call @still<N = N>(%x) -> float[N]
  %5 = neg %4
  %6 = call @draw<N = N>(%5) -> float[N]
  %7 = call @draw<N = N>(%5) -> float[N]
  return %3, %6, %7
}",
    &[("draw", &DRAW), ("still", &STILL)],
);

/// A loop of three iterations around a call that draws.
static LOOPED: Unit = unit_of(
    "looped",
    "fn @looped<N>(%x: float[N]) -> float[3, N] {
  %1 = call @draw<N = N> loop 3 (%x) -> stacked float[3, N]
  return %1
}",
    &[("draw", &DRAW)],
);

/// A loop around that loop.
static NESTED: Unit = unit_of(
    "nested",
    "fn @nested<N>(%x: float[N]) -> float[2, 3, N] {
  %1 = call @looped<N = N> loop 2 (%x) -> stacked float[2, 3, N]
  return %1
}",
    &[("looped", &LOOPED)],
);

fn binding() -> Binding {
    Binding::new(DType::F64).with("N", 4)
}

fn key(words: [u32; 2]) -> Array {
    Array {
        dtype: DType::U32,
        shape: vec![2],
        data: words.map(f64::from).to_vec(),
    }
}

fn zeros() -> Array {
    Array::filled(DType::F64, &[4], 0.0)
}

/// The results of a unit on zeros, under a key.
fn run(unit: &Unit, words: [u32; 2]) -> Result<Vec<Array>, Box<dyn Error>> {
    let program = link(unit, &binding())?;
    let last = program.params.last().ok_or("it has parameters")?;
    assert_eq!(last.kind, ParamKind::Key);
    Ok(interpret(&program, &[zeros(), key(words)])?)
}

#[test]
fn two_calls_of_one_function_differ() -> Outcome {
    let found = run(&TWICE, [1, 2])?;
    assert!(
        found[0]
            .data
            .iter()
            .zip(&found[1].data)
            .all(|(a, b)| a != b)
    );
    let other = run(&TWICE, [1, 3])?;
    assert!(
        found[0]
            .data
            .iter()
            .zip(&other[0].data)
            .all(|(a, b)| a != b)
    );
    assert_eq!(found, run(&TWICE, [1, 2])?);
    Ok(())
}

#[test]
fn what_else_is_in_a_function_changes_no_stream() -> Outcome {
    let (found, among) = (run(&TWICE, [5, 6])?, run(&AMONG, [5, 6])?);
    assert_eq!(found[..], among[..2]);
    assert!(
        among[1]
            .data
            .iter()
            .zip(&among[2].data)
            .all(|(a, b)| a != b)
    );
    Ok(())
}

/// Every element of every iteration has a number of its own: loops unrolled by hand, with the site that
/// the first iteration tells.
#[test]
fn iterations_differ() -> Outcome {
    let looped = run(&LOOPED, [7, 8])?;
    let nested = run(&NESTED, [7, 8])?;
    for found in [&looped[0], &nested[0]] {
        let mut seen: Vec<u64> = found.data.iter().map(|x| x.to_bits()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), found.data.len());
    }
    let draws = |words: [u32; 2], iteration: u32| {
        (0..4u32).map(move |i| {
            let [first, second] = threefry(words, [i, iteration]);
            let (high, low) = (u64::from(first >> 5), u64::from(second >> 6));
            ((high << 26) | low) as f64 / 2f64.powi(53)
        })
    };
    let program = link(&LOOPED, &binding())?.to_string();
    let nested_program = link(&NESTED, &binding())?.to_string();
    for (text, found, iterations) in [(program, &looped[0], 3), (nested_program, &nested[0], 6)] {
        let words = site(&text).ok_or_else(|| text.clone())?;
        let words = [7 ^ words[0], 8 ^ words[1]];
        let expected: Vec<f64> = (0..iterations).flat_map(|t| draws(words, t)).collect();
        assert_eq!(found.data, expected);
    }
    Ok(())
}

/// The two words that a program of one site xors its key with.
fn site(program: &str) -> Option<[u32; 2]> {
    let line = program.lines().filter(|l| l.contains("= bitxor")).take(2);
    let constant = |l: &str| {
        let name = l.rsplit(' ').next()?;
        let defined = program
            .lines()
            .find(|d| d.trim().starts_with(&format!("{name} = const")))?;
        defined.split_whitespace().nth(4)?.parse().ok()
    };
    let found: Vec<u32> = line.filter_map(constant).collect();
    found.try_into().ok()
}

static DROPPED: Unit = unit_of(
    "dropped",
    "fn @dropped<N>(%x: float[N]) -> float[N] {
  %1 = run_key site [0] word [0]
  %2 = run_key site [0] word [1]
  %3 = iteration
  %4 = dropout %x, %1, %2, %3 p 0.4
  %5 = training
  %6 = broadcast %5 shape [N] new [0]
  %7 = select %6, %4, %x
  return %7
}",
    &[],
);

static PLAIN: Unit = unit_of(
    "loss",
    "fn @loss<N>(%x: float[N]) -> float[], float[N] {
  %1 = call @dropped<N = N>(%x) -> float[N]
  %2 = mul %1, %1
  %3 = sum %2 axes [0]
  return %3, %1
}",
    &[("dropped", &DROPPED)],
);

static KEPT: Unit = unit_of(
    "loss",
    "fn @loss<N>(%x: float[N]) -> float[], float[N] {
  %1 = call @dropped<N = N> checkpoint (%x) -> float[N]
  %2 = mul %1, %1
  %3 = sum %2 axes [0]
  return %3, %1
}",
    &[("dropped", &DROPPED)],
);

static STEP: Unit = unit_of(
    "step",
    "fn @step<N>(%x: float[N]) -> float[N] {
  %1 = call @dropped<N = N> checkpoint (%x) -> float[N]
  %2 = mul %1, %1
  return %2
}",
    &[("dropped", &DROPPED)],
);

/// Each iteration leaves others out of what the one before gave.
static REPEATED: Unit = unit_of(
    "loss",
    "fn @loss<N>(%x: float[N]) -> float[], float[N] {
  %1 = call @step<N = N> loop 3 (carried %x) -> carried float[N]
  %2 = sum %1 axes [0]
  return %2, %1
}",
    &[("step", &STEP)],
);

/// Forward and backward leave the same elements out, in plain calls and where a checkpoint computes them
/// again.
#[test]
fn masks_are_the_same_in_pullbacks() -> Outcome {
    let binding = Binding::new(DType::F64).with("N", 64).with_training(true);
    let x: Vec<f64> = (0..64).map(|i| 0.5 + f64::from(i) / 64.0).collect();
    let input = Array {
        dtype: DType::F64,
        shape: vec![64],
        data: x.clone(),
    };
    let mut masks = Vec::new();
    for unit in [&PLAIN, &KEPT] {
        let made = link_gradient(unit, &binding, &|_| true)?;
        let found = interpret(&made.program, &[input.clone(), key([3, 4])])?;
        let (y, slope) = (&found[1].data, &found[2].data);
        let gone = y.iter().filter(|y| **y == 0.0).count();
        assert!((10..45).contains(&gone), "{gone} of 64 are left out");
        for ((x, y), slope) in x.iter().zip(y).zip(slope) {
            let expected = if *y == 0.0 { 0.0 } else { x / 0.6 };
            assert!((y - expected).abs() < 1e-12);
            // 2 y / (1 - p), where it is not left out.
            assert!((slope - 2.0 * y / 0.6).abs() < 1e-12);
        }
        masks.push(y.clone());
    }
    assert_eq!(masks[0], masks[1]);
    let made = link_gradient(&REPEATED, &binding, &|_| true)?;
    let found = interpret(&made.program, &[input.clone(), key([3, 4])])?;
    // Each element is a (c x)^2 of the one before: the slope of x^8 c^14 is 8 y / x.
    for ((x, y), slope) in x.iter().zip(&found[1].data).zip(&found[2].data) {
        assert!((slope - 8.0 * y / x).abs() <= 1e-9 * slope.abs());
    }
    let gone = found[1].data.iter().filter(|y| **y == 0.0).count();
    assert!(gone > 35, "three iterations leave {gone} of 64 out");
    Ok(())
}

/// Of what only trains nothing is left where a program does not.
#[test]
fn nothing_is_left_out_and_no_key_is_there_without_training() -> Outcome {
    let binding = Binding::new(DType::F64).with("N", 4);
    for unit in [&DROPPED, &PLAIN, &KEPT, &REPEATED] {
        let text = link(unit, &binding)?.to_string();
        let still = link(&STILL, &binding)?;
        assert_eq!(still.params.len(), 1);
        for word in ["key", "dropout", "u32", "bitxor", "select"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
        let made = link_gradient(&PLAIN, &binding, &|_| true)?;
        assert!(made.program.params.iter().all(|p| p.kind != ParamKind::Key));
    }
    Ok(())
}

/// What the run gives waits for it where sizes are open, and round-trips as text.
#[test]
fn functions_in_symbols_keep_their_draws() -> Outcome {
    for unit in [&TWICE, &NESTED, &PLAIN, &REPEATED] {
        let text = inline(unit)?.to_string();
        assert!(text.contains("run_key site ["), "{text}");
        assert_eq!(sinew_ir::parse(&text)?.to_string(), text);
    }
    Ok(())
}

#[test]
fn what_is_no_probability_is_refused_when_it_is_known() -> Outcome {
    let mut b = Builder::default();
    let scalar = Type::from_extents(DType::U32, &[]);
    let key = [(); 3].map(|()| b.value(scalar.clone()));
    let x = b.value(Type::from_extents(DType::F64, &[2]));
    for value in [-0.1, 1.5, f64::NAN] {
        let p = &Number::Known(value);
        let operands = [&[x], &key[..]].concat();
        assert!(b.op(ops::DROPOUT, &operands, Dropout { p }).is_err());
    }
    static SYMBOL: Unit = Unit {
        consts: &[("P", sinew_ir::SymbolValue::Float(1.5))],
        ..unit_of(
            "f",
            "fn @f<N, const P: f64>(%x: float[N]) -> float[N] {
  %1 = run_key site [0] word [0]
  %2 = run_key site [0] word [1]
  %3 = iteration
  %4 = dropout %x, %1, %2, %3 p P
  return %4
}",
            &[],
        )
    };
    match link(&SYMBOL, &binding()) {
        Err(LinkError::Op { error, .. }) => {
            assert_eq!(
                error.to_string(),
                "`1.5` is no probability: these are from 0 to 1"
            );
            Ok(())
        }
        other => Err(format!("{other:?}").into()),
    }
}

/// The vectors of Random123 for threefry2x32, 20 rounds.
#[test]
fn published_vectors() {
    let ones = [u32::MAX; 2];
    assert_eq!(threefry([0; 2], [0; 2]), [0x6b20_0159, 0x99ba_4efe]);
    assert_eq!(threefry(ones, ones), [0x1cb9_96fc, 0xbb00_2be7]);
    assert_eq!(
        threefry([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]),
        [0xc492_3a9c, 0x483d_f7a0]
    );
}
