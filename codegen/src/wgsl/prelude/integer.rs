//! Remainders of integers, and what floats are as integers and bools.

use super::Item;

pub(super) const ITEMS: &[Item] = &[
    Item {
        name: "rem_i32",
        needs: &[],
        text: "\
fn rem_i32(a: i32, b: i32) -> i32 {
  if (b == 0 || b == -1) {
    return 0;
  }
  let r = a % b;
  return select(r, r + b, r != 0 && (r < 0) != (b < 0));
}
",
    },
    Item {
        name: "rem_u32",
        needs: &[],
        text: "\
fn rem_u32(a: u32, b: u32) -> u32 {
  if (b == 0u) {
    return 0u;
  }
  return a % b;
}
",
    },
    Item {
        name: "to_i32",
        needs: &["is_nan"],
        text: "\
// Truncates and saturates; NaN becomes 0.
fn to_i32(x: f32) -> i32 {
  if (is_nan(x)) {
    return 0;
  }
  if (x >= 2147483648.0f) {
    return 2147483647;
  }
  if (x <= -2147483648.0f) {
    return bitcast<i32>(0x80000000u);
  }
  return i32(x);
}
",
    },
    Item {
        name: "to_u32",
        needs: &["is_nan"],
        text: "\
// Truncates and saturates; NaN becomes 0.
fn to_u32(x: f32) -> u32 {
  if (is_nan(x) || x <= 0.0f) {
    return 0u;
  }
  if (x >= 4294967296.0f) {
    return 4294967295u;
  }
  return u32(x);
}
",
    },
    Item {
        name: "not_zero_f32",
        needs: &[],
        text: "\
// NaN is not zero.
fn not_zero_f32(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) != 0u;
}
",
    },
];
