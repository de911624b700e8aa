//! How a matrix product over tiles is cut into blocks, and what scratch it takes: settled when its
//! kernel is compiled.

use super::tile::{Element, Tiles};
use super::walk::{Walk, run};
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
    /// Sums of own tiles that wait for further parts of the contracted dim.
    pub waiting: usize,
    /// From the first element of a column to its last, from which on own tiles read a right operand from panels: its
    /// lines fall on the same places of caches, and on as many pages as there are steps.
    pub far: usize,
    /// From a step of a left operand to the next, whose rows are neighbours, from which on own tiles read it from
    /// panels: each step is in other lines, a few in each page.
    pub apart: usize,
    /// At multiples of this between the rows of a left operand, own tiles read it from panels: the rows of a tile
    /// fall on the same places of the first cache.
    pub same: usize,
    /// Panels of columns, in number, from which on those of the left operand are read often enough to be worth
    /// writing.
    pub often: usize,
}

impl Default for Blocking {
    fn default() -> Blocking {
        Blocking {
            depth: 2048,
            right: 1_200_000,
            left: 262_144,
            sums: 65_536,
            waiting: 2 << 20,
            far: 4 << 20,
            apart: 1024,
            same: 2048,
            often: 8,
        }
    }
}

/// Strides along a list of dims.
pub(super) type Strides = Vec<i64>;

/// Where an operand's elements come from.
#[derive(Clone, Debug)]
pub(super) enum Source<Along> {
    /// From memory: along the rows and the columns.
    Stored(Along, Along),
    /// From the kernel, called back for blocks: whether the elements of a block that are computed
    /// together, and lie side by side in scratch, follow one another along the contracted dim.
    Kernel { along_k: bool },
}

impl<Along> Source<Along> {
    /// Whether it is computed along the contracted dim; none for what lies in memory.
    fn computed(&self) -> Option<bool> {
        match self {
            Source::Stored(..) => None,
            Source::Kernel { along_k } => Some(*along_k),
        }
    }
}

/// A dim of a product that is cut into blocks.
#[derive(Clone, Copy, Debug)]
pub(super) enum BlockDim {
    /// The left operand's and the result's.
    Rows,
    /// The right operand's and the result's.
    Columns,
    /// The contracted one.
    Steps,
}

/// A product as its kernel describes it. Strides are in elements.
pub(super) struct Shape<'c> {
    /// Extents of rows, columns and contracted dims.
    pub extents: [&'c [usize]; 3],
    /// The left operand, over rows and contracted dims.
    pub a: Source<Strides>,
    /// The right operand, over contracted dims and columns.
    pub b: Source<Strides>,
    /// The destination, over rows and columns, where sums are stored as they are.
    pub direct: Option<[Strides; 2]>,
}

/// A product whose shape, strides and blocking are settled. Strides are in elements.
#[derive(Clone, Debug)]
pub(super) struct BlockedProduct {
    /// Whose tiles compute it.
    pub instructions: Instructions,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// The left operand, over rows and contracted dim.
    pub a: Source<Walk>,
    /// The right operand, over contracted dim and columns.
    pub b: Source<Walk>,
    /// The destination, where sums are stored as they are; its columns are neighbours.
    pub direct: Option<[Walk; 2]>,
    /// Rows, columns and steps that a tile walks without a leap.
    pub runs: [usize; 3],
    /// How tiles walk the contracted dim: of the left operand and of the right one. In memory from the
    /// operand's first element on, in scratch from the first of its block.
    pub steps: [Walk; 2],
    /// The parts of the contracted dim, one after the other.
    pub parts: Vec<Steps>,
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
    /// Columns of a panel.
    pub wide: usize,
    /// Whether calls split the columns rather than the rows.
    pub by_columns: bool,
    /// Bytes of scratch for: panels of b, panels or a block of a, sums, a panel of b before it is
    /// turned. Each starts at a line of the cache.
    pub scratch: [usize; 4],
}

/// A part of the contracted dim: some runs, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// The runs.
    pub runs: std::ops::Range<usize>,
    /// The first element of each run.
    pub from: usize,
    /// Elements of each run.
    pub each: usize,
    /// The number of the first element.
    pub first: usize,
}

