// regions 0 1 2!; groups [1, 1, 1]
@group(0) @binding(0) var<storage, read> b0: array<u32>;
@group(0) @binding(1) var<storage, read> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<uniform> slots: array<vec4<u32>, 1>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = group.x * 64u + local;
  if (row >= 4u) { return; }
  let start = slots[0].z + row;
  for (var j = 0u; j < 9u; j = j + 1u) {
    let r0 = bitcast<i32>(b0[slots[0].x + j]);
    let r1 = b1[slots[0].y + row + j * 4u];
    let place = start + u32(clamp(r0, 0, 4)) * 4u;
    b2[place] = b2[place] + r1;
  }
}
