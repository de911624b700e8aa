//! The parameters of a compiled model in memory, shared by the trainers and runners of it.
//!
//! Runs read them, side by side; a step writes those that it trains, alone, and so does a run that changes
//! states. Each holds the locks of its models while its kernels run (a step until its report is read), so
//! that a runner on another thread sees parameters of before or after a step, never between. Whoever needs
//! several locks takes them in one order, that of their addresses, so that nobody waits in a circle.
//! Nothing is compiled, checked or converted under a lock. Who takes many steps in one call holds the locks from
//! step to step, and lets others in between two of them as soon as anyone waits.

use crate::backend::{Backend, DeviceMemory, Slot, room};
use crate::device::Precision;
use crate::error::Result;
use crate::executable::Writes;
use crate::layout::{Changed, Layout, Leaf, Section};
use crate::models::{Leaves, MAX_MODELS};
use crate::param::{Data, Missing};
use crate::regions::{Role, Table};
use sinew_ir::DType;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

/// The packed parameters.
#[derive(Debug)]
pub(crate) struct Store {
    /// Where each leaf lies.
    pub layout: Arc<Layout>,
    /// Leaves that lie side by side for a step that updates them.
    pub trained: DeviceMemory,
    /// The others.
    pub fixed: DeviceMemory,
}

/// A store that is held: beside other readers, or alone.
enum Guard<'a> {
    Read(RwLockReadGuard<'a, Store>),
    Write(RwLockWriteGuard<'a, Store>),
}

/// The stores of a function's models while it runs.
pub(crate) struct Held<'a>([Option<Guard<'a>>; MAX_MODELS]);

impl<'a> Held<'a> {
    /// Waits for the stores of `places`: alone for those that the program `writes`.
    pub fn of(places: &'a Places, writes: &[Writes]) -> Held<'a> {
        let mut held = Held([const { None }; MAX_MODELS]);
        for i in &places.order {
            let place = &places.models[*i];
            held.0[*i] = Some(match writes.get(*i).is_some_and(|w| w.any()) {
                true => Guard::Write(place.write()),
                false => Guard::Read(place.read()),
            });
        }
        held
    }

    /// The stores, in the order of the models.
    pub fn stores(&self) -> impl Iterator<Item = &Store> {
        self.0.iter().flatten().map(|guard| match guard {
            Guard::Read(store) => &**store,
            Guard::Write(store) => &**store,
        })
    }

    /// The store of a model.
    fn store(&self, model: usize) -> Option<&Store> {
        self.stores().nth(model)
    }

    /// For each model the memory of its leaves by section, to write where the program `writes` them.
    fn slots(&mut self, writes: &[Writes]) -> impl Iterator<Item = (Slot<'_>, Slot<'_>)> {
        let guards = self.0.iter_mut().flatten().zip(writes);
        guards.map(|(guard, writes)| match guard {
            Guard::Read(store) => (store.trained.slot_to_read(), store.fixed.slot_to_read()),
            Guard::Write(store) => {
                let store = &mut **store;
                (
                    store.trained.slot_for(writes.trained),
                    store.fixed.slot_for(writes.fixed),
                )
            }
        })
    }

    /// Puts them into the table of a run of a program that `writes` so.
    pub fn put_in<'t>(&'t mut self, table: &mut Table<'t>, writes: &[Writes]) {
        for (i, (trained, fixed)) in self.slots(writes).enumerate() {
            table.put(Role::Leaves(i, Section::Trained), trained);
            table.put(Role::Leaves(i, Section::Fixed), fixed);
        }
    }

