//! Plain calls of model functions, without an object to keep: `loss(&model, x, y)?`, and gradients.
//!
//! Runners and trainers of each function are kept for the next calls, which copy their model's values in
//! and compile only for new sizes. Threads that call one function at a time each have one; as many are
//! kept as the machine runs threads at once. They and the parameters in them stay for the life of the
//! process: a program that calls a large model once uses a [`Runner`] of its own and drops it.

use crate::arg::{ArgView, HostType};
use crate::device::Precision;
use crate::engine::Settings;
use crate::error::{Error, Result};
use crate::model::{ModelFunction, whole};
use crate::models::{Facts, Leaves, Models};
use crate::output::Outputs;
use crate::param::Data;
use crate::runner::Runner;
use crate::shared::FirstModel;
use crate::store::Places;
use crate::trainees::Selection;
use crate::trainer::Trainer;
use crate::views::{ArgViews, IntoArgs};
use sinew_ir::Unit;
use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

/// Models of a function that are borrowed.
pub(crate) type Refs<'a, F> = <<F as ModelFunction>::Models as Models>::Refs<'a>;

/// What is kept between calls: a runner, or a trainer that only ever takes gradients.
pub(crate) trait Keep<F: ModelFunction>: Sized + Send + 'static {
    /// One for copies of these models.
    fn make(models: Refs<'_, F>, settings: Settings) -> Result<Self>;
    /// Where these are.
    fn places(&self) -> &Places;
    /// Makes the next call its first.
    fn restart(&mut self);
}

impl<F: ModelFunction> Keep<F> for Runner<F> {
    fn make(models: Refs<'_, F>, settings: Settings) -> Result<Self> {
        Runner::new(F::Models::copies(models), settings)
    }

    fn places(&self) -> &Places {
        &self.running.places
    }

    fn restart(&mut self) {
        Runner::restart(self);
    }
}

impl<F: ModelFunction> Keep<F> for Trainer<F> {
    fn make(models: Refs<'_, F>, settings: Settings) -> Result<Self> {
        let all = Selection::default();
        Trainer::new(F::Models::copies(models), None, &all, settings, false)
    }

    fn places(&self) -> &Places {
        &self.training.places
    }

    /// Counts steps from 1 again.
    fn restart(&mut self) {
        self.training.taken = 0;
    }
}

/// What a kept object was made for.
#[derive(Debug, PartialEq)]
struct MadeFor {
    precision: Precision,
    /// What is known of the models.
    facts: Vec<Facts>,
}

/// A kept object: its type is the one that it is kept under.
type Kept = (MadeFor, Box<dyn Any + Send>);

/// What no call uses now, by its type.
static KEPT: Mutex<Option<HashMap<TypeId, Vec<Kept>>>> = Mutex::new(None);

/// Works on what is kept of a type.
fn with_kept<T>(of: TypeId, work: impl FnOnce(&mut Vec<Kept>) -> T) -> T {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    work(kept.get_or_insert_default().entry(of).or_default())
}

/// The one that was used last of those that fit.
fn take(of: TypeId, made_for: &MadeFor) -> Option<Box<dyn Any + Send>> {
    with_kept(of, |objects| {
        let at = objects.iter().rposition(|(made, _)| made == made_for)?;
        Some(objects.remove(at).1)
    })
}

/// Keeps one; the one that was not used for longest goes where there are too many.
fn keep(of: TypeId, object: Kept) {
    let most = available_parallelism().map_or(1, usize::from);
    // Dropped after the lock is gone: that frees memory and code.
    let _gone = with_kept(of, |objects| {
        objects.push(object);
        (objects.len() > most).then(|| objects.remove(0))
    });
}

