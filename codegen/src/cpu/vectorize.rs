//! Where the lanes of a nest run, from an estimate of the time of each way.

use sinew_ir::{DType, Reduction};

use super::Options;
use super::array::Layout;
use super::lanes::STRIDED;
use crate::kernel::{Access, Code, Nest, Reg, RowReg, ScalarKind, Slot, Stage};

/// Row arrays of more bytes than this are not made wider to run rows in lockstep: with what the rows
/// read and write they fit in the nearest cache.
const NEAR: usize = 16 << 10;

/// Where the lanes are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Vectorization {
    /// Nowhere.
    Scalar,
    /// Along an inner dim, which is made the innermost.
    Inner {
        /// The dim of the space.
        dim: usize,
        /// How many lanes.
        count: usize,
    },
    /// Along an outer dim, which is made the innermost of the outer loops.
    Outer {
        /// The dim.
        dim: usize,
        /// How many lanes.
        count: usize,
        /// Vectors of rows that are run in lockstep.
        copies: usize,
    },
}

impl Vectorization {
    /// The dim of the space that the lanes run along.
    pub(super) fn dim(self) -> Option<usize> {
        match self {
            Vectorization::Scalar => None,
            Vectorization::Inner { dim, .. } | Vectorization::Outer { dim, .. } => Some(dim),
        }
    }

    /// Rows that are run at once, at most.
    pub(super) fn rows(self) -> usize {
        match self {
            Vectorization::Scalar | Vectorization::Inner { .. } => 1,
            Vectorization::Outer { count, copies, .. } => count * copies,
        }
    }
}

/// Vectors reduced side by side, so that additions do not wait for each other: where a turn of the
/// loop is short.
pub(super) fn inner_copies(
    code: &Code,
    reduces: &[(RowReg, Reduction, Reg)],
    vectors: i64,
) -> usize {
    if reduces.is_empty() || vectors < 8 || work(code) > 12.0 {
        1
    } else {
        4
    }
}

/// Vectors of rows run in lockstep, where rows are reduced: so that whole cache lines are used.
fn outer_copies(nest: &Nest, count: usize, vectors: i64) -> usize {
    let mut reduces = false;
    let mut total = 0.0;
    for stage in &nest.stages {
        match stage {
            Stage::Row { code, .. } => total += work(code),
            Stage::Each { code, reduces: r } => {
                total += work(code);
                reduces |= !r.is_empty();
            }
        }
    }
    let copies = 4;
    let near = Layout::new(nest, copies * count).bytes() <= NEAR;
    if reduces && near && vectors >= copies as i64 && total <= 24.0 {
        copies
    } else {
        1
    }
}

/// The cheapest place for the lanes.
pub(super) fn vectorize(slots: &[Slot], nest: &Nest, options: &Options) -> Vectorization {
    let mut best = (cost(nest, Vectorization::Scalar), Vectorization::Scalar);
    let Some(count) = nest_width(slots, nest, options) else {
        return Vectorization::Scalar;
    };
    let mut ways: Vec<Vectorization> = Vec::new();
    // The rows of a block run one after the other.
    let side_by_side: &[usize] = match nest.step() {
        None => &nest.outer,
        Some(_) => &[],
    };
    for (dim, extent) in side_by_side.iter().enumerate() {
        let copies = outer_copies(nest, count, (extent / count) as i64);
        ways.push(Vectorization::Outer { dim, count, copies });
    }
    let first = nest.outer.len();
    let last = (first + nest.inner.len()).saturating_sub(1);
    // Of several greatest elements the first one counts: they are met in their order along the last dim.
    let from = if finds_places(nest) { last } else { first };
    for dim in from.max(first)..first + nest.inner.len() {
        ways.push(Vectorization::Inner { dim, count });
    }
    for way in ways {
        let cost = cost(nest, way);
        // Later dims are nearer in memory.
        if cost <= best.0 {
            best = (cost, way);
        }
    }
    best.1
}

