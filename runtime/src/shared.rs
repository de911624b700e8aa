//! Handles of models that several trainers and runners work on, and what may be given as a model.

use crate::arg::{AnyRank, Arg, Float, IntoArg};
use crate::device::{Device, Precision};
use crate::engine::Settings;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::model::{Model, ModelFunction};
use crate::models::{Facts, Models};
use crate::param::{Data, Missing, Param};
use crate::runner::Runner;
use crate::store::{Placed, hollow, read_packed};
use crate::trainees::near;
use crate::trainer::Trainer;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A model that several trainers and runners work on, without copies.
///
/// The first that is built puts the parameters on its device, in its precision; those that are built
/// later share them there, and use that device and precision unless they are told others, which is an
/// error. Each step and each run sees what the last step of any of them has left. Steps and runs of
/// other threads wait for each other where they must, and never for each other's locks in a circle.
///
/// ```
/// use sinew::prelude::*;
///
/// #[model]
/// struct Point {
///     #[init(zeros)]
///     at: Param,
/// }
///
/// // Moves `p` towards `q`, which it holds.
/// #[model]
/// fn distance(p: &Point, q: &Point) -> Tensor {
///     (p.at - q.at).square()
/// }
///
/// let mut right = Point::init(0);
/// right.at.fill(1.0);
/// let (left, right) = (Shared::new(Point::init(0)), Shared::new(right));
/// let mut to_the_right = distance::train(&left, &right).optimizer(Sgd::new(0.25)).build()?;
/// let mut to_the_left = distance::train(&right, &left).optimizer(Sgd::new(0.25)).build()?;
/// to_the_right.step()?; // left: 0.5
/// to_the_left.step()?; // right: 0.75, since it sees that at once
/// assert_eq!(left.model()?.at.item()?, 0.5);
/// assert_eq!(right.model()?.at.item()?, 0.75);
/// # Ok::<(), sinew::Error>(())
/// ```
pub struct Shared<M>(Arc<Mutex<Stage<M>>>);

/// Where a shared model is.
enum Stage<M> {
    /// Nowhere but here yet.
    Host(M),
    /// On a device: the model without its values, and where these are.
    Placed(M, Placed),
}

impl<M> Clone for Shared<M> {
    /// The same model.
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<M> std::fmt::Debug for Shared<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared<{}>", std::any::type_name::<M>())
    }
}

impl<M: Model> Shared<M> {
    /// A handle of `model`, whose clones are handles of the same one.
    pub fn new(model: M) -> Self {
        Shared(Arc::new(Mutex::new(Stage::Host(model))))
    }

    /// The model as it is now.
    ///
    /// # Errors
    /// A device that was lost, too little memory.
    pub fn model(&self) -> Result<M> {
        let (mut model, placed) = match &*self.stage() {
            Stage::Host(model) => return Ok(model.clone()),
            Stage::Placed(shell, placed) => (shell.clone(), placed.clone()),
        };
        placed.read().read_into(&mut model)?;
        Ok(model)
    }

    /// Puts another model of the same sizes and settings in its place: trainers and runners go on with it.
    ///
    /// # Errors
    /// [`Error::OtherModel`]; a parameter without elements; a device that was lost.
    pub fn set(&self, model: &M) -> Result<()> {
        crate::model::whole(model)?;
        let mut stage = self.stage();
        let (Stage::Host(old) | Stage::Placed(old, _)) = &*stage;
        Facts::of(old)?.same(&Facts::of(model)?)?;
        match &mut *stage {
            Stage::Host(old) => *old = model.clone(),
            Stage::Placed(_, placed) => {
                let placed = placed.clone();
                drop(stage);
                placed.write().fill(model)?;
            }
        }
        Ok(())
    }

