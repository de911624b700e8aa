//! The device and the program around the shaders.

use sinew_codegen::kernel::{BufferId, Class, Nest, RegionId, RegionKind, Stage};
use sinew_codegen::wgsl::{Shaders, emit};
use sinew_ir::{DType, Scalar};
use sinew_runtime::gpu::{GpuError, GpuSession};

use crate::support::{Build, Writer, at, device};

/// A counter: `x = x + 1` in place, a kernel of its own for each of `kernels`.
fn counter(kernels: usize) -> (Build, BufferId) {
    let mut build = Build::new();
    let x = build.buffer("x", DType::F32, &[0; 65], RegionKind::State);
    for _ in 0..kernels {
        let mut code = Writer::default();
        let old = code.load(at(x, &[1]), DType::F32);
        let one = code.number(1.0);
        let new = code.apply(Scalar::ADD, &[old, one], DType::F32);
        code.store(at(x, &[1]), new);
        build.kernel(Class::Nest(Nest {
            outer: vec![65],
            inner: Vec::new(),
            stages: vec![Stage::Row {
                code: code.0,
                sets: Vec::new(),
            }],
            rows: Vec::new(),
            arrays: Vec::new(),
        }));
    }
    (build, x)
}

fn floats(program: &mut GpuSession, region: u32, n: usize) -> Vec<f32> {
    let mut bytes = vec![0; n * 4];
    program
        .read_region(RegionId(region), 0, &mut bytes)
        .expect("reads");
    bytes
        .chunks_exact(4)
        .map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]]))
        .collect()
}

#[test]
fn kernels_run_in_order_and_runs_add_up() {
    let Some(device) = device() else { return };
    let (build, _) = counter(50);
    let mut program = GpuSession::compile(device, &build.finish()).expect("a program");
    assert_eq!(program.dispatches(), 50);
    for _ in 0..20 {
        program.run().expect("runs");
    }
    assert_eq!(floats(&mut program, 1, 65), vec![1000.0; 65]);
    program.wait().expect("waits");
}

/// Work that would take long goes out in parts, in order.
#[test]
fn long_steps_are_submitted_in_parts() {
    let Some(device) = device() else { return };
    let (build, _) = counter(7);
    let mut shaders = emit(&build.finish(), &device.limits()).expect("emits");
    for work in [u64::MAX, 1 << 36, 0] {
        for shader in &mut shaders.shaders {
            shader.work = work;
        }
        let mut program = GpuSession::new(device, &build.finish(), &shaders).expect("a program");
        assert_eq!(program.dispatches(), 7);
        program.run().expect("runs");
        program.run().expect("runs");
        assert_eq!(floats(&mut program, 1, 65), vec![14.0; 65]);
    }
}

#[test]
fn parts_of_a_region_are_written_and_read() {
    let Some(device) = device() else { return };
    let (build, _) = counter(1);
    let mut program = GpuSession::compile(device, &build.finish()).expect("a program");
    program
        .write_region(
            RegionId(1),
            8,
            &[7.0f32, 9.0].map(f32::to_le_bytes).concat(),
        )
        .expect("writes");
    program.run().expect("runs");
    let mut bytes = [0; 12];
    program
        .read_region(RegionId(1), 4, &mut bytes)
        .expect("reads");
    let expected = [1.0f32, 8.0, 10.0].map(f32::to_le_bytes).concat();
    assert_eq!(bytes.to_vec(), expected);
}

#[test]
fn ranges_outside_of_regions_are_errors() {
    let Some(device) = device() else { return };
    let (build, _) = counter(1);
    let mut program = GpuSession::compile(device, &build.finish()).expect("a program");
    let mut bytes = [0; 8];
    for (region, offset, length) in [
        (1, 256, 8),
        (1, 2, 4),
        (1, 0, 6),
        (1, usize::MAX - 3, 8),
        (9, 0, 4),
        (0, 0, 4),
    ] {
        let write = program.write_region(RegionId(region), offset, &bytes[..length]);
        assert!(matches!(write, Err(GpuError::Range { .. })), "{write:?}");
        let read = program.read_region(RegionId(region), offset, &mut bytes[..length]);
        assert!(matches!(read, Err(GpuError::Range { .. })), "{read:?}");
    }
    let error = program
        .write_region(RegionId(1), 256, &bytes)
        .expect_err("behind the end");
    assert_eq!(
        error.to_string(),
        "bytes 256..256+8 of region `x`, which has 260"
    );
    // The program goes on working.
    program.run().expect("runs");
    assert_eq!(floats(&mut program, 1, 65), vec![1.0; 65]);
}

#[test]
fn bad_shaders_are_errors() {
    let Some(device) = device() else { return };
    let (build, _) = counter(1);
    let good = emit(&build.finish(), &device.limits()).expect("emits");
    let bad = |change: fn(&mut Shaders)| {
        let mut shaders = good.clone();
        change(&mut shaders);
        GpuSession::new(device, &build.finish(), &shaders).expect_err("a bad shader")
    };
    let error = bad(|all| all.shaders[0].source.push_str("fn ("));
    assert!(
        error
            .to_string()
            .starts_with("the GPU refused the shader of `kernel_0`: "),
        "{error}"
    );
    assert!(matches!(
        bad(|all| all.dispatches[0].regions[0] = RegionId(7)),
        GpuError::Range { .. }
    ));
    assert!(matches!(
        bad(|all| all.shaders[0].written[0] = false),
        GpuError::Refused { .. }
    ));
    // A grid beyond the limits shows when it runs.
    let mut shaders = good.clone();
    shaders.shaders[0].groups = [1 << 20, 1, 1];
    let mut program = GpuSession::new(device, &build.finish(), &shaders).expect("a program");
    let error = program.run().expect_err("too many groups");
    assert!(matches!(error, GpuError::Refused { .. }), "{error}");
    // Other programs on the device are not harmed.
    let mut program = GpuSession::new(device, &build.finish(), &good).expect("a program");
    program.run().expect("runs");
}

#[test]
fn regions_larger_than_the_device_allows_are_errors() {
    let Some(device) = device() else { return };
    let (mut build, _) = counter(0);
    build.schedule.regions[1].bytes = 1 << 62;
    let error = GpuSession::compile(device, &build.finish()).expect_err("4 EiB");
    assert!(matches!(error, GpuError::Region { .. }), "{error}");
}

#[test]
fn device_has_a_name_and_limits() {
    let Some(device) = device() else { return };
    assert!(!device.name().is_empty());
    assert!(device.limits().storage_buffers >= 8);
}
