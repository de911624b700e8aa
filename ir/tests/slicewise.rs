//! Programs that do attention slice by slice compute what they did, and keep nothing of as many rows as columns for
//! all slices.

use sinew_ir::{
    Array, Binding, DType, Function, Inst, Unit, Worth, interpret, link, link_gradient,
    link_pullback, slicewise, verify_program,
};
use sinew_testing::{difference, unit_of};
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

/// Everything that is large in between.
const ALL: Worth = Worth {
    bytes: 0,
    slice: 0,
    rows: 2,
};

/// `%10` of scores in `%9`, in a function of what `given` says beside queries, keys and values.
macro_rules! attention {
    ($name:literal, $given:literal, $weights:literal) => {
        concat!(
            "fn @",
            $name,
            "<B, H, T, D>(%q: float[B, H, T, D], %k: float[B, H, T, D], %v: float[B, H, T, D]",
            $given,
            ") -> float[B, H, T, D] {\n",
            "  %8 = const value 0.5 dtype float shape [B, H, T, T]\n",
            "  %7 = dot %q, %k batch_x [0, 1] batch_y [0, 1] contract_x [3] contract_y [3]\n",
            "  %9 = mul %7, %8\n",
            $weights,
            "  %11 = dot %10, %v batch_x [0, 1] batch_y [0, 1] contract_x [3] contract_y [2]\n",
            "  return %11\n}"
        )
    };
}

static PLAIN: Unit = unit_of(
    "plain",
    attention!("plain", "", "  %10 = softmax %9 axis [3]\n"),
    &[],
);

static CAUSAL: Unit = unit_of(
    "causal",
    attention!(
        "causal",
        "",
        "  %20 = iota dtype i32 shape [T, T] axis [0]
  %21 = iota dtype i32 shape [T, T] axis [1]
  %22 = le %21, %20
  %23 = broadcast %22 shape [B, H, T, T] new [0, 1]
  %24 = const value -inf dtype float shape [B, H, T, T]
  %25 = select %23, %9, %24
  %10 = softmax %25 axis [3]
"
    ),
    &[],
);

/// What is not seen is as far away as it may be, so that softmax meets no infinity, and is 0 behind it.
static FAR: Unit = unit_of(
    "far",
    attention!(
        "far",
        "",
        "  %20 = iota dtype i32 shape [B, H, T, T] axis [2]
  %21 = iota dtype i32 shape [B, H, T, T] axis [3]
  %22 = le %21, %20
  %24 = const value -1e30 dtype float shape [B, H, T, T]
  %25 = select %22, %9, %24
  %26 = softmax %25 axis [3]
  %27 = const value 0 dtype float shape [B, H, T, T]
  %10 = select %22, %26, %27
"
    ),
    &[],
);

static BIASED: Unit = unit_of(
    "biased",
    attention!(
        "biased",
        ", %bias: float[H, T, T]",
        "  %20 = broadcast %bias shape [B, H, T, T] new [0]
  %21 = add %9, %20
  %10 = softmax %21 axis [3]
"
    ),
    &[],
);

static DROPPED: Unit = unit_of(
    "dropped",
    attention!(
        "dropped",
        "",
        "  %20 = softmax %9 axis [3]
  %21 = run_key site [0] word [0]
  %22 = run_key site [0] word [1]
  %23 = iteration
  %10 = dropout %20, %21, %22, %23 p 0.25
"
    ),
    &[],
);

/// The loss of a function of x alone, with other work between that and the loss.
macro_rules! loss {
    ($name:literal, $callee:literal, $given:literal, $operands:literal) => {
        concat!(
            "fn @",
            $name,
            "<B, H, T, D>(%x: float[B, T, H, D], %w: param float[H, D, H, D], %o: param float[H, D, D]",
            $given,
            ") -> float[] {\n",
            "  %13 = dot %x, %w contract_x [2, 3] contract_y [0, 1]\n",
            "  %14 = permute %13 axes [0, 2, 1, 3]\n",
            "  %15 = permute %x axes [0, 2, 1, 3]\n",
            "  %16 = call @",
            $callee,
            "<B = B, H = H, T = T, D = D>(%14, %15, %15",
            $operands,
            ") -> float[B, H, T, D]\n",
            "  %17 = dot %16, %o contract_x [1, 3] contract_y [0, 1]\n",
            "  %18 = tanh %17\n",
            "  %19 = sum %18 axes [0, 1, 2]\n",
            "  return %19\n}"
        )
    };
}

