// regions 0 1 2!; groups [2, 1, 1]
@group(0) @binding(0) var<storage, read> b0: array<f32>;
@group(0) @binding(1) var<storage, read> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<uniform> slots: array<vec4<u32>, 1>;

// By bits: compilers may assume that `x != x` is false.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn maximum_f32(a: f32, b: f32) -> f32 {
  return select(select(max(a, b), b, is_nan(b)), a, is_nan(a));
}

var<workgroup> xs: array<vec4<f32>, 64>;
var<workgroup> ys: array<vec4<f32>, 64>;

fn x_at(i: u32, k: u32) -> f32 {
  if (i >= 20u || k >= 9u) { return 0.0f; }
  let r0 = b0[slots[0].x + i * 9u + k];
  let r1 = 0.0f;
  let r2 = maximum_f32(r0, r1);
  return r2;
}

fn y_at(k: u32, j: u32) -> f32 {
  if (k >= 9u) { return 0.0f; }
  var r0: f32 = 0.0f;
  if ((k) < 8u) {
    r0 = b1[slots[0].y + k * 16u + j];
  }
  return r0;
}

fn finish(i: u32, j: u32, sum: f32) {
  if (i >= 20u) { return; }
  let r0 = sum;
  b2[slots[0].z + i * 16u + j] = r0;
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let number = group.x;
  let top = ((number / 1u) % 2u) * 16u;
  let left = (number % 1u) * 16u;
  let batch = number / 2u;
  let tx = local % 4u;
  let ty = local / 4u;
  var sum0_0 = vec4<f32>();
  var sum1_0 = vec4<f32>();
  var sum2_0 = vec4<f32>();
  var sum3_0 = vec4<f32>();
  for (var base = 0u; base < 9u; base = base + 16u) {
    {
      let e = local + 0u;
      {
        let quad = e / 16u;
        let deep = e % 16u;
        let at = top + quad * 4u;
        xs[deep * 4u + quad] = vec4<f32>(x_at(at + 0u, base + deep), x_at(at + 1u, base + deep), x_at(at + 2u, base + deep), x_at(at + 3u, base + deep));
      }
      {
        let quad = e % 4u;
        let deep = e / 4u;
        let at = left + quad * 4u;
        ys[deep * 4u + quad] = vec4<f32>(y_at(base + deep, at + 0u), y_at(base + deep, at + 1u), y_at(base + deep, at + 2u), y_at(base + deep, at + 3u));
      }
    }
    {
      let e = local + 16u;
      {
        let quad = e / 16u;
        let deep = e % 16u;
        let at = top + quad * 4u;
        xs[deep * 4u + quad] = vec4<f32>(x_at(at + 0u, base + deep), x_at(at + 1u, base + deep), x_at(at + 2u, base + deep), x_at(at + 3u, base + deep));
      }
      {
        let quad = e % 4u;
        let deep = e / 4u;
        let at = left + quad * 4u;
        ys[deep * 4u + quad] = vec4<f32>(y_at(base + deep, at + 0u), y_at(base + deep, at + 1u), y_at(base + deep, at + 2u), y_at(base + deep, at + 3u));
      }
    }
    {
      let e = local + 32u;
      {
        let quad = e / 16u;
        let deep = e % 16u;
        let at = top + quad * 4u;
        xs[deep * 4u + quad] = vec4<f32>(x_at(at + 0u, base + deep), x_at(at + 1u, base + deep), x_at(at + 2u, base + deep), x_at(at + 3u, base + deep));
      }
      {
        let quad = e % 4u;
        let deep = e / 4u;
        let at = left + quad * 4u;
        ys[deep * 4u + quad] = vec4<f32>(y_at(base + deep, at + 0u), y_at(base + deep, at + 1u), y_at(base + deep, at + 2u), y_at(base + deep, at + 3u));
      }
    }
    {
      let e = local + 48u;
      {
        let quad = e / 16u;
        let deep = e % 16u;
        let at = top + quad * 4u;
        xs[deep * 4u + quad] = vec4<f32>(x_at(at + 0u, base + deep), x_at(at + 1u, base + deep), x_at(at + 2u, base + deep), x_at(at + 3u, base + deep));
      }
      {
        let quad = e % 4u;
        let deep = e / 4u;
        let at = left + quad * 4u;
        ys[deep * 4u + quad] = vec4<f32>(y_at(base + deep, at + 0u), y_at(base + deep, at + 1u), y_at(base + deep, at + 2u), y_at(base + deep, at + 3u));
      }
    }
    workgroupBarrier();
    for (var deep = 0u; deep < 16u; deep = deep + 1u) {
      let x0 = xs[deep * 4u + 0u + ty];
      let y0 = ys[deep * 4u + 0u + tx];
      sum0_0 = fma(vec4<f32>(x0.x), y0, sum0_0);
      sum1_0 = fma(vec4<f32>(x0.y), y0, sum1_0);
      sum2_0 = fma(vec4<f32>(x0.z), y0, sum2_0);
      sum3_0 = fma(vec4<f32>(x0.w), y0, sum3_0);
    }
    workgroupBarrier();
  }
  finish(top + 0u + ty * 4u, left + 0u + tx * 4u, sum0_0.x);
  finish(top + 0u + ty * 4u, left + 1u + tx * 4u, sum0_0.y);
  finish(top + 0u + ty * 4u, left + 2u + tx * 4u, sum0_0.z);
  finish(top + 0u + ty * 4u, left + 3u + tx * 4u, sum0_0.w);
  finish(top + 1u + ty * 4u, left + 0u + tx * 4u, sum1_0.x);
  finish(top + 1u + ty * 4u, left + 1u + tx * 4u, sum1_0.y);
  finish(top + 1u + ty * 4u, left + 2u + tx * 4u, sum1_0.z);
  finish(top + 1u + ty * 4u, left + 3u + tx * 4u, sum1_0.w);
  finish(top + 2u + ty * 4u, left + 0u + tx * 4u, sum2_0.x);
  finish(top + 2u + ty * 4u, left + 1u + tx * 4u, sum2_0.y);
  finish(top + 2u + ty * 4u, left + 2u + tx * 4u, sum2_0.z);
  finish(top + 2u + ty * 4u, left + 3u + tx * 4u, sum2_0.w);
  finish(top + 3u + ty * 4u, left + 0u + tx * 4u, sum3_0.x);
  finish(top + 3u + ty * 4u, left + 1u + tx * 4u, sum3_0.y);
  finish(top + 3u + ty * 4u, left + 2u + tx * 4u, sum3_0.z);
  finish(top + 3u + ty * 4u, left + 3u + tx * 4u, sum3_0.w);
}
