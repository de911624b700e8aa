//! Runs of compiled schedules, each over memory in several places: nothing beside the regions is touched, and
//! results are the same wherever regions lie.
//!
//! The first run has every region at a line of the cache, as the runtime has them. Where pages can be guarded
//! (see [`super::guarded`]) two more follow: with every region directly before a page that may not be touched,
//! and with every region directly behind one. There regions have the alignment of their elements and no more.

use super::threads::{self, Mode};
use sinew_codegen::cpu::{Options, compile};
use sinew_codegen::kernel::Schedule;

/// What stands before and behind each region: 64 bytes that nobody may touch.
const MARGIN: [u8; 64] = [0x5A; 64];

/// What scratch holds before a run: garbage.
const GARBAGE: u8 = 0xFF;

/// Compiles a schedule for this machine and runs it over `memory`. Nothing beside the regions is touched. On
/// several threads, of which some may not come, it does the same, bit by bit.
pub fn run_compiled(s: &Schedule, memory: &mut [Vec<u8>], options: &Options) {
    run_compiled_in(s, memory, options, &|run| run());
}

/// Runs a schedule over `memory` by one thread, and by so many, who are all there: they do the same, bit by bit.
pub fn run_by_threads(s: &Schedule, memory: &mut [Vec<u8>], options: &Options, threads: &[usize]) {
    let before = memory.to_vec();
    run_in_places(s, memory, options, &[0], &|run| run());
    for threads in threads.iter().copied() {
        let options = Options {
            threads,
            least_share: 0,
            ..options.clone()
        };
        let mut again = before.clone();
        let all: Vec<usize> = (0..threads).collect();
        run_in_places(s, &mut again, &options, &all, &|run| run());
        same(s, memory, &again, &|| format!("on {threads} threads"));
    }
}

/// [`run_compiled`], in a mode of the processor that `mode` brings about around the work of each thread.
pub fn run_compiled_in(s: &Schedule, memory: &mut [Vec<u8>], options: &Options, mode: Mode<'_>) {
    let before = memory.to_vec();
    run_in_places(s, memory, options, &[0], mode);
    for (threads, present) in threads::teams(s, options) {
        let options = Options {
            threads,
            least_share: 0,
            ..options.clone()
        };
        let mut again = before.clone();
        run_in_places(s, &mut again, &options, &present, mode);
        same(s, memory, &again, &|| {
            format!("on {present:?} of {threads} threads, {options:?}")
        });
    }
}

/// That two runs came to the same.
fn same(s: &Schedule, one: &[Vec<u8>], other: &[Vec<u8>], what: &dyn Fn() -> String) {
    for ((region, one), other) in s.regions.iter().zip(one).zip(other) {
        // Values between kernels may be in other places of a time where a plan has them, or not at all.
        let same = region.kind.is_planned() || one == other;
        assert!(same, "`{}` differs {}\n{s}", region.name, what());
    }
}

/// Compiles a schedule and runs it over `memory` in every place by those threads of its team that are `present`.
fn run_in_places(
    s: &Schedule,
    memory: &mut [Vec<u8>],
    options: &Options,
    present: &[usize],
    mode: Mode<'_>,
) {
    let program = compile(s, options).unwrap_or_else(|e| panic!("{e}\n{}", s));
    let scratch = program.scratch_bytes();
    // Each thread has memory of a turn for itself.
    for (region, bytes) in s.regions.iter().zip(memory.iter_mut()) {
        bytes.resize(program.region_bytes(region), GARBAGE);
    }
    let run = |table: &[*mut u8]| {
        // SAFETY: each region has as many bytes as the schedule says, aligned to its elements, and so has
        // scratch, aligned to 8 bytes.
        unsafe { threads::run(&program, table, present, mode) };
    };
    #[cfg(unix)]
    let guarded = guarded::runs(s, memory, scratch, options, &run);
    run_at_lines(memory, scratch, &run);
    #[cfg(unix)]
    for (place, found) in guarded {
        same(s, memory, &found, &|| {
            format!("with regions {place}, {options:?}")
        });
    }
    for (region, bytes) in s.regions.iter().zip(memory) {
        bytes.truncate(region.bytes);
    }
}

