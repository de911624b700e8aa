//! Halves: every conversion, and what a device without elements of 16 bits says.

use sinew_codegen::wgsl::{EmitError, Limits, emit};
use sinew_ir::{DType, Scalar};

use crate::programs_support::{applied, bytes, data::around_halves};
use crate::support::{Filled, device};

const HALVES: [DType; 2] = [DType::F16, DType::Bf16];

#[test]
fn every_half_is_that_number_in_f32() {
    let Some(device) = device() else { return };
    for dtype in HALVES {
        let schedule = applied(Scalar::CAST, &[dtype], DType::F32, 1 << 16);
        let halves = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let memory = vec![halves, vec![0; 4 << 16]];
        Filled { schedule, memory }.check_by(device, &|dtype, expected, found| {
            let number = |bits: u32| match dtype {
                DType::F32 => f64::from(f32::from_bits(bits)),
                half => half.of_half_bits(bits as u16),
            };
            let (e, f) = (number(expected), number(found));
            expected == found || (e.is_nan() && f.is_nan())
        });
    }
}

#[test]
fn every_f32_is_the_nearest_half() {
    let Some(device) = device() else { return };
    for dtype in HALVES {
        let numbers = around_halves(dtype);
        let schedule = applied(Scalar::CAST, &[DType::F32], dtype, numbers.len());
        let memory = vec![bytes(&numbers, DType::F32), vec![0; 2 * numbers.len()]];
        Filled { schedule, memory }.check_by(device, &|dtype, expected, found| {
            let nan = |bits: u32| dtype.is_half() && dtype.of_half_bits(bits as u16).is_nan();
            expected == found || (nan(expected) && nan(found))
        });
    }
}

#[test]
fn halves_are_refused_by_name_where_a_device_has_none() {
    let schedule = applied(Scalar::CAST, &[DType::F32], DType::Bf16, 3);
    let error = emit(&schedule, &Limits::default()).expect_err("no elements of 16 bits");
    assert!(matches!(error, EmitError::Half { .. }));
    assert_eq!(
        error.to_string(),
        "kernel `apply` stores elements of bf16, and the device has no elements of 16 bits in its buffers \
         (wgpu's SHADER_I16): run it on the CPU, or keep the values in f32"
    );
}

/// What a kernel only passes through is in no buffer.
#[test]
fn halves_in_registers_alone_need_nothing_of_the_device() {
    let Some(device) = device() else { return };
    let text = "fn @f(%x: f32[33]) -> f32[33] {
  %1 = cast %x dtype bf16
  %2 = cast %1 dtype f32
  return %2
}";
    let function = sinew_ir::parse(text).expect("a function");
    let filled = crate::programs::filled(&function);
    assert!(emit(&filled.schedule, &Limits::default()).is_ok());
    filled.check(device, crate::support::Tolerance::F32);
}