/// Lanes of a vector that holds any register of these codes, and `others`; none where element sizes
/// differ or vectors are not wanted.
pub(super) fn width(
    slots: &[Slot],
    options: &Options,
    codes: &[&Code],
    others: &[DType],
) -> Option<usize> {
    let bytes = options.vector_bytes()?;
    let mut wide = false;
    let mut narrow = false;
    let mut see = |dtype: DType, memory: bool| match dtype {
        DType::F64 => wide = true,
        DType::Bool => narrow |= memory,
        DType::Float | DType::F32 | DType::I32 | DType::U32 => narrow = true,
        // As wide as an i32 in registers.
        DType::F16 | DType::Bf16 => narrow = true,
    };
    for &dtype in others {
        see(dtype, false);
    }
    for code in codes {
        for inst in &code.insts {
            match &inst.kind {
                ScalarKind::Load(_) => see(inst.dtype, true),
                ScalarKind::Gather { .. } | ScalarKind::Index { .. } => {
                    see(DType::I32, false);
                    see(inst.dtype, true);
                }
                ScalarKind::Const(_)
                | ScalarKind::Row(_)
                | ScalarKind::Element(_)
                | ScalarKind::Accumulator
                | ScalarKind::Apply(..) => see(inst.dtype, false),
            }
        }
        for store in &code.stores {
            see(slots[store.access.slot.0 as usize].dtype, true);
        }
    }
    match (wide, narrow) {
        (true, true) => None,
        (true, false) => Some(bytes / 8),
        (false, _) => Some(bytes / 4),
    }
}

/// [`width`] of a nest.
fn nest_width(slots: &[Slot], nest: &Nest, options: &Options) -> Option<usize> {
    let mut others = nest.rows.clone();
    let mut codes = Vec::new();
    for stage in &nest.stages {
        match stage {
            Stage::Row { code, .. } => codes.push(code),
            Stage::Each { code, reduces } => {
                codes.push(code);
                for (_, reduction, _) in reduces {
                    if reduction.is_place() {
                        others.push(DType::I32);
                    }
                }
            }
        }
    }
    width(slots, options, &codes, &others)
}

/// Whether a nest looks for places of elements.
fn finds_places(nest: &Nest) -> bool {
    nest.stages.iter().any(|stage| match stage {
        Stage::Row { .. } => false,
        Stage::Each { reduces, .. } => reduces.iter().any(|(_, kind, _)| kind.is_place()),
    })
}

/// An estimate of the time, in arithmetic instructions.
fn cost(nest: &Nest, way: Vectorization) -> f64 {
    let rows: f64 = nest.outer.iter().map(|&e| e as f64).product();
    let elements: f64 = nest.inner.iter().map(|&e| e as f64).product();
    let vectors =
        |extent: usize, count: usize| extent.div_ceil(count) as f64 / (extent.max(1)) as f64;
    let mut total = 0.0;
    for (at, stage) in nest.stages.iter().enumerate() {
        let (code, turns, row, reduces) = match stage {
            Stage::Row { code, .. } => (code, rows, true, 0),
            Stage::Each { code, reduces } => (code, rows * elements, false, reduces.len()),
        };
        let kept = nest.arrays.iter().filter(|a| a.stage == at).count() as f64;
        total += match way {
            Vectorization::Inner { dim, count } if !row => {
                let extent = nest.inner.get(dim - nest.outer.len());
                let share = vectors(extent.copied().unwrap_or(1), count);
                turns * share * (kept + work(code) + traffic(code, Some((dim, count))))
                    + rows * (reduces * (2 * count + 10)) as f64
            }
            Vectorization::Scalar | Vectorization::Inner { .. } => {
                turns * (kept + work(code) + traffic(code, None))
            }
            Vectorization::Outer { dim, count, .. } => {
                let share = vectors(nest.outer[dim], count);
                turns * share * (kept + work(code) + traffic(code, Some((dim, count))))
            }
        };
    }
    total
}

/// The arithmetic of a code.
pub(super) fn work(code: &Code) -> f64 {
    code.insts
        .iter()
        .map(|inst| match &inst.kind {
            ScalarKind::Apply(op, _) => op.def().work as f64,
            ScalarKind::Load(_)
            | ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator => 0.0,
        })
        .sum()
}

/// The loads and stores of a code, with lanes along a dim.
pub(super) fn traffic(code: &Code, lanes: Option<(usize, usize)>) -> f64 {
    let one = |access: &Access| match lanes {
        None => 1.0,
        Some((dim, count)) => match access.strides.get(dim).copied().unwrap_or(0) {
            0 | 1 if access.guards.is_empty() => 1.0,
            0 if access
                .guards
                .iter()
                .all(|g| g.strides.get(dim).copied().unwrap_or(0) == 0) =>
            {
                2.0
            }
            // Wide vectors are put together from those that they lie in.
            stride @ 2..=STRIDED if count > 4 && access.guards.is_empty() => 2.0 * stride as f64,
            _ => 1.5 * count as f64,
        },
    };
    let mut total: f64 = code.stores.iter().map(|s| one(&s.access)).sum();
    for inst in &code.insts {
        total += match &inst.kind {
            ScalarKind::Load(access) => one(access),
            ScalarKind::Gather { .. } => lanes.map_or(4.0, |(_, count)| 5.0 * count as f64),
            ScalarKind::Element(_) => 1.0,
            ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => 0.0,
        };
    }
    total
}
