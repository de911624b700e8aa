//! Nests: maps and row reductions.

use super::class::{LoopBody, Structure, in_words, volume};
use super::{Access, Code, Reg, RowReg, ScalarInst, ScalarKind, Store, Touch};
use sinew_ir::{DType, Reduction};

/// Loops over `outer`, in each of which stages run one after the other over `inner` (the row).
///
/// With `inner` empty there is one element a row and there is one `Stage::Row`. Different outer
/// indices are independent of each other, but for sums over rows: where a store adds, the rows along the
/// last outer dim are a block, run in order, and blocks are independent of each other. Code that does not depend on the inner index stands in row
/// stages, its results in row registers. What several stages need of each element stands in row arrays
/// where that is cheaper than computing it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Nest {
    /// Extents of the parallel dims. Space dims are numbered `outer` first, then `inner`.
    pub outer: Vec<usize>,
    /// Extents of the row's dims.
    pub inner: Vec<usize>,
    /// What happens in each row, in order.
    pub stages: Vec<Stage>,
    /// Element types of the row registers: set by a row stage or by a reduction, once, before use.
    pub rows: Vec<DType>,
    /// Values that a stage computes for every element of the row and later stages read again. They
    /// last for one row, near whoever runs it.
    pub arrays: Vec<RowArray>,
}

impl Nest {
    /// The dim along which stores add up: the last outer one; none where no store adds.
    pub fn step(&self) -> Option<usize> {
        let mut stores = self.stages.iter().flat_map(|stage| &stage.code().stores);
        match stores.any(|store| store.adds) {
            true => self.outer.len().checked_sub(1),
            false => None,
        }
    }

    /// The extents of the dims whose indices are independent of each other.
    pub fn parallel_dims(&self) -> &[usize] {
        &self.outer[..self.step().unwrap_or(self.outer.len())]
    }

    /// What runs for every element of the first row of a block, before its stages: the zeros that its
    /// sums begin with. None where no store adds.
    pub(crate) fn first_sums(&self) -> Option<Code> {
        self.step()?;
        let mut zeros = Code::default();
        for code in self.stages.iter().map(Stage::code) {
            for store in code.stores.iter().filter(|store| store.adds) {
                let value = code.insts.get(store.value.0 as usize)?;
                zeros.insts.push(ScalarInst {
                    kind: ScalarKind::Const(0.0),
                    dtype: value.dtype,
                });
                zeros.stores.push(Store {
                    access: store.access.clone(),
                    value: Reg(u32::try_from(zeros.insts.len() - 1).ok()?),
                    adds: false,
                });
            }
        }
        Some(zeros)
    }

    /// The element type of a row array; none where the register is not there.
    pub fn array_dtype(&self, array: RowArray) -> Option<DType> {
        let code = self.stages.get(array.stage)?.code();
        let inst = code.insts.get(array.value.0 as usize)?;
        Some(inst.dtype)
    }
}

/// A row array: one element for each of the row, written by one stage, of the written register's
/// type (numbers only). It holds nothing when a row begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowArray {
    /// The stage that writes it, an index into [`Nest::stages`]: one that runs for every element.
    pub stage: usize,
    /// The register of that stage whose value is kept.
    pub value: Reg,
}

/// A part of a nest.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Runs once a row; its accesses have stride 0 along the inner dims.
    Row {
        /// The code.
        code: Code,
        /// Row registers it sets.
        sets: Vec<(RowReg, Reg)>,
    },
    /// Runs for every element of the row.
    Each {
        /// The code.
        code: Code,
        /// Reductions of registers over the row, into row registers. The index of an `ArgMax` is the
        /// row-major index in `inner`, as i32.
        reduces: Vec<(RowReg, Reduction, Reg)>,
    },
}

impl Stage {
    /// Its code.
    pub fn code(&self) -> &Code {
        match self {
            Stage::Row { code, .. } | Stage::Each { code, .. } => code,
        }
    }

    /// Its code, to be changed.
    pub fn code_mut(&mut self) -> &mut Code {
        match self {
            Stage::Row { code, .. } | Stage::Each { code, .. } => code,
        }
    }
}

impl Structure for Nest {
    fn word(&self) -> &'static str {
        match self.inner.is_empty() {
            true => "map",
            false => "nest",
        }
    }

    fn space_in_words(&self) -> String {
        let (outer, stages) = (in_words(&self.outer), self.stages.len());
        match self.inner.is_empty() {
            true => format!("map {outer}"),
            false => format!("rows {outer} of {}, {stages} stages", in_words(&self.inner)),
        }
    }

    fn parallel(&self) -> Option<usize> {
        self.parallel_dims().first().copied()
    }

    fn loop_bodies(&self) -> Vec<LoopBody<'_>> {
        let space = [&self.outer[..], &self.inner].concat();
        // A row stage runs once a row, at index 0 of the row's dims.
        let mut once = self.outer.clone();
        once.resize(space.len(), 1);
        let stages = self.stages.iter().enumerate();
        let bodies = stages.map(|(number, stage)| LoopBody {
            code: stage.code(),
            space: match stage {
                Stage::Row { .. } => once.clone(),
                Stage::Each { .. } => space.clone(),
            },
            stage: number,
            pointwise: true,
            step: self.step(),
        });
        bodies.collect()
    }

    fn own_touches(&self) -> Vec<Touch> {
        Vec::new()
    }

    /// One for each element that is reduced or added.
    fn own_flops(&self) -> usize {
        let reductions = |stage: &Stage| match stage {
            Stage::Row { .. } => 0,
            Stage::Each { reduces, code } => {
                reduces.len() + code.stores.iter().filter(|store| store.adds).count()
            }
        };
        let reductions: usize = self.stages.iter().map(reductions).sum();
        let elements = volume(&self.outer).saturating_mul(volume(&self.inner));
        elements.saturating_mul(reductions)
    }

    fn accesses_mut(&mut self) -> Vec<&mut Access> {
        let codes = self.stages.iter_mut().map(Stage::code_mut);
        codes.flat_map(Code::accesses_mut).collect()
    }
}