impl Steps {
    /// Elements in all.
    pub fn count(&self) -> usize {
        self.runs.len() * self.each
    }
}

impl BlockedProduct {
    /// Settles a product; none if there are no tiles for `E`, or the tables would be too long.
    pub(super) fn new<E: Element>(
        options: &Options,
        mut shape: Shape<'_>,
    ) -> Option<BlockedProduct> {
        if entries(&shape) > MOST_ENTRIES {
            return None;
        }
        let [of_m, of_n, of_k] = shape.extents;
        // What is copied is walked as the operand allows, not as tiles do.
        let walk = |strides: &Strides, extents: &[usize]| {
            Walk::new(strides, extents, run(extents, &[strides]))
        };
        shape.direct = shape
            .direct
            .filter(|[_, columns]| walk(columns, of_n).step == 1);
        let cut = Cut::<E> {
            tiles: E::tiles(options.instructions)?,
            limits: &options.blocking,
            shape: &shape,
            extents: shape.extents.map(|dims| dims.iter().product::<usize>()),
        };
        let [m, n, k] = cut.extents;
        let m_run = cut.row_run();
        let rows = cut.tile_rows(m_run);
        let pack_b = cut.packs_right(rows);
        let [n_run, k_run] = cut.column_and_step_runs(pack_b);
        let runs = [m_run, n_run, k_run];
        let depth = depth_of_block(k, k_run, cut.limits.depth / Cut::<E>::SIZE);
        let columns = cut.columns(depth, n_run);
        let pack_a = cut.packs_left(runs);
        let whole_a = cut.computes_left_once(columns);
        let height = cut.height(rows, m_run, columns, depth, whole_a);
        let product = BlockedProduct {
            instructions: options.instructions,
            m,
            n,
            k,
            a: match &shape.a {
                Source::Stored(rows, steps) => Source::Stored(walk(rows, of_m), walk(steps, of_k)),
                Source::Kernel { along_k } => Source::Kernel { along_k: *along_k },
            },
            b: match &shape.b {
                Source::Stored(steps, columns) => {
                    Source::Stored(walk(steps, of_k), walk(columns, of_n))
                }
                Source::Kernel { along_k } => Source::Kernel { along_k: *along_k },
            },
            direct: (shape.direct.as_ref())
                .map(|[rows, columns]| [walk(rows, of_m), walk(columns, of_n)]),
            runs,
            steps: [
                cut.left_steps(k_run, pack_a.then_some(rows), height),
                cut.right_steps(k_run, pack_b),
            ],
            parts: parts(k, k_run, depth),
            pack_b,
            pack_a,
            whole_a,
            block: (height, columns, depth),
            rows,
            wide: cut.wide(),
            by_columns: cut.splits_columns(rows, pack_a, pack_b, options.threads),
            scratch: [0; 4],
        };
        let scratch = product.scratch_elements::<E>(cut.wide());
        Some(BlockedProduct {
            // Past all numbers it is more than can be had: asking for it is an error.
            scratch: scratch.map(|elements| {
                let bytes = elements.saturating_mul(Cut::<E>::SIZE);
                bytes.checked_next_multiple_of(LINE).unwrap_or(usize::MAX)
            }),
            ..product
        })
    }

    /// Elements of each part of [`BlockedProduct::scratch`], for panels of `wide` columns.
    fn scratch_elements<E: Element>(&self, wide: usize) -> [usize; 4] {
        let (height, columns, depth) = self.block;
        let panels = columns.div_ceil(wide) * wide;
        let of_b = if self.pack_b { panels * depth } else { 0 };
        let of_a = match self.a.computed() {
            None if self.pack_a => height.next_multiple_of(self.rows) * depth,
            None => 0,
            Some(_) if self.whole_a => self.m * pitch::<E>(self.k),
            Some(true) => height * pitch::<E>(depth),
            Some(false) => depth * pitch::<E>(height),
        };
        let of_sums = match self.direct {
            Some(_) => 0,
            None if depth < self.k => self.m.saturating_mul(panels),
            None => height * panels,
        };
        let turned = match self.b.computed() {
            Some(true) => wide * pitch::<E>(depth),
            Some(false) | None => 0,
        };
        [of_b, of_a, of_sums, turned]
    }

