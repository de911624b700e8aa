//! How own tiles go through a contraction: settled when its kernel is compiled, from its extents and strides.
//!
//! Columns come in blocks, whose right operand may be put into panels together; in each the rows come in groups,
//! whose left operand stays in a cache meanwhile and may be put into panels as well, or computed; in each of these
//! a panel of columns is gone through in tiles of rows. Around all this stands a loop over parts of a long contracted
//! dim. Most contractions are one part, one block and one group.

use super::contract::{destination, lanes};
use super::lanes::Lanes;
use super::own_tile::last_dims;
use super::share::SplitLoop;
use super::tile_panel::{Side, panel_bytes};
use super::{Options, Vectors};
use crate::kernel::{Contract, Slot};

/// Sums that a tile has at most.
struct Most {
    rows: usize,
    /// Vectors of columns.
    vectors: usize,
}

impl Most {
    /// What registers have room for, beside the right operand's vectors and a broadcast: of 16 of x86's 14
    /// for one vector, which measured best for 128 bits (91% of what they can do), 15 for two of 256 bits; 31
    /// of the 32 that 512 bits have.
    fn of(options: &Options) -> Most {
        let (rows, vectors) = match options.used_vectors() {
            Vectors::None | Vectors::Bits128 => (12, 1),
            Vectors::Bits256 => (6, 2),
            Vectors::Bits512 => (14, 2),
        };
        Most { rows, vectors }
    }
}

/// Bytes of the stack for rows of a left operand that is computed.
const STACK: usize = 32_768;
/// The most bytes of a panel of the right operand.
const MOST: usize = 4 << 20;
/// How much larger parts and groups are than the blocks of [`super::blocking`]: tiles hold more sums.
const LARGER: usize = 2;

/// Tiles of rows from which on a panel of the right operand is read so often that writing it pays twice as soon.
const MANY: usize = 64;

/// How a panel is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    /// Vector by vector, along the rows or columns.
    Along,
    /// In squares that are transposed in registers: neighbours in memory follow each other along the
    /// contracted dim.
    Turned,
}

/// What calls split of own tiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Split {
    /// A loop around them.
    Around,
    /// Their rows.
    Rows,
    /// Their columns.
    Columns,
}

/// Where tiles find the left operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Left {
    /// Where it lies, or computed in registers as it is multiplied.
    InPlace,
    /// Computed to the stack, the rows of a group together.
    Computed,
    /// In panels, each the rows of a tile.
    Panels(Packing),
}

/// The plan of own tiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    /// Rows and columns: the last dims of each.
    pub extents: [usize; 2],
    /// Lanes along the columns.
    pub lanes: Lanes,
    /// Vectors of a panel of columns.
    pub vectors: usize,
    /// Rows of a group, if they come in such.
    pub group: Option<usize>,
    /// The left operand of a group.
    pub left: Left,
    /// How the right operand comes into panels, if it does.
    pub right: Option<Packing>,
    /// Columns of a block, if they come in such.
    pub block: Option<usize>,
    /// Whether all panels of a block are written together: else each is written where it is read.
    pub together: bool,
    /// Steps of a part of the contracted dim, if it is cut: the sums of a part wait in memory for the next. There are
    /// two parts at least, the last of which may be shorter.
    pub depth: Option<usize>,
    /// What calls split.
    pub split: Split,
    /// Lanes along the rows for the epilogue, if results lie side by side along these: sums are turned in registers.
    pub turned: Option<Lanes>,
}

impl Tiling {
    pub(super) fn of(slots: &[Slot], c: &Contract, options: &Options) -> Tiling {
        let last = |dims: &[usize]| dims.last().copied().unwrap_or(1);
        let [m, n] = [last(&c.m), last(&c.n)];
        let column = c.batch.len() + c.m.len() + c.n.len() - 1;
        let codes = [&c.epilogue, &c.rhs.code];
        let lanes = lanes(slots, options, (&codes, c.dtype), column);
        let vectors = Most::of(options).vectors;
        let mut tiling = Tiling {
            extents: [m, n],
            lanes,
            vectors,
            group: None,
            left: Left::InPlace,
            right: None,
            block: None,
            together: false,
            depth: None,
            split: Split::Around,
            turned: None,
        };
        tiling.set_depth(c, options);
        tiling.set_turned(slots, c, options);
        tiling.set_left(c, options);
        // Rows that are computed together would need the panels anew in each group.
        let rows = match tiling.left {
            Left::Computed => tiling.group.unwrap_or(m),
            Left::InPlace | Left::Panels(_) => m,
        };
        let around: usize = c.m.iter().rev().skip(1).product();
        let tiles = rows.div_ceil(tile_rows(rows, options));
        tiling.right = tiling.packing(c, options, around.saturating_mul(tiles));
        tiling.split = tiling.split(c, options);
        tiling.set_sizes(c, options);
        tiling
    }

