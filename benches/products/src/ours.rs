//! Sinew: the program of one product, compiled for as many threads.

use crate::theirs::Element;
use crate::{Layout, Product};
use sinew_codegen::cost::Target;
use sinew_codegen::cpu::{CompiledSchedule, Options, Team, compile};
use sinew_codegen::kernel::{RegionKind, Regions};
use sinew_codegen::schedule::{Part, RegionOffset, schedule};
use sinew_ir::parse;
use std::sync::atomic::{AtomicU64, Ordering};

/// A line of the cache: regions begin at one, as those of a trainer do.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "read by compiled code")] [u8; 64]);

/// A product with its memory: operands, result, scratch.
pub struct Ours {
    program: CompiledSchedule,
    regions: Vec<Vec<Line>>,
    elements: usize,
}

/// Addresses of regions.
struct Table(Vec<*mut u8>);

// SAFETY: compiled code has its threads write different places of them.
unsafe impl Sync for Table {}

impl Ours {
    /// The product of such elements.
    pub fn new<T: Element>(product: Product) -> Result<Ours, String> {
        let [m, k, n] = product.shape;
        let (left, x) = match product.layout {
            Layout::Left => ([k, m], 0),
            Layout::Plain | Layout::Right => ([m, k], 1),
        };
        let (right, y) = match product.layout {
            Layout::Right => ([n, k], 1),
            Layout::Plain | Layout::Left => ([k, n], 0),
        };
        let t = T::NAME;
        let text = format!(
            "fn @product(%a: {t}{left:?}, %b: {t}{right:?}) -> {t}[{m}, {n}] {{
               %2 = dot %a, %b contract_x [{x}] contract_y [{y}]
               return %2
             }}"
        );
        let function = parse(&text).map_err(|e| e.to_string())?;
        let mut regions = Regions::new();
        let size = size_of::<T>();
        let mut add = |name: &str, elements: usize, kind: RegionKind| RegionOffset {
            region: regions.add(name, elements * size, kind),
            offset: 0,
        };
        let inputs = vec![
            add("a", m * k, RegionKind::Input),
            add("b", k * n, RegionKind::Input),
        ];
        let outputs = vec![add("product", m * n, RegionKind::Output)];
        let part = Part {
            name: "product",
            program: &function,
            inputs,
            outputs,
        };
        let schedule = schedule(&[part], regions, Target::Cpu).map_err(|e| e.to_string())?;
        let options = Options {
            threads: product.threads,
            ..Options::default()
        };
        let program = compile(&schedule, &options).map_err(|e| e.to_string())?;
        let bytes = schedule.regions.iter().map(|r| r.bytes);
        let lines = |bytes: usize| vec![Line([0; 64]); bytes.div_ceil(64).max(1)];
        let regions = bytes.chain([program.scratch_bytes()]).map(lines).collect();
        Ok(Ours {
            program,
            regions,
            elements: m * n,
        })
    }

    /// Writes the operands. The first region is that of values between kernels.
    pub fn fill<T: Element>(&mut self, a: &[T], b: &[T]) {
        for (region, from) in self.regions.iter_mut().skip(1).zip([a, b]) {
            // SAFETY: a region has as many bytes as its tensor.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    from.as_ptr(),
                    region.as_mut_ptr().cast(),
                    from.len(),
                );
            }
        }
    }

    /// What came of it.
    pub fn results<T: Element>(&self) -> &[T] {
        // SAFETY: the region has so many elements, at the start of a line.
        unsafe { std::slice::from_raw_parts(self.regions[3].as_ptr().cast(), self.elements) }
    }

    /// Gives what computes it, beside a thread that is ready to help if the program takes two.
    pub fn with<R>(&mut self, measure: impl FnOnce(&mut dyn FnMut()) -> R) -> R {
        let program = &self.program;
        let table = Table(
            self.regions
                .iter_mut()
                .map(|r| r.as_mut_ptr().cast())
                .collect(),
        );
        if program.threads() == 1 {
            // SAFETY: the table has the schedule's regions, of their sizes, and scratch.
            return measure(&mut || unsafe { program.run(&table.0) });
        }
        let (begun, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut team = Team::new(program.threads());
        let seat = &raw mut team;
        let shared = Table(vec![seat.cast()]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (table, shared) = (&table, &shared);
                let mut turn = 0;
                loop {
                    turn += 1;
                    while begun.load(Ordering::Acquire) < turn {
                        std::hint::spin_loop();
                    }
                    if begun.load(Ordering::Relaxed) == u64::MAX {
                        return;
                    }
                    let team = shared.0[0].cast::<Team>();
                    // SAFETY: as for the other thread, which changes the team while this one waits.
                    unsafe { program.run_as(&table.0, &*team, 1) };
                    done.store(turn, Ordering::Release);
                }
            });
            let mut turn = 0;
            let result = measure(&mut || {
                turn += 1;
                // SAFETY: the other thread waits for the next turn; then both run with a number of their own.
                unsafe {
                    (*seat).begin();
                    begun.store(turn, Ordering::Release);
                    program.run_as(&table.0, &*seat, 0);
                }
                while done.load(Ordering::Acquire) < turn {
                    std::hint::spin_loop();
                }
            });
            begun.store(u64::MAX, Ordering::Release);
            result
        })
    }
}
