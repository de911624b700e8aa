//! How a matrix product over tiles is cut into blocks, and what scratch it takes: settled when its
//! kernel is compiled.

use super::tile::Element;
use super::{Instructions, Options};

/// The bytes that parts of a large product may take: what caches hold. Tests lower them, so that small
/// products are cut at every level.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocking {
    /// A row of a block along the contracted dim. A dim of up to twice as many bytes is not cut.
    pub depth: usize,
    /// A block of the right operand: half of a second-level cache of 2 MB.
    pub right: usize,
    /// A block of the left operand that is computed: a part of the second level.
    pub left: usize,
    /// A block of sums.
    pub sums: usize,
}

impl Default for Blocking {
    fn default() -> Blocking {
        Blocking {
            depth: 2048,
            right: 1_200_000,
            left: 262_144,
            sums: 65_536,
        }
    }
}

/// Where an operand's elements come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// From memory: the strides along the rows and the columns.
    Memory(isize, isize),
    /// From the kernel, called back for blocks: whether the elements of a block that are computed
    /// together, and lie side by side in scratch, follow one another along the contracted dim.
    Kernel { along_k: bool },
}

/// A product whose shape, strides and blocking are settled. Strides are in elements.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Whose tiles compute it.
    pub instructions: Instructions,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// The left operand, over rows and contracted dim.
    pub a: Source,
    /// The right operand, over contracted dim and columns.
    pub b: Source,
    /// The destination's stride along the rows, where sums are stored as they are.
    pub direct: Option<isize>,
    /// Whether the right operand is copied to, or computed in, panels of a tile's width.
    pub pack_b: bool,
    /// Whether the left operand is copied to panels of a tile's height.
    pub pack_a: bool,
    /// Whether the left operand, which is computed, is so once for all blocks: else again for each
    /// block of columns.
    pub whole_a: bool,
    /// Extents of a block.
    pub block: (usize, usize, usize),
    /// Rows of a tile.
    pub rows: usize,
    /// Bytes of scratch for: panels of b, panels or a block of a, sums, a panel of b before it is
    /// turned. Each starts at a line of the cache.
    pub scratch: [usize; 4],
}

impl Plan {
    /// Settles a product; none if there are no tiles for `E`.
    pub(super) fn new<E: Element>(
        options: &Options,
        [m, n, k]: [usize; 3],
        a: Source,
        b: Source,
        direct: Option<isize>,
    ) -> Option<Plan> {
        let tiles = E::tiles(options.instructions)?;
        let limits = &options.blocking;
        let size = size_of::<E>();
        let wide = 2 * tiles.lanes;
        // As even as can be: 32 rows are 11 + 11 + 10, not 12 + 12 + 8.
        let rows = m.div_ceil(m.div_ceil(tiles.rows()).max(1)).max(1);
        let depth = if k * size <= 2 * limits.depth {
            k
        } else {
            limits.depth / size
        };
        let depth = depth.max(1);
        let columns = (limits.right / (depth * size))
            .max(wide)
            .next_multiple_of(wide);
        let columns = columns.min(n.next_multiple_of(tiles.lanes));
        let far = |stride: isize| stride.unsigned_abs() * size >= 1024;
        let pack_b = match b {
            Source::Memory(step, column) => column != 1 || (m > 4 * rows && far(step)),
            Source::Kernel { .. } => true,
        };
        let pack_a = match a {
            Source::Memory(row, step) => n >= 8 * wide && row == 1 && far(step),
            Source::Kernel { .. } => false,
        };
        let whole_a = match a {
            Source::Kernel { along_k } => along_k && columns < n,
            Source::Memory(..) => false,
        };
        // Sums that wait for further blocks of the contracted dim keep all rows.
        let waits = depth < k;
        let fits = |bytes: usize, row: usize, grain: usize| {
            (bytes / (row.max(1) * size) / grain).max(1) * grain
        };
        let height = match a {
            Source::Kernel { along_k } if !whole_a => {
                // Whole vectors of rows, if these are computed together.
                let grain = if along_k { rows } else { 4 * rows };
                fits(limits.sums, columns, grain).min(fits(limits.left, depth, grain))
            }
            Source::Memory(..) | Source::Kernel { .. } if waits => m,
            Source::Memory(..) | Source::Kernel { .. } => fits(limits.sums, columns, rows),
        };
        let height = height.min(m.next_multiple_of(rows));
        let panels = columns.div_ceil(wide) * wide;
        let of_b = if pack_b { panels * depth } else { 0 };
        let of_a = match a {
            Source::Memory(..) if pack_a => height.next_multiple_of(rows) * depth,
            Source::Memory(..) => 0,
            Source::Kernel { .. } if whole_a => m * pitch::<E>(k),
            Source::Kernel { along_k: true } => height * pitch::<E>(depth),
            Source::Kernel { along_k: false } => depth * pitch::<E>(height),
        };
        let of_sums = match direct {
            Some(_) => 0,
            None if waits => m * panels,
            None => height * panels,
        };
        let turned = match b {
            Source::Kernel { along_k: true } => wide * pitch::<E>(depth),
            Source::Kernel { along_k: false } | Source::Memory(..) => 0,
        };
        Some(Plan {
            instructions: options.instructions,
            m,
            n,
            k,
            a,
            b,
            direct,
            pack_b,
            pack_a,
            whole_a,
            block: (height, columns, depth),
            rows,
            scratch: [of_b, of_a, of_sums, turned]
                .map(|elements| (elements * size).next_multiple_of(LINE)),
        })
    }

    /// Which operands, left and right, are computed, and whether along the contracted dim.
    pub(super) fn computed(&self) -> (Option<bool>, Option<bool>) {
        let of = |source| match source {
            Source::Memory(..) => None,
            Source::Kernel { along_k } => Some(along_k),
        };
        (of(self.a), of(self.b))
    }

    /// Bytes of scratch in all.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.scratch.iter().sum()
    }

    /// Whether sums are stored as they are, without a call back.
    pub(super) fn is_direct(&self) -> bool {
        self.direct.is_some()
    }
}

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// Elements between rows of `count` in scratch: whole lines, and not a power of two, lest the rows of
/// a tile fall on the same places of a cache.
pub(super) fn pitch<E>(count: usize) -> usize {
    let line = LINE / size_of::<E>();
    (count.div_ceil(line) | 1) * line
}