    /// Whether blocks along a dim begin at whole vectors of so many lanes, so that the last one alone may
    /// end within a vector: those that end with a run need not.
    pub(super) fn begins_at_vectors(&self, dim: BlockDim, lanes: usize) -> bool {
        let even = |block: usize, extent: usize| block >= extent || block.is_multiple_of(lanes);
        match dim {
            BlockDim::Rows => even(self.block.0, self.m),
            BlockDim::Columns => even(self.block.1, self.n),
            BlockDim::Steps => self
                .parts
                .iter()
                .all(|part| part.first.is_multiple_of(lanes)),
        }
    }

    /// Elements along a dim that are never in several blocks, panels among them.
    pub(super) fn together(&self, dim: BlockDim) -> usize {
        match dim {
            BlockDim::Rows => self.block.0,
            BlockDim::Columns => self.block.1.min(self.wide),
            BlockDim::Steps => self.block.2,
        }
    }

    /// Which operands, left and right, are computed, and whether along the contracted dim.
    pub(super) fn computed(&self) -> (Option<bool>, Option<bool>) {
        (self.a.computed(), self.b.computed())
    }

    /// Whether the kernel is called back: for operands that it computes, or for its epilogue.
    pub(super) fn calls_back(&self) -> bool {
        !self.is_direct() || self.computed() != (None, None)
    }

    /// Bytes of scratch in all.
    pub(super) fn scratch_bytes(&self) -> usize {
        let parts = self.scratch.iter();
        parts.fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// Whether sums are stored as they are, without a call back.
    pub(super) fn is_direct(&self) -> bool {
        self.direct.is_some()
    }
}

/// A product that is being cut into blocks: what it is, the tiles that compute it, and the bytes that
/// its parts may take.
struct Cut<'s, 'c, E: Element> {
    tiles: &'static Tiles<E>,
    limits: &'s Blocking,
    shape: &'s Shape<'c>,
    /// Rows, columns and steps.
    extents: [usize; 3],
}

impl<E: Element> Cut<'_, '_, E> {
    /// Bytes of an element.
    const SIZE: usize = size_of::<E>();

    /// Columns of a panel: those of a tile of two vectors.
    fn wide(&self) -> usize {
        2 * self.tiles.lanes
    }

    /// Rows that tiles walk without a leap: what they read or write in memory must lie evenly for them.
    fn row_run(&self) -> usize {
        let mut along: Vec<&[i64]> = Vec::new();
        if let Source::Stored(rows, _) = &self.shape.a {
            along.push(rows);
        }
        if let Some([rows, _]) = &self.shape.direct {
            along.push(rows);
        }
        run(self.shape.extents[0], &along)
    }

    /// Columns and steps that tiles walk without a leap; those of a packed operand lie evenly.
    fn column_and_step_runs(&self, pack_b: bool) -> [usize; 2] {
        let (mut along_n, mut along_k): (Vec<&[i64]>, Vec<&[i64]>) = Default::default();
        if let Source::Stored(_, steps) = &self.shape.a {
            along_k.push(steps);
        }
        if let Some([_, columns]) = &self.shape.direct {
            along_n.push(columns);
        }
        if let (Source::Stored(steps, columns), false) = (&self.shape.b, pack_b) {
            along_n.push(columns);
            along_k.push(steps);
        }
        let [_, of_n, of_k] = self.shape.extents;
        [run(of_n, &along_n), run(of_k, &along_k)]
    }

    /// Rows of a tile, as even as can be: 32 rows are 11 + 11 + 10, not 12 + 12 + 8.
    fn tile_rows(&self, m_run: usize) -> usize {
        let tiles = m_run.div_ceil(self.tiles.rows()).max(1);
        m_run.div_ceil(tiles).max(1)
    }

    /// Whether neighbours of such a stride are a KiB apart or more.
    fn far(stride: isize) -> bool {
        stride.unsigned_abs() * Self::SIZE >= 1024
    }