/// The float that a call computes in: f64 as soon as a parameter or an argument is of f64, which holds
/// every f32 as it is.
fn precision_of(models: &[&dyn Leaves], arguments: &[ArgView<'_>]) -> Precision {
    let mut wide = arguments.iter().any(|a| a.host == HostType::F64);
    for model in models {
        model.each(&mut |_, param| {
            wide |= matches!(param.data, Data::F64(_));
        });
    }
    match wide {
        true => Precision::F64,
        false => Precision::F32,
    }
}

/// How a call on these models and arguments runs.
///
/// # Errors
/// Parameters without elements, models that do not agree in a size, what this build cannot do.
fn settle(models: &[&dyn Leaves], arguments: &[ArgView<'_>]) -> Result<(Settings, MadeFor)> {
    for model in models {
        whole(*model)?;
    }
    let settings = Settings {
        precision: precision_of(models, arguments),
        ..Settings::default()
    };
    settings.check()?;
    let facts: Result<Vec<Facts>> = models.iter().map(|model| Facts::of(*model)).collect();
    let made_for = MadeFor {
        precision: settings.precision,
        facts: facts?,
    };
    Ok((settings, made_for))
}

/// Uses a kept object that holds the values of `models`, or a new one.
pub(crate) fn with_models<F: ModelFunction, K: Keep<F>, T>(
    models: Refs<'_, F>,
    arguments: &[ArgView<'_>],
    work: impl FnOnce(&mut K) -> Result<T>,
) -> Result<T> {
    let list = F::Models::list(models);
    let (settings, made_for) = settle(&list, arguments)?;
    let kept = take(TypeId::of::<K>(), &made_for).and_then(|kept| kept.downcast::<K>().ok());
    let mut object = match kept {
        Some(object) => {
            object.places().fill(&list)?;
            object
        }
        None => Box::new(K::make(models, settings)?),
    };
    // Which of the kept ones it is depends on threads: what is drawn must not.
    object.restart();
    let done = work(&mut *object);
    keep(TypeId::of::<K>(), (made_for, object));
    done
}

/// Runs `F` once on the models and the arguments, on the CPU. The models stay as they are: states that the
/// function assigns are kept by a [`Runner`] or a trainer. It computes in f32, or in f64 where a
/// parameter or an argument is of f64; the results are f32 in any case. What it draws at random is the same
/// in each call: that of the first run of the seed 0.
///
/// # Errors
/// As [`Runner::run`].
pub fn call<F: ModelFunction>(
    models: Refs<'_, F>,
    arguments: impl IntoArgs<F::Inputs>,
) -> Result<<F::Output as Outputs>::Narrow> {
    run::<F>(models, ArgViews::of(&arguments).as_slice())
}

fn run<F: ModelFunction>(
    models: Refs<'_, F>,
    arguments: &[ArgView<'_>],
) -> Result<<F::Output as Outputs>::Narrow> {
    with_models::<F, Runner<F>, _>(models, arguments, |runner| {
        runner.run_views(arguments, <F::Output as Outputs>::narrow)
    })
}

/// The gradient of the loss `F` for each parameter of its first model, on the CPU, as a model: zeros for a parameter that
/// the loss does not depend on, which the first call names in a `tracing` warning. It is computed in f32,
/// or in f64 where a parameter or an argument is of f64, and has that type. It is that of the function as
/// [`call`] runs it, with the same random elements and without dropout: the gradients of a step that trains
/// are [`Trainer::gradients`].
///
/// # Errors
/// As [`Trainer::step`].
pub fn gradient<F: ModelFunction>(
    models: Refs<'_, F>,
    arguments: impl IntoArgs<F::Inputs>,
) -> Result<FirstModel<F>> {
    derive::<F>(models, ArgViews::of(&arguments).as_slice())
}

fn derive<F: ModelFunction>(
    models: Refs<'_, F>,
    arguments: &[ArgView<'_>],
) -> Result<FirstModel<F>> {
    /// Functions whose parameters without influence were named already.
    static WARNED: Mutex<Option<HashSet<TypeId>>> = Mutex::new(None);
    with_models::<F, Trainer<F>, _>(models, arguments, |trainer| {
        let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
        let first = warned.get_or_insert_default().insert(TypeId::of::<F>());
        drop(warned);
        if first {
            trainer.training.warn_of_still_leaves();
        }
        trainer.step_views(arguments)?;
        trainer.gradients()
    })
}

/// The function and its pullback with all calls inlined, for all sizes: once for each way that its
/// configuration or its sizes may choose, with the conditions in front.
///
/// # Errors
/// [`Error::Link`] for a unit whose calls do not fit their callees, or that has more than 16 such ways.
pub fn pullback<F: ModelFunction>() -> Result<String> {
    inlined(F::UNIT)
}

/// The text of [`pullback`].
pub(crate) fn inlined(unit: &'static Unit) -> Result<String> {
    let each = sinew_ir::inline_each(unit).map_err(|e| Error::link(unit.path, e))?;
    let texts = each.into_iter().map(|(assumed, function)| {
        let conditions = assumed.into_iter().map(|(condition, holds)| {
            // What does not hold is told by its opposite.
            let negated = condition.negated == holds;
            sinew_ir::Condition {
                negated,
                ..condition
            }
            .to_string()
        });
        let conditions: Vec<String> = conditions.collect();
        match conditions.is_empty() {
            true => function.to_string(),
            false => format!("; where {}\n{function}", conditions.join(", ")),
        }
    });
    Ok(texts.collect::<Vec<_>>().join("\n"))
}

/// A runner of `F` on the models that these train or run, with the settings of the first.
///
/// # Errors
/// As [`CompileBuilder::build`](crate::CompileBuilder::build).
pub fn attach<F: ModelFunction>(
    attachments: <F::Models as Models>::Attachments,
) -> Result<Runner<F>> {
    let (models, settings) = F::Models::attached(attachments);
    let list = F::Models::handles(&models);
    let settings = match settings {
        Some(settings) => settings,
        None => Settings::default().on(None, None, &list),
    };
    drop(list);
    Runner::new(models, settings)
}

#[cfg(test)]
#[cfg(feature = "cpu")]
mod tests {
    use super::*;
    use crate::arg::{Arg, Float, IntoArg, Rank};
    use crate::output::Out;
    use crate::param::Param;

    enum Doubled {}
    impl ModelFunction for Doubled {
        type Models = ();
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
        };
    }

    fn doubled() {
        let y = call::<Doubled>((), ([1.0f32, 2.0],)).expect("it fits");
        assert_eq!(y.to_vec(), [2.0, 4.0]);
    }

    #[test]
    fn runners_are_found_again_and_not_piled_up() {
        type Runs = Runner<Doubled>;
        let of = TypeId::of::<Runs>();
        let kept = || with_kept(of, |k| k.len());
        let most = available_parallelism().map_or(1, usize::from);
        doubled();
        doubled();
        assert_eq!(kept(), 1);
        // As threads do that call at once: each call while the runner of the one before is out.
        let out: Vec<_> = (0..2 * most)
            .map(|_| {
                doubled();
                with_kept(of, Vec::pop).expect("just used")
            })
            .collect();
        let runner = |k: &Kept| k.1.downcast_ref::<Runs>().map(Runner::cache_stats);
        let stats: Vec<_> = out.iter().filter_map(runner).collect();
        assert_eq!(stats.len(), 2 * most);
        assert_eq!(stats.iter().map(|s| s.compiles).sum::<u64>(), 1);
        assert!(stats.iter().all(|s| s.compiles + s.shared == 1));
        out.into_iter().for_each(|one| keep(of, one));
        assert_eq!(kept(), most);
    }

    /// `sum(x * m[0])`; another function for each test, so that they share nothing that is kept.
    enum Weighed<const TEST: usize> {}
    impl<const TEST: usize> ModelFunction for Weighed<TEST> {
        type Models = (Vec<Param>,);
        type Inputs = (Arg<Float, Rank<1>>,);
        type Output = Out<Float, Rank<0>>;
        const UNIT: &'static Unit = &Unit {
            path: "weighed",
            file: "src/weighed.rs",
            text: "fn @weighed<N>(%m: Vec { 0: param float[N] }, %x: float[N]) -> float[] {
  %2 = mul %m.0, %x
  %3 = sum %2 axes [0]
  return %3
}
pullback(%4: float[]) {
  %5 = broadcast %4 shape [N] new [0]
  %6 = mul %5, %x
  %7 = mul %5, %m.0
  return %m.0: %6, %x: %7
}
",
            callees: &[],
            consts: &[],
        };
    }

    fn weights(values: impl IntoArg<Arg<Float, crate::AnyRank>>, n: usize) -> Vec<Param> {
        let mut param = Param::zeros(&[n]);
        param.set(values).expect("as many");
        vec![param]
    }

    type Row = Arg<Float, Rank<1>>;

    #[test]
    fn a_gradient_compiles_once_for_its_sizes() {
        for value in [1.0f32, 2.0, 3.0] {
            let x = [value, 10.0 * value, 5.0, 6.0, 7.0];
            let weights = weights([value; 5], 5);
            let found = gradient::<Weighed<1>>((&weights,), (x,));
            assert!(found.expect("it fits")[0].values().into_iter().eq(x));
        }
        type Trains = Trainer<Weighed<1>>;
        let five = |t: &&Trains| t.training.places.layouts[0].leaves[0].shape == [5];
        let stats = with_kept(TypeId::of::<Trains>(), |kept| {
            let mut all = kept.iter().filter_map(|k| k.1.downcast_ref::<Trains>());
            all.find(five).map(Trainer::cache_stats)
        });
        let stats = stats.expect("it is kept");
        assert_eq!((stats.compiles, stats.hits), (1, 2));
    }

    /// What f32 loses: 1e8 + 1 - 1e8.
    #[test]
    fn a_call_computes_in_f64_where_anything_is_of_f64() {
        let (wide, narrow) = ([1e8f64, 1.0, -1e8], [1e8f32, 1.0, -1e8]);
        let ones = [weights([1.0f32; 3], 3), weights([1.0f64; 3], 3)];
        let sum_narrow = |model| call::<Weighed<2>>((model,), (narrow,)).expect("it fits");
        let sum_wide = |model| call::<Weighed<2>>((model,), (wide,)).expect("it fits");
        assert_eq!(ones.each_ref().map(sum_narrow), [0.0, 1.0]);
        assert_eq!(ones.each_ref().map(sum_wide), [1.0, 1.0]);
    }

    /// `sum(x)`, of no model.
    enum Total {}
    impl ModelFunction for Total {
        type Models = ();
        type Inputs = (Row,);
        type Output = Out<Float, Rank<0>>;
        const UNIT: &'static Unit = &Unit {
            path: "total",
            file: "src/total.rs",
            text: "fn @total<N>(%x: float[N]) -> float[] {
  %1 = sum %x axes [0]
  return %1
}
",
            callees: &[],
            consts: &[],
        };
    }

    #[test]
    fn calls_without_a_model_are_of_f64_where_an_argument_is() {
        let (wide, narrow) = ([1e8f64, 1.0, -1e8], [1e8f32, 1.0, -1e8]);
        let sum_narrow = || call::<Total>((), (narrow,)).expect("it fits");
        let sum_wide = || call::<Total>((), (wide,)).expect("it fits");
        assert_eq!([sum_narrow(), sum_wide(), sum_narrow()], [0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_gradient_is_of_f64_where_anything_is() {
        let third = 1.0 / 3.0;
        let x = [third; 2];
        let found = gradient::<Weighed<3>>((&weights([1.0f32; 2], 2),), (x,));
        assert!(found.expect("it fits")[0].values_f64().into_iter().eq(x));
        let x = x.map(|v| v as f32);
        let found = gradient::<Weighed<3>>((&weights([1.0f32; 2], 2),), (x,));
        assert_eq!(found.expect("it fits")[0], weights(x, 2)[0]);
    }
}
