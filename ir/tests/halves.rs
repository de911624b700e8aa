//! Derivatives of what is computed on halves, against those of the same in f64.

use sinew_ir::{Array, Binding, DType, Param, ParamKind, interpret, link_gradient, parse};
use sinew_testing::unit;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A loss of what most networks are made of, its weights and activations of a type.
const LOSS: &str = "fn @loss(%w: param T[6, 8], %b: param T[8], %v: param T[8, 5], %x: T[4, 6], %y: i32[4]) -> float[] {
  %5 = dot %x, %w contract_x [1] contract_y [0]
  %6 = broadcast %b shape [4, 8] new [0]
  %7 = add %5, %6
  %8 = gelu %7
  %9 = mean %8 axes [1]
  %10 = broadcast %9 shape [4, 8] new [1]
  %11 = sub %8, %10
  %12 = dot %11, %v contract_x [1] contract_y [0]
  %13 = cross_entropy %12, %y axis [1] ignore_index -100 label_smoothing 0
  %14 = mean %13 axes [0]
  %15 = softmax %12 axis [1]
  %16 = max %15 axes [1]
  %17 = sum %16 axes [0]
  %18 = add %14, %17
  %19 = cast %18 dtype float
  return %19
}";

/// Loss and gradients where the elements are of a type, of inputs that a bfloat16 holds.
fn gradients(dtype: DType) -> Result<Vec<Array>, Box<dyn std::error::Error>> {
    let text = LOSS.replace("T[", &format!("{dtype}["));
    let function = parse(&text)?;
    let trained = |p: &Param| p.kind == ParamKind::Param;
    let linked = link_gradient(unit(&function), &Binding::new(DType::F64), &trained)?.program;
    let inputs = linked.values[..linked.params.len()].iter().enumerate();
    let inputs: Option<Vec<Array>> = inputs
        .map(|(p, ty)| {
            let shape = ty.shape.extents()?;
            let count: usize = shape.iter().product();
            let number = |i: usize| match ty.dtype {
                DType::I32 => (i % 5) as f64,
                _ => DType::Bf16.nearest(((i * 7 + p * 3) as f64 * 0.71).sin()),
            };
            Array::new(ty.dtype, &shape, (0..count).map(number).collect())
        })
        .collect();
    Ok(interpret(&linked, &inputs.ok_or("shapes are known")?)?)
}

/// They are of the halves' type, and as far off as a few roundings of that are.
#[test]
fn gradients_of_halves_are_those_of_f64_rounded() -> Outcome {
    let exact = gradients(DType::F64)?;
    for (dtype, least) in [(DType::F16, 2f64.powi(-10)), (DType::Bf16, 2f64.powi(-7))] {
        let found = gradients(dtype)?;
        assert_eq!(found.len(), exact.len());
        for (i, (found, exact)) in found.iter().zip(&exact).enumerate() {
            assert_eq!(found.dtype, if i == 0 { DType::F64 } else { dtype });
            let greatest = exact.data.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (a, b) in found.data.iter().zip(&exact.data) {
                assert_eq!(*a, found.dtype.nearest(*a));
                assert!(
                    (a - b).abs() <= 8.0 * least * greatest,
                    "{dtype} {i}: {a}, not {b}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn every_half_is_itself() {
    for dtype in [DType::F16, DType::Bf16] {
        for bits in 0..=u16::MAX {
            let number = dtype.of_half_bits(bits);
            let back = dtype.half_bits(number);
            match number.is_nan() {
                true => assert!(dtype.of_half_bits(back).is_nan()),
                false => assert_eq!(back, bits, "{dtype} {number:e}"),
            }
        }
    }
}

#[test]
fn what_lies_between_two_goes_to_the_nearer_and_to_the_even_one() {
    for dtype in [DType::F16, DType::Bf16] {
        let greatest = dtype.half_bits(f64::INFINITY) - 1;
        for bits in 0..greatest {
            let (low, high) = (dtype.of_half_bits(bits), dtype.of_half_bits(bits + 1));
            let middle = (low + high) / 2.0;
            let even = if bits % 2 == 0 { low } else { high };
            assert_eq!(dtype.nearest(middle), even, "{dtype} {middle:e}");
            assert_eq!(dtype.nearest(-middle), -even, "{dtype} -{middle:e}");
            assert_eq!(dtype.nearest(middle.next_down()), low, "{dtype} {low:e}");
            assert_eq!(dtype.nearest(middle.next_up()), high, "{dtype} {high:e}");
        }
        let (last, before) = (
            dtype.of_half_bits(greatest),
            dtype.of_half_bits(greatest - 1),
        );
        let beyond = last + (last - before) / 2.0;
        assert_eq!(dtype.nearest(beyond), f64::INFINITY);
        assert_eq!(dtype.nearest(-beyond), f64::NEG_INFINITY);
        assert_eq!(dtype.nearest(beyond.next_down()), last);
    }
}