    /// Whether the right operand is copied to, or computed in, panels.
    fn packs_right(&self, rows: usize) -> bool {
        let [_, of_n, of_k] = self.shape.extents;
        let [m, n, _] = self.extents;
        match &self.shape.b {
            Source::Stored(steps, columns) => {
                let step = Walk::new(steps, of_k, run(of_k, &[steps])).step;
                let columns = Walk::new(columns, of_n, run(of_n, &[columns]));
                let rows_pay = m > 4 * rows && Self::far(step);
                columns.step != 1 || rows_pay || packing_pays([m, n], columns.run, self.tiles.lanes)
            }
            Source::Kernel { .. } => true,
        }
    }

    /// Whether the left operand is copied to panels.
    fn packs_left(&self, [m_run, _, k_run]: [usize; 3]) -> bool {
        let [of_m, _, of_k] = self.shape.extents;
        let [m, n, k] = self.extents;
        match &self.shape.a {
            Source::Stored(rows, steps) => {
                let row = Walk::new(rows, of_m, m_run).step;
                let step = Walk::new(steps, of_k, k_run).step;
                (m_run, k_run) == (m, k) && n >= 8 * self.wide() && row == 1 && Self::far(step)
            }
            Source::Kernel { .. } => false,
        }
    }

    /// Whether threads share the columns rather than the rows. Those that share rows each bring all of the
    /// right operand into panels, those that share columns all of the left one, if they are brought there
    /// at all: what is less is done again. But there must be a share for each.
    fn splits_columns(&self, rows: usize, pack_a: bool, pack_b: bool, threads: usize) -> bool {
        let [m, n, _] = self.extents;
        let shares = [m.div_ceil(rows), n.div_ceil(self.wide())].map(|s| s.min(threads.max(2)));
        let moved = |is: bool, computed: Option<bool>| match computed {
            // An element that is computed takes several that are copied.
            Some(_) => 4,
            None => usize::from(is),
        };
        let again = [
            moved(pack_b, self.shape.b.computed()).saturating_mul(n),
            moved(pack_a, self.shape.a.computed()).saturating_mul(m),
        ];
        shares[1] > shares[0] || (shares[1] == shares[0] && again[1] < again[0])
    }

    /// Columns of a block of so many steps.
    fn columns(&self, depth: usize, n_run: usize) -> usize {
        let [_, n, _] = self.extents;
        let columns = (self.limits.right / (depth * Self::SIZE))
            .max(self.wide())
            .next_multiple_of(self.wide());
        whole_runs(columns.min(n.next_multiple_of(self.tiles.lanes)), n_run)
    }

    /// Whether the left operand is computed once for all blocks of so many columns.
    fn computes_left_once(&self, columns: usize) -> bool {
        let [m, n, k] = self.extents;
        self.shape.a.computed() == Some(true)
            && columns < n
            && pitch::<E>(k).saturating_mul(m * Self::SIZE) <= WHOLE
    }

    /// Rows of a block of so many columns and steps.
    fn height(
        &self,
        rows: usize,
        m_run: usize,
        columns: usize,
        depth: usize,
        whole_a: bool,
    ) -> usize {
        let [m, _, k] = self.extents;
        // Sums that wait for further blocks of the contracted dim keep all rows.
        let waits = depth < k;
        let fits = |bytes: usize, row: usize, grain: usize| {
            (bytes / (row.max(1) * Self::SIZE) / grain).max(1) * grain
        };
        let height = match self.shape.a.computed() {
            Some(along_k) if !whole_a => {
                // Whole vectors of rows, if these are computed together.
                let grain = if along_k { rows } else { 4 * rows };
                fits(self.limits.sums, columns, grain).min(fits(self.limits.left, depth, grain))
            }
            Some(_) | None if waits => m,
            Some(_) | None => fits(self.limits.sums, columns, rows),
        };
        whole_runs(height, m_run).min(m.next_multiple_of(rows))
    }

    /// How tiles walk the left operand's steps, which is in panels of `packed` rows if it is copied, or
    /// in blocks of `height` rows if it is computed.
    fn left_steps(&self, k_run: usize, packed: Option<usize>, height: usize) -> Walk {
        let [_, _, k] = self.extents;
        match (&self.shape.a, packed) {
            (Source::Stored(..), Some(rows)) => Walk::even(k, k_run, rows as isize),
            (Source::Stored(_, steps), None) => Walk::new(steps, self.shape.extents[2], k_run),
            (Source::Kernel { along_k: true }, _) => Walk::even(k, k_run, 1),
            (Source::Kernel { along_k: false }, _) => {
                Walk::even(k, k_run, pitch::<E>(height) as isize)
            }
        }
    }

