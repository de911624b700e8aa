//! Floats by their bits, in order, rounded and divided.

use super::Item;

pub(super) const ITEMS: &[Item] = &[
    Item {
        name: "is_nan",
        needs: &[],
        text: "\
// By bits: compilers may assume that `x != x` is false.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}
",
    },
    Item {
        name: "from_bits",
        needs: &[],
        text: "\
// Infinities, NaN and -0 may not appear in constant expressions.
fn from_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}
",
    },
    Item {
        name: "order_f32",
        needs: &["is_nan"],
        text: "\
// A u32 that is greater where x is: zeros are equal, NaN has the greatest. By bits, since arithmetic may
// take subnormal numbers for zeros.
fn order_f32(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if (is_nan(x)) { return 0xffffffffu; }
  if (bits <= 0x80000000u) { return bits | 0x80000000u; }
  return ~bits;
}
",
    },
    Item {
        name: "maximum_f32",
        needs: &["is_nan"],
        text: "\
fn maximum_f32(a: f32, b: f32) -> f32 {
  return select(select(max(a, b), b, is_nan(b)), a, is_nan(a));
}
",
    },
    Item {
        name: "minimum_f32",
        needs: &["is_nan"],
        text: "\
fn minimum_f32(a: f32, b: f32) -> f32 {
  return select(select(min(a, b), b, is_nan(b)), a, is_nan(a));
}
",
    },
    Item {
        name: "precedes_f32",
        needs: &["is_nan"],
        text: "\
// Whether x takes the place of the best so far: NaN comes before every number.
fn precedes_f32(x: f32, best: f32) -> bool {
  return !is_nan(best) && (is_nan(x) || x > best);
}
",
    },
    Item {
        name: "equal_f32",
        needs: &["is_nan"],
        text: "\
fn equal_f32(a: f32, b: f32) -> bool {
  return a == b && !is_nan(a) && !is_nan(b);
}
",
    },
    Item {
        name: "less_f32",
        needs: &["is_nan"],
        text: "\
fn less_f32(a: f32, b: f32) -> bool {
  return a < b && !is_nan(a) && !is_nan(b);
}
",
    },
    Item {
        name: "less_equal_f32",
        needs: &["is_nan"],
        text: "\
fn less_equal_f32(a: f32, b: f32) -> bool {
  return a <= b && !is_nan(a) && !is_nan(b);
}
",
    },
    Item {
        name: "sign_f32",
        needs: &["is_nan"],
        text: "\
fn sign_f32(x: f32) -> f32 {
  return select(select(select(0.0f, -1.0f, x < 0.0f), 1.0f, x > 0.0f), x, is_nan(x));
}
",
    },
    Item {
        name: "floor_f32",
        needs: &["is_nan"],
        text: "\
fn floor_f32(x: f32) -> f32 {
  return select(floor(x), x, is_nan(x));
}
",
    },
    Item {
        name: "round_f32",
        needs: &["is_nan"],
        text: "\
// To the even one of two.
fn round_f32(x: f32) -> f32 {
  return select(round(x), x, is_nan(x));
}
",
    },
    Item {
        name: "sqrt_f32",
        needs: &["is_nan", "from_bits"],
        text: "\
// As exact as the driver's square root (Vulkan: about 3 ulp).
fn sqrt_f32(x: f32) -> f32 {
  if (is_nan(x) || x == 0.0f || bitcast<u32>(x) == 0x7f800000u) {
    return x;
  }
  if (x < 0.0f) {
    return from_bits(0x7fc00000u);
  }
  return sqrt(x);
}
",
    },
    Item {
        name: "rem_f32",
        needs: &["from_bits"],
        text: "\
// The exact remainder with the divisor's sign: long division of the significands, because a
// quotient rounded by the driver would be off by one near multiples of the divisor.
fn rem_f32(a: f32, b: f32) -> f32 {
  let sign_a = bitcast<u32>(a) & 0x80000000u;
  let sign_b = bitcast<u32>(b) & 0x80000000u;
  let x = bitcast<u32>(a) & 0x7fffffffu;
  let y = bitcast<u32>(b) & 0x7fffffffu;
  if (x >= 0x7f800000u || y > 0x7f800000u || y == 0u) {
    return from_bits(0x7fc00000u);
  }
  var bits = x;
  if (x >= y) {
    let ex = max(x >> 23u, 1u);
    var mx = select((x & 0x7fffffu) | 0x800000u, x, x < 0x800000u);
    let ey = max(y >> 23u, 1u);
    let my = select((y & 0x7fffffu) | 0x800000u, y, y < 0x800000u);
    mx = mx % my;
    for (var step = 0u; step < ex - ey; step = step + 1u) {
      mx = (mx << 1u) % my;
    }
    // mx counts units of 2^(ey - 150).
    if (mx == 0u) {
      bits = 0u;
    } else {
      let shift = min(countLeadingZeros(mx) - 8u, ey - 1u);
      let m = mx << shift;
      bits = select(((ey - shift) << 23u) | (m & 0x7fffffu), m, m < 0x800000u);
    }
  }
  if (bits == 0u) {
    return from_bits(sign_b);
  }
  let r = from_bits(bits | sign_a);
  return select(r + b, r, sign_a == sign_b);
}
",
    },
];
