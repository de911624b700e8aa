//! Sines and cosines of any angle, and the angle of a tangent.

use super::Item;

pub(super) const ITEMS: &[Item] = &[
    Item {
        name: "mul_high",
        needs: &[],
        text: "\
// The upper 32 bits of a product.
fn mul_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let other = a0 * b1 + (middle & 0xffffu);
  return a1 * b1 + (middle >> 16u) + (other >> 16u);
}
",
    },
    Item {
        name: "inverse_pi",
        needs: &[],
        text: "\
// 32 bits of 4 / pi, from bit 8 i - 24 on.
fn inverse_pi(i: u32) -> u32 {
  var words = array<u32, 7>(
    0x000000a2u, 0xf9836e4eu, 0x441529fcu, 0x2757d1f5u, 0x34ddc0dbu, 0x6295993cu, 0x439041feu
  );
  // The first word ends behind bit 8: words are four steps apart, three before the second one.
  let word = i / 4u;
  let shift = (i % 4u) * 8u;
  if (shift == 0u) {
    return words[word];
  }
  return (words[word] << shift) | (words[word + 1u] >> (32u - shift));
}
",
    },
    Item {
        name: "quarter_turns",
        needs: &["mul_high", "inverse_pi"],
        text: "\
// What is left of |x| by whole quarter turns, from -pi/4 to pi/4, and the turns modulo 4: by the bits
// of 4 / pi that count, in integers (Payne and Hanek), right for every finite x. An infinity has NaN.
struct Turned {
  rest: f32,
  turns: u32,
}

fn quarter_turns(x: f32) -> Turned {
  let bits = bitcast<u32>(x) & 0x7fffffffu;
  let t = bitcast<f32>(bits);
  if (bits >= 0x7f800000u) {
    return Turned(bitcast<f32>(bits | 0x7fc00000u), 0u);
  }
  if (t < 0.785398163f) {
    return Turned(t, 0u);
  }
  if (t < 2.0f) {
    // In units of 2^-62: drivers that add up the parts of pi / 2 first would lose what they are for.
    let fixed = ((bits & 0x7fffffu) | 0x800000u) << ((bits >> 23u) - 120u);
    let below = fixed <= 0x6487ed51u;
    let upper = select(fixed - 0x6487ed52u, 0x6487ed51u - fixed, below);
    let lower = select(0xef4b9ee6u, 0x10b4611au, below);
    let near = fma(f32(upper), 4294967296.0f, f32(lower)) * 2.168404344971009e-19f;
    return Turned(select(near, -near, below), 1u);
  }
  let i = (bits >> 26u) & 15u;
  let m = ((bits & 0x7fffffu) | 0x800000u) << ((bits >> 23u) & 7u);
  let b = inverse_pi(i + 4u);
  let c = inverse_pi(i + 8u);
  // 64 bits of the product, the first two of which count quarter turns.
  let low_a = m * b;
  let low = low_a + mul_high(m, c);
  var high = m * inverse_pi(i) + mul_high(m, b) + select(0u, 1u, low < low_a);
  var turns = high >> 30u;
  var rest_high = high & 0x3fffffffu;
  var rest_low = low;
  var negative = false;
  if (rest_high >= 0x20000000u) {
    turns = turns + 1u;
    negative = true;
    // 2^62 less the rest.
    rest_low = ~rest_low + 1u;
    rest_high = (0x3fffffffu - rest_high) + select(0u, 1u, rest_low == 0u);
  }
  // pi / 2 of 2^62.
  let rest = fma(f32(rest_high), 4294967296.0f, f32(rest_low)) * 3.4061215800e-19f;
  return Turned(select(rest, -rest, negative), turns & 3u);
}
",
    },
    Item {
        name: "sine_of",
        needs: &[],
        text: "\
// The sine of a rest from -pi/4 to pi/4 behind some quarter turns. Cephes' polynomials.
fn sine_of(rest: f32, turns: u32) -> f32 {
  let s = rest * rest;
  var y = 0.0f;
  if ((turns & 1u) == 0u) {
    var p = -1.9515295891e-4f;
    p = fma(p, s, 8.3321608736e-3f);
    p = fma(p, s, -1.6666654611e-1f);
    y = fma(p * s, rest, rest);
  } else {
    var p = 2.443315711809948e-5f;
    p = fma(p, s, -1.388731625493765e-3f);
    p = fma(p, s, 4.166664568298827e-2f);
    y = fma(p, s * s, fma(s, -0.5f, 1.0f));
  }
  return select(y, -y, (turns & 2u) != 0u);
}
",
    },
    Item {
        name: "sin_f32",
        needs: &["quarter_turns", "sine_of"],
        text: "\
// Relative error below 3e-7, for every x.
fn sin_f32(x: f32) -> f32 {
  let turned = quarter_turns(x);
  let y = sine_of(turned.rest, turned.turns);
  return select(y, -y, (bitcast<u32>(x) & 0x80000000u) != 0u);
}
",
    },
    Item {
        name: "cos_f32",
        needs: &["quarter_turns", "sine_of"],
        text: "\
// Relative error below 3e-7, for every x: the sine a quarter turn ahead.
fn cos_f32(x: f32) -> f32 {
  let turned = quarter_turns(x);
  return sine_of(turned.rest, turned.turns + 1u);
}
",
    },
    Item {
        name: "atan_f32",
        needs: &["is_nan"],
        text: "\
// Relative error below 3e-7: of -1/x behind a quarter turn, of (x - 1) / (x + 1) behind an eighth, of x
// near 0. Cephes' polynomial.
fn atan_f32(x: f32) -> f32 {
  if (is_nan(x)) {
    return x;
  }
  let t = abs(x);
  var start = 0.0f;
  var z = t;
  if (t > 1e30f) {
    start = 1.57079637f;
    z = 0.0f;
  } else if (t > 2.41421366f) {
    start = 1.57079637f;
    z = -1.0f / t;
  } else if (t > 0.414213568f) {
    start = 0.785398185f;
    z = (t - 1.0f) / (t + 1.0f);
  }
  let s = z * z;
  var p = 0.0805374458f;
  p = fma(p, s, -0.138776854f);
  p = fma(p, s, 0.199777111f);
  p = fma(p, s, -0.333329499f);
  let y = start + fma(p * s, z, z);
  return select(y, -y, x < 0.0f);
}
",
    },
];
