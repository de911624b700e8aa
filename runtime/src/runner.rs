//! A compiled function: arguments in, results out.

use crate::arg::{ArgView, Element};
use crate::buckets::Buckets;
use crate::cache::Limit;
use crate::engine::Settings;
use crate::error::Result;
use crate::layout::Layout;
use crate::model::{FunctionFacts, ModelFunction};
use crate::models::Models;
use crate::output::{Number, Outputs, ResultView};
use crate::profile::Profile;
use crate::running::{Core, EngineGuard, Running};
use crate::shared::{Attachment, FirstModel, Shared, Trained};
use crate::views::{ArgViews, IntoArgs, each_count};
use ndarray::{Array, ArrayRef, Dimension};
use std::marker::PhantomData;
use std::sync::{Arc, MutexGuard};

/// Runs a function on a model's parameters: `logits::attach(&trainer)?` on a trainer's current ones,
/// `logits::compile(model).build()?` on its own.
///
/// A runner that several threads share runs one call at a time. Its clones, one for each thread, run side by side, on the
/// same parameters and with the same programs; between a trainer's steps, if it trains these.
///
/// All methods that print a stage do so for the program that ran last.
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// # #[model]
/// # fn height<N>(line: &Line, x: Tensor<N>) -> Tensor<N> {
/// #     line.slope * x
/// # }
/// let mut line = Line::init(0);
/// line.slope.fill(2.0);
/// let height = height::compile(line).build()?;
/// assert_eq!(height.run([1.0, 2.0])?.to_vec(), [2.0, 4.0]);
/// assert_eq!(height.run(vec![0.5; 3])?.to_vec(), [1.0; 3]); // other sizes compile once more
/// assert_eq!(height.compiles(), 2);
///
/// std::thread::scope(|threads| {
///     for i in 0..4 {
///         let height = height.clone();
///         threads.spawn(move || {
///             let found = height.run([1.0, i as f32]);
///             assert!(found.is_ok_and(|y| y[1] == 2.0 * i as f32));
///         });
///     }
/// });
/// # Ok::<(), sinew::Error>(())
/// ```
pub struct Runner<F: ModelFunction, I = <F as ModelFunction>::Inputs> {
    handles: <F::Models as Models>::Handles,
    pub(crate) running: Box<Running>,
    arguments: PhantomData<fn(I)>,
}

impl<F: ModelFunction, I> Runner<F, I> {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.running.core()
    }

    fn core_mut(&mut self) -> &mut Core {
        self.running.core_mut()
    }

    fn engine(&self) -> EngineGuard<'_> {
        self.running.engine()
    }

    fn layouts(&self) -> &[Arc<Layout>] {
        &self.running.places.layouts
    }
}

impl<F: ModelFunction, I> Clone for Runner<F, I> {
    /// Another runner on the same models, with the same programs, that runs beside this one: one for each thread that
    /// serves. It goes on with the number of runs that this one has come to, from which random elements follow.
    fn clone(&self) -> Self {
        Runner {
            handles: self.handles.clone(),
            running: self.running.copy(),
            arguments: PhantomData,
        }
    }
}

impl<F: ModelFunction> Runner<F> {
    pub(crate) fn new(handles: <F::Models as Models>::Handles, settings: Settings) -> Result<Self> {
        let list = F::Models::handles(&handles);
        let running = Running::new(FunctionFacts::of::<F>(), &list, settings)?;
        Ok(Runner {
            handles,
            running,
            arguments: PhantomData,
        })
    }

