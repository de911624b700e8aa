//! A compiled function: arguments in, results out.

use crate::arg::{ArgView, IntoArg};
use crate::cache::{Limit, Purpose};
use crate::engine::{Engine, Settings};
use crate::error::{Error, Result};
use crate::executable::{Executable, Linked, ResultType, Source};
use crate::finite::Witness;
use crate::key::Key;
use crate::layout::{Layout, Leaf, element_size, without_numbers};
use crate::model::ModelFunction;
use crate::output::{Outputs, ResultView};
use crate::regions::{MAX_RESULTS, Regions, Role, Table};
use crate::step::fixed_kind;
use crate::store::{Attachment, Shared, Trained, hollow};
use sinew_codegen::kernel::RegionKind;
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::{Binding, ParamKind};
use std::collections::HashMap;
use std::marker::PhantomData;

/// Runs a function on a model's parameters: `logits::attach(&trainer)?` on a trainer's current ones,
/// `logits::compile(model).build()?` on its own.
///
/// Runners on other threads run side by side, between a trainer's steps.
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
/// let mut height = height::compile(line).build()?;
/// assert_eq!(height.run([1.0, 2.0])?.to_vec(), [2.0, 4.0]);
/// assert_eq!(height.run(vec![0.5; 3])?.to_vec(), [1.0; 3]); // other sizes compile once more
/// assert_eq!(height.compiles(), 2);
/// # Ok::<(), sinew::Error>(())
/// ```
pub struct Runner<F: ModelFunction, I = <F as ModelFunction>::Inputs> {
    engine: Engine,
    pub(crate) shared: Shared,
    shell: F::Model,
    /// Runs that came to an end.
    runs: u64,
    /// The model's states from before a run that is checked.
    saved: Vec<u8>,
    arguments: PhantomData<fn(I)>,
}

impl<F: ModelFunction> Runner<F> {
    pub(crate) fn new(model: F::Model, shared: Shared, settings: Settings) -> Result<Self> {
        Ok(Runner {
            engine: Engine::new::<F>(&model, settings)?,
            shared,
            shell: hollow(model),
            runs: 0,
            saved: Vec::new(),
            arguments: PhantomData,
        })
    }

    fn prepare_views(&mut self, arguments: &[ArgView<'_>]) -> Result<()> {
        let layout = &self.shared.layout;
        let compile = |engine: &Engine, binding: &Binding| compile_run(engine, binding, layout);
        self.engine.select(arguments, layout, Purpose::Run, compile)
    }

    /// The model with the current parameters and states.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn model(&self) -> Result<F::Model> {
        let mut model = self.shell.clone();
        self.shared.read().read_into(&mut model)?;
        Ok(model)
    }

    /// How many programs are kept, as [`Compile::cache`](crate::Compile::cache) says it: for a runner
    /// that was attached, which starts with its trainer's setting.
    ///
    /// # Errors
    /// [`Error::NoCache`] for none.
    pub fn cache(mut self, programs: usize) -> Result<Self> {
        let limit = Limit::Programs(programs);
        limit.check()?;
        self.engine.settings.cache = limit;
        self.engine.cache.set_limit(limit);
        Ok(self)
    }

    /// What the function's random elements follow from beside the number of the run, as
    /// [`Compile::seed`](crate::Compile::seed) says it: for a runner that was attached, which starts with
    /// its trainer's.
    pub fn seed(mut self, seed: u64) -> Self {
        self.engine.settings.seed = seed;
        self.runs = 0;
        self
    }