    /// How tiles walk the right operand's steps.
    fn right_steps(&self, k_run: usize, pack_b: bool) -> Walk {
        match &self.shape.b {
            Source::Stored(steps, _) if !pack_b => Walk::new(steps, self.shape.extents[2], k_run),
            Source::Stored(..) | Source::Kernel { .. } => {
                Walk::even(self.extents[2], k_run, self.wide() as isize)
            }
        }
    }
}

/// Steps of a block of `k`, which lie in runs of `run`: about `most`, all of them if they are no more
/// than twice as many; whole runs, or a part of one.
fn depth_of_block(k: usize, run: usize, most: usize) -> usize {
    let depth = if k <= 2 * most { k } else { most };
    match run < depth {
        true => depth / run.max(1) * run,
        false => depth.min(run),
    }
    .max(1)
}

/// The parts of `k` steps in runs of `run`, one after the other; one if there is nothing to contract.
fn parts(k: usize, run: usize, depth: usize) -> Vec<Steps> {
    let run = run.max(1);
    let runs = k / run;
    let mut parts = Vec::new();
    let mut next = Some(0);
    while let Some(first) = next {
        let (r, from) = (first / run, first % run);
        // Whole runs, or a part of one.
        let (end, each) = match run <= depth {
            true => ((r + depth / run).min(runs), run),
            false => (r + 1, depth.min(run - from)),
        };
        let part = Steps {
            runs: r..end.min(runs),
            from,
            each,
            first,
        };
        next = Some(first + part.count()).filter(|next| *next < k);
        parts.push(part);
    }
    parts
}

/// Whether neighbours of the right operand's columns are so few that tiles would leave lanes empty for
/// longer than it takes to bring columns together: a row of a tile takes half a cycle, a copied element
/// about one.
fn packing_pays([m, n]: [usize; 2], run: usize, lanes: usize) -> bool {
    let apart = n / run.max(1) * run.div_ceil(lanes);
    (apart - n.div_ceil(lanes).min(apart)) * m > 2 * n
}

/// The most entries of the tables that a product is walked by. More are those of operands past any
/// cache's and nearly any machine's memory: own tiles, which need no tables, compute these.
const MOST_ENTRIES: usize = 1 << 24;

/// Steps of a block are at least so many, or whole runs.
const LEAST_DEPTH: usize = 128;

/// About how many entries the tables of a product have that is so cut into blocks.
fn entries(shape: &Shape<'_>) -> usize {
    let mut along: [Vec<&[i64]>; 3] = Default::default();
    let [along_m, along_n, along_k] = &mut along;
    if let Source::Stored(rows, steps) = &shape.a {
        along_m.push(rows);
        along_k.push(steps);
    }
    if let Source::Stored(steps, columns) = &shape.b {
        along_k.push(steps);
        along_n.push(columns);
    }
    if let Some([rows, columns]) = &shape.direct {
        along_m.push(rows);
        along_n.push(columns);
    }
    let runs = |(extents, along): (&&[usize], &Vec<&[i64]>)| {
        let count: usize = extents.iter().product();
        count / run(extents, along).max(1)
    };
    let runs = shape.extents.iter().zip(&along).map(runs);
    let steps: usize = shape.extents[2].iter().product();
    runs.fold(steps / LEAST_DEPTH, usize::saturating_add)
}

/// The most bytes of a left operand that is computed once for all blocks of columns: it may have no
/// other place in memory, and is as large as its axes are. Computing it again costs a few percent.
const WHOLE: usize = 1 << 26;

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// A part of `count` elements that ends with a run, if it is longer than one.
fn whole_runs(count: usize, run: usize) -> usize {
    match run < count {
        true => count / run.max(1) * run.max(1),
        false => count,
    }
}

/// Elements between rows of `count` in scratch: whole lines, and not a power of two, lest the rows of
/// a tile fall on the same places of a cache.
pub(super) fn pitch<E>(count: usize) -> usize {
    let line = LINE / size_of::<E>();
    (count.div_ceil(line) | 1) * line
}
