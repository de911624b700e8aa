//! What a runner works in: its engine, and the way of one run.

use crate::arg::ArgView;
use crate::buckets::{Buckets, Joined};
use crate::cache::Purpose;
use crate::engine::{Engine, Settings};
use crate::error::{Error, Result};
use crate::executable::{Executable, Linked, ResultType, Source};
use crate::finite::Witness;
use crate::key::Key;
use crate::layout::{Layout, Leaf, element_size, without_numbers};
use crate::model::FunctionFacts;
use crate::output::ResultView;
use crate::probes::Asked;
use crate::profile::Profile;
use crate::regions::{MAX_RESULTS, Regions};
use crate::shared::{Handle, facts, place_all};
use crate::store::{Held, Places};
use sinew_ir::{Binding, ParamKind, Probes};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Takes the results of a run while they are in memory.
pub(crate) type Read<'r> = &'r mut dyn FnMut(&[ResultView<'_>]) -> Result<()>;

/// What a runner is, whatever the types of its function: so this is compiled once, and not for each function.
pub(crate) struct Running {
    /// Where the function's models are.
    pub places: Places,
    /// What one run at a time works in.
    core: Mutex<Core>,
}

/// The engine of a runner, in which nothing runs meanwhile.
pub(crate) struct EngineGuard<'a>(MutexGuard<'a, Core>);

impl Deref for EngineGuard<'_> {
    type Target = Engine;
    fn deref(&self) -> &Engine {
        &self.0.engine
    }
}

impl Running {
    /// That of a function on these models, which are put on the device if they are nowhere.
    ///
    /// # Errors
    /// What this build or the device cannot do, what does not fit the function, models that cannot be placed.
    pub fn new(
        function: Result<FunctionFacts>,
        models: &[&dyn Handle],
        mut settings: Settings,
    ) -> Result<Box<Running>> {
        // Those of a trainer that it is attached to are of its steps.
        settings.micro_batches = None;
        settings.check()?;
        let engine = Engine::new(function?, &facts(models)?, settings)?;
        let names = engine.model_names();
        let function = engine.unit.path;
        let placed = place_all(function, &names, models, &engine.settings, &|_| None)?;
        Ok(Box::new(Running {
            places: Places::new(placed),
            core: Mutex::new(Core {
                engine,
                runs: 0,
                asked: Asked::default(),
                saved: Vec::new(),
                buckets: None,
            }),
        }))
    }

    /// Another on the same models that runs beside it.
    pub fn copy(&self) -> Box<Running> {
        Box::new(Running {
            places: self.places.clone(),
            core: Mutex::new(self.core().copy()),
        })
    }

    /// Waits for a run of another thread.
    pub fn core(&self) -> MutexGuard<'_, Core> {
        // Who panicked here was reading results: what is kept is whole.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it works in, of which nothing is in use.
    pub fn core_mut(&mut self) -> &mut Core {
        self.core.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it compiles with.
    pub fn engine(&self) -> EngineGuard<'_> {
        EngineGuard(self.core())
    }