    /// One leaf as it is now, by its path: nothing else is copied from the device.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Net {
    /// #     hidden: Linear<2, 3>,
    /// # }
    /// # #[model]
    /// # fn out<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 3> {
    /// #     m.hidden.forward(x)
    /// # }
    /// let net = Shared::new(Net::init(0));
    /// let run = out::compile(&net).build()?;
    /// net.set_leaf("hidden.b", [1.0, 2.0, 3.0])?;
    /// assert_eq!(net.leaf("hidden.b")?.shape(), [3]);
    /// assert_eq!(run.run([[0.0, 0.0]])?, ndarray::array![[1.0, 2.0, 3.0]]);
    /// assert!(net.leaf("hidden.a").is_err());
    /// # Ok::<(), sinew::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoMatch`] for a path that the model has not; a device that was lost, too little memory.
    pub fn leaf(&self, path: &str) -> Result<Param> {
        let stage = self.stage();
        let (Stage::Host(model) | Stage::Placed(model, _)) = &*stage;
        let leaves = model.leaves();
        let found = leaves.iter().find(|(p, _)| p == path);
        let (_, param) = found.ok_or_else(|| unknown(path, &leaves))?;
        let mut param = (*param).clone();
        let Stage::Placed(_, placed) = &*stage else {
            return Ok(param);
        };
        let placed = placed.clone();
        drop(stage);
        if let Some(leaf) = placed.layout.leaves.iter().find(|l| l.path == path) {
            let store = placed.read();
            let place = Some((store.section(leaf.section), leaf.offset));
            param.data = read_packed(place, leaf, placed.layout.float)?;
        }
        Ok(param)
    }

    /// Replaces the values of one leaf, by its path; trainers and runners go on with them.
    ///
    /// # Errors
    /// [`Error::NoMatch`] for a path that the model has not; as [`Param::set`]; a device that was lost.
    pub fn set_leaf(&self, path: &str, values: impl IntoArg<Arg<Float, AnyRank>>) -> Result<()> {
        let mut param = self.leaf(path)?;
        param.set(values)?;
        let mut stage = self.stage();
        match &mut *stage {
            Stage::Host(model) => {
                model.visit_mut("", &mut |p, leaf| {
                    if p == path {
                        leaf.data =
                            std::mem::replace(&mut param.data, Data::Missing(Missing::Elsewhere));
                    }
                });
                Ok(())
            }
            Stage::Placed(_, placed) => {
                let placed = placed.clone();
                drop(stage);
                placed.write().write_leaf(path, &param.data)
            }
        }
    }