    /// Columns of a panel.
    pub(super) fn panel(&self) -> usize {
        self.vectors * self.lanes.count
    }

    /// Columns of a block, or all there are.
    pub(super) fn block_columns(&self) -> usize {
        let [_, n] = self.extents;
        self.block.unwrap_or(n)
    }

    /// The loop that calls split: of rows or of columns, or the one around the tiles.
    pub(super) fn split_loop(&self, c: &Contract, options: &Options) -> SplitLoop {
        let [m, n] = self.extents;
        match self.split {
            Split::Around => SplitLoop::over(&c.m),
            Split::Rows => SplitLoop {
                extent: m,
                grain: self.group.unwrap_or(tile_rows(m, options)),
            },
            Split::Columns => SplitLoop {
                extent: n,
                grain: self.block.unwrap_or(self.panel()),
            },
        }
    }

    /// Bytes of scratch for panels of the right operand, of the left one behind them, and behind these for sums that
    /// wait and have no other place.
    pub(super) fn scratch(&self, c: &Contract) -> [usize; 3] {
        let steps = self.steps(c);
        let one = panel_bytes(steps, self.vectors * self.lanes.bytes);
        let right = match (self.right, self.block) {
            (None, _) => 0,
            (Some(_), Some(block)) if self.together => {
                one.saturating_mul(block.div_ceil(self.panel().max(1)))
            }
            (Some(_), Some(_) | None) => one,
        };
        let left = match (self.left, self.group) {
            (Left::Panels(_), Some(group)) => {
                panel_bytes(steps, group.saturating_mul(c.dtype.size().unwrap_or(8)))
            }
            (Left::Panels(_), None) | (Left::InPlace | Left::Computed, _) => 0,
        };
        let [m, _] = self.extents;
        let waiting = match (self.depth, destination(c)) {
            (Some(_), None) => m.saturating_mul(self.block_columns()) * c.dtype.size().unwrap_or(8),
            (Some(_), Some(_)) | (None, _) => 0,
        };
        [right, left.next_multiple_of(64), waiting]
    }

    /// Steps that tiles add up at a time, at the most.
    fn steps(&self, c: &Contract) -> usize {
        let [_, _, all] = c.extents();
        self.depth.unwrap_or(all)
    }

    /// Whether the contracted dim is cut: a long one, of rows and columns that are read again and again.
    fn set_depth(&mut self, c: &Contract, options: &Options) {
        let [_, _, steps] = c.extents();
        let [m, n] = self.extents;
        let size = c.dtype.size().unwrap_or(8);
        let plain = c.m.len() == 1 && c.n.len() == 1 && c.k.len() == 1 && self.lanes.count > 1;
        let (most, high) = (
            (options.blocking.depth / size).max(1),
            Most::of(options).rows,
        );
        let again = m > high && n > self.panel();
        if plain && again && steps > 2 * most && c.lhs.access().is_some() {
            self.depth = Some(steps.div_ceil(steps.div_ceil(most)));
        }
    }

    /// Whether the epilogue goes along the rows.
    fn set_turned(&mut self, slots: &[Slot], c: &Contract, options: &Options) {
        let (row, column) = last_dims(c);
        let wide = options.vector_bytes().is_some_and(|bytes| bytes > 16);
        let dense = |dim: usize| {
            let mut stores = c.epilogue.stores.iter();
            stores.all(|store| store.access.strides.get(dim) == Some(&1))
        };
        let lanes = lanes(slots, options, (&[&c.epilogue], c.dtype), row);
        let [m, _] = self.extents;
        let may = wide && self.depth.is_none() && m > 1 && lanes.count == self.lanes.count;
        if may && self.lanes.count > 1 && dense(row) && !dense(column) {
            self.turned = Some(lanes);
        }
    }

