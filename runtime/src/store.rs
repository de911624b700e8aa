//! The parameters of a compiled model in memory, shared by a trainer and the runners attached to it.
//!
//! Runs read them, side by side; a step writes them, alone, and so does a run that changes states. Each holds the lock while its kernels run
//! (a step until its report is read), so that a runner on another thread sees parameters of before or
//! after a step, never between. Nothing is compiled, checked or converted under the lock.

use crate::backend::{Backend, DeviceMemory, Slot, room};
use crate::engine::Settings;
use crate::error::Result;
use crate::layout::{Layout, Leaf, Section};
use crate::model::Model;
use crate::param::{Data, Missing, Param};
use sinew_ir::DType;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The packed parameters.
#[derive(Debug)]
pub(crate) struct Store {
    /// Where each leaf lies.
    pub layout: Arc<Layout>,
    /// Leaves that a step updates.
    pub trained: DeviceMemory,
    /// The others.
    pub fixed: DeviceMemory,
}

/// A store that is held: beside other readers, or alone.
pub(crate) enum Held<'a> {
    Read(RwLockReadGuard<'a, Store>),
    Write(RwLockWriteGuard<'a, Store>),
}

impl Held<'_> {
    /// The store.
    pub fn store(&self) -> &Store {
        match self {
            Held::Read(store) => store,
            Held::Write(store) => store,
        }
    }

    /// The memory of trained leaves, to read, and of all others, to write where it is held alone.
    pub fn slots(&mut self) -> (Slot<'_>, Slot<'_>) {
        match self {
            Held::Read(store) => (store.trained.slot_to_read(), store.fixed.slot_to_read()),
            Held::Write(store) => {
                let store = &mut **store;
                (store.trained.slot_to_read(), store.fixed.slot())
            }
        }
    }

    /// [`Store::restore`], where it is held alone.
    ///
    /// # Errors
    /// A lost GPU.
    pub fn restore(&mut self, leaves: &[Leaf], saved: &[u8]) -> Result<()> {
        match self {
            Held::Read(_) => Ok(()),
            Held::Write(store) => store.restore(leaves, saved),
        }
    }
}

/// A store with its lock, and what of it never changes.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    /// Where each leaf lies.
    pub layout: Arc<Layout>,
    store: Arc<RwLock<Store>>,
}

impl Shared {
    /// The parameters of `model`, packed.
    ///
    /// # Errors
    /// Too little memory.
    pub fn new<M: Model>(model: &M, layout: Layout, backend: &Backend) -> Result<Shared> {
        let layout = Arc::new(layout);
        let mut store = Store {
            trained: backend.zeroed("params", layout.trained_bytes)?,
            fixed: backend.zeroed("fixed", layout.fixed_bytes)?,
            layout: Arc::clone(&layout),
        };
        store.fill(model)?;
        Ok(Shared {
            layout,
            store: Arc::new(RwLock::new(store)),
        })
    }

    /// To read: waits for a step of another thread.
    pub fn read(&self) -> RwLockReadGuard<'_, Store> {
        // A holder that panicked can have left no half-written parameter: compiled code never panics.
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a run: alone if it changes states.
    pub fn hold(&self, changes: bool) -> Held<'_> {
        match changes {
            true => Held::Write(self.write()),
            false => Held::Read(self.read()),
        }
    }

    /// To write: waits for steps and runs of other threads.
    pub fn write(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Copies the values of `model` in, whose leaves are those of the layout.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn fill<M: Model>(&mut self, model: &M) -> Result<()> {
        let mut leaves = self.layout.leaves.iter();
        let (trained, fixed) = (&mut self.trained, &mut self.fixed);
        let mut done = Ok(());
        model.visit("", &mut |_, param| {
            if let Some(leaf) = leaves.next()
                && done.is_ok()
            {
                let region = match leaf.section {
                    Section::Trained => &mut *trained,
                    Section::Fixed => &mut *fixed,
                };
                done = write_packed(region, leaf.offset, &param.data, self.layout.float);
            }
        });
        done
    }

    /// Copies the bytes of leaves that are not trained, one behind the other.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn save(&self, leaves: &[Leaf], saved: &mut Vec<u8>) -> Result<()> {
        saved.clear();
        for leaf in leaves {
            let start = saved.len();
            saved.resize(start + leaf.bytes, 0);
            self.fixed.read(leaf.offset, &mut saved[start..])?;
        }
        Ok(())
    }

    /// Puts back what [`Store::save`] copied.
    ///
    /// # Errors
    /// A lost GPU.
    pub fn restore(&mut self, leaves: &[Leaf], mut saved: &[u8]) -> Result<()> {
        for leaf in leaves {
            let Some((bytes, rest)) = saved.split_at_checked(leaf.bytes) else {
                break;
            };
            self.fixed.write(leaf.offset, bytes)?;
            saved = rest;
        }
        Ok(())
    }

    /// Whether all elements of the leaves are finite.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn are_finite(&self, leaves: &[Leaf]) -> Result<bool> {
        for leaf in leaves {
            if !self.read_f64(leaf)?.iter().all(|v| v.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The region of a section.
    pub fn section(&self, section: Section) -> &DeviceMemory {
        match section {
            Section::Trained => &self.trained,
            Section::Fixed => &self.fixed,
        }
    }

    /// The values of a leaf, in f64.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn read_f64(&self, leaf: &Leaf) -> Result<Vec<f64>> {
        let region = Some(self.section(leaf.section));
        match self.layout.float == DType::F64 {
            false => read_pieces(region, leaf, |w| f64::from(f32::from_ne_bytes(w))),
            true => read_pieces(region, leaf, f64::from_ne_bytes),
        }
    }

    /// Copies the values out into `model`, whose leaves are those of the layout.
    ///
    /// # Errors
    /// A lost GPU, too little memory.
    pub fn read_into<M: Model>(&self, model: &mut M) -> Result<()> {
        read_leaves(&self.layout, model, &|leaf| {
            Some(self.section(leaf.section))
        })
    }
}