    /// A model of the same type and sizes, its values of no interest.
    pub(crate) fn shell(&self) -> M {
        match &*self.stage() {
            Stage::Host(model) | Stage::Placed(model, _) => model.clone(),
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage<M>> {
        // Who panicked here was copying a model out: what is kept is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That no leaf has this path.
fn unknown(path: &str, leaves: &[(String, &Param)]) -> Error {
    let paths: Vec<String> = leaves.iter().map(|(path, _)| path.clone()).collect();
    Error::NoMatch {
        pattern: path.to_string(),
        near: near(path, &paths),
    }
}

/// A [`Shared`] of any type.
pub trait Handle {
    /// What compiling for it needs to know.
    ///
    /// # Errors
    /// As [`Model::settings`].
    fn facts(&self) -> Result<Facts>;
    /// Where it is, if it was put anywhere.
    fn placed(&self) -> Option<Placed>;
    /// Where it is: if it was nowhere, it is put on the device now, the leaves that are trained, which have a
    /// `group`, side by side.
    ///
    /// # Errors
    /// Parameters without elements, too little memory.
    fn place(&self, settings: &Settings, group: &dyn Fn(&str) -> Option<usize>) -> Result<Placed>;
}

impl<M: Model> Handle for Shared<M> {
    fn facts(&self) -> Result<Facts> {
        match &*self.stage() {
            Stage::Host(model) | Stage::Placed(model, _) => Facts::of(model),
        }
    }

    fn placed(&self) -> Option<Placed> {
        match &*self.stage() {
            Stage::Host(_) => None,
            Stage::Placed(_, placed) => Some(placed.clone()),
        }
    }

    fn place(&self, settings: &Settings, group: &dyn Fn(&str) -> Option<usize>) -> Result<Placed> {
        let mut stage = self.stage();
        let (shell, placed) = match &mut *stage {
            Stage::Placed(_, placed) => return Ok(placed.clone()),
            Stage::Host(model) => {
                let layout = Layout::new(model, settings.precision.dtype(), group)?;
                let placed = Placed::new(model, layout, &settings.device.0)?;
                // Before the copy: the values would be there a third time else.
                hollow(model);
                (model.clone(), placed)
            }
        };
        *stage = Stage::Placed(shell, placed.clone());
        Ok(placed)
    }
}

/// What may be given as a model of type `M`: one to own, a [`Shared`] handle, and a trainer or runner whose
/// first model it is, with which it is then shared.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be given as a model of type `{M}`",
    label = "no `{M}`",
    note = "takes a `{M}`, a `Shared<{M}>` or a reference to one, or a reference to a trainer or runner of a `{M}`; \
            `?` takes one out of a `Result`"
)]
pub trait IntoShared<M> {
    /// A handle of it.
    fn into_shared(self) -> Shared<M>;
}

#[diagnostic::do_not_recommend]
impl<M: Model> IntoShared<M> for M {
    fn into_shared(self) -> Shared<M> {
        Shared::new(self)
    }
}

#[diagnostic::do_not_recommend]
impl<M: Model> IntoShared<M> for Shared<M> {
    fn into_shared(self) -> Shared<M> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<M: Model> IntoShared<M> for &Shared<M> {
    fn into_shared(self) -> Shared<M> {
        self.clone()
    }
}

/// The model that a function trains.
pub type FirstModel<F> = <<F as ModelFunction>::Models as Models>::First;

#[diagnostic::do_not_recommend]
impl<F: ModelFunction> IntoShared<FirstModel<F>> for &Trainer<F> {
    fn into_shared(self) -> Shared<FirstModel<F>> {
        self.attachment().shared
    }
}

#[diagnostic::do_not_recommend]
impl<F: ModelFunction> IntoShared<FirstModel<F>> for &Runner<F> {
    fn into_shared(self) -> Shared<FirstModel<F>> {
        self.attachment().shared
    }
}

/// Something with a model that runners can be attached to: a trainer, a runner, or a [`Shared`] handle.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no model of type `{M}` to share",
    label = "no trainer, runner or `Shared` of a `{M}`",
    note = "a builder is built first: `.build()?`; a model of its own is for `compile`"
)]
pub trait Trained<M: Model> {
    /// What a runner needs of it.
    #[doc(hidden)]
    fn attachment(&self) -> Attachment<M>;
}

/// What an attached runner shares with a trainer.
#[doc(hidden)]
pub struct Attachment<M> {
    /// The model.
    pub shared: Shared<M>,
    /// How the trainer runs.
    pub settings: Option<Settings>,
}

#[diagnostic::do_not_recommend]
impl<M: Model> Trained<M> for Shared<M> {
    fn attachment(&self) -> Attachment<M> {
        Attachment {
            shared: self.clone(),
            settings: None,
        }
    }
}

impl Settings {
    /// These, on the device and in the precision that were asked for: where none were, in those of the
    /// first model that has a place.
    pub(crate) fn on(
        mut self,
        device: Option<Device>,
        precision: Option<Precision>,
        handles: &[&dyn Handle],
    ) -> Settings {
        let placed = handles.iter().find_map(|h| h.placed());
        if let Some(placed) = placed {
            self.device = Device(placed.backend.clone());
            self.precision = placed.precision();
        }
        self.device = device.unwrap_or(self.device);
        self.precision = precision.unwrap_or(self.precision);
        self
    }
}

/// What compiling for models needs to know of them.
///
/// # Errors
/// As [`Model::settings`].
pub(crate) fn facts(handles: &[&dyn Handle]) -> Result<Vec<Facts>> {
    handles.iter().map(|handle| handle.facts()).collect()
}

/// Places all models of a function, which are called `names`.
///
/// # Errors
/// [`Error::Elsewhere`] for one that is on another device or in another precision, [`Error::SameModel`] for
/// two that are one, as [`Handle::place`].
pub(crate) fn place_all(
    function: &str,
    names: &[&str],
    handles: &[&dyn Handle],
    settings: &Settings,
    group: &dyn Fn(&str) -> Option<usize>,
) -> Result<Vec<Placed>> {
    let name = |i: usize| names.get(i).copied().unwrap_or("model").to_string();
    let mut out: Vec<Placed> = Vec::with_capacity(handles.len());
    // All that can be refused first: placing cannot be taken back.
    for (i, handle) in handles.iter().enumerate() {
        let Some(placed) = handle.placed() else {
            continue;
        };
        if placed.backend != settings.device.0 || placed.precision() != settings.precision {
            return Err(Error::Elsewhere {
                model: format!("`{}` of `{function}`", name(i)),
                here: place_words(settings.device.name(), settings.precision),
                there: place_words(placed.backend.name(), placed.precision()),
            });
        }
    }
    for (i, handle) in handles.iter().enumerate() {
        let placed = match i {
            0 => handle.place(settings, group)?,
            _ => handle.place(settings, &|_| None)?,
        };
        if let Some(first) = out.iter().position(|p| p.is(&placed)) {
            return Err(Error::SameModel {
                function: function.into(),
                first: name(first),
                second: name(i),
            });
        }
        out.push(placed);
    }
    Ok(out)
}

/// `the CPU in f32`
fn place_words(device: &str, precision: Precision) -> String {
    format!("{device} in {}", precision.dtype())
}
