//! Matrix products over tiles: blocking for the caches, packing, and the way back to the kernel.
//!
//! A compiled kernel calls [`product`] for each element of its batch. Sums go straight to the
//! destination where the epilogue only stores them; else to scratch, and the kernel is called back
//! for each finished block, while that is in the cache. Scratch belongs to the thread and grows only
//! when a larger product than any before comes along: no allocation from the second step on.

use std::cell::RefCell;

use super::tile::{Element, Job, Tiles};

/// A product whose shape, strides and blocking are settled. Strides are in elements.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    m: usize,
    n: usize,
    k: usize,
    /// The left operand's strides along the rows and the contracted dim.
    a: (isize, isize),
    /// The right operand's strides along the contracted dim and the columns.
    b: (isize, isize),
    /// The destination's stride along the rows, where sums are stored as they are.
    direct: Option<isize>,
    /// Whether the right operand is copied to panels of a tile's width.
    pack_b: bool,
    /// Whether the left operand is copied to panels of a tile's height.
    pack_a: bool,
    /// Extents of a block.
    block: (usize, usize, usize),
    /// Rows of a tile.
    rows: usize,
    /// Elements of scratch for: packed b, packed a, sums.
    scratch: (usize, usize, usize),
}

/// What a kernel passes to [`product`].
#[repr(C)]
pub(super) struct Call {
    /// The table of region bases.
    pub table: *const *mut u8,
    /// The kernel's own address, to call it back.
    pub kernel: Option<Kernel>,
    /// The left operand's first element.
    pub lhs: *const u8,
    /// The right operand's.
    pub rhs: *const u8,
    /// The destination's, where the plan is direct.
    pub out: *mut u8,
    /// The place in the batch, one i64 a batch dim.
    pub batch: *const i64,
}

/// A finished block of sums, for the epilogue.
#[repr(C)]
pub(super) struct Block {
    /// The sum of row `rows.0`, column `columns.0`.
    pub sums: *const u8,
    /// Bytes between rows of sums.
    pub pitch: i64,
    /// First row and the row behind the last.
    pub rows: [i64; 2],
    /// First column and the column behind the last.
    pub columns: [i64; 2],
    /// The place in the batch.
    pub batch: *const i64,
}

/// A kernel's function: the table, a block if it is called back, its own address.
pub(super) type Kernel = unsafe extern "C" fn(*const *mut u8, *const Block, usize);

impl Plan {
    /// Settles a product; none if the host has no tiles for `E`.
    pub(super) fn new<E: Element>(
        [m, n, k]: [usize; 3],
        a: (isize, isize),
        b: (isize, isize),
        direct: Option<isize>,
    ) -> Option<Plan> {
        let tiles = E::tiles()?;
        let size = size_of::<E>();
        let wide = 2 * tiles.lanes;
        // As even as can be: 32 rows are 11 + 11 + 10, not 14 + 14 + 4.
        let rows = m.div_ceil(m.div_ceil(tiles.rows()).max(1)).max(1);
        let depth = if k * size <= 4096 { k } else { 2048 / size };
        let depth = depth.max(1);
        // A block of the right operand takes half of a 2 MB second-level cache at most.
        let columns = (1_200_000 / (depth * size))
            .max(wide)
            .next_multiple_of(wide);
        let columns = columns.min(n.next_multiple_of(tiles.lanes));
        let pack_b = b.1 != 1 || (m > 4 * rows && b.0.unsigned_abs() * size >= 1024);
        let pack_a = n >= 8 * wide && a.0 == 1 && a.1.unsigned_abs() * size >= 1024;
        // Sums that wait for further blocks of the contracted dim keep all rows.
        let height = if depth < k {
            m
        } else {
            let fits = 65_536 / (columns.max(1) * size);
            (fits / rows).max(1) * rows
        };
        let height = height.min(m.next_multiple_of(rows));
        let panels = columns.div_ceil(wide) * wide;
        Some(Plan {
            m,
            n,
            k,
            a,
            b,
            direct,
            pack_b,
            pack_a,
            block: (height, columns, depth),
            rows,
            scratch: (
                if pack_b { panels * depth } else { 0 },
                if pack_a {
                    height.next_multiple_of(rows) * depth
                } else {
                    0
                },
                if direct.is_some() { 0 } else { height * panels },
            ),
        })
    }

    /// Whether sums are stored as they are, without a call back.
    pub(super) fn is_direct(&self) -> bool {
        self.direct.is_some()
    }