    /// Copies the bytes of states, one behind the other.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn save(&self, states: &[Changed], saved: &mut Vec<u8>) -> Result<()> {
        saved.clear();
        for state in states {
            let Some(store) = self.store(state.model) else {
                continue;
            };
            let start = saved.len();
            saved.resize(start + state.leaf.bytes, 0);
            let memory = store.section(state.leaf.section);
            memory.read(state.leaf.offset, &mut saved[start..])?;
        }
        Ok(())
    }

    /// Puts back what [`Held::save`] copied, of stores that are held alone.
    ///
    /// # Errors
    /// A lost GPU.
    pub fn restore(&mut self, states: &[Changed], mut saved: &[u8]) -> Result<()> {
        for state in states {
            let Some((bytes, rest)) = saved.split_at_checked(state.leaf.bytes) else {
                break;
            };
            if let Some(Some(Guard::Write(store))) = self.0.get_mut(state.model) {
                let memory = store.section_mut(state.leaf.section);
                memory.write(state.leaf.offset, bytes)?;
            }
            saved = rest;
        }
        Ok(())
    }

    /// Whether all elements of the states are finite.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn are_finite(&self, states: &[Changed]) -> Result<bool> {
        for state in states {
            if let Some(store) = self.store(state.model)
                && !store.read_f64(&state.leaf)?.iter().all(|v| v.is_finite())
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A store with its lock.
#[derive(Debug)]
struct Locked {
    store: RwLock<Store>,
    /// How many wait for the lock.
    waiting: AtomicUsize,
}

impl Locked {
    /// Counts who waits, while it does.
    fn wait<G>(&self, lock: impl FnOnce() -> G) -> G {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let guard = lock();
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        guard
    }
}

/// A store with its lock, and what of it never changes.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Where each leaf lies.
    pub(crate) layout: Arc<Layout>,
    /// The device that it is on.
    pub(crate) backend: Backend,
    locked: Arc<Locked>,
}

impl Placed {
    /// The parameters of `model`, packed.
    ///
    /// # Errors
    /// Too little memory.
    pub(crate) fn new(model: &dyn Leaves, layout: Layout, backend: &Backend) -> Result<Placed> {
        let layout = Arc::new(layout);
        let mut store = Store {
            trained: backend.zeroed("params", layout.trained_bytes)?,
            fixed: backend.zeroed("fixed", layout.fixed_bytes)?,
            layout: Arc::clone(&layout),
        };
        store.fill(model)?;
        Ok(Placed {
            layout,
            backend: backend.clone(),
            locked: Arc::new(Locked {
                store: RwLock::new(store),
                waiting: AtomicUsize::new(0),
            }),
        })
    }

    /// To read: waits for a step of another thread.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Store> {
        // A holder that panicked can have left no half-written parameter: compiled code never panics.
        let store = &self.locked.store;
        let wait = || store.read().unwrap_or_else(PoisonError::into_inner);
        match store.try_read() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => self.locked.wait(wait),
        }
    }

    /// To write: waits for steps and runs of other threads.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Store> {
        let store = &self.locked.store;
        let wait = || store.write().unwrap_or_else(PoisonError::into_inner);
        match store.try_write() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => self.locked.wait(wait),
        }
    }

    /// Whether anyone waits for it, to read or to write.
    fn is_awaited(&self) -> bool {
        self.locked.waiting.load(Ordering::Relaxed) > 0
    }

    /// Whether it is the same memory.
    pub(crate) fn is(&self, other: &Placed) -> bool {
        Arc::ptr_eq(&self.locked, &other.locked)
    }

    /// What its working float is.
    pub(crate) fn precision(&self) -> Precision {
        match self.layout.float == DType::F64 {
            true => Precision::F64,
            false => Precision::F32,
        }
    }
}

/// Where the models of a function are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// In the order of the function's models.
    pub models: Vec<Placed>,
    /// The order in which their locks are taken.
    order: Vec<usize>,
    /// The layout of each.
    pub layouts: Vec<Arc<Layout>>,
}

impl Places {
    /// Those of different models.
    pub fn new(models: Vec<Placed>) -> Places {
        let mut order: Vec<usize> = (0..models.len().min(MAX_MODELS)).collect();
        order.sort_by_key(|i| Arc::as_ptr(&models[*i].locked).addr());
        let layouts = models.iter().map(|m| Arc::clone(&m.layout)).collect();
        Places {
            models,
            order,
            layouts,
        }
    }