/// Something with compiled parameters that runners can be attached to: a trainer or a runner.
pub trait Trained<M: Model> {
    /// What a runner needs of it.
    #[doc(hidden)]
    fn attachment(&self) -> Attachment<M>;
}

/// What an attached runner shares with a trainer.
#[doc(hidden)]
pub struct Attachment<M> {
    pub(crate) shared: Shared,
    pub(crate) settings: Settings,
    /// A model of the same sizes.
    pub(crate) shell: M,
}

/// The model without its values: the store holds them, and twice the memory would be lost.
pub(crate) fn hollow<M: Model>(mut model: M) -> M {
    model.visit_mut("", &mut |_, param| {
        param.data = Data::Missing(Missing::Elsewhere)
    });
    model
}

/// Sets each leaf of `model` from its place in the region that `region` gives; zeros without one.
///
/// # Errors
/// A lost GPU, too little memory.
pub(crate) fn read_leaves<'a, M: Model>(
    layout: &Layout,
    model: &mut M,
    region: &dyn Fn(&Leaf) -> Option<&'a DeviceMemory>,
) -> Result<()> {
    let mut leaves = layout.leaves.iter();
    let mut done = Ok(());
    model.visit_mut("", &mut |_, param| {
        let Some(leaf) = leaves.next() else { return };
        if done.is_ok() {
            done = read_packed(region(leaf), leaf, layout.float)
                .map(|data| *param = Param::from_data(&leaf.shape, data));
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
fn write_packed(region: &mut DeviceMemory, offset: usize, data: &Data, float: DType) -> Result<()> {
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

/// The inverse of [`write_packed`] for a leaf; zeros without a region.
///
/// # Errors
/// A lost GPU, too little memory.
fn read_packed(region: Option<&DeviceMemory>, leaf: &Leaf, float: DType) -> Result<Data> {
    Ok(match float == DType::F64 {
        false => Data::F32(read_pieces(region, leaf, f32::from_ne_bytes)?),
        true => Data::F64(read_pieces(region, leaf, f64::from_ne_bytes)?),
    })
}

/// The floats of a leaf, each of `N` bytes in the region.
fn read_pieces<T, const N: usize>(
    region: Option<&DeviceMemory>,
    leaf: &Leaf,
    number: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>> {
    let count = leaf.bytes / N;
    let mut out = room(&leaf.path, count)?;
    let mut words = room("a piece of a parameter", PIECE.min(count))?;
    words.resize(PIECE.min(count), [0; N]);
    while out.len() < count {
        let words = &mut words[..PIECE.min(count - out.len())];
        if let Some(region) = region {
            region.read(leaf.offset + out.len() * N, words.as_flattened_mut())?;
        }
        out.extend(words.iter().map(|w| number(*w)));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init;

    #[test]
    fn models_come_back_in_either_precision() {
        let model = vec![
            Param::init(3, "0", &[3, 5], init::normal(1.0)),
            Param::init(3, "1", &[7], init::normal(1.0)),
        ];
        for float in [DType::F32, DType::F64] {
            let layout = Layout::new(&model, float, &|path| path == "1").expect("whole");
            let shared = Shared::new(&model, layout, &Backend::Cpu).expect("host memory");
            let mut back = vec![Param::zeros(&[3, 5]), Param::zeros(&[7])];
            shared.read().read_into(&mut back).expect("host memory");
            for (a, b) in back.iter().zip(&model) {
                assert_eq!(a.values_f64(), b.values_f64());
            }
        }
    }
}
