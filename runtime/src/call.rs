//! Plain calls of model functions, without an object to keep: `loss(&model, x, y)?`.
//!
//! The runner of each function is kept for the next call, which copies its model's values in and
//! compiles only for new sizes. Two threads that call one function at a time each have a runner.

use crate::arg::ArgView;
use crate::engine::Settings;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::model::ModelFunction;
use crate::optimizer::Sgd;
use crate::output::Outputs;
use crate::runner::Runner;
use crate::store::{Shared, Trained};
use crate::trainer::Trainer;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A kept runner with the configuration of the model it was made for.
struct Kept<F: ModelFunction> {
    sizes: Vec<(&'static str, usize)>,
    runner: Runner<F>,
}

static KEPT: Mutex<Option<HashMap<TypeId, Box<dyn Any + Send>>>> = Mutex::new(None);

fn take<F: ModelFunction>() -> Option<Kept<F>> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let found = kept.as_mut()?.remove(&TypeId::of::<F>())?;
    found.downcast().ok().map(|k| *k)
}

fn keep<F: ModelFunction>(runner: Kept<F>) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get_or_insert_default();
    kept.insert(TypeId::of::<F>(), Box::new(runner));
}

/// Runs `F` once on the model and the arguments, in f32 on the CPU.
///
/// # Errors
/// As [`Runner::run`].
pub fn call<F: ModelFunction>(
    model: &F::Model,
    arguments: &[ArgView<'_>],
) -> Result<<F::Output as Outputs>::Narrow> {
    let settings = Settings::default();
    let layout = Layout::new(model, settings.precision.dtype(), &|_| false)?;
    let sizes = F::sizes(model);
    let fitting = take::<F>().filter(|k| k.sizes == sizes && *k.runner.shared.layout == layout);
    let mut kept = match fitting {
        Some(kept) => {
            kept.runner.shared.write().fill(model)?;
            kept
        }
        None => Kept {
            sizes,
            runner: Runner::new(
                model.clone(),
                Shared::new(model, layout, &settings.device)?,
                settings,
            )?,
        },
    };
    let results = kept
        .runner
        .run_views(arguments, <F::Output as Outputs>::narrow);
    keep(kept);
    results
}

/// The gradient of the loss `F` for each parameter, in f32 on the CPU, as a model.
///
/// # Errors
/// As [`Trainer::step`].
pub fn gradient<F: ModelFunction>(model: &F::Model, arguments: &[ArgView<'_>]) -> Result<F::Model> {
    let mut trainer = Trainer::<F>::new(model.clone(), Sgd::new(0.0).into(), Settings::default())?;
    trainer.step_views(arguments)?;
    trainer.gradients()
}

/// The function and its pullback with all calls inlined, for all sizes.
///
/// # Errors
/// [`Error::Link`] for a unit whose calls do not fit their callees.
pub fn pullback<F: ModelFunction>() -> Result<String> {
    match sinew_ir::inline(F::UNIT) {
        Ok(function) => Ok(function.to_string()),
        Err(source) => Err(Error::link(F::UNIT.path, source)),
    }
}

/// A runner of `F` on the parameters of a trainer or another runner, which it shares.
///
/// # Errors
/// A function whose model argument is another struct's than the trained one.
pub fn attach<F: ModelFunction>(trained: &impl Trained<F::Model>) -> Result<Runner<F>> {
    let of = trained.attachment();
    Runner::new(of.shell, of.shared, of.settings)
}
