// regions 0 1 2!; groups [5, 1, 1]
@group(0) @binding(0) var<storage, read> b0: array<f32>;
@group(0) @binding(1) var<storage, read> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<uniform> slots: array<vec4<u32>, 1>;

// By bits: compilers may assume that `x != x` is false.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn less_equal_f32(a: f32, b: f32) -> bool {
  return a <= b && !is_nan(a) && !is_nan(b);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = group.x * 64u + local;
  if (row >= 300u) { return; }
  let i0 = row / 30u;
  let i1 = row % 30u;
  {
    let r0 = b0[slots[0].x + i0 + i1 * 10u];
    let r1 = b1[slots[0].y + i1];
    let r2 = r0 + r1;
    let r3 = 0.0f;
    let r4 = less_equal_f32(r2, r3);
    let r5 = select(r2, r3, r4);
    b2[slots[0].z + i0 * 30u + i1] = r5;
  }
}
