// regions 0 1!; groups [3, 1, 1]
@group(0) @binding(0) var<storage, read> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<uniform> slots: array<vec4<u32>, 1>;

// By bits: compilers may assume that `x != x` is false.
fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// Infinities, NaN and -0 may not appear in constant expressions.
fn from_bits(bits: u32) -> f32 {
  return bitcast<f32>(bits);
}

fn maximum_f32(a: f32, b: f32) -> f32 {
  return select(select(max(a, b), b, is_nan(b)), a, is_nan(a));
}

var<workgroup> parts_f32: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let slice = local / 2u;
  let column = local % 2u;
  let row = group.x * 2u + column;
  var row0: f32 = 0.0f;
  var part0_0: f32 = from_bits(0xff800000u);
  if (row < 5u) {
    for (var j = slice; j < 100u; j = j + 32u) {
      let r0 = b0[slots[0].x + row * 100u + j];
      part0_0 = maximum_f32(part0_0, r0);
    }
  }
  parts_f32[local] = part0_0;
  workgroupBarrier();
  if (slice < 16u) {
    let other = parts_f32[local + 32u];
    part0_0 = maximum_f32(part0_0, other);
    parts_f32[local] = part0_0;
  }
  workgroupBarrier();
  if (slice < 8u) {
    let other = parts_f32[local + 16u];
    part0_0 = maximum_f32(part0_0, other);
    parts_f32[local] = part0_0;
  }
  workgroupBarrier();
  if (slice < 4u) {
    let other = parts_f32[local + 8u];
    part0_0 = maximum_f32(part0_0, other);
    parts_f32[local] = part0_0;
  }
  workgroupBarrier();
  if (slice < 2u) {
    let other = parts_f32[local + 4u];
    part0_0 = maximum_f32(part0_0, other);
    parts_f32[local] = part0_0;
  }
  workgroupBarrier();
  if (slice < 1u) {
    let other = parts_f32[local + 2u];
    part0_0 = maximum_f32(part0_0, other);
    parts_f32[local] = part0_0;
  }
  workgroupBarrier();
  part0_0 = parts_f32[column];
  workgroupBarrier();
  row0 = part0_0;
  if (row < 5u) {
    for (var j = slice; j < 100u; j = j + 32u) {
      let r0 = row0;
      let r1 = b0[slots[0].x + row * 100u + j];
      let r2 = r1 - r0;
      b1[slots[0].y + row * 100u + j] = r2;
    }
  }
}
