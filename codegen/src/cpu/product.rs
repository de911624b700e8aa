//! Matrix products over tiles: blocks in their order, packing, and the way back to the kernel.
//!
//! A compiled kernel calls [`product`] for each element of its batch. Sums go straight to the
//! destination where the epilogue only stores them; else to scratch, and the kernel is called back
//! for each finished block, while that is in the cache. It is also called back for the blocks of an
//! operand that is computed: the right one's come once, as panels; the left one's as the tiles read
//! them, or all at once where several blocks of columns need them. Scratch is memory that the
//! program's caller supplies beside the regions ([`super::CompiledSchedule::scratch_bytes`]): nothing is
//! allocated here, and nothing here can fail.

use super::blocking::{BlockedProduct, Source, Steps, pitch};
use super::frame::SCRATCH;
use super::panel::copy_panel;
use super::tile::{Element, Job, Tiles};
use super::walk::{Walk, rest_of_run};

/// What a kernel passes to [`product`].
#[repr(C)]
pub(super) struct Call {
    /// The table of the kernel's slots, which begins with scratch: as much as the blocked product says.
    pub table: *const *mut u8,
    /// The kernel's own address, to call it back.
    pub kernel: Option<Kernel>,
    /// The left operand's first element, unless it is computed.
    pub lhs: *const u8,
    /// The right operand's.
    pub rhs: *const u8,
    /// The destination's, where the product is stored directly.
    pub out: *mut u8,
    /// The place in the batch, one i64 a batch dim.
    pub batch: *const i64,
    /// The first row to compute and the one behind the last.
    pub rows: [usize; 2],
    /// The columns, likewise: they begin with a panel.
    pub columns: [usize; 2],
}

/// What a kernel is called back for.
#[derive(Clone, Copy)]
#[repr(i64)]
pub(super) enum Part {
    /// The epilogue on finished sums.
    Epilogue,
    /// Elements of the left operand.
    Left,
    /// Elements of the right operand.
    Right,
}

/// A block of sums or of an operand in scratch.
#[repr(C)]
pub(super) struct Block {
    /// What is to be done.
    pub part: Part,
    /// The element of row `rows.0`, column `columns.0`.
    pub base: *mut u8,
    /// Bytes between rows.
    pub pitch: i64,
    /// First row and the row behind the last. A block of an operand may be turned: its columns are
    /// what the elements that are computed together follow one another along.
    pub rows: [i64; 2],
    /// First column and the column behind the last.
    pub columns: [i64; 2],
    /// The place in the batch.
    pub batch: *const i64,
}

/// A kernel's function: the table, a block if it is called back, and the bounds of the loop that calls
/// split, which mean nothing to one that is called back.
pub(super) type Kernel = unsafe extern "C" fn(*const *mut u8, *const Block, i64, i64);

impl BlockedProduct {
    /// The name by which a kernel refers to its plan.
    pub(super) fn symbol(kernel: &str) -> String {
        format!("plan_{kernel}")
    }
}

/// Computes one product and calls the kernel back with its blocks.
///
/// # Safety
///
/// The operands, the destination, the table and its scratch are there for all of the product's elements.
pub(super) unsafe extern "C" fn product<E: Element>(blocked: &BlockedProduct, call: &Call) {
    let Some(tiles) = E::tiles(blocked.instructions) else {
        // A blocked product is made only where there are tiles.
        return;
    };
    let [of_b, of_a, of_sums, _] = blocked.scratch;
    // SAFETY: a kernel's table has an entry for scratch.
    let scratch = unsafe { call.table.byte_offset(SCRATCH as isize).read() };
    let part = |bytes: usize| scratch.wrapping_add(bytes).cast::<E>();
    let run = Run {
        blocked,
        call,
        tiles,
        b: part(0),
        a: part(of_b),
        sums: part(of_b + of_a),
        turned: part(of_b + of_a + of_sums),
    };
    // SAFETY: the caller vouches for the operands and for scratch.
    unsafe { run.blocks() }
}

/// The left operand of a block, as tiles read it.
struct Left<'r, E> {
    /// The first element of what `rows` and `starts` count from.
    first: *const E,
    rows: Rows<'r>,
    /// Between elements of a run of steps.
    step: isize,
    /// Where the block's runs begin.
    starts: &'r [isize],
}

/// Where tiles begin: where the run does if there is one only, else where the starts of runs count from.
fn first_run<E>(first: *const E, starts: &[isize]) -> *const E {
    match starts {
        [only] => first.wrapping_offset(*only),
        _ => first,
    }
}