    /// The function's first model, with the current parameters and states.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn model(&self) -> Result<FirstModel<F>> {
        F::Models::first(&self.handles).model()
    }

    /// Puts another model of the same sizes and settings in the place of the first: the next run uses it, and so do
    /// trainers and runners that share it.
    ///
    /// # Errors
    /// [`Error::OtherModel`](crate::Error::OtherModel); a device that was lost.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Line {
    /// #     #[init(zeros)]
    /// #     slope: Param,
    /// # }
    /// # #[model]
    /// # fn height<N>(line: &Line, x: Tensor<N>) -> Tensor<N> {
    /// #     line.slope * x
    /// # }
    /// let mut run = height::compile(Line::init(0)).build()?;
    /// let mut newer = run.model()?;
    /// newer.slope.fill(3.0);
    /// run.set_model(&newer)?;
    /// assert_eq!(run.run([2.0])?.to_vec(), [6.0]);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn set_model(&mut self, model: &FirstModel<F>) -> Result<()> {
        F::Models::first(&self.handles).set(model)
    }

    /// A handle of the first model: to read and set single leaves, to share it with what is built later.
    pub fn shared(&self) -> Shared<FirstModel<F>> {
        F::Models::first(&self.handles)
    }

    /// All models of the function in the order of its declaration, as a tuple.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn models(&self) -> Result<F::Models> {
        F::Models::read(&self.handles)
    }

    /// How many programs are kept, as [`CompileBuilder::cache`](crate::CompileBuilder::cache) says it: for a runner
    /// that was attached, which starts with its trainer's setting.
    ///
    /// # Errors
    /// [`Error::NoCache`](crate::Error::NoCache) for none.
    pub fn cache(mut self, programs: usize) -> Result<Self> {
        let limit = Limit::Programs(programs);
        limit.check()?;
        let engine = &mut self.core_mut().engine;
        engine.settings.cache = limit;
        engine.cache.set_limit(limit);
        Ok(self)
    }

    /// Runs batches of any size by programs for these numbers of rows, and for one row, in place of a program for each
    /// size that comes: a server that is asked for 1 to 64 rows has four programs by `buckets([4, 16, 64])`, and all of
    /// them after a few calls. The batch is the first axis of the first argument, and of all arguments that have its
    /// symbol; results are rows of it too. A batch that is none of these sizes is run in a few pieces.
    ///
    /// That the function does to each row what it does to any other is checked when a program is made.
    ///
    /// A run that captures or patches values has a program of its own for each size.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # use sinew::ndarray::Array2;
    /// # #[model]
    /// # struct Net {
    /// #     out: Linear<4, 3>,
    /// # }
    /// #[model]
    /// fn scores<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 3> {
    ///     m.out.forward(x).softmax()
    /// }
    ///
    /// let run = scores::compile(Net::init(0)).build()?.buckets([8, 64])?;
    /// for rows in 1..100 {
    ///     let found = run.run(Array2::<f32>::zeros((rows, 4)))?;
    ///     assert_eq!(found.dim(), (rows, 3));
    /// }
    /// assert_eq!(run.compiles(), 3);
    ///
    /// #[model]
    /// fn centred<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    ///     x - x.mean(axis = 0)
    /// }
    ///
    /// let run = centred::compile().build()?.buckets([8])?;
    /// let error = run.run(Array2::<f32>::zeros((3, 4))).expect_err("each row depends on all");
    /// assert!(error.to_string().contains("cannot run its batch in buckets: it makes one of all rows"));
    /// # Ok::<(), sinew::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotInBuckets`](crate::Error::NotInBuckets) for a function whose batch is not just the first axis of arguments and results; and of
    /// runs, for one that lets rows meet, assigns to states or draws random elements.
    pub fn buckets(mut self, sizes: impl AsRef<[usize]>) -> Result<Self> {
        let core = self.core_mut();
        core.buckets = Some(Buckets::new(sizes.as_ref(), &core.engine)?);
        Ok(self)
    }

    /// What the function's random elements follow from beside the number of the run, as
    /// [`CompileBuilder::seed`](crate::CompileBuilder::seed) says it: for a runner that was attached, which starts with
    /// its trainer's.
    pub fn seed(mut self, seed: u64) -> Self {
        let core = self.core_mut();
        core.engine.settings.seed = seed;
        core.runs = 0;
        self
    }

    /// Asks for the value of a `capture("name", x)` in the function or in what it calls: from here on each
    /// run keeps it, for [`captured`](Self::captured) to read. Programs are compiled anew; a name that the
    /// function has not is an error of the next run.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # use sinew::ndarray::{Array1, array};
    /// #[model]
    /// fn last_of_sums<N>(x: Tensor<N>) -> Tensor {
    ///     let mut sum = 0.0;
    ///     for t in 0..N {
    ///         sum += x[t];
    ///         capture("sum", sum);
    ///     }
    ///     sum
    /// }
    ///
    /// let mut run = last_of_sums::compile().build()?;
    /// run.capture("sum");
    /// assert_eq!(run.run([1.0, 2.0, 3.0])?, 6.0);
    /// let sums: Array1<f32> = run.captured("sum")?;
    /// assert_eq!(sums, array![1.0, 3.0, 6.0]);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn capture(&mut self, name: &str) {
        let core = self.core_mut();
        core.asked.capture(&mut core.engine, name);
    }

    /// What the last run captured under a name: an array of its rank (0 for a scalar), of f32 or f64 for
    /// floats.
    ///
    /// # Errors
    /// [`Error::Captured`](crate::Error::Captured) for a name that was not asked for, and before a run that did;
    /// [`Error::CapturedType`](crate::Error::CapturedType) and [`Error::CapturedRank`](crate::Error::CapturedRank) for other elements and another rank.
    pub fn captured<T: Number, D: Dimension>(&self, name: &str) -> Result<Array<T, D>> {
        let core = self.core();
        core.asked.captured(&core.engine, name)
    }

    /// Puts an array in the place of the value of a `patch("name", x)`: from here on all runs go on with it.
    /// It is of the value's shape, which is looked at in the next run; in loops it has an axis for the
    /// iterations of each in front. Programs are compiled anew, but not for another array of one name.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # use sinew::ndarray::array;
    /// #[model]
    /// fn doubled<N>(x: Tensor<N>) -> Tensor<N> {
    ///     2.0 * patch("input", x)
    /// }
    ///
    /// let mut run = doubled::compile().build()?;
    /// run.patch("input", &array![5.0f32, 6.0]);
    /// assert_eq!(run.run([1.0, 2.0])?, array![10.0, 12.0]);
    /// run.unpatch("input");
    /// assert_eq!(run.run([1.0, 2.0])?, array![2.0, 4.0]);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn patch<T: Element, D: Dimension>(&mut self, name: &str, values: &ArrayRef<T, D>) {
        let values = values.to_owned().into_dyn();
        let core = self.core_mut();
        core.asked.patch(&mut core.engine, name, values);
    }

    /// Leaves a value as it is again.
    pub fn unpatch(&mut self, name: &str) {
        let core = self.core_mut();
        core.asked.unpatch(&mut core.engine, name);
    }

    /// Runs, and hands the results in memory to `read`.
    pub(crate) fn run_views<T>(
        &self,
        arguments: &[ArgView<'_>],
        read: impl FnOnce(&[ResultView<'_>]) -> Result<T>,
    ) -> Result<T> {
        self.run_counted(arguments, <F::Output as Outputs>::COUNT, read)
    }

    /// As [`Runner::run_views`], of so many results.
    pub(crate) fn run_counted<T>(
        &self,
        arguments: &[ArgView<'_>],
        expected: usize,
        read: impl FnOnce(&[ResultView<'_>]) -> Result<T>,
    ) -> Result<T> {
        let (mut read, mut done) = (Some(read), None);
        self.running.run(arguments, expected, &mut |results| {
            if let Some(read) = read.take() {
                done = Some(read(results)?);
            }
            Ok(())
        })?;
        Ok(done.expect("a run that comes to its end has its results read"))
    }

    pub(crate) fn profile_views(&self, times: usize, arguments: &[ArgView<'_>]) -> Result<Profile> {
        let expected = <F::Output as Outputs>::COUNT;
        self.running.profile(times, arguments, expected)
    }

    /// Counts runs from 1 again.
    pub(crate) fn restart(&mut self) {
        self.core_mut().runs = 0;
    }
}

#[diagnostic::do_not_recommend]
impl<F: ModelFunction> Trained<FirstModel<F>> for Runner<F> {
    fn attachment(&self) -> Attachment<FirstModel<F>> {
        Attachment {
            shared: F::Models::first(&self.handles),
            settings: Some(self.engine().settings.clone()),
        }
    }
}

crate::inspect::inspect!(Runner);

macro_rules! run {
    ($name:ident $(($marker:ident $argument:ident $($bound:tt)*))*) => {
        impl<F, $($marker),*> Runner<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// Runs the function: arrays of f32 (and i32, u32, bool where declared) come back.
            ///
            /// # Errors
            /// Arguments that do not fit the declared types or each other, that are empty, or that
            /// hold indices outside their axis; with [`check_finite`](crate::CompileBuilder::check_finite)
            /// also NaN and infinities, in arguments or results.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn $name(
                &self,
                $($argument: $($bound)*),*
            ) -> Result<<F::Output as Outputs>::Narrow> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.run_views(views.as_slice(), <F::Output as Outputs>::narrow)
            }

            /// As [`run`](Self::run), with arrays of f64 where `run` gives f32.
            ///
            /// # Errors
            /// As [`run`](Self::run).
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn run_f64(
                &self,
                $($argument: impl IntoArgs<$marker>),*
            ) -> Result<<F::Output as Outputs>::Wide> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.run_views(views.as_slice(), <F::Output as Outputs>::wide)
            }

            /// Compiles the function for arguments of these extents, without running it.
            ///
            /// # Errors
            /// Arguments that do not fit.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn prepare(&self, $($argument: impl IntoArgs<$marker>),*) -> Result<()> {
                #[allow(unused_mut, reason = "without arguments")]
                let mut views = ArgViews::new();
                $($argument.add_to(&mut views);)*
                self.running.prepare(views.as_slice())
            }
        }
    };
}
run!(run);
each_count! {
    run! run (A a: impl IntoArgs<A>) (B b: impl IntoArgs<B>) (C c: impl IntoArgs<C>)
    (D d: impl IntoArgs<D>) (E e: impl IntoArgs<E>) (G g: impl IntoArgs<G>)
    (H h: impl IntoArgs<H>) (I i: impl IntoArgs<I>) (J j: impl IntoArgs<J>)
    (K k: impl IntoArgs<K>) (L l: impl IntoArgs<L>) (M m: impl IntoArgs<M>)
    (N n: impl IntoArgs<N>) (O o: impl IntoArgs<O>) (P p: impl IntoArgs<P>)
    (Q q: impl IntoArgs<Q>)
}

#[cfg(test)]
#[cfg(feature = "cpu")]
mod tests {
    use super::*;
    use crate::arg::{Arg, Float, Rank};
    use crate::output::Out;
    use crate::{Compile, Param, Shared, attach};
    use sinew_ir::Unit;

    /// `m[0] * x`
    enum Scaled {}
    impl ModelFunction for Scaled {
        type Models = (Vec<Param>,);
        type Inputs = (Arg<Float, Rank<1>>,);
        type Output = Out<Float, Rank<1>>;
        const UNIT: &'static Unit = &Unit {
            path: "scaled",
            file: "src/scaled.rs",
            text: "fn @scaled<N>(%m: Vec { 0: param float[] }, %x: float[N]) -> float[N] {
  %2 = broadcast %m.0 shape [N] new [0]
  %3 = mul %2, %x
  return %3
}
",
            callees: &[],
            consts: &[],
        };
    }

    fn runner() -> Runner<Scaled> {
        let mut scale = Param::zeros(&[]);
        scale.fill(2.0);
        let runner = Compile::new((Shared::new(vec![scale]),)).build();
        runner.expect("a small model")
    }

    /// What `work` gives on another thread while the lock is held here; none if it waits for that.
    fn meanwhile<T: Send, L>(
        lock: impl FnOnce() -> L,
        work: impl FnOnce() -> T + Send,
    ) -> Option<T> {
        std::thread::scope(|threads| {
            let held = lock();
            let (sender, done) = std::sync::mpsc::channel();
            threads.spawn(move || sender.send(work()));
            let found = done.recv_timeout(std::time::Duration::from_secs(60)).ok();
            drop(held);
            found
        })
    }

    /// Another run that is under way is a reader like the one here.
    #[test]
    fn runs_wait_for_no_other_run() {
        let one = runner();
        let other = attach::<Scaled>((one.attachment(),)).expect("the same model");
        let run = || other.run([1.0, 2.0]).map(|y| y.to_vec());
        let found =
            meanwhile(|| one.running.places.models[0].read(), run).expect("it waits for the run");
        assert_eq!(found.expect("it fits"), [2.0, 4.0]);
    }

    #[test]
    fn preparing_waits_for_no_step() {
        let runner = runner();
        let shared = runner.running.places.models[0].clone();
        let prepared = meanwhile(|| shared.write(), || runner.prepare([1.0, 2.0, 3.0]));
        prepared.expect("it waits for the step").expect("it fits");
        assert_eq!(runner.compiles(), 1);
    }
}
