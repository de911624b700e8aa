//! Functions that generated shaders bring along, each printed only where it is needed.
//!
//! WGSL's own transcendental functions are too loose on some drivers (measured: `exp` 4e-6
//! relative, `log(0)` = -88, `tanh(90)` = NaN), and NaN is lost in comparisons and conversions, so
//! these test bits and use their own polynomials: near-minimax fits made for this file (weighted
//! least squares, Lawson's iteration), errors stated at each. The stated errors hold on drivers
//! whose `fma` and arithmetic are IEEE. Drivers may take subnormal numbers (below 1.2e-38) for zeros, as
//! operands and as results, and may choose anew at each instruction.

/// A function and the functions it calls.
pub(super) struct Item {
    /// Its name in WGSL.
    pub name: &'static str,
    /// Names of other items.
    pub needs: &'static [&'static str],
    /// Its text.
    pub text: &'static str,
}

/// Every function, callees before callers.
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
    Item {
        name: "exp_series",
        needs: &[],
        text: "\
// e^r - 1 for |r| <= ln(2) / 2: r + r^2 p(r), p's own error 4e-9.
fn exp_series(r: f32) -> f32 {
  var p = 0.0013814610429108143f;
  p = fma(p, r, 0.008368710055947304f);
  p = fma(p, r, 0.04166838899254799f);
  p = fma(p, r, 0.1666652113199234f);
  p = fma(p, r, 0.4999999403953552f);
  return fma(p, r * r, r);
}
",
    },
    Item {
        name: "exp_f32",
        needs: &["is_nan", "from_bits", "exp_series"],
        text: "\
// Relative error below 2e-7: x = n ln 2 + r, then e^r.
fn exp_f32(x: f32) -> f32 {
  if (is_nan(x)) {
    return x;
  }
  if (x > 88.72284f) {
    return from_bits(0x7f800000u);
  }
  if (x < -103.98f) {
    return 0.0f;
  }
  // ln 2 in two parts, 355/512 and the rest. The first product is of integers: drivers that turn
  // n a + n b into n (a + b) would lose what the split is for.
  let n = i32(floor(fma(x, 1.44269504f, 0.5f)));
  var r = fma(f32(n * 355), -0.001953125f, x);
  r = fma(f32(n), 2.12194440e-4f, r);
  let p = exp_series(r) + 1.0f;
  // In two steps: 2^n itself may be out of range.
  let half = n / 2;
  let rest = n - half;
  return p * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(rest + 127) << 23u);
}
",
    },
    Item {
        name: "expm1_f32",
        needs: &["exp_series", "exp_f32"],
        text: "\
// Relative error below 5e-7: nothing that was rounded is taken off near 0, which a driver's algebra
// could undo.
fn expm1_f32(x: f32) -> f32 {
  if (abs(x) < 0.34657359f) {
    return exp_series(x);
  }
  return exp_f32(x) - 1.0f;
}
",
    },
    Item {
        name: "log_series",
        needs: &[],
        text: "\
// e ln 2 + log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)): f - f^2/2 + f^3 p(f), p's own error 1e-9.
fn log_series(e: i32, f: f32) -> f32 {
  var p = 0.06915368139743805f;
  p = fma(p, f, -0.11789807677268982f);
  p = fma(p, f, 0.11872976273298264f);
  p = fma(p, f, -0.1238434836268425f);
  p = fma(p, f, 0.14218658208847046f);
  p = fma(p, f, -0.16669251024723053f);
  p = fma(p, f, 0.20002226531505585f);
  p = fma(p, f, -0.24999986588954926f);
  p = fma(p, f, 0.3333331048488617f);
  let s = f * f;
  var y = p * f * s;
  y = fma(f32(e), -2.12194440e-4f, y);
  y = fma(s, -0.5f, y);
  return fma(f32(e * 355), 0.001953125f, f + y);
}
",
    },
    Item {
        name: "log_f32",
        needs: &["from_bits", "log_series"],
        text: "\
// Relative error below 2e-7: x = 2^e (1 + f).
fn log_f32(x: f32) -> f32 {
  var bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u) {
    return from_bits(0xff800000u);
  }
  if (bits >= 0x80000000u) {
    return from_bits(0x7fc00000u);
  }
  if (bits >= 0x7f800000u) {
    return x;
  }
  var e = 0;
  if (bits < 0x800000u) {
    let shift = countLeadingZeros(bits) - 8u;
    bits = (bits << shift) & 0x7fffffu;
    e = 1 - i32(shift);
  } else {
    e = i32(bits >> 23u);
    bits = bits & 0x7fffffu;
  }
  e = e - 127;
  var m = bitcast<f32>(bits | 0x3f800000u);
  if (m >= 1.41421356f) {
    m = m * 0.5f;
    e = e + 1;
  }
  return log_series(e, m - 1.0f);
}
",
    },
    Item {
        name: "log1p_f32",
        needs: &["log_series", "log_f32"],
        text: "\
// Relative error below 4e-7: the series is in x itself where 1 + x would lose its digits.
fn log1p_f32(x: f32) -> f32 {
  if (x > -0.29289321f && x < 0.41421356f) {
    return log_series(0, x);
  }
  return log_f32(1.0f + x);
}
",
    },
    Item {
        name: "tanh_f32",
        needs: &["is_nan", "exp_f32"],
        text: "\
// Relative error below 3e-7: a polynomial below 0.625, else from exp(2|x|).
fn tanh_f32(x: f32) -> f32 {
  let t = abs(x);
  if (is_nan(x)) {
    return x;
  }
  if (t < 0.625f) {
    let s = x * x;
    var p = -0.005717036314308643f;
    p = fma(p, s, 0.020650578662753105f);
    p = fma(p, s, -0.05374349653720856f);
    p = fma(p, s, 0.13331490755081177f);
    p = fma(p, s, -0.3333328366279602f);
    return fma(x * s, p, x);
  }
  let y = 1.0f - 2.0f / (exp_f32(2.0f * min(t, 10.0f)) + 1.0f);
  return select(y, -y, x < 0.0f);
}
",
    },
    Item {
        name: "erf_f32",
        needs: &["is_nan", "exp_f32"],
        text: "\
// Relative error below 3e-7: x + x p(x^2) up to 1, else 1 - exp(q(|x|)) with q = log(erfc).
fn erf_f32(x: f32) -> f32 {
  let t = abs(x);
  if (is_nan(x)) {
    return x;
  }
  if (t < 1.0f) {
    let s = x * x;
    var p = 7.889119297033176e-05f;
    p = fma(p, s, -0.0008020841050893068f);
    p = fma(p, s, 0.005189535208046436f);
    p = fma(p, s, -0.026854444295167923f);
    p = fma(p, s, 0.11283600330352783f);
    p = fma(p, s, -0.3761262595653534f);
    p = fma(p, s, 0.12837916612625122f);
    return fma(x, p, x);
  }
  let u = min(t, 4.0f);
  var q = 0.00018583227938506752f;
  q = fma(q, u, -0.0029420554637908936f);
  q = fma(q, u, 0.02181478589773178f);
  q = fma(q, u, -0.10305649787187576f);
  q = fma(q, u, -0.6382043361663818f);
  q = fma(q, u, -1.1270524263381958f);
  q = fma(q, u, -0.00035074769402854145f);
  let y = 1.0f - exp_f32(q);
  return select(y, -y, x < 0.0f);
}
",
    },
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

#[cfg(test)]
mod tests {
    use super::ITEMS;

    #[test]
    fn callees_stand_before_callers() {
        for (at, item) in ITEMS.iter().enumerate() {
            for need in item.needs {
                assert!(
                    ITEMS[..at].iter().any(|other| other.name == *need),
                    "`{}` needs `{need}`, which does not stand before it",
                    item.name
                );
            }
        }
    }

    /// Whether `name` is called in `text`, as a whole word.
    fn calls(text: &str, name: &str) -> bool {
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let call = format!("{name}(");
        let mut found = text.match_indices(&call);
        found.any(|(at, _)| !text[..at].ends_with(in_word))
    }

    #[test]
    fn needs_are_exactly_the_items_called() {
        for item in ITEMS {
            for other in ITEMS {
                if other.name != item.name {
                    assert_eq!(
                        calls(item.text, other.name),
                        item.needs.contains(&other.name),
                        "`{}` and `{}`",
                        item.name,
                        other.name
                    );
                }
            }
        }
    }
}
