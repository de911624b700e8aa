// regions 0 1 2!; groups [1, 1, 1]
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

fn x_at(i: u32, k: u32) -> f32 {
  let r0 = b0[slots[0].x + i * 7u + k];
  let r1 = 0.0f;
  let r2 = maximum_f32(r0, r1);
  return r2;
}

fn y_at(k: u32, j: u32) -> f32 {
  var r0: f32 = 0.0f;
  if ((k) < 6u) {
    r0 = b1[slots[0].y + k * 10u + j];
  }
  return r0;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let slice = local / 64u;
  let column = local % 64u;
  let row = group.x * 64u + column;
  let i0 = row / 10u;
  let i1 = row % 10u;
  var sum = 0.0f;
  if (row < 30u) {
    for (var k = slice; k < 7u; k = k + 1u) {
      sum = fma(x_at(i0, k), y_at(k, i1), sum);
    }
  }
  if (slice == 0u && row < 30u) {
    let r0 = sum;
    b2[slots[0].z + i0 * 10u + i1] = r0;
  }
}