    /// Whether anyone waits for one of them.
    pub fn are_awaited(&self) -> bool {
        self.models.iter().any(Placed::is_awaited)
    }

    /// Lets those in who wait, by one who holds none of the locks.
    pub fn give_way(&self) {
        /// Looks until they are taken to be in, or not to come soon: the system takes some of them to wake a thread.
        const LOOKS: usize = 1000;
        let mut looks = 0;
        while self.are_awaited() && looks < LOOKS {
            std::thread::yield_now();
            looks += 1;
        }
    }

    /// Copies the values of the models in, one after the other.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn fill(&self, models: &[&dyn Leaves]) -> Result<()> {
        let mut pairs = self.models.iter().zip(models);
        pairs.try_for_each(|(placed, model)| placed.write().fill(*model))
    }
}

impl Store {
    /// Copies the values of `model` in, whose leaves are those of the layout.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn fill(&mut self, model: &dyn Leaves) -> Result<()> {
        let in_section =
            |section| move |leaf: &Leaf| (leaf.section == section).then_some(leaf.offset);
        let (trained, fixed) = (Section::Trained, Section::Fixed);
        write_leaves(&self.layout, model, &mut self.trained, &in_section(trained))?;
        write_leaves(&self.layout, model, &mut self.fixed, &in_section(fixed))
    }

    /// Replaces the values of the leaf of a path.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn write_leaf(&mut self, path: &str, data: &Data) -> Result<()> {
        let layout = Arc::clone(&self.layout);
        match layout.leaves.iter().find(|leaf| leaf.path == path) {
            Some(leaf) => write_packed(
                self.section_mut(leaf.section),
                leaf.offset,
                data,
                layout.float,
            ),
            None => Ok(()),
        }
    }

    /// The region of a section.
    pub fn section(&self, section: Section) -> &DeviceMemory {
        match section {
            Section::Trained => &self.trained,
            Section::Fixed => &self.fixed,
        }
    }

    /// As [`Store::section`], to write.
    fn section_mut(&mut self, section: Section) -> &mut DeviceMemory {
        match section {
            Section::Trained => &mut self.trained,
            Section::Fixed => &mut self.fixed,
        }
    }

    /// The values of a leaf, in f64.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn read_f64(&self, leaf: &Leaf) -> Result<Vec<f64>> {
        let region = Some((self.section(leaf.section), leaf.offset));
        match self.layout.float == DType::F64 {
            false => read_pieces(region, leaf, |w| f64::from(f32::from_ne_bytes(w))),
            true => read_pieces(region, leaf, f64::from_ne_bytes),
        }
    }

    /// Copies the values out into `model`, whose leaves are those of the layout.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn read_into(&self, model: &mut dyn Leaves) -> Result<()> {
        read_leaves(&self.layout, model, &|leaf| {
            Some((self.section(leaf.section), leaf.offset))
        })
    }
}

/// Takes the values out of a model: the store holds them, and twice the memory would be lost.
pub(crate) fn hollow(model: &mut dyn Leaves) {
    model.each_mut(&mut |_, param| param.data = Data::Missing(Missing::Elsewhere));
}

/// Sets each leaf of `model` from the memory that `place` gives, from an offset on; zeros without one.
///
/// # Errors
/// A lost GPU, too little memory.
pub(crate) fn read_leaves<'a>(
    layout: &Layout,
    model: &mut dyn Leaves,
    place: &dyn Fn(&Leaf) -> Option<(&'a DeviceMemory, usize)>,
) -> Result<()> {
    let mut leaves = layout.leaves.iter();
    let mut done = Ok(());
    model.each_mut(&mut |_, param| {
        let Some(leaf) = leaves.next() else { return };
        if done.is_ok() {
            done = read_packed(place(leaf), leaf, layout.float).map(|data| param.data = data);
        }
    });
    done
}

