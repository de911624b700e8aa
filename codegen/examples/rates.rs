//! What the CPU emitter's kernels reach on this machine: products in GFLOP/s by shape and kernel,
//! elementwise functions and reductions in Gelem/s, compile times. For tuning; quote ratios of one
//! run only.
//!
//! `cargo run --release -p sinew-codegen --features cpu --example rates [products|prologues|maps|compile]`

use std::time::Instant;

use sinew_codegen::cpu::{CompiledSchedule, Contraction, Options, compile};
use sinew_codegen::kernel::*;
use sinew_ir::{DType, Reduction, Scalar};

fn main() {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|o| o == name);
    if wanted("products") {
        products();
    }
    if wanted("prologues") {
        prologues();
    }
    if wanted("maps") {
        maps();
    }
    if wanted("compile") {
        compile_times();
    }
}

/// Memory for a schedule's regions and for scratch, filled with small numbers.
struct Regions(Vec<Vec<Line>>);

/// A line of the cache: regions begin at one, as the runtime's do.
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "read by compiled code")] [f32; 16]);

impl Regions {
    fn new(schedule: &Schedule, program: &CompiledSchedule) -> Regions {
        let fill = |bytes: usize| {
            (0..bytes.div_ceil(64) + 1)
                .map(|i| std::array::from_fn(|j| ((i * 7 + j * 3) % 17) as f32 * 0.1 - 0.8))
                .map(Line)
                .collect()
        };
        let regions = schedule.regions.iter().map(|r| program.region_bytes(r));
        let all = regions.chain([program.scratch_bytes()]);
        Regions(all.map(fill).collect())
    }

    fn table(&mut self) -> Vec<*mut u8> {
        self.0.iter_mut().map(|r| r.as_mut_ptr().cast()).collect()
    }
}