    /// The shim's address for the element type of this plan.
    pub(super) fn shim<E: Element>() -> usize {
        product::<E> as unsafe extern "C" fn(&Plan, &Call) as usize
    }
}

/// A line of cache, so that scratch is aligned.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

thread_local! {
    static SCRATCH: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Computes one product and calls the kernel back with its blocks.
///
/// # Safety
///
/// The operands and the destination are there for all of the plan's places.
unsafe extern "C" fn product<E: Element>(plan: &Plan, call: &Call) {
    let Some(tiles) = E::tiles() else {
        // A plan is made only where there are tiles.
        return;
    };
    SCRATCH.with_borrow_mut(|scratch| {
        let (b, a, sums) = plan.scratch;
        let lines = [b, a, sums].map(|elements| (elements * size_of::<E>()).div_ceil(64));
        let total: usize = lines.iter().sum();
        if scratch.len() < total {
            scratch.resize(total, Line([0; 64]));
        }
        let base = scratch.as_mut_ptr();
        let run = Run {
            plan,
            call,
            tiles,
            b: base.cast::<E>(),
            a: base.wrapping_add(lines[0]).cast::<E>(),
            sums: base.wrapping_add(lines[0] + lines[1]).cast::<E>(),
        };
        // SAFETY: the caller vouches for the operands; scratch is as large as the plan says.
        unsafe { run.blocks() }
    });
}

/// A product being computed.
struct Run<'r, E: Element> {
    plan: &'r Plan,
    call: &'r Call,
    tiles: &'static Tiles<E>,
    b: *mut E,
    a: *mut E,
    sums: *mut E,
}

