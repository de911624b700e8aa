//! Plain calls of model functions, without an object to keep: `loss(&model, x, y)?`.
//!
//! Runners of each function are kept for the next calls, which copy their model's values in and compile
//! only for new sizes. Threads that call one function at a time each have a runner; as many are kept as
//! the machine runs threads at once. They and the parameters in them stay for the life of the process:
//! a program that calls a large model once uses a [`Runner`] of its own and drops it.

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
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

/// A kept runner with the configuration of the model it was made for.
struct Kept<F: ModelFunction> {
    sizes: Vec<(&'static str, usize)>,
    runner: Runner<F>,
}

/// Each function's runners that no call uses now: a `Vec<Kept<F>>`.
static KEPT: Mutex<Option<HashMap<TypeId, Box<dyn Any + Send>>>> = Mutex::new(None);

/// Works on the kept runners of `F`.
fn with_kept<F: ModelFunction, T>(work: impl FnOnce(&mut Vec<Kept<F>>) -> T) -> Option<T> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let runners = kept
        .get_or_insert_default()
        .entry(TypeId::of::<F>())
        .or_insert_with(|| Box::new(Vec::<Kept<F>>::new()));
    runners.downcast_mut().map(work)
}

/// The runner that was used last of those that fit.
fn take<F: ModelFunction>(fits: impl Fn(&Kept<F>) -> bool) -> Option<Kept<F>> {
    with_kept(|runners| {
        let at = runners.iter().rposition(fits)?;
        Some(runners.remove(at))
    })?
}

/// Keeps a runner; the one that was not used for longest goes where there are too many.
fn keep<F: ModelFunction>(runner: Kept<F>) {
    let most = available_parallelism().map_or(1, usize::from);
    // Dropped after the lock is gone: that frees memory and code.
    let _gone = with_kept(|runners| {
        runners.push(runner);
        (runners.len() > most).then(|| runners.remove(0))
    });
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
    settings.check()?;
    let layout = Layout::new(model, settings.precision.dtype(), &|_| false)?;
    let sizes = F::sizes(model);
    let fits = |k: &Kept<F>| k.sizes == sizes && *k.runner.shared.layout == layout;
    let mut kept = match take(fits) {
        Some(kept) => {
            kept.runner.shared.write().fill(model)?;
            kept
        }
        None => Kept {
            sizes,
            runner: Runner::new(
                model.clone(),
                Shared::new(model, layout, &settings.device.0)?,
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

/// The gradient of the loss `F` for each parameter, in f32 on the CPU, as a model: zeros for a
/// parameter that the loss does not depend on, which the first call names in a `tracing` warning.
///
/// # Errors
/// As [`Trainer::step`].
pub fn gradient<F: ModelFunction>(model: &F::Model, arguments: &[ArgView<'_>]) -> Result<F::Model> {
    /// Functions whose parameters without influence were named already.
    static WARNED: Mutex<Option<HashSet<TypeId>>> = Mutex::new(None);
    let mut trainer = Trainer::<F>::new(model.clone(), Sgd::new(0.0).into(), Settings::default())?;
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    let first = warned.get_or_insert_default().insert(TypeId::of::<F>());
    drop(warned);
    if first {
        trainer.warn_of_still_leaves();
    }
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

#[cfg(test)]
#[cfg(feature = "cpu")]
mod tests {
    use super::*;
    use crate::arg::{Arg, Float, IntoArg, Rank};
    use crate::output::Out;
    use sinew_ir::Unit;

    enum Doubled {}
    impl ModelFunction for Doubled {
        type Model = ();
        type Inputs = (Arg<Float, Rank<1>>,);
        type Output = Out<Float, Rank<1>>;
        const UNIT: &'static Unit = &Unit {
            path: "doubled",
            file: "src/doubled.rs",
            text: "fn @doubled<N>(%x: float[N]) -> float[N] {
  %1 = add %x, %x
  return %1
}
",
            callees: &[],
            consts: &[],
            numbers: &[],
        };
    }

    fn doubled() {
        let views = [IntoArg::<Arg<Float, Rank<1>>>::arg(&[1.0f32, 2.0])];
        let y = call::<Doubled>(&(), &views).expect("it fits");
        assert_eq!(y.to_vec(), [2.0, 4.0]);
    }

    #[test]
    fn runners_are_found_again_and_not_piled_up() {
        let kept = || with_kept::<Doubled, _>(|runners| runners.len()).expect("of this function");
        let most = available_parallelism().map_or(1, usize::from);
        doubled();
        doubled();
        assert_eq!(kept(), 1);
        // As threads do that call at once: each call while the runner of the one before is out.
        let out: Vec<_> = (0..2 * most)
            .map(|_| {
                doubled();
                take::<Doubled>(|_| true).expect("just used")
            })
            .collect();
        assert!(out.iter().all(|k| k.runner.compiles() == 1));
        out.into_iter().for_each(keep);
        assert_eq!(kept(), most);
    }
}