/// The least time of a run in seconds.
fn time(program: &CompiledSchedule, table: &[*mut u8]) -> f64 {
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    let mut turns = 1;
    while begin.elapsed().as_secs_f64() < 0.15 {
        let start = Instant::now();
        for _ in 0..turns {
            // SAFETY: the table comes from `Regions`, made for the program's schedule.
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

fn access(buffer: u32, strides: &[i64]) -> Access {
    Access {
        slot: SlotId(buffer),
        offset: 0,
        strides: strides.to_vec(),
        guards: Vec::new(),
    }
}

/// A schedule of one region a buffer, f32 all.
fn schedule(sizes: &[usize], classes: Vec<Class>) -> Schedule {
    let mut schedule = Schedule {
        regions: sizes
            .iter()
            .enumerate()
            .map(|(i, &elements)| Region {
                name: format!("r{i}"),
                bytes: elements * 4,
                kind: RegionKind::State,
            })
            .collect(),
        buffers: sizes
            .iter()
            .enumerate()
            .map(|(i, &elements)| Buffer {
                name: "b".to_owned(),
                region: RegionId(i as u32),
                offset: 0,
                dtype: DType::F32,
                elements,
            })
            .collect(),
        kernels: Vec::new(),
        nodes: Vec::new(),
    };
    for class in classes {
        let run = schedule.bind(class, |number| format!("k{number}"), Vec::new());
        schedule.nodes.push(Node::Run(run));
    }
    schedule
}

fn inst(kind: ScalarKind, dtype: DType) -> ScalarInst {
    ScalarInst { kind, dtype }
}

fn product(m: usize, n: usize, k: usize, lhs: bool, rhs: bool, fused: bool) -> Schedule {
    let strides = |transposed: bool, rows: usize, columns: usize| {
        if transposed {
            [1, rows as i64]
        } else {
            [columns as i64, 1]
        }
    };
    let f = DType::F32;
    let mut insts = vec![inst(ScalarKind::Accumulator, f)];
    if fused {
        insts.extend([
            inst(ScalarKind::Load(access(3, &[0, 1])), f),
            inst(ScalarKind::Apply(Scalar::ADD, vec![Reg(0), Reg(1)]), f),
            inst(ScalarKind::Const(0.0), f),
            inst(
                ScalarKind::Apply(Scalar::LE, vec![Reg(2), Reg(3)]),
                DType::Bool,
            ),
            inst(
                ScalarKind::Apply(Scalar::SELECT, vec![Reg(4), Reg(3), Reg(2)]),
                f,
            ),
        ]);
    }
    let value = Reg(insts.len() as u32 - 1);
    schedule(
        &[m * k, k * n, m * n, n],
        vec![Class::Contract(Contract {
            batch: vec![],
            m: vec![m],
            n: vec![n],
            k: vec![k],
            dtype: f,
            lhs: Operand::plain(access(0, &strides(lhs, m, k)), f),
            rhs: Operand::plain(access(1, &strides(rhs, k, n)), f),
            epilogue: Code {
                insts,
                stores: vec![Store {
                    access: access(2, &[n as i64, 1]),
                    value,
                    adds: false,
                }],
            },
        })],
    )
}

fn products() {
    println!("GFLOP/s           own: plain  relu   library: plain  relu");
    for (m, k, n) in [
        (8, 8, 8),
        (16, 16, 16),
        (1, 64, 64),
        (32, 64, 64),
        (32, 64, 32),
        (32, 32, 10),
        (64, 32, 64),
        (64, 32, 32),
        (32, 32, 32),
        (32, 10, 32),
        (64, 64, 64),
        (128, 784, 512),
        (128, 512, 512),
        (128, 512, 10),
        (784, 128, 512),
        (512, 128, 512),
        (512, 512, 512),
        (2048, 128, 512),
        (2048, 384, 1536),
        (256, 4096, 4096),
    ] {
        for (name, lhs, rhs) in [
            ("NN", false, false),
            ("TN", true, false),
            ("NT", false, true),
        ] {
            let mut line = format!("{:>18} ", format!("{m},{k},{n} {name}"));
            for contraction in [Contraction::Own, Contraction::Library] {
                for fused in [false, true] {
                    let schedule = product(m, n, k, lhs, rhs, fused);
                    let options = Options {
                        contraction,
                        ..Options::default()
                    };
                    let program = compile(&schedule, &options).expect("it compiles");
                    let mut memory = Regions::new(&schedule, &program);
                    let seconds = time(&program, &memory.table());
                    line += &format!("{:>7.1} ", 2e-9 * (m * n * k) as f64 / seconds);
                }
                line += "  ";
            }
            println!("{line}");
        }
    }
}

/// An operand's code over two dims, of buffer 0 and the indices in buffer 4.
fn computed(kind: &str, rows: usize, columns: usize) -> Operand {
    let f = DType::F32;
    let apply = |scalar, operands: [u32; 2], dtype| {
        inst(ScalarKind::Apply(scalar, operands.map(Reg).to_vec()), dtype)
    };
    let load = |strides: [i64; 2]| inst(ScalarKind::Load(access(0, &strides)), f);
    let index = || inst(ScalarKind::Load(access(4, &[1, 0])), DType::I32);
    let (row, last) = (columns as i64, columns as i64 - 1);
    let zero = inst(ScalarKind::Const(0.0), f);
    let insts = match kind {
        "relu" => vec![zero, load([row, 1]), apply(Scalar::MAXIMUM, [1, 0], f)],
        "turned" => vec![
            zero,
            load([1, rows as i64]),
            apply(Scalar::MAXIMUM, [1, 0], f),
        ],
        "scaled" => vec![load([row, 1]), load([0, 1]), apply(Scalar::MUL, [0, 1], f)],
        "padded" => {
            let mut padded = access(0, &[row, 1]);
            padded.guards.push(Guard {
                offset: 0,
                strides: vec![0, 1],
                extent: last,
            });
            vec![inst(ScalarKind::Load(padded), f)]
        }
        "gathered" => vec![
            index(),
            inst(
                ScalarKind::Gather {
                    access: access(0, &[0, 1]),
                    index: Reg(0),
                    extent: rows,
                    stride: row,
                },
                f,
            ),
        ],
        _ => vec![
            index(),
            inst(
                ScalarKind::Index {
                    offset: 0,
                    strides: vec![0, 1],
                },
                DType::I32,
            ),
            apply(Scalar::EQ, [0, 1], DType::Bool),
            inst(ScalarKind::Apply(Scalar::CAST, vec![Reg(2)]), f),
        ],
    };
    let value = Reg(insts.len() as u32 - 1);
    Operand {
        code: Code {
            insts,
            stores: Vec::new(),
        },
        value,
    }
}

/// A product with one operand computed where it is used, or stored by a map before.
fn with_prologue(kind: &str, [m, n, k]: [usize; 3], left: bool, stored: bool) -> Schedule {
    let f = DType::F32;
    let [rows, columns] = if left { [m, k] } else { [k, n] };
    let operand = computed(kind, rows, columns);
    let contract = |side: Operand| {
        let row = if left { n } else { k } as i64;
        let other = Operand::plain(access(1, &[row, 1]), f);
        let (lhs, rhs) = if left { (side, other) } else { (other, side) };
        Class::Contract(Contract {
            batch: vec![],
            m: vec![m],
            n: vec![n],
            k: vec![k],
            dtype: f,
            lhs,
            rhs,
            epilogue: Code {
                insts: vec![inst(ScalarKind::Accumulator, f)],
                stores: vec![Store {
                    access: access(2, &[n as i64, 1]),
                    value: Reg(0),
                    adds: false,
                }],
            },
        })
    };
    let other = if left { k * n } else { m * k };
    let sizes = [rows * columns, other, m * n, rows * columns, rows];
    if !stored {
        return schedule(&sizes, vec![contract(operand)]);
    }
    let place = access(3, &[columns as i64, 1]);
    let mut code = operand.code;
    code.stores.push(Store {
        access: place.clone(),
        value: operand.value,
        adds: false,
    });
    let map = Class::Nest(Nest {
        outer: vec![rows, columns],
        inner: Vec::new(),
        stages: vec![Stage::Row {
            code,
            sets: Vec::new(),
        }],
        rows: Vec::new(),
        arrays: Vec::new(),
    });
    schedule(&sizes, vec![map, contract(Operand::plain(place, f))])
}

fn prologues() {
    println!("us, stored before -> computed where used");
    for (m, k, n) in [
        (8, 8, 8),
        (12, 16, 10),
        (1, 64, 64),
        (32, 64, 10),
        (32, 64, 64),
        (128, 784, 512),
        (512, 512, 512),
        (2048, 128, 512),
        (512, 2048, 512),
        (256, 1024, 4096),
    ] {
        for left in [true, false] {
            let mut line = format!("{m},{k},{n} {}", if left { "left" } else { "right" });
            for kind in ["relu", "turned", "scaled", "padded", "gathered", "one hot"] {
                let seconds = [true, false].map(|stored| {
                    let mut schedule = with_prologue(kind, [m, n, k], left, stored);
                    // The indices are i32.
                    schedule.buffers[4].dtype = DType::I32;
                    let program = compile(&schedule, &Options::default()).expect("it compiles");
                    let mut memory = Regions::new(&schedule, &program);
                    time(&program, &memory.table())
                });
                line += &format!(
                    "  {kind} {:.2} -> {:.2} ({:.2})",
                    seconds[0] * 1e6,
                    seconds[1] * 1e6,
                    seconds[1] / seconds[0]
                );
            }
            println!("{line}");
        }
    }
}

fn map(n: usize, op: Scalar) -> Schedule {
    let f = DType::F32;
    schedule(
        &[n, n],
        vec![Class::Nest(Nest {
            outer: vec![n],
            inner: vec![],
            rows: vec![],
            arrays: vec![],
            stages: vec![Stage::Row {
                code: Code {
                    insts: vec![
                        inst(ScalarKind::Load(access(0, &[1])), f),
                        inst(ScalarKind::Apply(op, vec![Reg(0)]), f),
                    ],
                    stores: vec![Store {
                        access: access(1, &[1]),
                        value: Reg(1),
                        adds: false,
                    }],
                },
                sets: vec![],
            }],
        })],
    )
}

fn reduce(outer: &[usize], inner: &[usize], strides: &[i64], kind: Reduction) -> Schedule {
    let f = DType::F32;
    let kept: usize = outer.iter().product();
    let n = kept * inner.iter().product::<usize>();
    let mut out = vec![1; outer.len()];
    out.extend(inner.iter().map(|_| 0));
    schedule(
        &[n, kept],
        vec![Class::Nest(Nest {
            outer: outer.to_vec(),
            inner: inner.to_vec(),
            rows: vec![f],
            arrays: Vec::new(),
            stages: vec![
                Stage::Each {
                    code: Code {
                        insts: vec![inst(ScalarKind::Load(access(0, strides)), f)],
                        stores: vec![],
                    },
                    reduces: vec![(RowReg(0), kind, Reg(0))],
                },
                Stage::Row {
                    code: Code {
                        insts: vec![inst(ScalarKind::Row(RowReg(0)), f)],
                        stores: vec![Store {
                            access: access(1, &out),
                            value: Reg(0),
                            adds: false,
                        }],
                    },
                    sets: vec![],
                },
            ],
        })],
    )
}

/// Adam's update over one region.
fn adam(n: usize) -> Schedule {
    let f = DType::F32;
    let mut insts = Vec::new();
    for b in 0..4 {
        insts.push(inst(ScalarKind::Load(access(b, &[1])), f));
    }
    let mut c = |v: f64| {
        insts.push(inst(ScalarKind::Const(v), f));
        Reg(insts.len() as u32 - 1)
    };
    let (b1, c1, b2, c2, lr, eps) = (c(0.9), c(0.1), c(0.999), c(0.001), c(1e-3), c(1e-8));
    let mut a = |op: Scalar, x: Reg, y: Option<Reg>| {
        let operands = std::iter::once(x).chain(y).collect();
        insts.push(inst(ScalarKind::Apply(op, operands), f));
        Reg(insts.len() as u32 - 1)
    };
    let (p, g, m, v) = (Reg(0), Reg(1), Reg(2), Reg(3));
    let m1 = a(Scalar::MUL, m, Some(b1));
    let g1 = a(Scalar::MUL, g, Some(c1));
    let m2 = a(Scalar::ADD, m1, Some(g1));
    let v1 = a(Scalar::MUL, v, Some(b2));
    let gg = a(Scalar::MUL, g, Some(g));
    let g2 = a(Scalar::MUL, gg, Some(c2));
    let v2 = a(Scalar::ADD, v1, Some(g2));
    let root = a(Scalar::SQRT, v2, None);
    let d = a(Scalar::ADD, root, Some(eps));
    let num = a(Scalar::MUL, m2, Some(lr));
    let q = a(Scalar::DIV, num, Some(d));
    let p2 = a(Scalar::SUB, p, Some(q));
    let store = |b, value| Store {
        access: access(b, &[1]),
        value,
        adds: false,
    };
    schedule(
        &[n, n, n, n],
        vec![Class::Nest(Nest {
            outer: vec![n],
            inner: vec![],
            rows: vec![],
            arrays: vec![],
            stages: vec![Stage::Row {
                code: Code {
                    insts,
                    stores: vec![store(0, p2), store(2, m2), store(3, v2)],
                },
                sets: vec![],
            }],
        })],
    )
}

fn rate(name: &str, elements: usize, schedule: &Schedule) {
    let program = compile(schedule, &Options::default()).expect("it compiles");
    let mut memory = Regions::new(schedule, &program);
    let seconds = time(&program, &memory.table());
    println!(
        "{name:>28} {:>9.2} us {:>7.2} Gelem/s {:>6} bytes",
        seconds * 1e6,
        1e-9 * elements as f64 / seconds,
        program.code_bytes()
    );
}

fn maps() {
    for op in [
        Scalar::NEG,
        Scalar::EXP,
        Scalar::LOG,
        Scalar::TANH,
        Scalar::ERF,
        Scalar::SQRT,
    ] {
        for n in [4096, 1 << 20] {
            rate(&format!("{op} {n}"), n, &map(n, op));
        }
    }
    for (m, n) in [(32, 10), (32, 64), (128, 512), (4096, 1024)] {
        let w = n as i64;
        for kind in [Reduction::Sum, Reduction::Max] {
            let rows = reduce(&[m], &[n], &[w, 1], kind);
            rate(&format!("{kind:?} of rows {m}x{n}"), m * n, &rows);
            let columns = reduce(&[n], &[m], &[1, w], kind);
            rate(&format!("{kind:?} of columns {m}x{n}"), m * n, &columns);
        }
    }
    for n in [6500, 669_706] {
        rate(&format!("adam {n}"), n, &adam(n));
    }
}

fn compile_times() {
    let mut classes = Vec::new();
    let mut sizes = Vec::new();
    for s in [
        product(32, 64, 64, false, false, true),
        product(32, 32, 64, false, false, true),
        product(32, 10, 32, false, false, false),
        product(32, 10, 32, true, false, false),
        product(32, 32, 10, false, true, true),
        product(64, 32, 32, true, false, false),
        product(32, 64, 32, false, true, true),
        product(64, 64, 32, true, false, false),
        reduce(&[64], &[32], &[1, 64], Reduction::Sum),
        reduce(&[32], &[32], &[1, 32], Reduction::Sum),
        reduce(&[10], &[32], &[1, 10], Reduction::Sum),
        map(320, Scalar::EXP),
        map(320, Scalar::LOG),
        adam(6500),
    ] {
        sizes.extend(s.buffers.iter().map(|b| b.elements));
        classes.extend(s.kernels.into_iter().map(|k| k.class));
    }
    let schedule = schedule(&sizes, classes);
    for contraction in [Contraction::Auto, Contraction::Own] {
        for compile_threads in [1, 2] {
            let options = Options {
                contraction,
                compile_threads,
                ..Options::default()
            };
            let mut best = f64::INFINITY;
            let mut first = None;
            let mut bytes = 0;
            for _ in 0..10 {
                let start = Instant::now();
                let program = compile(&schedule, &options).expect("it compiles");
                let took = start.elapsed().as_secs_f64();
                first.get_or_insert(took);
                best = best.min(took);
                bytes = program.code_bytes();
            }
            println!(
                "14 kernels, {contraction:?}, {compile_threads} threads: first {:.2} ms, best {:.2} ms, {bytes} bytes",
                first.unwrap_or(0.0) * 1e3,
                best * 1e3
            );
        }
    }
}