    /// Whether rows come in groups, and where tiles find the left operand.
    fn set_left(&mut self, c: &Contract, options: &Options) {
        let [m, n] = self.extents;
        let size = c.dtype.size().unwrap_or(8);
        let row = self.steps(c) * size;
        let alone = c.m.len() == 1 && c.k.len() == 1;
        if !alone || row == 0 {
            return;
        }
        let Some(access) = c.lhs.access() else {
            let tile = tile_rows(m, options);
            let group = (STACK / row / tile * tile).min(m);
            if n > self.lanes.count && group > 0 {
                (self.group, self.left) = (Some(group), Left::Computed);
            }
            return;
        };
        let wide = options.vector_bytes().is_some_and(|bytes| bytes > 16);
        let often =
            n >= options.blocking.often * self.panel() && c.n.len() == 1 && self.lanes.count > 1;
        if !wide || !often {
            return;
        }
        let far = |stride: i64| (stride.unsigned_abs() as usize).saturating_mul(size);
        let packing = match Side::left(c).strides(access) {
            (step, 1) if far(step) >= options.blocking.apart => Some(Packing::Along),
            (1, row) if far(row) > 0 && far(row).is_multiple_of(options.blocking.same) => {
                Some(Packing::Turned)
            }
            (_, _) => None,
        };
        // What stays in the cache anyway needs no groups.
        let most = LARGER * options.blocking.left;
        let is_large = m.saturating_mul(row) > 2 * most;
        if let Some(packing) = packing {
            self.left = Left::Panels(packing);
        }
        if packing.is_some() || is_large {
            self.group = Some(match is_large {
                true => (most / row).clamp(1, m),
                false => m,
            });
        }
    }

    /// How the right operand comes into panels for so many tiles of rows, if it does.
    fn packing(&self, c: &Contract, options: &Options, tiles: usize) -> Option<Packing> {
        let steps = self.steps(c);
        let size = c.dtype.size()?;
        let fits = panel_bytes(steps, self.vectors * self.lanes.bytes) <= MOST;
        if self.lanes.count == 1 || !fits || steps == 0 {
            return None;
        }
        let again = tiles > 1;
        let Some(access) = c.rhs.access() else {
            return again.then_some(Packing::Along);
        };
        let wide = options.vector_bytes().is_some_and(|bytes| bytes > 16);
        match Side::right(c).strides(access) {
            (step, 0 | 1) => {
                let [_, _, all] = c.extents();
                let reach = (step.unsigned_abs() as usize).saturating_mul(all * size);
                let far = match tiles {
                    0..=4 => return None,
                    5..MANY => options.blocking.far,
                    MANY.. => options.blocking.far / 2,
                };
                (reach >= far).then_some(Packing::Along)
            }
            (1, _) if wide && c.k.len() == 1 => Some(Packing::Turned),
            (_, _) => again.then_some(Packing::Along),
        }
    }

    /// The rows, unless the columns make more shares, or are packed, which each share of rows would do again.
    fn split(&self, c: &Contract, options: &Options) -> Split {
        let [m, n] = self.extents;
        if !c.batch.is_empty() || c.m.len() > 1 {
            return Split::Around;
        }
        if c.n.len() > 1 || self.left == Left::Computed {
            return Split::Rows;
        }
        let tiles = [
            m.div_ceil(tile_rows(m, options)),
            n.div_ceil(self.panel().max(1)),
        ];
        let [rows, columns] = tiles.map(|tiles| tiles.min(options.threads.max(2)));
        match columns > rows || (columns == rows && self.right.is_some()) {
            true => Split::Columns,
            false => Split::Rows,
        }
    }

    /// Groups and blocks as even as can be, at least one a thread of what calls split.
    fn set_sizes(&mut self, c: &Contract, options: &Options) {
        let [m, n] = self.extents;
        let threads = |split: Split| match self.split == split {
            true => options.threads.max(1),
            false => 1,
        };
        if self.left != Left::Computed
            && let Some(most) = self.group
        {
            let groups = m.div_ceil(most).max(threads(Split::Rows));
            let group = m.div_ceil(groups);
            // Tiles of a group are whole, or it is all there is.
            let tile = tile_rows(group, options);
            self.group = Some(group.next_multiple_of(tile).min(m));
        }
        let several = self.group.is_some_and(|group| group < m);
        self.together = self.left != Left::Computed && self.right.is_some() && several;
        let size = c.dtype.size().unwrap_or(8);
        let most = match (self.together, self.depth) {
            (true, _) => options.blocking.right / (self.steps(c) * size).max(1),
            (false, Some(_)) => options.blocking.waiting / (m * size).max(1),
            (false, None) => return,
        };
        let panel = self.panel();
        let all = n.div_ceil(panel);
        let blocks = all.div_ceil((most / panel).max(1));
        let blocks = blocks.max(threads(Split::Columns)).min(all).max(1);
        self.block = Some(all.div_ceil(blocks) * panel);
    }
}

/// Rows of a tile, as even as can be.
pub(super) fn tile_rows(m: usize, options: &Options) -> usize {
    m.div_ceil(m.div_ceil(Most::of(options).rows).max(1)).max(1)
}
