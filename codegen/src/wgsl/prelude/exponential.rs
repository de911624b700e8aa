//! Exponentials, logarithms, and what is made of them.

use super::Item;

pub(super) const ITEMS: &[Item] = &[
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
];
