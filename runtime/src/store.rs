//! The parameters of a compiled model in memory, shared by a trainer and the runners attached to it.
//!
//! Runs read them, side by side; a step writes them, alone. Each holds the lock while its kernels run
//! (a step until its report is read), so that a runner on another thread sees parameters of before or
//! after a step, never between. Nothing is compiled, checked or converted under the lock.

use crate::backend::{Backend, DeviceMemory};
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

    /// To write: waits for steps and runs of other threads.
    pub fn write(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Copies the values of `model` in, whose leaves are those of the layout.
    ///
    /// # Errors
    /// A lost GPU.
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
                done = region.write(leaf.offset, &packed(&param.data, self.layout.float));
            }
        });
        done
    }

    /// The region of a section.
    pub fn section(&self, section: Section) -> &DeviceMemory {
        match section {
            Section::Trained => &self.trained,
            Section::Fixed => &self.fixed,
        }
    }

    /// Copies the values out into `model`, whose leaves are those of the layout.
    ///
    /// # Errors
    /// A lost GPU.
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
/// A lost GPU.
pub(crate) fn read_leaves<'a, M: Model>(
    layout: &Layout,
    model: &mut M,
    region: &dyn Fn(&Leaf) -> Option<&'a DeviceMemory>,
) -> Result<()> {
    let mut leaves = layout.leaves.iter();
    let mut done = Ok(());
    model.visit_mut("", &mut |_, param| {
        let Some(leaf) = leaves.next() else { return };
        let mut bytes = vec![0; leaf.bytes];
        if let Some(region) = region(leaf)
            && done.is_ok()
        {
            done = region.read(leaf.offset, &mut bytes);
        }
        *param = Param::from_data(&leaf.shape, unpacked(layout.float, &bytes));
    });
    done
}

/// Floats as they lie in a region.
fn packed(data: &Data, float: DType) -> Vec<u8> {
    match (data, float == DType::F64) {
        (Data::F32(v), false) => v.iter().flat_map(|v| v.to_ne_bytes()).collect(),
        (Data::F64(v), false) => v.iter().flat_map(|v| (*v as f32).to_ne_bytes()).collect(),
        (Data::F32(v), true) => v.iter().flat_map(|v| f64::from(*v).to_ne_bytes()).collect(),
        (Data::F64(v), true) => v.iter().flat_map(|v| v.to_ne_bytes()).collect(),
        // A layout is made of whole models only.
        (Data::Missing(_), _) => Vec::new(),
    }
}

/// The inverse of [`packed`].
fn unpacked(float: DType, bytes: &[u8]) -> Data {
    let (narrow, wide) = (bytes.as_chunks().0, bytes.as_chunks().0);
    match float == DType::F64 {
        false => Data::F32(narrow.iter().map(|w| f32::from_ne_bytes(*w)).collect()),
        true => Data::F64(wide.iter().map(|w| f64::from_ne_bytes(*w)).collect()),
    }
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