    /// Makes the programs for these arguments.
    ///
    /// # Errors
    /// Arguments that do not fit.
    pub fn prepare(&self, arguments: &[ArgView<'_>]) -> Result<()> {
        self.core().prepare_all(&self.places, arguments)
    }

    /// Runs, and hands the results in memory, which must be so many, to `read`.
    ///
    /// # Errors
    /// Arguments that do not fit; as `read`.
    pub fn run(&self, arguments: &[ArgView<'_>], expected: usize, read: Read<'_>) -> Result<()> {
        self.core().run_all(&self.places, arguments, expected, read)
    }

    /// Runs so many times with a clock behind each run of a kernel.
    ///
    /// # Errors
    /// As of a run; [`Error::NoClock`].
    pub fn profile(
        &self,
        times: usize,
        arguments: &[ArgView<'_>],
        expected: usize,
    ) -> Result<Profile> {
        self.core()
            .profile(&self.places, times, arguments, expected)
    }

    /// For each model and each of its leaves, where its elements start if those of all trained parameters
    /// stand one behind the other, as the function has them.
    pub fn trained_starts(&self) -> Vec<Vec<Option<usize>>> {
        let engine = self.engine();
        let (function, layouts) = (&engine.function, &self.places.layouts);
        let mut stacks: HashMap<(usize, &str), (usize, &Leaf)> = HashMap::new();
        let mut start = 0;
        let params = function.params.iter().enumerate();
        for (position, _) in params.filter(|(_, p)| p.kind == ParamKind::Param) {
            let Some((model, path)) = engine.leaf(function, position) else {
                continue;
            };
            if let Some(layout) = layouts.get(model)
                && let Some(stack) = layout.stack(path)
            {
                stacks.insert((model, path), (start, stack));
                start += stack.bytes / element_size(layout.float);
            }
        }
        let of_model = |(model, layout): (usize, &Arc<Layout>)| {
            let leaves = layout.leaves.iter().map(|leaf| {
                let path = without_numbers(&leaf.path);
                let (start, stack) = stacks.get(&(model, path.as_str()))?;
                Some(start + (leaf.offset - stack.offset) / element_size(layout.float))
            });
            leaves.collect()
        };
        layouts.iter().enumerate().map(of_model).collect()
    }
}

/// What a run works in, whatever the types of the function.
pub(crate) struct Core {
    pub engine: Engine,
    /// Runs that came to an end.
    pub runs: u64,
    /// What it looks at beside the results, and puts in the place of values.
    pub asked: Asked,
    /// The models' states from before a run that is checked.
    saved: Vec<u8>,
    /// The programs for its batches, where not each size has one of its own.
    pub buckets: Option<Buckets>,
}

impl Core {
    /// Another that works beside it.
    fn copy(&self) -> Core {
        Core {
            engine: self.engine.copy(),
            runs: self.runs,
            asked: self.asked.copy(),
            saved: Vec::new(),
            buckets: self.buckets.clone(),
        }
    }

    /// The buckets that arguments are run by, and their rows.
    fn bucketed(&mut self, arguments: &[ArgView<'_>]) -> Result<Option<(Buckets, usize)>> {
        let Some(buckets) = &mut self.buckets else {
            return Ok(None);
        };
        let asks = self.engine.probes != Probes::default();
        let rows = buckets.rows(arguments).filter(|_| !asks);
        let Some(rows) = rows else {
            return Ok(None);
        };
        buckets.check(&self.engine, arguments)?;
        Ok(Some((buckets.clone(), rows)))
    }

    /// Makes the programs for these arguments.
    fn prepare_all(&mut self, places: &Places, arguments: &[ArgView<'_>]) -> Result<()> {
        let Some((buckets, rows)) = self.bucketed(arguments)? else {
            return self.prepare(places, arguments);
        };
        let pieces = buckets.pieces(rows).into_iter();
        let mut parts = pieces.map(|piece| buckets.of_piece(arguments, piece));
        parts.try_for_each(|part| self.prepare(places, &part))
    }

    /// Runs, in pieces if there are buckets, and hands the results in memory to `read`.
    fn run_all(
        &mut self,
        places: &Places,
        arguments: &[ArgView<'_>],
        expected: usize,
        read: Read<'_>,
    ) -> Result<()> {
        let Some((buckets, rows)) = self.bucketed(arguments)? else {
            return self.run(places, arguments, expected, read);
        };
        let pieces = buckets.pieces(rows);
        if pieces.len() == 1 {
            return self.run(places, arguments, expected, read);
        }
        let mut joined = Joined::new(rows);
        for piece in pieces {
            let part = buckets.of_piece(arguments, piece);
            self.run(places, &part, expected, &mut |results| {
                joined.put(piece, results)
            })?;
        }
        read(&joined.views())
    }

    /// As [`Running::profile`].
    fn profile(
        &mut self,
        places: &Places,
        times: usize,
        arguments: &[ArgView<'_>],
        expected: usize,
    ) -> Result<Profile> {
        self.prepare(places, arguments)?;
        let machine = self.engine.start_clock()?;
        let started = Instant::now();
        let mut runs = 0..times;
        let done = runs.try_for_each(|_| self.run(places, arguments, expected, &mut |_| Ok(())));
        let total = started.elapsed();
        let profile = self.engine.stop_clock(times, total, machine);
        done.and(profile)
    }

    /// Makes the program for these arguments the current one.
    fn prepare(&mut self, places: &Places, arguments: &[ArgView<'_>]) -> Result<()> {
        // The next program's results take the place of what was captured.
        self.asked.ran = false;
        let layouts = &places.layouts;
        let compile = |engine: &Engine, binding: &Binding| compile_run(engine, binding, layouts);
        self.engine
            .select(arguments, layouts, None, Purpose::RUN, compile)
    }

    /// Runs, and hands the results in memory to `read`.
    fn run(
        &mut self,
        places: &Places,
        arguments: &[ArgView<'_>],
        expected: usize,
        read: Read<'_>,
    ) -> Result<()> {
        self.prepare(places, arguments)?;
        self.engine.check(arguments)?;
        // Values in the place of others come behind the arguments.
        let given = self.asked.views(self.engine.current()?)?;
        let both: Vec<ArgView<'_>>;
        let arguments = match given.is_empty() {
            true => arguments,
            false => {
                both = arguments.iter().chain(&given).copied().collect();
                &both
            }
        };
        let check = self.engine.settings.check_finite;
        let key = Key::of_run(self.engine.settings.seed, self.runs + 1);
        let (kept, workspace) = self.engine.current_mut()?;
        let (program, launch) = (&kept.program, &mut kept.launch);
        let changed = &program.changed;
        let mut held = Held::of(places, &program.writes);
        if check {
            held.save(changed, &mut self.saved)?;
        }
        let mut table = program.table();
        held.put_in(&mut table, &program.writes);
        program.run(launch, workspace, &mut table, key, arguments)?;
        workspace.fetch(&program.results)?;
        let results = &program.results;
        if check {
            let in_results = !workspace.views(results).all(|r| r.is_finite());
            if in_results || !held.are_finite(changed)? {
                held.restore(changed, &self.saved)?;
                let witness = Witness::copy(&self.engine, &held, key, arguments)?;
                drop(held);
                return Err(witness.error(if in_results { "result" } else { "state" }));
            }
        }
        drop(held);
        let count = results.len() - program.captured.len();
        if count != expected {
            return Err(Error::Results {
                function: self.engine.unit.path.into(),
                expected,
                actual: count,
            });
        }
        let (mut few, mut many) = ([ResultView::NONE; MAX_RESULTS], Vec::new());
        let views = match few.get_mut(..count) {
            Some(few) => few,
            None => {
                many.resize(count, ResultView::NONE);
                &mut many
            }
        };
        for (place, view) in views.iter_mut().zip(workspace.views(&results[..count])) {
            *place = view;
        }
        read(views)?;
        self.runs += 1;
        self.asked.ran = true;
        Ok(())
    }
}

/// Links the function and lays out its regions.
fn compile_run(engine: &Engine, binding: &Binding, layouts: &[Arc<Layout>]) -> Result<Executable> {
    let linked = sinew_ir::link_probed(engine.unit, binding, &engine.probes);
    let linked = linked.map_err(|source| Error::link(engine.unit.path, source))?;
    let (function, captured) = (linked.program, linked.captured);
    let changed = engine.changed_states(&function, layouts)?;
    let writes = engine.writes(&changed, layouts);
    let mut regions = Regions::new();
    let models = engine.add_models(&mut regions, layouts, &writes);
    let mut outputs = Vec::new();
    let mut results = Vec::new();
    for (i, result) in function.returned().iter().enumerate() {
        let result = ResultType::new(i, function.type_of(*result))?;
        outputs.push(result.add(&mut regions, i));
        results.push(result);
    }
    outputs.extend(changed.iter().map(|s| models[s.model].place(&s.leaf)));
    let mut arguments = regions.add_arguments(&engine.inputs, &function)?;
    let patched = regions.add_patched(engine.inputs.len(), &linked.patched, &function)?;
    let (places, patched): (Vec<_>, Vec<_>) = patched.into_iter().unzip();
    arguments.extend(places);
    let key = regions.add_key(&function);
    let source = Source {
        indices: engine.index_checks(&function),
        linked: vec![Linked {
            title: "function",
            inputs: engine.places(&function, layouts, &models, &arguments, key)?,
            outputs,
            function,
        }],
        regions,
        numbers: Vec::new(),
        results,
        captured,
        patched,
        changed,
        writes,
    };
    Executable::compile(engine, source)
}
