//! What runners and trainers look at beside their results, and what runners put in the place of values.

use crate::arg::{AnyRank, ArgView, Element, HostType};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::executable::Executable;
use crate::output::{Number, OutRank};
use ndarray::{Array, ArrayD, Dimension};
use sinew_ir::{DType, Probes};

/// An array that stands for a value, whatever its elements.
trait Given: Send {
    fn view(&self) -> ArgView<'_>;
    fn copy(&self) -> Box<dyn Given>;
}

impl<T: Element> Given for ArrayD<T> {
    fn view(&self) -> ArgView<'_> {
        ArgView::of_ndarray(self.as_ptr(), self.shape(), self.strides())
    }

    fn copy(&self) -> Box<dyn Given> {
        Box::new(self.clone())
    }
}

/// What a runner or trainer asks for.
#[derive(Default)]
pub(crate) struct Asked {
    /// Names and what stands for them, in the order of the names in [`Probes::patched`].
    given: Vec<(String, Box<dyn Given>)>,
    /// Whether the last run or step has left what is captured.
    pub(crate) ran: bool,
}

/// A value that a program is given in the place of its own.
#[derive(Debug)]
pub(crate) struct Patched {
    /// The name of the place.
    pub(crate) name: String,
    /// The element type that kernels read.
    pub(crate) dtype: DType,
    /// The extents.
    pub(crate) extents: Vec<usize>,
}

impl Asked {
    /// The same, of no run yet.
    pub(crate) fn copy(&self) -> Asked {
        let given = self.given.iter();
        Asked {
            given: given
                .map(|(name, given)| (name.clone(), given.copy()))
                .collect(),
            ran: false,
        }
    }

    /// Asks for a value; programs from before do not have it.
    pub(crate) fn capture(&mut self, engine: &mut Engine, name: &str) {
        self.ran = false;
        if !engine.probes.captured.iter().any(|n| n == name) {
            engine.probes.captured.push(name.to_string());
            engine.cache.clear();
        }
    }

    /// Puts an array in the place of a value.
    pub(crate) fn patch<T: Element>(&mut self, engine: &mut Engine, name: &str, values: ArrayD<T>) {
        self.ran = false;
        let values = Box::new(values);
        if let Some((_, given)) = self.given.iter_mut().find(|(n, _)| n == name) {
            *given = values;
            return;
        }
        self.given.push((name.to_string(), values));
        self.renew(engine);
    }

    /// Leaves a value as it is again.
    pub(crate) fn unpatch(&mut self, engine: &mut Engine, name: &str) {
        let before = self.given.len();
        self.given.retain(|(n, _)| n != name);
        if self.given.len() < before {
            self.renew(engine);
        }
    }

    fn renew(&mut self, engine: &mut Engine) {
        self.ran = false;
        engine.probes = Probes {
            captured: std::mem::take(&mut engine.probes.captured),
            patched: self.given.iter().map(|(n, _)| n.clone()).collect(),
        };
        engine.cache.clear();
    }

    /// What is given to a program behind its arguments.
    ///
    /// # Errors
    /// [`Error::Patch`] for an array of another shape or element type.
    pub(crate) fn views<'a>(&'a self, program: &Executable) -> Result<Vec<ArgView<'a>>> {
        let mut out = Vec::with_capacity(program.patched.len());
        for patched in &program.patched {
            let given = self.given.iter().find(|(name, _)| *name == patched.name);
            let view = given.map(|(_, given)| given.view());
            let fits = |view: &ArgView<'_>| {
                view.rank() == patched.extents.len()
                    && view.extents() == patched.extents
                    && view.host().is_float()
            };
            out.push(view.filter(fits).ok_or_else(|| Error::Patch {
                name: patched.name.clone(),
                expected: patched.extents.clone(),
                actual: view.map(|v| v.extents().to_vec()).unwrap_or_default(),
            })?);
        }
        Ok(out)
    }

    /// What the last run or step captured under a name.
    ///
    /// # Errors
    /// [`Error::Captured`] for what was not asked for, or before a run; [`Error::CapturedType`] and
    /// [`Error::CapturedRank`] for other elements and another rank.
    pub(crate) fn captured<T: Number, D: Dimension>(
        &self,
        engine: &Engine,
        name: &str,
    ) -> Result<Array<T, D>> {
        let program = engine.current()?;
        let first = program.results.len() - program.captured.len();
        let at = program.captured.iter().position(|n| n == name);
        let mut views = engine.workspace.views(&program.results).skip(first);
        let found = at.filter(|_| self.ran).and_then(|at| views.nth(at));
        let view = found.ok_or_else(|| Error::Captured {
            name: name.to_string(),
            known: engine.probes.captured.clone(),
        })?;
        if !reads_as::<T>(view.dtype) {
            return Err(Error::CapturedType {
                name: name.to_string(),
                dtype: view.dtype,
                read: short_name::<T>(),
            });
        }
        let array = AnyRank::tensor::<T>(view)?;
        let shape = array.shape().to_vec();
        array
            .into_dimensionality()
            .map_err(|_| Error::CapturedRank {
                name: name.to_string(),
                shape,
                read: D::NDIM.unwrap_or_default(),
            })
    }
}

/// What Rust calls a number type, without its module.
fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}

/// Whether numbers of a type may be read as `T`: floats as floats, all others as what they are.
pub(crate) fn reads_as<T: Element>(dtype: DType) -> bool {
    match dtype {
        DType::Float | DType::F32 | DType::F64 => matches!(T::HOST, HostType::F32 | HostType::F64),
        // Every f32 and f64 holds a half.
        DType::F16 => matches!(T::HOST, HostType::F16 | HostType::F32 | HostType::F64),
        DType::Bf16 => matches!(T::HOST, HostType::Bf16 | HostType::F32 | HostType::F64),
        DType::I32 => T::HOST == HostType::I32,
        DType::U32 => T::HOST == HostType::U32,
        DType::Bool => T::HOST == HostType::Bool,
    }
}
