//! Which values may be stored, and where: *kernel values* and their homes.
//!
//! A kernel value is computed by a kernel (reductions, contractions, scatters) or worth storing if
//! another kernel than its own needs it; whether it is stored at all turns out when kernels are made.
//! Homes may be strided: an output that is a reshaped or permuted contraction is written in place, a
//! part of a concatenation straight into its range.

use super::ScheduleError;
use super::affine::contiguous;
use super::definition::Opaque;
use super::eval::Home;
use super::graph::{Def, Graph, Id};
use super::probe::Probe;
use crate::cost::Target;
use crate::decision::{Choice, Decision, StoreReason};
use crate::kernel::RegionId;
use sinew_ir::{DType, Function, Order};
use std::collections::BTreeSet;

/// Memory that outlives the kernels which are being made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Site {
    /// A region and the first byte in it.
    Given(RegionId, usize),
    /// A value of the arena that other stretches of the program see too, by its number.
    Shared(usize),
}

/// A buffer as it is being made.
#[derive(Clone, Debug)]
pub(crate) struct OpenBuffer {
    pub name: String,
    /// Where it is; open for what only the kernels at hand see.
    pub site: Option<Site>,
    /// Elements from there in the first turn of the loops around.
    pub start: i64,
    /// Elements further for each turn of the loops around, the outermost first; none: 0 each.
    pub steps: Vec<i64>,
    /// Of the value that it holds, one an axis.
    pub strides: Vec<i64>,
    pub dtype: DType,
    /// Of the whole site.
    pub elements: usize,
}

/// The slice of a value along `axis` that an iteration gets, `depth` loops around the one it is of.
pub(super) fn moving(
    whole: &OpenBuffer,
    axis: usize,
    trip: usize,
    order: Order,
    depth: usize,
) -> OpenBuffer {
    let mut slice = whole.clone();
    slice.steps.resize(depth, 0);
    if axis >= slice.strides.len() {
        // The verifier of programs refuses it.
        slice.steps.push(0);
        return slice;
    }
    let stride = slice.strides.remove(axis);
    match order {
        Order::Forward => slice.steps.push(stride),
        Order::Backward => {
            slice.start += (trip as i64 - 1) * stride;
            slice.steps.push(-stride);
        }
    }
    slice
}

/// A value to be copied to a place of its own.
pub(crate) struct Copy {
    pub value: Id,
    /// Where to read it, if not at the value's own home.
    pub from: Option<Home>,
    pub home: Home,
    /// Behind every other kernel of the part: its place is read by them.
    pub last: bool,
}

pub(crate) struct Storage {
    /// What the kernels are made for.
    pub target: Target,
    pub graph: Graph,
    /// Whether a value is a kernel value.
    pub kernel: Vec<bool>,
    pub home: Vec<Option<Home>>,
    /// Values that must be in row-major order, whatever else would like them strided.
    plain: Vec<bool>,
    pub buffers: Vec<OpenBuffer>,
    /// More places for a kernel value.
    pub extra: Vec<(Id, Home)>,
    pub copies: Vec<Copy>,
    pub probes: Vec<Probe>,
    /// Values that end a chain too long for one kernel: none of their users joins their kernel.
    pub cut: Vec<bool>,
    /// Why values are stored that might have been computed where they are read.
    pub decisions: BTreeSet<Decision<Id>>,
}

impl Storage {
    /// Decides kernel values and homes. `inputs` and `outputs` are buffers; results in `staged` are
    /// computed in the arena first and copied at the end.
    pub fn decide(
        function: &Function,
        buffers: Vec<OpenBuffer>,
        outputs: &[usize],
        staged: &[usize],
        target: Target,
    ) -> Result<Storage, ScheduleError> {
        let mut graph = Graph::build(function)?;
        let n = graph.nodes.len();
        let mut plain = vec![false; n];
        loop {
            let mut storage = Storage {
                target,
                graph,
                kernel: vec![false; n],
                home: vec![None; n],
                plain: plain.clone(),
                buffers: buffers.clone(),
                extra: Vec::new(),
                copies: Vec::new(),
                probes: Vec::new(),
                cut: vec![false; n],
                decisions: BTreeSet::new(),
            };
            storage.place_params(function.params.len());
            storage.place_outputs(outputs, staged);
            storage.store_roots();
            storage.store_ends_of_chains();
            storage.store_before_broadcasts();
            storage.cut_long_chains();
            storage.write_parts_in_place();
            if storage.materialise_until_expressible(&mut plain)? {
                return Ok(storage);
            }
            graph = storage.graph;
        }
    }

    pub fn is_leaf(&self, id: Id) -> bool {
        self.kernel[id] || self.graph.nodes[id].def.is_param()
    }

    /// The home of a leaf; a kernel value without one gets it when it is stored.
    pub fn home_of(&self, id: Id) -> Home {
        match &self.home[id] {
            Some(home) => home.clone(),
            None => Home {
                buffer: usize::MAX - id,
                offset: 0,
                strides: contiguous(&self.graph.nodes[id].shape),
            },
        }
    }