static LOSSES: [Unit; 5] = [
    unit_of(
        "of_plain",
        loss!("of_plain", "plain", "", ""),
        &[("plain", &PLAIN)],
    ),
    unit_of(
        "of_causal",
        loss!("of_causal", "causal", "", ""),
        &[("causal", &CAUSAL)],
    ),
    unit_of("of_far", loss!("of_far", "far", "", ""), &[("far", &FAR)]),
    unit_of(
        "of_biased",
        loss!("of_biased", "biased", ", %bias: float[H, T, T]", ", %bias"),
        &[("biased", &BIASED)],
    ),
    unit_of(
        "of_dropped",
        loss!("of_dropped", "dropped", "", ""),
        &[("dropped", &DROPPED)],
    ),
];

fn numbers(dtype: DType, shape: &[usize]) -> Array {
    let count = shape.iter().product::<usize>();
    let data = (0..count).map(|i| match dtype {
        DType::U32 => (i * 37 + 11) as f64,
        _ => ((i * 37 + 11) % 101) as f64 / 101.0 - 0.5,
    });
    Array {
        dtype,
        shape: shape.to_vec(),
        data: data.collect(),
    }
}

fn inputs(program: &Function) -> Vec<Array> {
    let types = program.values.iter().take(program.params.len());
    let of = types.map(|ty| numbers(ty.dtype, &ty.shape.extents().unwrap_or_default()));
    of.collect()
}

fn sized(sizes: [usize; 4]) -> Binding {
    let names = ["B", "H", "T", "D"].into_iter().zip(sizes);
    names.fold(Binding::new(DType::F64), |b, (s, n)| b.with(s, n))
}

/// A program that computes the same in slices.
fn in_slices(program: &Function) -> Result<Function, Box<dyn Error>> {
    let inputs = inputs(program);
    let expected = interpret(program, &inputs)?;
    let mut sliced = program.clone();
    assert!(slicewise(&mut sliced, ALL)?, "{program}");
    verify_program(&sliced)?;
    let found = interpret(&sliced, &inputs)?;
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(difference(found, expected, 1e-12, 1e-12), None, "{sliced}");
    }
    Ok(sliced)
}

/// The most elements of a value that an instruction computes and that is no view.
fn largest(program: &Function) -> usize {
    let mut most = 0;
    program.body.each_inst(&mut |inst| {
        if let Inst::Op(op) = inst
            && op.op.kind.view().is_none()
            && !op.op.kind.is_constant()
        {
            let extents = program.type_of(op.result).shape.extents();
            most = most.max(extents.map_or(0, |e| e.iter().product()));
        }
    });
    most
}

#[test]
fn attention_and_its_gradient() -> Outcome {
    for unit in &LOSSES {
        for [b, h, t] in [[2, 3, 5], [1, 3, 5], [2, 1, 5], [3, 2, 16], [2, 2, 37]] {
            let binding = sized([b, h, t, 2]).with_training(true);
            let forward = in_slices(&link(unit, &binding)?)?;
            let gradient = link_gradient(unit, &binding, &|_| true)?.program;
            if unit.path == "of_biased" && (b == 1 || h == 1) {
                // The bias's gradient needs all of the scores' for one batch or for one head after the other.
                assert!(!slicewise(&mut gradient.clone(), ALL)?);
                continue;
            }
            let gradient = in_slices(&gradient)?;
            if unit.path != "of_dropped" && t > 5 {
                let all = b * h * t * t;
                for program in [forward, gradient] {
                    assert!(largest(&program) < all, "{}: {program}", unit.path);
                }
            }
        }
    }
    Ok(())
}

/// Half of the square is not seen: with more ranges of rows, less of it is computed.
#[test]
fn what_is_not_seen_is_not_computed() -> Outcome {
    let program = link_gradient(&LOSSES[1], &sized([2, 2, 32, 4]), &|_| true)?.program;
    let flops = |rows: usize| -> Result<i64, Box<dyn Error>> {
        let mut sliced = program.clone();
        slicewise(&mut sliced, Worth { rows, ..ALL })?;
        let flops = sinew_ir::cost::flops(&sliced, &mut |_| None);
        Ok(flops.and_then(|d| d.as_constant()).ok_or("no number")?)
    };
    let [whole, halves, eighths] = [flops(32)?, flops(16)?, flops(4)?];
    assert!(
        eighths < halves && halves < whole,
        "{eighths} {halves} {whole}"
    );
    Ok(())
}