/// Runs with every region at a line of the cache, between margins.
fn run_at_lines(memory: &mut [Vec<u8>], scratch: usize, run: &dyn Fn(&[*mut u8])) {
    let scratch = vec![GARBAGE; scratch];
    let bytes =
        |line: &[u64; 8]| -> Vec<u8> { line.iter().flat_map(|w| w.to_le_bytes()).collect() };
    let mut aligned: Vec<Vec<[u64; 8]>> = Vec::new();
    for region in memory.iter().chain([&scratch]) {
        let lines = [&MARGIN, &region[..], &MARGIN].concat();
        let line = |line: &[u8]| {
            let mut words = [0; 8];
            for (word, eight) in words.iter_mut().zip(line.chunks(8)) {
                let mut padded = [0; 8];
                padded[..eight.len()].copy_from_slice(eight);
                *word = u64::from_le_bytes(padded);
            }
            words
        };
        aligned.push(lines.chunks(64).map(line).collect());
    }
    let table: Vec<*mut u8> = aligned
        .iter_mut()
        .map(|r| r[1..].as_mut_ptr().cast())
        .collect();
    run(&table);
    let regions = memory.iter_mut().map(Some).chain([None]);
    for (region, lines) in regions.zip(&aligned) {
        let after: Vec<u8> = lines.iter().flat_map(bytes).collect();
        let length = region.as_ref().map_or(scratch.len(), |r| r.len());
        let (before, rest) = after.split_at(64);
        let (inside, behind) = rest.split_at(length);
        assert!(before == MARGIN, "what lies before a region was written");
        assert!(
            behind.starts_with(&MARGIN),
            "what lies behind a region was written"
        );
        if let Some(region) = region {
            region.copy_from_slice(inside);
        }
    }
}

#[cfg(unix)]
mod guarded {
    use super::super::faults::{Watched, watch};
    use super::super::guarded::{Block, Place};
    use super::GARBAGE;
    use sinew_codegen::cpu::Options;
    use sinew_codegen::kernel::Schedule;

    /// What memory holds after runs over regions beside guarded pages.
    pub fn runs(
        s: &Schedule,
        memory: &[Vec<u8>],
        scratch: usize,
        options: &Options,
        run: &dyn Fn(&[*mut u8]),
    ) -> Vec<(Place, Vec<Vec<u8>>)> {
        let text = format!("{options:?}\n{s}");
        let at = |place: Place| {
            let scratch = vec![GARBAGE; scratch];
            let blocks: Vec<Block> = (memory.iter().enumerate())
                .map(|(r, bytes)| Block::new(bytes, alignment(s, r), place))
                .chain([Block::new(&scratch, 8, place)])
                .collect();
            let table: Vec<*mut u8> = blocks.iter().map(Block::address).collect();
            let names = s.regions.iter().map(|r| r.name.as_str());
            let watched = names.chain(["scratch"]).zip(&blocks);
            let watched = watched.map(|(name, block)| Watched {
                name: name.to_owned(),
                mapping: block.mapping(),
                region: block.region(),
            });
            let watched: Vec<Watched> = watched.collect();
            watch(&format!("regions {place}, {text}"), &watched, || {
                run(&table);
            });
            let beside = blocks.iter().all(Block::is_clean_around);
            assert!(beside, "beside a region was written, {place}, {text}");
            let regions = &blocks[..memory.len()];
            (place, regions.iter().map(|b| b.bytes().to_vec()).collect())
        };
        [Place::BeforeGuard, Place::BehindGuard].map(at).into()
    }

    /// Bytes of the largest element that lies in a region.
    fn alignment(s: &Schedule, region: usize) -> usize {
        let inside = s.buffers.iter().filter(|b| b.region.0 as usize == region);
        inside.filter_map(|b| b.dtype.size()).max().unwrap_or(1)
    }
}
