//! Halves: their 16 bits as a u32, to f32 and back, rounded to the nearest, of two to the even one.

use super::Item;

pub(super) const ITEMS: &[Item] = &[
    Item {
        name: "f32_from_f16",
        needs: &[],
        text: "\
fn f32_from_f16(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let size = bits & 0x7fffu;
  if (size < 0x400u) {
    // A multiple of 2^-24, which is a normal number here.
    return bitcast<f32>(bitcast<u32>(f32(size) * 5.9604644775390625e-8f) | sign);
  }
  let bias = select(112u, 224u, size >= 0x7c00u);
  return bitcast<f32>(((size << 13u) + (bias << 23u)) | sign);
}
",
    },
    Item {
        name: "f16_from_f32",
        needs: &[],
        text: "\
fn f16_from_f32(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  let sign = (word >> 16u) & 0x8000u;
  let size = word & 0x7fffffffu;
  if (size > 0x7f800000u) { return sign | 0x7e00u; }
  // From 65520 on.
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  if (size < 0x38800000u) {
    return sign | u32(round(bitcast<f32>(size) * 16777216.0f));
  }
  return sign | (((size + 0xfffu + ((size >> 13u) & 1u)) >> 13u) - 0x1c000u);
}
",
    },
    Item {
        name: "f32_from_bf16",
        needs: &[],
        text: "\
fn f32_from_bf16(bits: u32) -> f32 {
  return bitcast<f32>(bits << 16u);
}
",
    },
    Item {
        name: "bf16_from_f32",
        needs: &[],
        text: "\
fn bf16_from_f32(x: f32) -> u32 {
  let word = bitcast<u32>(x);
  if ((word & 0x7fffffffu) > 0x7f800000u) { return (word >> 16u) | 0x40u; }
  return (word + 0x7fffu + ((word >> 16u) & 1u)) >> 16u;
}
",
    },
];
