//! The device and the program around the shaders.

use sinew_codegen::kernel::{RegionId, Schedule};
use sinew_codegen::wgsl::{Limits, Shaders, emit};
use sinew_runtime::gpu::{GpuError, GpuSession};

use crate::programs_support::template;
use crate::support::{device, run, validate};

/// A counter: `x = x + 1` in place, run so many times.
fn counter(runs: usize) -> Schedule {
    let kernel = |run| {
        format!(
            "kernel kernel_{run} {{
              nest outer [65] inner [] rows []
              row {{
                r0: f32 = load s0 at 0 [1]
                r1: f32 = const 1
                r2: f32 = add r0 r1
                store r2 s0 at 0 [1]
              }}
            }}
            "
        )
    };
    let kernels: String = (0..runs).map(kernel).collect();
    template::schedule(&format!("memory x f32[65] state\n{kernels}"))
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
    let schedule = counter(50);
    let mut program = GpuSession::compile(device, &schedule).expect("a program");
    assert_eq!(program.dispatches(), 50);
    for _ in 0..20 {
        program.run().expect("runs");
    }
    assert_eq!(floats(&mut program, 0, 65), vec![1000.0; 65]);
    program.wait().expect("waits");
}

/// Work that would take long goes out in parts, in order.
#[test]
fn long_steps_are_submitted_in_parts() {
    let Some(device) = device() else { return };
    let schedule = counter(7);
    let mut shaders = emit(&schedule, &device.limits()).expect("emits");
    for work in [u64::MAX, 1 << 36, 0] {
        for shader in &mut shaders.shaders {
            shader.work = work;
        }
        let mut program = GpuSession::new(device, &schedule, &shaders).expect("a program");
        assert_eq!(program.dispatches(), 7);
        program.run().expect("runs");
        program.run().expect("runs");
        assert_eq!(floats(&mut program, 0, 65), vec![14.0; 65]);
    }
}

#[test]
fn parts_of_a_region_are_written_and_read() {
    let Some(device) = device() else { return };
    let schedule = counter(1);
    let mut program = GpuSession::compile(device, &schedule).expect("a program");
    program
        .write_region(
            RegionId(0),
            8,
            &[7.0f32, 9.0].map(f32::to_le_bytes).concat(),
        )
        .expect("writes");
    program.run().expect("runs");
    let mut bytes = [0; 12];
    program
        .read_region(RegionId(0), 4, &mut bytes)
        .expect("reads");
    let expected = [1.0f32, 8.0, 10.0].map(f32::to_le_bytes).concat();
    assert_eq!(bytes.to_vec(), expected);
}

#[test]
fn ranges_outside_of_regions_are_errors() {
    let Some(device) = device() else { return };
    let schedule = counter(1);
    let mut program = GpuSession::compile(device, &schedule).expect("a program");
    let mut bytes = [0; 8];
    for (region, offset, length) in [
        (0, 256, 8),
        (0, 2, 4),
        (0, 0, 6),
        (0, usize::MAX - 3, 8),
        (9, 0, 4),
    ] {
        let write = program.write_region(RegionId(region), offset, &bytes[..length]);
        assert!(matches!(write, Err(GpuError::Range { .. })), "{write:?}");
        let read = program.read_region(RegionId(region), offset, &mut bytes[..length]);
        assert!(matches!(read, Err(GpuError::Range { .. })), "{read:?}");
    }
    let error = program
        .write_region(RegionId(0), 256, &bytes)
        .expect_err("behind the end");
    assert_eq!(
        error.to_string(),
        "bytes 256..256+8 of region `x`, which has 260"
    );
    // The program goes on working.
    program.run().expect("runs");
    assert_eq!(floats(&mut program, 0, 65), vec![1.0; 65]);
}

#[test]
fn bad_shaders_are_errors() {
    let Some(device) = device() else { return };
    let schedule = counter(1);
    let good = emit(&schedule, &device.limits()).expect("emits");
    let bad = |change: fn(&mut Shaders)| {
        let mut shaders = good.clone();
        change(&mut shaders);
        GpuSession::new(device, &schedule, &shaders).expect_err("a bad shader")
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
    shaders.dispatches[0].groups = [1 << 20, 1, 1];
    let mut program = GpuSession::new(device, &schedule, &shaders).expect("a program");
    let error = program.run().expect_err("too many groups");
    assert!(matches!(error, GpuError::Refused { .. }), "{error}");
    // Other programs on the device are not harmed.
    let mut program = GpuSession::new(device, &schedule, &good).expect("a program");
    program.run().expect("runs");
}

#[test]
fn regions_larger_than_the_device_allows_are_errors() {
    let Some(device) = device() else { return };
    let mut schedule = counter(0);
    schedule.regions[0].bytes = 1 << 62;
    let error = GpuSession::compile(device, &schedule).expect_err("4 EiB");
    assert!(matches!(error, GpuError::Region { .. }), "{error}");
}

/// A million rows of 64 need more than 65535 workgroups.
#[test]
fn large_map_folds_its_grid() {
    let Some(device) = device() else { return };
    let extent = 65535 * 64 + 65;
    let schedule = template::schedule(&format!(
        "memory y i32[{extent}] state
        kernel index {{
          nest outer [{extent}] inner [] rows []
          row {{
            r0: i32 = index 7 [3]
            store r0 s0 at 0 [1]
          }}
        }}"
    ));
    let shaders = emit(&schedule, &Limits::default()).expect("emits");
    let groups = shaders.shaders[0].groups;
    assert!(groups[1] > 1, "{groups:?}");
    validate(&shaders.shaders[0]);
    let mut program = GpuSession::new(device, &schedule, &shaders).expect("a program");
    let memory = run(&mut program, &[vec![0; extent * 4]]);
    let wrong = memory[0]
        .chunks_exact(4)
        .enumerate()
        .find(|(i, c)| i32::from_le_bytes([c[0], c[1], c[2], c[3]]) != 7 + 3 * *i as i32);
    assert_eq!(wrong, None);
}

#[test]
fn device_has_a_name_and_limits() {
    let Some(device) = device() else { return };
    assert!(!device.name().is_empty());
    assert!(device.limits().storage_buffers >= 8);
}