    /// What kernels need for some values: what they compute on the way and the leaves that they read.
    pub fn needs(&self, values: &[Id]) -> BTreeSet<Id> {
        let mut seen = BTreeSet::new();
        let operands = |id: Id| self.graph.nodes[id].def.operands();
        let mut open: Vec<Id> = values.iter().flat_map(|id| operands(*id)).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id) && !self.is_leaf(id) {
                open.extend(operands(id));
            }
        }
        seen
    }

    /// All places of a kernel value.
    pub fn homes(&self, id: Id) -> Vec<Home> {
        let mut out = vec![self.home_of(id)];
        let extra = self.extra.iter().filter(|(x, _)| *x == id);
        out.extend(extra.map(|(_, home)| home.clone()));
        out
    }

    /// The region of a home; none for what is in the arena.
    pub fn region(&self, home: &Home) -> Option<RegionId> {
        match self.buffers.get(home.buffer)?.site? {
            Site::Given(region, _) => Some(region),
            Site::Shared(_) => None,
        }
    }

    /// How many regions a kernel of some values touches.
    pub fn regions(&self, values: impl Iterator<Item = Id>) -> usize {
        let mut all = BTreeSet::new();
        for id in values {
            let reads = self.probes[id].reads.iter().map(|(leaf, _)| *leaf);
            all.extend(reads.chain([id]).map(|x| self.region(&self.home_of(x))));
            let more = self.extra.iter().filter(|(x, _)| *x == id);
            all.extend(more.map(|(_, home)| self.region(home)));
        }
        all.len()
    }

    /// A row-major buffer in the arena for a value.
    pub(super) fn arena(&mut self, id: Id) -> Home {
        let node = &self.graph.nodes[id];
        let strides = contiguous(&node.shape);
        self.buffers.push(OpenBuffer {
            name: node.value.to_string(),
            site: None,
            start: 0,
            steps: Vec::new(),
            strides: strides.clone(),
            dtype: node.dtype,
            elements: self.graph.elements(id),
        });
        Home {
            buffer: self.buffers.len() - 1,
            offset: 0,
            strides,
        }
    }

    fn place_params(&mut self, count: usize) {
        for p in 0..count {
            self.home[p] = Some(Home {
                buffer: p,
                offset: 0,
                strides: self.buffers[p].strides.clone(),
            });
        }
    }

    fn place_outputs(&mut self, outputs: &[usize], staged: &[usize]) {
        for (r, buffer) in outputs.iter().enumerate() {
            let id = self.graph.results[r];
            let home = Home {
                buffer: *buffer,
                offset: 0,
                strides: self.buffers[*buffer].strides.clone(),
            };
            if self.graph.elements(id) == 0 {
                continue;
            }
            if staged.contains(&r) {
                self.kernel[id] |= !self.graph.nodes[id].def.is_param();
                self.decide_to_store(id, StoreReason::Aside);
                let last = true;
                if self.graph.nodes[id].def.is_param() {
                    // An input that another output overwrites: saved first, then copied.
                    let saved = self.arena(id);
                    self.copies.push(Copy {
                        value: id,
                        from: None,
                        home: saved.clone(),
                        last: false,
                    });
                    self.copies.push(Copy {
                        value: id,
                        from: Some(saved),
                        home,
                        last,
                    });
                } else {
                    self.copies.push(Copy {
                        value: id,
                        from: None,
                        home,
                        last,
                    });
                }
            } else {
                self.place_value(id, home);
            }
        }
    }

    /// Gives a home to a value. Where it is a view that another value can be written through, that value is
    /// written there instead.
    pub(super) fn place_value(&mut self, mut id: Id, mut home: Home) {
        while let Some((x, strides)) = self.written_through(id, &home) {
            (id, home.strides) = (x, strides);
        }
        if self.graph.nodes[id].def.is_param() {
            self.copies.push(Copy {
                value: id,
                from: None,
                home,
                last: false,
            });
            return;
        }
        self.kernel[id] = true;
        match self.home[id] {
            None => self.home[id] = Some(home),
            Some(_) => self.extra.push((id, home)),
        }
    }

    /// The value that can be written through a view with this home, and its strides there.
    fn written_through(&self, id: Id, home: &Home) -> Option<(Id, Vec<i64>)> {
        let node = &self.graph.nodes[id];
        let Def::View { x, map } = &node.def else {
            return None;
        };
        let viewed = &self.graph.nodes[*x];
        let is_free = self.home[*x].is_none() && !self.plain[*x] && !viewed.def.gets_no_place();
        if !is_free || self.home[id].is_some() {
            return None;
        }
        let strides = map.operand_strides(&viewed.shape, &node.shape, &home.strides)?;
        Some((*x, strides))
    }

    /// Notes why a value is stored.
    pub(super) fn decide_to_store(&mut self, value: Id, why: StoreReason) {
        let choice = Choice::Stored(why);
        self.decisions.insert(Decision { value, choice });
    }

    /// Parts of concatenations are written straight into their ranges.
    fn write_parts_in_place(&mut self) {
        for id in (0..self.graph.nodes.len()).rev() {
            if !self.graph.is_live(id) {
                continue;
            }
            let Def::Opaque(Opaque::Concat { parts, axis }) = self.graph.nodes[id].def.clone()
            else {
                continue;
            };
            if self.home[id].is_none() {
                self.home[id] = Some(self.arena(id));
            }
            let home = self.home_of(id);
            let mut start = 0;
            for part in parts {
                let in_place = self.graph.nodes[part].def.is_written_in_place();
                if in_place && self.home[part].is_none() && !self.plain[part] {
                    self.kernel[part] = true;
                    self.decide_to_store(part, StoreReason::Part);
                    self.home[part] = Some(Home {
                        buffer: home.buffer,
                        offset: home.offset + start as i64 * home.strides[axis],
                        strides: home.strides.clone(),
                    });
                }
                start += self.graph.nodes[part].shape[axis];
            }
        }
    }
}