/// Writes the leaves of `model` that have a `place` in a region, from that offset on.
///
/// # Errors
/// A lost GPU, too little memory.
pub(crate) fn write_leaves(
    layout: &Layout,
    model: &dyn Leaves,
    region: &mut DeviceMemory,
    place: &dyn Fn(&Leaf) -> Option<usize>,
) -> Result<()> {
    let mut leaves = layout.leaves.iter();
    let mut done = Ok(());
    model.each(&mut |_, param| {
        if let Some(leaf) = leaves.next()
            && let Some(offset) = place(leaf)
            && done.is_ok()
        {
            done = write_packed(region, offset, &param.data, layout.float);
        }
    });
    done
}

/// Elements that are copied at once on their way between a region and a parameter.
const PIECE: usize = 1 << 18;

/// Copies floats to where they lie in a region, from byte `offset` on.
///
/// # Errors
/// A lost GPU, too little memory.
pub(crate) fn write_packed(
    region: &mut DeviceMemory,
    offset: usize,
    data: &Data,
    float: DType,
) -> Result<()> {
    match (data, float == DType::F64) {
        (Data::F32(v), false) => write_pieces(region, offset, v, f32::to_ne_bytes),
        (Data::F64(v), false) => write_pieces(region, offset, v, |v| (v as f32).to_ne_bytes()),
        (Data::F32(v), true) => write_pieces(region, offset, v, |v| f64::from(v).to_ne_bytes()),
        (Data::F64(v), true) => write_pieces(region, offset, v, f64::to_ne_bytes),
        // A layout is made of whole models only.
        (Data::Missing(_), _) => Ok(()),
    }
}

fn write_pieces<T: Copy, const N: usize>(
    region: &mut DeviceMemory,
    offset: usize,
    elements: &[T],
    word: impl Fn(T) -> [u8; N],
) -> Result<()> {
    let mut words = room("a piece of a parameter", PIECE.min(elements.len()))?;
    for (i, piece) in elements.chunks(PIECE).enumerate() {
        words.clear();
        words.extend(piece.iter().map(|v| word(*v)));
        region.write(offset + i * PIECE * N, words.as_flattened())?;
    }
    Ok(())
}

/// The inverse of [`write_packed`] for a leaf; zeros without a place.
///
/// # Errors
/// A lost GPU, too little memory.
pub(crate) fn read_packed(
    place: Option<(&DeviceMemory, usize)>,
    leaf: &Leaf,
    float: DType,
) -> Result<Data> {
    Ok(match float == DType::F64 {
        false => Data::F32(read_pieces(place, leaf, f32::from_ne_bytes)?),
        true => Data::F64(read_pieces(place, leaf, f64::from_ne_bytes)?),
    })
}

/// The floats of a leaf, each of `N` bytes, from a place on.
fn read_pieces<T, const N: usize>(
    place: Option<(&DeviceMemory, usize)>,
    leaf: &Leaf,
    number: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>> {
    let count = leaf.bytes / N;
    let mut out = room(&leaf.path, count)?;
    let mut words = room("a piece of a parameter", PIECE.min(count))?;
    words.resize(PIECE.min(count), [0; N]);
    while out.len() < count {
        let words = &mut words[..PIECE.min(count - out.len())];
        if let Some((memory, offset)) = place {
            memory.read(offset + out.len() * N, words.as_flattened_mut())?;
        }
        out.extend(words.iter().map(|w| number(*w)));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Param, init};

    #[test]
    fn models_come_back_in_either_precision() {
        let model = vec![
            Param::init(3, "0", &[3, 5], init::normal(1.0)),
            Param::init(3, "1", &[7], init::normal(1.0)),
        ];
        for float in [DType::F32, DType::F64] {
            let layout =
                Layout::new(&model, float, &|path| (path == "1").then_some(0)).expect("whole");
            let placed = Placed::new(&model, layout, &Backend::Cpu).expect("host memory");
            let mut back = vec![Param::zeros(&[3, 5]), Param::zeros(&[7])];
            placed.read().read_into(&mut back).expect("host memory");
            for (a, b) in back.iter().zip(&model) {
                assert_eq!(a.values_f64(), b.values_f64());
            }
        }
    }
}
