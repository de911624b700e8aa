//! From accesses into buffers to a kernel with slots, and a run of it.
//!
//! A kernel says nothing of where it runs: each place that its accesses reach becomes a slot, which
//! begins at the first element that is reached and is as long as what is reached. So equal layers, and
//! equal slices of one buffer, give equal kernels, which the schedule holds once.

use crate::kernel::{
    Binding, BufferId, Class, Kernel, KernelId, Run, Schedule, Slot, SlotId, SlotUse,
};
use std::collections::BTreeMap;

/// Where accesses begin that name it by its number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Base {
    pub buffer: BufferId,
    /// Elements from the buffer's start in the first turn of the loops around.
    pub start: i64,
    /// Elements further for each turn of the loops around, the outermost first.
    pub steps: Vec<i64>,
}

/// A place that some accesses reach.
struct Reached {
    /// The number of its base: of several that begin there, the one in the largest buffer.
    base: usize,
    /// First and last element; none where nothing is reached.
    range: Option<(i64, i64)>,
    loads: bool,
    stores: bool,
}

impl Schedule {
    /// A run of `class`, whose accesses name buffers where those of a kernel name slots. A kernel that
    /// is there already is used again; else a new one has the name that `name` makes of its number.
    ///
    /// `values` are those it computes for others, for people.
    pub fn bind(
        &mut self,
        class: Class,
        name: impl FnOnce(usize) -> String,
        values: Vec<String>,
    ) -> Run {
        let whole = |buffer| Base {
            buffer: BufferId(buffer),
            start: 0,
            steps: Vec::new(),
        };
        let buffers = u32::try_from(self.buffers.len()).unwrap_or(u32::MAX);
        let bases: Vec<Base> = (0..buffers).map(whole).collect();
        self.bind_at(class, &bases, name, values)
    }

    /// As [`Schedule::bind`], where accesses name `bases`.
    pub(super) fn bind_at(
        &mut self,
        mut class: Class,
        bases: &[Base],
        name: impl FnOnce(usize) -> String,
        values: Vec<String>,
    ) -> Run {
        let reached = self.reached(&class, bases);
        let mut order: Vec<usize> = Vec::new();
        for access in class.accesses_mut() {
            let key = self.canonical(bases, access.slot.0 as usize);
            let at = order.iter().position(|b| *b == key).unwrap_or_else(|| {
                order.push(key);
                order.len() - 1
            });
            access.slot = SlotId(u32::try_from(at).unwrap_or(u32::MAX));
            if let Some((low, _)) = reached.get(&key).and_then(|r| r.range) {
                access.offset = access.offset.saturating_sub(low);
            }
        }
        let mut slots = Vec::new();
        let mut bindings = Vec::new();
        for key in &order {
            let Some(found) = reached.get(key) else {
                continue;
            };
            let (low, high) = found.range.unwrap_or((0, -1));
            let base = bases.get(found.base);
            let buffer = base.and_then(|b| self.buffers.get(b.buffer.0 as usize));
            slots.push(Slot {
                dtype: buffer.map_or(sinew_ir::DType::Float, |b| b.dtype),
                elements: usize::try_from(high - low + 1).unwrap_or(0),
                usage: match (found.loads, found.stores) {
                    (true, true) => SlotUse::Update,
                    (false, true) => SlotUse::Write,
                    (_, false) => SlotUse::Read,
                },
            });
            bindings.push(Binding {
                buffer: base.map_or(BufferId(u32::MAX), |b| b.buffer),
                offset: low + base.map_or(0, |b| b.start),
                steps: base.map_or(Vec::new(), |b| b.steps.clone()),
            });
        }
        Run {
            kernel: self.kernel_of(class, slots, name),
            bindings,
            cuts: Vec::new(),
            values,
        }
    }

    /// The kernel of this class and these slots.
    fn kernel_of(
        &mut self,
        class: Class,
        slots: Vec<Slot>,
        name: impl FnOnce(usize) -> String,
    ) -> KernelId {
        // Constants that are equal as numbers (0 and -0) are not the same: their text tells.
        let same = |k: &Kernel| {
            k.slots == slots && k.class == class && format!("{:?}", k.class) == format!("{class:?}")
        };
        let at = self.kernels.iter().position(same).unwrap_or_else(|| {
            self.kernels.push(Kernel {
                name: name(self.kernels.len()),
                slots,
                class,
            });
            self.kernels.len() - 1
        });
        KernelId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The first base of the same element type that begins at the same place: an output in place of an
    /// input is one slot with it. Buffers whose place a plan settles may have none yet; no two of a kernel are in
    /// one.
    fn canonical(&self, bases: &[Base], number: usize) -> usize {
        let place = |base: &Base| {
            let buffer = self.buffers.get(base.buffer.0 as usize)?;
            let region = self.regions.get(buffer.region.0 as usize);
            let own = (region.is_some_and(|r| r.kind.is_planned())).then_some(base.buffer);
            let place = (own, buffer.region, buffer.offset, buffer.dtype);
            Some((place, base.start, base.steps.clone()))
        };
        let Some(wanted) = bases.get(number).and_then(place) else {
            return number;
        };
        let mut earlier = bases.iter().map(place);
        earlier
            .position(|p| p.as_ref() == Some(&wanted))
            .unwrap_or(number)
    }

    /// What a class whose accesses name bases reaches, by the first base of each place.
    fn reached(&self, class: &Class, bases: &[Base]) -> BTreeMap<usize, Reached> {
        let elements = |number: usize| {
            let buffer = bases.get(number).map(|b| b.buffer.0 as usize);
            buffer
                .and_then(|b| self.buffers.get(b))
                .map_or(0, |b| b.elements)
        };
        let mut all: BTreeMap<usize, Reached> = BTreeMap::new();
        for touch in class.touches() {
            let number = touch.access.slot.0 as usize;
            let found = all.entry(self.canonical(bases, number)).or_insert(Reached {
                base: number,
                range: None,
                loads: false,
                stores: false,
            });
            if elements(number) > elements(found.base) {
                found.base = number;
            }
            found.loads |= touch.loads;
            found.stores |= touch.stores;
            found.range = match (found.range, touch.range()) {
                (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                (None, new) => new,
                (old, None) => old,
            };
        }
        all
    }
}