impl<E: Element> Run<'_, E> {
    /// All blocks: columns, then depth, then rows.
    ///
    /// # Safety
    ///
    /// As for [`product`].
    unsafe fn blocks(&self) {
        let Plan { m, n, k, .. } = *self.plan;
        let (height, width, depth) = self.plan.block;
        for j in (0..n).step_by(width) {
            let columns = width.min(n - j);
            let mut p = 0;
            loop {
                let steps = depth.min(k - p);
                let last = p + steps == k;
                if self.plan.pack_b {
                    // SAFETY: rows p.. and columns j.. of the right operand.
                    unsafe { self.pack_b(p, steps, j, columns) };
                }
                for i in (0..m).step_by(height) {
                    let rows = height.min(m - i);
                    // SAFETY: the block is a part of the product.
                    unsafe {
                        self.block((i, rows), (j, columns), (p, steps));
                        if last && self.plan.direct.is_none() {
                            self.epilogue((i, rows), (j, columns));
                        }
                    }
                }
                p += steps;
                if last {
                    break;
                }
            }
        }
    }

    /// Where the sum of a row and column of the current block of columns lies, and its row stride.
    fn sums(&self, i: usize, first: usize, j: usize, first_column: usize) -> (*mut E, isize) {
        match self.plan.direct {
            Some(row) => {
                let out = self.call.out.cast::<E>();
                let at = out.wrapping_offset(i as isize * row).wrapping_add(j);
                (at, row)
            }
            None => {
                let pitch = self.pitch();
                // With the contracted dim in parts, scratch holds all rows.
                let row = if self.plan.block.2 < self.plan.k {
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
        self.plan.block.1.next_multiple_of(2 * self.tiles.lanes)
    }

    /// The tiles of one block.
    ///
    /// # Safety
    ///
    /// The block is a part of the product.
    unsafe fn block(
        &self,
        (i, rows): (usize, usize),
        (j, columns): (usize, usize),
        (p, steps): (usize, usize),
    ) {
        let plan = self.plan;
        let wide = 2 * self.tiles.lanes;
        let lhs = self.call.lhs.cast::<E>();
        let rhs = self.call.rhs.cast::<E>();
        if plan.pack_a {
            // SAFETY: rows i.. and steps p.. of the left operand.
            unsafe { self.pack_a(i, rows, p, steps) };
        }
        for jj in (0..columns).step_by(wide) {
            let width = wide.min(columns - jj);
            let (b, b_step) = if plan.pack_b {
                (self.b.wrapping_add(jj * steps).cast_const(), wide as isize)
            } else {
                let at = rhs
                    .wrapping_offset(p as isize * plan.b.0)
                    .wrapping_add(j + jj);
                (at, plan.b.0)
            };
            let tiles = if width > self.tiles.lanes {
                self.tiles.double
            } else {
                self.tiles.single
            };
            for ii in (0..rows).step_by(plan.rows) {
                let height = plan.rows.min(rows - ii);
                let (a, a_row, a_step) = if plan.pack_a {
                    let at = self.a.wrapping_add(ii * steps).cast_const();
                    (at, 1, plan.rows as isize)
                } else {
                    let at = lhs
                        .wrapping_offset((i + ii) as isize * plan.a.0)
                        .wrapping_offset(p as isize * plan.a.1);
                    (at, plan.a.0, plan.a.1)
                };
                let (c, c_row) = self.sums(i + ii, i, j + jj, j);
                let job = Job {
                    k: steps,
                    a,
                    a_row,
                    a_step,
                    b,
                    b_step,
                    c,
                    c_row,
                    columns: width,
                    accumulate: p > 0,
                };
                // SAFETY: `tiles` are those this host has; the job is a part of the product.
                unsafe { tiles[height - 1](&job) };
            }
        }
    }

    /// Hands a finished block to the kernel.
    ///
    /// # Safety
    ///
    /// The block's sums are complete.
    unsafe fn epilogue(&self, (i, rows): (usize, usize), (j, columns): (usize, usize)) {
        let Some(kernel) = self.call.kernel else {
            return;
        };
        let block = Block {
            sums: self.sums(i, i, j, j).0.cast_const().cast(),
            pitch: (self.pitch() * size_of::<E>()) as i64,
            rows: [i as i64, (i + rows) as i64],
            columns: [j as i64, (j + columns) as i64],
            batch: self.call.batch,
        };
        // SAFETY: the kernel passed its own address and table.
        unsafe { kernel(self.call.table, &block, 0) };
    }

    /// Copies a block of the right operand to panels: `[columns / wide][steps][wide]`. What lies
    /// behind the last column is not used.
    ///
    /// # Safety
    ///
    /// The block is a part of the right operand.
    unsafe fn pack_b(&self, p: usize, steps: usize, j: usize, columns: usize) {
        let wide = 2 * self.tiles.lanes;
        let rhs = self.call.rhs.cast::<E>();
        let (step, column) = self.plan.b;
        for jj in (0..columns).step_by(wide) {
            let width = wide.min(columns - jj);
            let from = rhs
                .wrapping_offset(p as isize * step)
                .wrapping_offset((j + jj) as isize * column);
            let to = self.b.wrapping_add(jj * steps);
            // SAFETY: `steps` x `width` elements of the operand, and as many of the panel.
            unsafe { copy_panel(from, (step, column), to, wide, steps, width) };
        }
    }

    /// Copies a block of the left operand to panels: `[rows / tile rows][steps][tile rows]`.
    ///
    /// # Safety
    ///
    /// The block is a part of the left operand.
    unsafe fn pack_a(&self, i: usize, rows: usize, p: usize, steps: usize) {
        let high = self.plan.rows;
        let lhs = self.call.lhs.cast::<E>();
        let (row, step) = self.plan.a;
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

/// `to[p * pitch + j] = from[p * step + j * column]`.
///
/// # Safety
///
/// All of these elements are there.
unsafe fn copy_panel<E: Element>(
    from: *const E,
    (step, column): (isize, isize),
    to: *mut E,
    pitch: usize,
    steps: usize,
    width: usize,
) {
    if column == 1 {
        for p in 0..steps {
            let from = from.wrapping_offset(p as isize * step);
            // SAFETY: the caller's word.
            unsafe { std::ptr::copy_nonoverlapping(from, to.wrapping_add(p * pitch), width) };
        }
        return;
    }
    let (mut done, mut square) = (0, 0);
    if step == 1 {
        // The other axis is the contiguous one: squares are transposed in registers.
        done = steps / E::SQUARE * E::SQUARE;
        square = width / E::SQUARE * E::SQUARE;
        for j in (0..square).step_by(E::SQUARE) {
            for p in (0..done).step_by(E::SQUARE) {
                let from = from.wrapping_add(p).wrapping_offset(j as isize * column);
                // SAFETY: a square within the panel, by the caller's word.
                unsafe { E::transpose(from, column, to.wrapping_add(p * pitch + j), pitch) };
            }
        }
    }
    for p in 0..steps {
        let first = if p < done { square } else { 0 };
        for j in first..width {
            let from = from
                .wrapping_offset(p as isize * step)
                .wrapping_offset(j as isize * column);
            // SAFETY: the caller's word.
            unsafe { *to.wrapping_add(p * pitch + j) = *from };
        }
    }
}
