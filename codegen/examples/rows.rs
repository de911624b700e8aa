//! What rows with several passes take on this machine: softmax and its kin, scheduled for the CPU as
//! they come and with everything computed again in each pass.
//!
//! `cargo run --release -p sinew-codegen --features cpu --example rows`. The compiled code is the same
//! without `--release`. Quote ratios of one run only.

use std::time::Instant;

use sinew_codegen::cost::Target;
use sinew_codegen::cpu::{CompiledSchedule, Options, compile};
use sinew_codegen::kernel::{RegionKind, Regions, Schedule};
use sinew_codegen::schedule::{Part, RegionOffset, schedule};
use sinew_ir::parse;

fn main() {
    println!("us, least of many");
    for (rows, length) in [
        (4096, 128),
        (64, 4096),
        (32, 10),
        (1024, 37),
        (96, 12),
        (512, 1000),
        (1, 4096),
    ] {
        let mut line = format!("{:>12}", format!("[{rows}, {length}]"));
        for (name, text) in FUNCTIONS {
            let text = text
                .replace("ROWS", &rows.to_string())
                .replace("LENGTH", &length.to_string());
            let schedule = scheduled(&text);
            let program = compile(&schedule, &Options::default()).expect("it compiles");
            line += &format!("  {name} {:.2}", time(&schedule, &program) * 1e6);
        }
        println!("{line}");
    }
}

const FUNCTIONS: [(&str, &str); 4] = [
    (
        "softmax",
        "fn @f(%x: f32[ROWS, LENGTH]) -> f32[ROWS, LENGTH] {
  %1 = softmax %x axis [1]
  return %1
}
",
    ),
    (
        "log_softmax",
        "fn @f(%x: f32[ROWS, LENGTH]) -> f32[ROWS, LENGTH] {
  %1 = log_softmax %x axis [1]
  return %1
}
",
    ),
    (
        "softmax of a tanh",
        "fn @f(%x: f32[ROWS, LENGTH]) -> f32[ROWS, LENGTH] {
  %1 = tanh %x
  %2 = softmax %1 axis [1]
  return %2
}
",
    ),
    (
        "weights",
        "fn @f(%x: f32[ROWS, LENGTH], %y: f32[ROWS, LENGTH]) -> f32[ROWS, LENGTH] {
  %2 = softmax %x axis [1]
  %3 = mul %2, %y
  %4 = sum %3 axes [1]
  %5 = broadcast %4 shape [ROWS, LENGTH] new [1]
  %6 = sub %y, %5
  %7 = mul %2, %6
  return %7
}
",
    ),
];

/// The schedule of a function, a region a parameter and result.
fn scheduled(text: &str) -> Schedule {
    let function = parse(text).expect("a function");
    let mut regions = Regions::new();
    let mut place = |name: String, value: sinew_ir::Value| {
        let ty = function.type_of(value);
        let elements: usize = ty.shape.extents().expect("literal").iter().product();
        RegionOffset {
            region: regions.add(name, elements * 4, RegionKind::State),
            offset: 0,
        }
    };
    let params = (0..function.params.len() as u32).map(sinew_ir::Value);
    let inputs = params.map(|p| place(p.to_string(), p)).collect();
    let results = function.body.results.iter();
    let outputs = results.map(|r| place(format!("result {r}"), *r)).collect();
    let part = Part {
        name: "rows",
        program: &function,
        inputs,
        outputs,
    };
    schedule(&[part], regions, Target::Cpu).expect("it is scheduled")
}

/// The least time of a run in seconds.
fn time(schedule: &Schedule, program: &CompiledSchedule) -> f64 {
    let sizes = schedule.regions.iter().map(|r| r.bytes);
    let mut memory: Vec<Vec<[f32; 16]>> = sizes
        .chain([program.scratch_bytes()])
        .map(|bytes| {
            (0..bytes.div_ceil(64) + 1)
                .map(|i| std::array::from_fn(|j| ((i * 7 + j * 3) % 17) as f32 * 0.1 - 0.8))
                .collect()
        })
        .collect();
    let table: Vec<*mut u8> = memory.iter_mut().map(|r| r.as_mut_ptr().cast()).collect();
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    while begin.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        // SAFETY: the table has a base for each region, and one for scratch, of the sizes asked for.
        unsafe { program.run(&table) };
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}
