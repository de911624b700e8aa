//! The rules of kernel IR that no text can break, since reading it would fail: of schedules that code makes.

use crate::support;

use sinew_codegen::kernel::{Class, KernelId, Nest, Node, RegionId, Schedule};
use sinew_codegen::verify::verify;
use support::template::schedule;

/// A row array that is computed once and read by a later stage.
fn rows() -> Schedule {
    schedule(
        "memory x f32[12] input
        memory y f32[12] state
        kernel rows {
          nest outer [3] inner [4] rows [f32]
          each {
            r0: f32 = load s0 at 0 [4, 1]
            r1: f32 = exp r0
            array0 = r1
            row0 = sum r1
          }
          row {
            r0: f32 = row0
          }
          each {
            r0: f32 = array0
            r1: f32 = row0
            r2: f32 = div r0 r1
            store r2 s1 at 0 [4, 1]
          }
        }",
    )
}

fn nest(schedule: &mut Schedule) -> &mut Nest {
    match &mut schedule.kernels[0].class {
        Class::Nest(nest) => nest,
        Class::Contract(_) | Class::Scatter(_) | Class::Scan(_) | Class::Sort(_) => {
            panic!("it is a nest")
        }
    }
}

#[test]
fn what_is_not_there_is_named() {
    type Break = fn(&mut Schedule);
    let cases: [(Break, &str); 4] = [
        (|s| s.buffers[0].region = RegionId(9), "x: no such region"),
        (
            |s| {
                for node in &mut s.nodes {
                    if let Node::Run(run) = node {
                        run.kernel = KernelId(9);
                    }
                }
            },
            "kernel 9: there is none",
        ),
        (
            |s| nest(s).arrays[0].stage = 1,
            "rows: row array 0 is written where there are no elements",
        ),
        (
            |s| nest(s).arrays[0].stage = 7,
            "rows: row array 0 is written where there are no elements",
        ),
    ];
    assert_eq!(verify(&rows()), Ok(()));
    for (break_it, message) in cases {
        let mut broken = rows();
        break_it(&mut broken);
        let error = verify(&broken).map_err(|e| e.to_string());
        assert_eq!(error, Err(message.to_string()));
    }
}
