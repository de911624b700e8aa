//! A classifier's training step, kernel by kernel: what each takes on this machine.
//!
//! `cargo run --release -p sinew-codegen --features cpu --example step [WIDTHS BATCH [WORDS]]`, say
//! `step 64,64,32,10 32`. Words are `list` for the schedule, `baseline`, `sse42`, `avx2` for instructions, `narrow` for
//! vectors of 128 bits, `own` for products without tiles that are compiled ahead, and `once` to run the step twice over
//! memory of exactly its size, where what nobody gave is not filled: for tools that watch memory, which
//! `scripts/valgrind.sh` uses.

use std::fmt::Write;
use std::sync::OnceLock;
use std::time::Instant;

use sinew_codegen::cost::Target;
use sinew_codegen::cpu::{CompiledSchedule, Contraction, Instructions, Options, Vectors, compile};
use sinew_codegen::kernel::*;
use sinew_codegen::schedule::{Part, RegionOffset, schedule};
use sinew_ir::{Binding, DType, Unit, link_gradient, parse};

fn main() {
    let mut args = std::env::args().skip(1);
    let widths = args.next().unwrap_or_else(|| "64,64,32,10".to_owned());
    let widths: Vec<usize> = widths.split(',').filter_map(|w| w.parse().ok()).collect();
    let batch: usize = args.next().and_then(|b| b.parse().ok()).unwrap_or(32);
    let start = Instant::now();
    let schedule = step(&widths, batch);
    println!(
        "linked and scheduled in {:.2} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    let mut told = Options::default();
    let mut once = false;
    for word in args {
        match word.as_str() {
            "list" => println!("{schedule}"),
            "baseline" => told.instructions = Instructions::Baseline,
            "sse42" => told.instructions = Instructions::Sse42,
            "avx2" => told.instructions = Instructions::Avx2,
            "narrow" => told.vectors = Vectors::Bits128,
            "own" => told.contraction = Contraction::Own,
            "once" => once = true,
            _ => return eprintln!("`{word}` means nothing"),
        }
    }
    if once {
        return run_once(&schedule, &told);
    }
    for threads in [1, 2] {
        let options = Options {
            compile_threads: threads,
            ..told.clone()
        };
        let start = Instant::now();
        let program = compile(&schedule, &options).expect("it compiles");
        println!(
            "compiled {} kernels to {} bytes by {threads} threads in {:.2} ms",
            schedule.kernels.len(),
            program.code_bytes(),
            start.elapsed().as_secs_f64() * 1e3
        );
    }
    let program = compile(&schedule, &told).expect("it compiles");
    let mut memory: Vec<Vec<[f32; 16]>> = schedule
        .regions
        .iter()
        .map(|r| {
            let lines = r.bytes.div_ceil(64) + 1;
            // Labels are integers: zeros.
            let scale = if r.name == "y" { 0.0 } else { 0.01 };
            (0..lines)
                .map(|i| std::array::from_fn(|j| ((i * 7 + j * 5) % 13) as f32 * scale))
                .collect()
        })
        .collect();
    // A kernel alone needs no more scratch than all of them.
    memory.push(vec![[0.0; 16]; program.scratch_bytes().div_ceil(64)]);
    let table: Vec<*mut u8> = memory.iter_mut().map(|r| r.as_mut_ptr().cast()).collect();
    let total = time(&program, &table);
    println!("step: {:.2} us", total * 1e6);
    let mut sum = 0.0;
    for run in schedule.runs() {
        let Some(kernel) = schedule.kernel(run) else {
            continue;
        };
        let run = Run {
            kernel: KernelId(0),
            ..run.clone()
        };
        let alone = Schedule {
            kernels: vec![kernel.clone()],
            nodes: vec![Node::Run(run)],
            ..schedule.clone()
        };
        let program = compile(&alone, &told).expect("it compiles");
        let seconds = time(&program, &table);
        sum += seconds;
        println!(
            "{:>10.2} us  {:<34} {}",
            seconds * 1e6,
            kernel.name,
            extents(kernel)
        );
    }
    println!("{:>10.2} us  together", sum * 1e6);
}

/// Runs the step twice, each region in memory of its own that has its size to the byte. The arena, results and
/// scratch are not filled before.
fn run_once(schedule: &Schedule, options: &Options) {
    let program = compile(schedule, options).expect("it compiles");
    // Scratch is aligned to 8 bytes, regions to their elements, which are of 4.
    let mut scratch: Vec<f64> = Vec::new();
    scratch.reserve_exact(program.scratch_bytes().div_ceil(8));
    let mut memory: Vec<Vec<f32>> = Vec::new();
    for region in &schedule.regions {
        let count = region.bytes / 4;
        let mut elements = Vec::new();
        elements.reserve_exact(count);
        if region.kind.is_filled() {
            // Labels are integers: zeros.
            let scale = if region.name == "y" { 0.0 } else { 0.01 };
            elements.extend((0..count).map(|i| (i * 5 % 13) as f32 * scale));
        }
        memory.push(elements);
    }
    let regions = memory.iter_mut().map(|r| r.as_mut_ptr().cast());
    let table: Vec<*mut u8> = regions.chain([scratch.as_mut_ptr().cast()]).collect();
    let loss = schedule.regions.iter().position(|r| r.name == "loss");
    let loss = table[loss.expect("it has one")].cast::<f32>();
    for _ in 0..2 {
        // SAFETY: the table has memory for every region of the schedule, and for scratch.
        unsafe { program.run(&table) };
        // SAFETY: the run wrote it.
        println!("loss {}", unsafe { *loss });
    }
    for (region, elements) in schedule.regions.iter().zip(&memory) {
        // Looked at one by one, so that one that was computed from nothing is noticed.
        let positive = elements.iter().filter(|x| **x > 0.0).count();
        println!("{}: {positive} of {} positive", region.name, elements.len());
    }
}

fn extents(kernel: &Kernel) -> String {
    match &kernel.class {
        Class::Nest(n) => format!("{:?} {:?}, {} stages", n.outer, n.inner, n.stages.len()),
        Class::Contract(c) => format!(
            "{:?} m {:?} n {:?} k {:?}, lhs {:?}, rhs {:?}, {} instructions",
            c.batch,
            c.m,
            c.n,
            c.k,
            c.lhs.access().map(|a| &a.strides),
            c.rhs.access().map(|a| &a.strides),
            c.epilogue.insts.len()
        ),
        Class::Scatter(s) => format!("{:?} {}", s.outer, s.updates),
        Class::Scan(s) => format!("{:?} {}", s.outer, s.extent),
        Class::Sort(s) => format!("{:?} {}", s.outer, s.extent),
    }
}

/// The least time of a run in seconds.
fn time(program: &CompiledSchedule, table: &[*mut u8]) -> f64 {
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    let mut turns = 1;
    while begin.elapsed().as_secs_f64() < 0.2 {
        let start = Instant::now();
        for _ in 0..turns {
            // SAFETY: the table has memory for every region of the program's schedule, and for scratch.
            unsafe { program.run(table) };
        }
        let took = start.elapsed().as_secs_f64();
        best = best.min(took / turns as f64);
        if took < 1e-4 {
            turns *= 2;
        }
    }
    best
}

/// Loss, gradients and Adam's update of a classifier with these widths.
fn step(widths: &[usize], batch: usize) -> Schedule {
    let layers = widths.len() - 1;
    let mut text = "fn @loss(".to_owned();
    for l in 0..layers {
        let (i, o) = (widths[l], widths[l + 1]);
        let _ = write!(
            text,
            "%w{l}: param float[{i}, {o}], %b{l}: param float[{o}], "
        );
    }
    let _ = writeln!(
        text,
        "%x: float[{batch}, {}], %y: i32[{batch}]) -> float[] {{",
        widths[0]
    );
    let mut next = 2 * layers + 2;
    let mut activation = "x".to_owned();
    for l in 0..layers {
        let o = widths[l + 1];
        let _ = writeln!(
            text,
            "  %{next} = dot %{activation}, %w{l} contract_x [1] contract_y [0]"
        );
        let _ = writeln!(
            text,
            "  %{} = broadcast %b{l} shape [{batch}, {o}] new [0]",
            next + 1
        );
        let _ = writeln!(text, "  %{} = add %{next}, %{}", next + 2, next + 1);
        next += 3;
        if l + 1 < layers {
            let _ = writeln!(text, "  %{next} = relu %{}", next - 1);
            next += 1;
        }
        activation = (next - 1).to_string();
    }
    let _ = writeln!(
        text,
        "  %{next} = cross_entropy %{activation}, %y axis [1] ignore_index -100 label_smoothing 0"
    );
    let _ = writeln!(text, "  %{} = mean %{next} axes [0]", next + 1);
    let _ = writeln!(text, "  return %{}\n}}", next + 1);
    // A unit's text stands in a binary.
    static TEXT: OnceLock<String> = OnceLock::new();
    let unit = Unit {
        path: "loss",
        file: "loss",
        text: TEXT.get_or_init(|| text),
        callees: &[],
        consts: &[],
    };
    let binding = Binding::new(DType::F32);
    let gradient = link_gradient(&unit, &binding, &|p| p.name.starts_with(['w', 'b']))
        .expect("the loss links");

    let mut offset = 0;
    let mut leaves = Vec::new();
    for l in 0..layers {
        for elements in [widths[l] * widths[l + 1], widths[l + 1]] {
            leaves.push(offset);
            offset += (elements * 4).next_multiple_of(256);
        }
    }
    let mut regions = Regions::new();
    let packed =
        ["params", "gradients", "m", "v"].map(|name| regions.add(name, offset, RegionKind::State));
    let [params, gradients, m, v] = packed;
    let x = regions.add("x", batch * widths[0] * 4, RegionKind::Input);
    let y = regions.add("y", batch * 4, RegionKind::Input);
    let loss = regions.add("loss", 4, RegionKind::Output);
    let place = |region: RegionId, offset: usize| RegionOffset { region, offset };
    let mut inputs: Vec<RegionOffset> = leaves.iter().map(|&at| place(params, at)).collect();
    inputs.extend([place(x, 0), place(y, 0)]);
    let mut outputs = vec![place(loss, 0); gradient.program.body.results.len()];
    for (leaf, result) in leaves.iter().zip(&gradient.gradients) {
        if let Some(result) = result {
            outputs[*result] = place(gradients, *leaf);
        }
    }
    let n = offset / 4;
    let update = format!(
        "fn @adam(%p: f32[{n}], %g: f32[{n}], %m: f32[{n}], %v: f32[{n}]) -> f32[{n}], f32[{n}], f32[{n}] {{
  %4 = const value 0.9 dtype f32 shape [{n}]
  %5 = const value 0.1 dtype f32 shape [{n}]
  %6 = mul %m, %4
  %7 = mul %g, %5
  %8 = add %6, %7
  %9 = const value 0.999 dtype f32 shape [{n}]
  %10 = const value 0.001 dtype f32 shape [{n}]
  %11 = mul %v, %9
  %12 = mul %g, %g
  %13 = mul %12, %10
  %14 = add %11, %13
  %15 = sqrt %14
  %16 = const value 1e-8 dtype f32 shape [{n}]
  %17 = add %15, %16
  %18 = const value 0.0001 dtype f32 shape [{n}]
  %19 = mul %8, %18
  %20 = div %19, %17
  %21 = sub %p, %20
  return %21, %8, %14
}}
"
    );
    let update = parse(&update).expect("the update parses");
    let parts = [
        Part {
            name: "gradients",
            program: &gradient.program,
            inputs,
            outputs,
        },
        Part {
            name: "update",
            program: &update,
            inputs: packed.map(|r| place(r, 0)).to_vec(),
            outputs: [params, m, v].map(|r| place(r, 0)).to_vec(),
        },
    ];
    schedule(&parts, regions, Target::Cpu).expect("the step is scheduled")
}
