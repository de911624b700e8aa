//! Scans: values that run along rows.

use super::class::{LoopBody, Structure, in_words};
use super::{Access, Code, Reg, Touch};
use sinew_ir::DType;

/// `value = start; for i in 0..extent { value = code(outer, i, value) }` for each outer index: the code
/// reads the running value as its accumulator, makes the next one, and stores what it makes of it.
/// Outer indices never meet, so they may run in parallel.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Extents of the dims around the axis.
    pub outer: Vec<usize>,
    /// Number of steps along the axis, at least 1.
    pub extent: usize,
    /// The running value before the first step.
    pub start: f64,
    /// A step, over the space `outer.., extent`; holds the stores.
    pub code: Code,
    /// The register with the next running value.
    pub next: Reg,
}

impl Scan {
    /// The space of a step's code.
    pub fn space(&self) -> Vec<usize> {
        [&self.outer[..], &[self.extent]].concat()
    }

    /// The type of the running value; none if its register is not there.
    pub fn dtype(&self) -> Option<DType> {
        let inst = self.code.insts.get(self.next.0 as usize);
        inst.map(|inst| inst.dtype)
    }
}

impl Structure for Scan {
    fn word(&self) -> &'static str {
        "scan"
    }

    fn space_in_words(&self) -> String {
        format!("scan {} x {}", in_words(&self.outer), self.extent)
    }

    fn parallel(&self) -> Option<usize> {
        self.outer.first().copied()
    }

    fn loop_bodies(&self) -> Vec<LoopBody<'_>> {
        vec![LoopBody {
            code: &self.code,
            space: self.space(),
            stage: 0,
            pointwise: true,
            step: None,
        }]
    }

    fn own_touches(&self) -> Vec<Touch> {
        Vec::new()
    }

    fn own_flops(&self) -> usize {
        0
    }

    fn accesses_mut(&mut self) -> Vec<&mut Access> {
        self.code.accesses_mut()
    }
}