    /// For each leaf of the model, where its elements start if those of all trained parameters stand one
    /// behind the other, as the function has them.
    pub(crate) fn trained_starts(&self) -> Vec<Option<usize>> {
        let (function, layout) = (&self.engine.function, &self.shared.layout);
        let size = element_size(layout.float);
        let mut stacks: HashMap<&str, (usize, &Leaf)> = HashMap::new();
        let mut start = 0;
        let params = function.params.iter().enumerate();
        for (position, _) in params.filter(|(_, p)| p.kind == ParamKind::Param) {
            let path = function.leaf_path(position).unwrap_or_default();
            if let Some(stack) = layout.stack(path) {
                stacks.insert(path, (start, stack));
                start += stack.bytes / size;
            }
        }
        let leaves = layout.leaves.iter().map(|leaf| {
            let (start, stack) = stacks.get(without_numbers(&leaf.path).as_str())?;
            Some(start + (leaf.offset - stack.offset) / size)
        });
        leaves.collect()
    }

    /// Runs, and hands the results in memory to `read`.
    pub(crate) fn run_views<T>(
        &mut self,
        arguments: &[ArgView<'_>],
        read: impl FnOnce(&[ResultView<'_>]) -> Result<T>,
    ) -> Result<T> {
        self.run_counted(arguments, <F::Output as Outputs>::COUNT, read)
    }

    /// As [`Runner::run_views`], of so many results.
    pub(crate) fn run_counted<T>(
        &mut self,
        arguments: &[ArgView<'_>],
        expected: usize,
        read: impl FnOnce(&[ResultView<'_>]) -> Result<T>,
    ) -> Result<T> {
        self.prepare_views(arguments)?;
        self.engine.check(arguments)?;
        let check = self.engine.settings.check_finite;
        let key = Key::of_run(self.engine.settings.seed, self.runs + 1);
        let (kept, workspace) = self.engine.current_mut()?;
        let (program, launch) = (&kept.program, &mut kept.launch);
        let changed = &program.changed;
        let mut held = self.shared.hold(!changed.is_empty());
        if check {
            held.store().save(changed, &mut self.saved)?;
        }
        let mut table = Table::new();
        let (trained, fixed) = held.slots();
        table.put(Role::Trained, trained);
        table.put(Role::Fixed, fixed);
        program.run(launch, workspace, table, key, arguments)?;
        workspace.fetch(&program.results)?;
        let results = &program.results;
        if check {
            let in_results = !workspace.views(results).all(|r| r.is_finite());
            if in_results || !held.store().are_finite(changed)? {
                held.restore(changed, &self.saved)?;
                let witness = Witness::copy(&self.engine, held.store(), key, arguments)?;
                drop(held);
                return Err(witness.error(if in_results { "result" } else { "state" }));
            }
        }
        drop(held);
        let count = results.len();
        let mut views = [ResultView::NONE; MAX_RESULTS];
        if count != expected || count > views.len() {
            return Err(Error::Results {
                function: self.engine.unit.path.into(),
                expected,
                actual: count,
            });
        }
        for (place, view) in views.iter_mut().zip(workspace.views(results)) {
            *place = view;
        }
        let read = read(&views[..count])?;
        self.runs += 1;
        Ok(read)
    }

    /// Counts runs from 1 again.
    pub(crate) fn restart(&mut self) {
        self.runs = 0;
    }
}

/// Links the function and lays out its regions.
fn compile_run(engine: &Engine, binding: &Binding, layout: &Layout) -> Result<Executable> {
    let function = sinew_ir::link(engine.unit, binding)
        .map_err(|source| Error::link(engine.unit.path, source))?;
    let changed = engine.changed_states(&function, layout)?;
    let mut regions = Regions::new();
    let trained = regions.add(
        Role::Trained,
        "params",
        layout.trained_bytes,
        RegionKind::Input,
    );
    let kind = fixed_kind(&changed);
    let fixed = regions.add(Role::Fixed, "fixed", layout.fixed_bytes, kind);
    let mut outputs = Vec::new();
    let mut results = Vec::new();
    for (i, result) in function.returned().iter().enumerate() {
        let result = ResultType::new(i, function.type_of(*result))?;
        let (name, bytes) = (result.name.clone(), result.region_bytes);
        let region = regions.add(Role::Result(i), name, bytes, RegionKind::Output);
        results.push(result);
        outputs.push(RegionOffset { region, offset: 0 });
    }
    outputs.extend(changed.iter().map(|leaf| RegionOffset {
        region: fixed,
        offset: leaf.offset,
    }));
    let arguments = regions.add_arguments(&engine.inputs, &function)?;
    let key = regions.add_key(&function);
    let source = Source {
        indices: engine.index_checks(&function),
        linked: vec![Linked {
            title: "function",
            inputs: engine.places(&function, layout, trained, fixed, &arguments, key)?,
            outputs,
            function,
        }],
        regions,
        scalars: Vec::new(),
        results,
        changed,
    };
    Executable::compile(engine, source)
}

impl<F: ModelFunction> Trained<F::Model> for Runner<F> {
    fn attachment(&self) -> Attachment<F::Model> {
        Attachment {
            shared: self.shared.clone(),
            settings: self.engine.settings.clone(),
            shell: self.shell.clone(),
        }
    }
}

crate::inspect::inspect!(Runner);

macro_rules! run {
    ($($marker:ident $argument:ident),*) => {
        impl<F, $($marker),*> Runner<F, ($($marker,)*)>
        where
            F: ModelFunction<Inputs = ($($marker,)*)>,
        {
            /// Runs the function: arrays of f32 (and i32, u32, bool where declared) come back.
            ///
            /// # Errors
            /// Arguments that do not fit the declared types or each other, that are empty, or that
            /// hold indices outside their axis; with [`check_finite`](crate::Compile::check_finite)
            /// also NaN and infinities, in arguments or results.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn run(
                &mut self,
                $($argument: impl IntoArg<$marker>),*
            ) -> Result<<F::Output as Outputs>::Narrow> {
                self.run_views(&[$($argument.arg()),*], <F::Output as Outputs>::narrow)
            }

            /// As [`run`](Self::run), with arrays of f64 where `run` gives f32.
            ///
            /// # Errors
            /// As [`run`](Self::run).
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn run_f64(
                &mut self,
                $($argument: impl IntoArg<$marker>),*
            ) -> Result<<F::Output as Outputs>::Wide> {
                self.run_views(&[$($argument.arg()),*], <F::Output as Outputs>::wide)
            }

            /// Compiles the function for arguments of these extents, without running it.
            ///
            /// # Errors
            /// Arguments that do not fit.
            #[allow(clippy::too_many_arguments, reason = "the function's own")]
            pub fn prepare(&mut self, $($argument: impl IntoArg<$marker>),*) -> Result<()> {
                self.prepare_views(&[$($argument.arg()),*])
            }
        }
    };
}
run!();
run!(A a);
run!(A a, B b);
run!(A a, B b, C c);
run!(A a, B b, C c, D d);
run!(A a, B b, C c, D d, E e);
run!(A a, B b, C c, D d, E e, G g);
run!(A a, B b, C c, D d, E e, G g, H h);
run!(A a, B b, C c, D d, E e, G g, H h, I i);

#[cfg(test)]
#[cfg(feature = "cpu")]
mod tests {
    use super::*;
    use crate::arg::{Arg, Float, Rank};
    use crate::output::Out;
    use crate::{Compile, Param, attach};
    use sinew_ir::Unit;

    /// `m[0] * x`
    enum Scaled {}
    impl ModelFunction for Scaled {
        type Model = Vec<Param>;
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
        let runner = Compile::new(vec![scale]).build();
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
        let mut other = attach::<Scaled>(&one).expect("the same model");
        let run = || other.run([1.0, 2.0]).map(|y| y.to_vec());
        let found = meanwhile(|| one.shared.read(), run).expect("it waits for the run");
        assert_eq!(found.expect("it fits"), [2.0, 4.0]);
    }

    #[test]
    fn preparing_waits_for_no_step() {
        let mut runner = runner();
        let shared = runner.shared.clone();
        let prepared = meanwhile(|| shared.write(), || runner.prepare([1.0, 2.0, 3.0]));
        prepared.expect("it waits for the step").expect("it fits");
        assert_eq!(runner.compiles(), 1);
    }
}
