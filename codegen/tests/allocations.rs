//! A compiled step allocates nothing after its first run, whichever kernels it is made of.
#![cfg(feature = "cpu")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sinew_codegen::cpu::{Contraction, Options, Team, compile};
use sinew_codegen::kernel::*;
use sinew_ir::DType;

/// Counts what the thread allocates.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is the system allocator's; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's word.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Negates what a code gives.
fn negated(mut insts: Vec<ScalarInst>) -> Vec<ScalarInst> {
    let last = Reg(insts.len() as u32 - 1);
    insts.push(ScalarInst {
        kind: ScalarKind::Apply(sinew_ir::Scalar::NEG, vec![last]),
        dtype: DType::F32,
    });
    insts
}

/// `c = a b` with every layout of a and b, stored plainly or negated (so that scratch is needed), of
/// operands as they lie or negated.
fn products(m: usize, n: usize, k: usize) -> Schedule {
    let access = |buffer: u32, strides: [usize; 2]| Access {
        slot: SlotId(buffer),
        offset: 0,
        strides: strides.map(|s| s as i64).to_vec(),
        guards: Vec::new(),
    };
    let mut classes = Vec::new();
    for lhs in [[k, 1], [1, m]] {
        for rhs in [[n, 1], [1, k]] {
            for (plain, computed) in [(false, false), (true, false), (false, true), (true, true)] {
                let mut insts = vec![ScalarInst {
                    kind: ScalarKind::Accumulator,
                    dtype: DType::F32,
                }];
                if !plain {
                    insts = negated(insts);
                }
                let operand = |access| {
                    let mut operand = Operand::plain(access, DType::F32);
                    if computed {
                        operand.code.insts = negated(operand.code.insts);
                        operand.value = Reg(1);
                    }
                    operand
                };
                let value = Reg(insts.len() as u32 - 1);
                let stores = vec![Store {
                    access: access(2, [n, 1]),
                    value,
                    adds: false,
                }];
                classes.push(Class::Contract(Contract {
                    batch: vec![],
                    m: vec![m],
                    n: vec![n],
                    k: vec![k],
                    dtype: DType::F32,
                    lhs: operand(access(0, lhs)),
                    rhs: operand(access(1, rhs)),
                    epilogue: Code { insts, stores },
                }));
            }
        }
    }
    let sizes = [m * k, k * n, m * n];
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
        buffers: (0..3)
            .map(|i| Buffer {
                name: "b".to_owned(),
                region: RegionId(i),
                offset: 0,
                dtype: DType::F32,
                elements: sizes[i as usize],
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

#[test]
fn the_second_run_allocates_nothing() {
    for contraction in [Contraction::Own, Contraction::Library, Contraction::Auto] {
        for (m, n, k) in [(32, 10, 64), (70, 300, 90), (8, 300, 2100)] {
            let schedule = products(m, n, k);
            let options = Options {
                contraction,
                ..Options::default()
            };
            let program = match compile(&schedule, &options) {
                Ok(program) => program,
                Err(e) => panic!("{e}"),
            };
            let mut memory: Vec<Vec<u64>> = schedule
                .regions
                .iter()
                .map(|r| vec![0; r.bytes / 8 + 1])
                .collect();
            memory.push(vec![0; program.scratch_bytes() / 8 + 1]);
            let table: Vec<*mut u8> = memory.iter_mut().map(|r| r.as_mut_ptr().cast()).collect();
            // SAFETY: each region has the bytes that the schedule says.
            unsafe { program.run(&table) };
            let before = COUNT.get();
            // SAFETY: as above.
            unsafe { program.run(&table) };
            assert_eq!(COUNT.get(), before, "{contraction:?} {m} {n} {k}");
        }
    }
    assert_ne!(COUNT.get(), 0, "the allocator counts");
}

/// The bases of regions, which two threads share.
struct Bases(Vec<*mut u8>);

// SAFETY: what they point to is reached by compiled code alone while two threads have them.
unsafe impl Sync for Bases {}

#[test]
fn the_second_run_on_two_threads_allocates_nothing() {
    for (m, n, k) in [(32, 10, 64), (70, 300, 90), (8, 300, 2100)] {
        let schedule = products(m, n, k);
        let options = Options {
            threads: 2,
            least_share: 0,
            ..Options::default()
        };
        let program = compile(&schedule, &options).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(program.threads(), 2);
        let mut memory: Vec<Vec<u64>> = schedule
            .regions
            .iter()
            .map(|r| vec![0; r.bytes / 8 + 1])
            .collect();
        memory.push(vec![0; program.scratch_bytes() / 8 + 1]);
        let table = Bases(memory.iter_mut().map(|r| r.as_mut_ptr().cast()).collect());
        let teams = [Team::new(2), Team::new(2)];
        // The first run of one thread may be the second of the other.
        let work = |number: usize| {
            let table = &table;
            // SAFETY: each region has the bytes that the schedule says; each thread has its own number.
            let run = |team: &Team| unsafe { program.run_as(&table.0, team, number) };
            run(&teams[0]);
            let before = COUNT.get();
            run(&teams[1]);
            assert_eq!(COUNT.get(), before, "thread {number}: {m} {n} {k}");
        };
        std::thread::scope(|scope| {
            scope.spawn(|| work(1));
            work(0);
        });
    }
}