/// Where the rows of a left operand lie.
enum Rows<'r> {
    /// By their number in the product.
    Walk(&'r Walk),
    /// By their number in the block, as far apart as this.
    Even(isize),
    /// In panels of a tile's height, of so many steps.
    Panels(usize),
}

impl<E> Left<'_, E> {
    /// Row `i` of the product, which is row `ii` of the block: its first element, how far apart the rows
    /// of a tile are, and how far apart tiles are, by the rows between them.
    fn rows_from(&self, i: usize, ii: usize) -> (*const E, isize, isize) {
        let (at, row, next) = match &self.rows {
            Rows::Walk(walk) => (walk.at(i), walk.step, walk.step),
            Rows::Even(pitch) => (ii as isize * pitch, *pitch, *pitch),
            Rows::Panels(count) => ((ii * count) as isize, 1, *count as isize),
        };
        let first = first_run(self.first, self.starts);
        (first.wrapping_offset(at), row, next)
    }
}

/// A product being computed.
struct Run<'r, E: Element> {
    blocked: &'r BlockedProduct,
    call: &'r Call,
    tiles: &'static Tiles<E>,
    b: *mut E,
    a: *mut E,
    sums: *mut E,
    turned: *mut E,
}

impl<E: Element> Run<'_, E> {
    /// All blocks: columns, then depth, then rows.
    ///
    /// # Safety
    ///
    /// As for [`product`].
    unsafe fn blocks(&self) {
        let BlockedProduct { k, .. } = *self.blocked;
        let [low, high] = self.call.rows;
        let [mut j, n] = self.call.columns;
        let (height, width, _) = self.blocked.block;
        if self.blocked.whole_a {
            let pitch = pitch::<E>(k);
            let to = self.a.wrapping_add(low * pitch);
            // SAFETY: rows of the left operand; scratch has room for all of it.
            unsafe { self.back(Part::Left, to, pitch, (low, high - low), (0, k)) };
        }
        // `step_by` would divide, which takes as long as a small tile.
        while j < n {
            let columns = width.min(n - j);
            for steps in &self.blocked.parts {
                let last = steps.first + steps.count() == k;
                if self.blocked.pack_b {
                    // SAFETY: these steps and columns are the right operand's.
                    unsafe { self.pack_b(steps, j, columns) };
                }
                let mut i = low;
                while i < high {
                    let rows = height.min(high - i);
                    // SAFETY: the block is a part of the product.
                    unsafe {
                        self.block((i, rows), (j, columns), steps);
                        if last && self.blocked.direct.is_none() {
                            let (sums, pitch) = (self.sums(i, i, j, j).0, self.pitch());
                            self.back(Part::Epilogue, sums, pitch, (i, rows), (j, columns));
                        }
                    }
                    i += rows;
                }
            }
            j += columns;
        }
    }

    /// Where the sum of a row and column of the current block of columns lies, and its row stride.
    fn sums(&self, i: usize, first: usize, j: usize, first_column: usize) -> (*mut E, isize) {
        match &self.blocked.direct {
            Some([rows, columns]) => {
                let out = self.call.out.cast::<E>();
                let at = out
                    .wrapping_offset(rows.at(i))
                    .wrapping_offset(columns.at(j));
                (at, rows.step)
            }
            None => {
                let pitch = self.pitch();
                // With the contracted dim in parts, scratch holds all rows.
                let row = if self.blocked.block.2 < self.blocked.k {
                    i
                } else {
                    i - first
                };
                let at = self.sums.wrapping_add(row * pitch + (j - first_column));
                (at, pitch as isize)
            }
        }
    }

    fn pitch(&self) -> usize {
        self.blocked.block.1.next_multiple_of(2 * self.tiles.lanes)
    }

    /// The left operand of a block: its first element, the place of the block's rows after that, and
    /// where its runs begin.
    ///
    /// # Safety
    ///
    /// The block is a part of the product.
    unsafe fn left(&self, (i, rows): (usize, usize), steps: &Steps) -> Left<'_, E> {
        let blocked = self.blocked;
        let (p, count) = (steps.first, steps.count());
        let here = &blocked.steps[0].starts[..steps.runs.len()];
        let there = &blocked.steps[0].starts[steps.runs.clone()];
        let block = |pitch: usize, step: usize| Left {
            first: self.a.cast_const(),
            rows: Rows::Even(pitch as isize),
            step: step as isize,
            starts: here,
        };
        match &blocked.a {
            Source::Stored(along, _) if blocked.pack_a => {
                let lhs = self.call.lhs.cast::<E>();
                // SAFETY: rows i.. and steps p.. of the left operand.
                unsafe { self.pack_a(lhs, (along.step, self.step_of_a()), (i, rows), (p, count)) };
                Left {
                    first: self.a.cast_const(),
                    rows: Rows::Panels(count),
                    step: blocked.rows as isize,
                    starts: here,
                }
            }
            Source::Stored(along, _) => {
                let lhs = self.call.lhs.cast::<E>();
                let step = blocked.steps[0].step;
                Left {
                    first: lhs.wrapping_offset(steps.from as isize * step),
                    rows: Rows::Walk(along),
                    step,
                    starts: there,
                }
            }
            Source::Kernel { .. } if blocked.whole_a => {
                let pitch = pitch::<E>(blocked.k);
                Left {
                    first: self.a.wrapping_add(i * pitch + steps.from).cast_const(),
                    rows: Rows::Even(pitch as isize),
                    step: 1,
                    starts: there,
                }
            }
            Source::Kernel { along_k: true } => {
                let pitch = pitch::<E>(blocked.block.2);
                // SAFETY: rows i.. and steps p.. of the left operand; scratch has room for a block.
                unsafe { self.back(Part::Left, self.a, pitch, (i, rows), (p, count)) };
                block(pitch, 1)
            }
            Source::Kernel { along_k: false } => {
                let pitch = pitch::<E>(blocked.block.0);
                // SAFETY: as above.
                unsafe { self.back(Part::Left, self.a, pitch, (p, count), (i, rows)) };
                block(1, pitch)
            }
        }
    }

    /// The tiles of one block, column by column of tiles.
    ///
    /// # Safety
    ///
    /// The block is a part of the product.
    unsafe fn block(&self, (i, rows): (usize, usize), (j, columns): (usize, usize), steps: &Steps) {
        let (blocked, wide) = (self.blocked, 2 * self.tiles.lanes);
        let [_, n_run, _] = blocked.runs;
        // SAFETY: the caller's word.
        let left = unsafe { self.left((i, rows), steps) };
        let mut jj = 0;
        while jj < columns {
            // A tile leaves neither its panel nor its run.
            let mut width = wide.min(columns - jj).min(rest_of_run(j + jj, n_run));
            let (b, b_step, b_starts) = match &blocked.b {
                Source::Stored(_, along) if !blocked.pack_b => {
                    let rhs = self.call.rhs.cast::<E>();
                    let step = blocked.steps[1].step;
                    let at = rhs.wrapping_offset(steps.from as isize * step);
                    let starts = &blocked.steps[1].starts[steps.runs.clone()];
                    (at.wrapping_offset(along.at(j + jj)), step, starts)
                }
                Source::Stored(..) | Source::Kernel { .. } => {
                    let inside = jj % wide;
                    width = width.min(wide - inside);
                    let at = self.b.wrapping_add((jj - inside) * steps.count() + inside);
                    let starts = &blocked.steps[1].starts[..steps.runs.len()];
                    (at.cast_const(), wide as isize, starts)
                }
            };
            let job = Job {
                starts: [left.starts, b_starts],
                k: steps.each,
                a: left.first,
                a_row: 0,
                a_step: left.step,
                b: first_run(b, b_starts),
                b_step,
                c: self.sums,
                c_row: 0,
                columns: width,
                accumulate: steps.first > 0,
            };
            // SAFETY: the job's columns are those from jj on, and the rows are the block's.
            unsafe { self.column_of_tiles(&left, job, (i, rows), (j, jj)) };
            jj += width;
        }
    }

    /// The tiles of a block that stand above each other: those of one `job` but for the rows.
    ///
    /// # Safety
    ///
    /// The block is a part of the product, and the job's columns are those from `j + jj` on.
    unsafe fn column_of_tiles<'r>(
        &self,
        left: &Left<'r, E>,
        mut job: Job<'r, E>,
        (i, rows): (usize, usize),
        (j, jj): (usize, usize),
    ) {
        let tiles = self.tiles.family(job.columns, job.starts[0].len());
        let [m_run, ..] = self.blocked.runs;
        let mut ii = 0;
        while ii < rows {
            // Rows of one run lie evenly: tiles follow each other by their height.
            let end = ii + rest_of_run(i + ii, m_run).min(rows - ii);
            let a_next;
            (job.a, job.a_row, a_next) = left.rows_from(i + ii, ii);
            (job.c, job.c_row) = self.sums(i + ii, i, j + jj, j);
            while ii < end {
                let height = self.blocked.rows.min(end - ii);
                // SAFETY: `tiles` are those this host has; the job is a part of the product.
                unsafe { tiles[height - 1](&job) };
                job.a = job.a.wrapping_offset(height as isize * a_next);
                job.c = job.c.wrapping_offset(height as isize * job.c_row);
                ii += height;
            }
        }
    }

    /// The stride of the left operand in memory along the contracted dim.
    fn step_of_a(&self) -> isize {
        match &self.blocked.a {
            Source::Stored(_, along) => along.step,
            Source::Kernel { .. } => 1,
        }
    }

    /// Calls the kernel back for a block in scratch.
    ///
    /// # Safety
    ///
    /// The block is a part of the product and has its place in scratch; sums are complete.
    unsafe fn back(
        &self,
        part: Part,
        base: *mut E,
        pitch: usize,
        (row, rows): (usize, usize),
        (column, columns): (usize, usize),
    ) {
        let Some(kernel) = self.call.kernel else {
            return;
        };
        let block = Block {
            part,
            base: base.cast(),
            pitch: (pitch * size_of::<E>()) as i64,
            rows: [row as i64, (row + rows) as i64],
            columns: [column as i64, (column + columns) as i64],
            batch: self.call.batch,
        };
        // SAFETY: the kernel passed its own address and table.
        unsafe { kernel(self.call.table, &block, 0, 0) };
    }

    /// Brings a block of the right operand into panels: `[columns / wide][steps][wide]`. What lies
    /// behind the last column is not used.
    ///
    /// # Safety
    ///
    /// The block is a part of the right operand.
    unsafe fn pack_b(&self, steps: &Steps, j: usize, columns: usize) {
        let wide = 2 * self.tiles.lanes;
        let (p, count) = (steps.first, steps.count());
        let mut jj = 0;
        while jj < columns {
            let width = wide.min(columns - jj);
            let to = self.b.wrapping_add(jj * count);
            match &self.blocked.b {
                Source::Stored(along, across) => {
                    let rhs = self.call.rhs.cast::<E>();
                    let mut q = 0;
                    while q < count {
                        let some = rest_of_run(p + q, along.run).min(count - q);
                        let mut c = 0;
                        while c < width {
                            let few = rest_of_run(j + jj + c, across.run).min(width - c);
                            let from = rhs
                                .wrapping_offset(along.at(p + q))
                                .wrapping_offset(across.at(j + jj + c));
                            let to = to.wrapping_add(q * wide + c);
                            let strides = (along.step, across.step);
                            // SAFETY: `some` x `few` elements of the operand, and as many of the
                            // panel.
                            unsafe { copy_panel(from, strides, to, wide, some, few) };
                            c += few;
                        }
                        q += some;
                    }
                }
                Source::Kernel { along_k: false } => {
                    // SAFETY: as above.
                    unsafe { self.back(Part::Right, to, wide, (p, count), (j + jj, width)) };
                }
                Source::Kernel { along_k: true } => {
                    let pitch = pitch::<E>(self.blocked.block.2);
                    let from = self.turned;
                    // SAFETY: as above; scratch has room for a panel's columns.
                    unsafe {
                        self.back(Part::Right, from, pitch, (j + jj, width), (p, count));
                        copy_panel(from, (1, pitch as isize), to, wide, count, width);
                    }
                }
            }
            jj += width;
        }
    }

    /// Copies a block of the left operand to panels: `[rows / tile rows][steps][tile rows]`.
    ///
    /// # Safety
    ///
    /// The block is a part of the left operand.
    unsafe fn pack_a(
        &self,
        lhs: *const E,
        (row, step): (isize, isize),
        (i, rows): (usize, usize),
        (p, steps): (usize, usize),
    ) {
        let high = self.blocked.rows;
        for ii in (0..rows).step_by(high) {
            let height = high.min(rows - ii);
            let from = lhs
                .wrapping_offset((i + ii) as isize * row)
                .wrapping_offset(p as isize * step);
            let to = self.a.wrapping_add(ii * steps);
            // SAFETY: `steps` x `height` elements of the operand, and as many of the panel.
            unsafe { copy_panel(from, (step, row), to, high, steps, height) };
        }
    }
}
