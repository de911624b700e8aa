//! From accesses into buffers to a kernel with slots, and a run of it.
//!
//! A kernel says nothing of where it runs: each place that its accesses reach becomes a slot, which
//! begins at the first element that is reached and is as long as what is reached. So equal layers, and
//! equal slices of one buffer, give equal kernels, which the schedule holds once.

use super::touch::{each_access, touches};
use crate::kernel::{
    Binding, BufferId, Class, Kernel, KernelId, RegionKind, Run, Schedule, Slot, SlotId, SlotUse,
};
use std::collections::BTreeMap;

/// A place that some accesses reach.
struct Reached {
    /// The largest of the buffers that begin there.
    buffer: BufferId,
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
        mut class: Class,
        name: impl FnOnce(usize) -> String,
        values: Vec<String>,
    ) -> Run {
        let reached = self.reached(&class);
        let mut order: Vec<BufferId> = Vec::new();
        each_access(&mut class, &mut |access| {
            let key = self.canonical(BufferId(access.slot.0));
            let at = order.iter().position(|b| *b == key).unwrap_or_else(|| {
                order.push(key);
                order.len() - 1
            });
            access.slot = SlotId(u32::try_from(at).unwrap_or(u32::MAX));
            if let Some((low, _)) = reached.get(&key).and_then(|r| r.range) {
                access.offset = access.offset.saturating_sub(low);
            }
        });
        let mut slots = Vec::new();
        let mut bindings = Vec::new();
        for key in &order {
            let Some(found) = reached.get(key) else {
                continue;
            };
            let (low, high) = found.range.unwrap_or((0, -1));
            let buffer = self.buffers.get(found.buffer.0 as usize);
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
                buffer: found.buffer,
                offset: low,
                steps: Vec::new(),
            });
        }
        Run {
            kernel: self.kernel_of(class, slots, name),
            bindings,
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

    /// The first buffer of the same element type that begins at the same place: an output in place of
    /// an input is one slot with it. Buffers of the arena may have no place yet; no two of a kernel are
    /// in one.
    fn canonical(&self, id: BufferId) -> BufferId {
        let Some(buffer) = self.buffers.get(id.0 as usize) else {
            return id;
        };
        let kind = self.regions.get(buffer.region.0 as usize).map(|r| r.kind);
        if kind == Some(RegionKind::Arena) {
            return id;
        }
        let place = (buffer.region, buffer.offset, buffer.dtype);
        let same = self.buffers.iter();
        let first = same
            .map(|b| (b.region, b.offset, b.dtype))
            .position(|b| b == place);
        first.map_or(id, |at| BufferId(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// What a class whose accesses name buffers reaches, by the first buffer of each place.
    fn reached(&self, class: &Class) -> BTreeMap<BufferId, Reached> {
        let elements = |id: BufferId| self.buffers.get(id.0 as usize).map_or(0, |b| b.elements);
        let mut all: BTreeMap<BufferId, Reached> = BTreeMap::new();
        for touch in touches(class) {
            let buffer = BufferId(touch.access.slot.0);
            let found = all.entry(self.canonical(buffer)).or_insert(Reached {
                buffer,
                range: None,
                loads: false,
                stores: false,
            });
            if elements(buffer) > elements(found.buffer) {
                found.buffer = buffer;
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