/// A pullback takes cotangents, and one of that is derived again.
#[test]
fn pullbacks_of_attention() -> Outcome {
    for unit in [&PLAIN, &CAUSAL, &FAR, &BIASED] {
        let program = link_pullback(unit, &sized([2, 2, 7, 2]), &|_| true)?.program;
        in_slices(&program)?;
    }
    Ok(())
}

static LAYER: Unit = unit_of(
    "layer",
    "fn @layer<B, H, T, D>(%x: float[B, T, H, D], %w: param float[H, D, 3, H, D]) -> float[B, T, H, D] {
  %2 = dot %x, %w contract_x [2, 3] contract_y [0, 1]
  %3 = reshape %2 shape [B, T, 3 * H * D]
  %4 = slice %3 axis [2] range [0, H * D, 1]
  %5 = reshape %4 shape [B, T, H, D]
  %6 = permute %5 axes [0, 2, 1, 3]
  %7 = slice %3 axis [2] range [H * D, 2 * H * D, 1]
  %8 = reshape %7 shape [B, T, H, D]
  %9 = permute %8 axes [0, 2, 1, 3]
  %10 = slice %3 axis [2] range [2 * H * D, 3 * H * D, 1]
  %11 = reshape %10 shape [B, T, H, D]
  %12 = permute %11 axes [0, 2, 1, 3]
  %13 = call @causal<B = B, H = H, T = T, D = D>(%6, %9, %12) -> float[B, H, T, D]
  %14 = permute %13 axes [0, 2, 1, 3]
  %15 = add %14, %x
  return %15
}",
    &[("causal", &CAUSAL)],
);

static LAYERS: Unit = unit_of(
    "layers",
    "fn @layers<L, B, H, T, D>(%x: float[B, T, H, D], %w: param float[L, H, D, 3, H, D]) -> float[] {
  %2 = call @layer<B = B, H = H, T = T, D = D> loop L (carried %x, sliced %w) -> carried float[B, T, H, D]
  %3 = tanh %2
  %4 = sum %3 axes [0, 1, 2, 3]
  return %4
}",
    &[("layer", &LAYER)],
);

/// The reverse of a loop over layers computes their weights again, from what queries, keys and values are views of.
#[test]
fn layers_in_a_loop_stack_no_weights() -> Outcome {
    let [layers, b, h, t, d] = [3, 2, 2, 9, 2];
    let program =
        link_gradient(&LAYERS, &sized([b, h, t, d]).with("L", layers), &|_| true)?.program;
    let sliced = in_slices(&program)?;
    let mut stacked = Vec::new();
    sliced.body.insts.iter().for_each(|inst| {
        if let Inst::Loop(l) = inst {
            stacked.extend(
                l.stacks()
                    .map(|(value, ..)| sliced.type_of(value).to_string()),
            );
        }
    });
    let weights = format!("f64[{b}, {h}, {t}, {t}]");
    assert!(!stacked.contains(&weights), "{stacked:?}");
    let all = format!("f64[{b}, {t}, 3, {h}, {d}]");
    assert!(stacked.contains(&all), "{stacked:?}\n{sliced}");
    Ok(())
}

/// What somebody asks for is kept as it is, and caches hold what is small.
#[test]
fn what_stays_as_it_is() -> Outcome {
    let weights = unit_of(
        "weights",
        "fn @weights<B, H, T, D>(%q: float[B, H, T, D], %k: float[B, H, T, D]) -> float[B, H, T, T] {
  %2 = dot %q, %k batch_x [0, 1] batch_y [0, 1] contract_x [3] contract_y [3]
  %3 = softmax %2 axis [3]
  return %3
}",
        &[],
    );
    let binding = sized([2, 3, 5, 2]);
    let mut asked = link(&weights, &binding)?;
    let before = asked.to_string();
    assert!(!slicewise(&mut asked, ALL)?);
    assert_eq!(asked.to_string(), before);
    let mut small = link(&PLAIN, &binding)?;
    assert!(!slicewise(&mut small, Worth::default())?);
    Ok(())
}
