//! What a runner works in: its engine, and the way of one run.

use crate::arg::ArgView;
use crate::buckets::{Buckets, Joined};
use crate::cache::Purpose;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::executable::{Executable, Linked, ResultType, Source};
use crate::finite::Witness;
use crate::key::Key;
use crate::layout::{Layout, Section};
use crate::output::ResultView;
use crate::probes::Asked;
use crate::regions::{MAX_RESULTS, Regions, Role, Table};
use crate::store::{Held, Places};
use sinew_ir::{Binding, Probes};
use std::sync::Arc;

/// What a run works in.
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
    /// That of a runner that has not run.
    pub fn new(engine: Engine) -> Core {
        Core {
            engine,
            runs: 0,
            asked: Asked::default(),
            saved: Vec::new(),
            buckets: None,
        }
    }

    /// Another that works beside it.
    pub fn copy(&self) -> Core {
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
    pub fn prepare_all(&mut self, places: &Places, arguments: &[ArgView<'_>]) -> Result<()> {
        let Some((buckets, rows)) = self.bucketed(arguments)? else {
            return self.prepare(places, arguments);
        };
        let pieces = buckets.pieces(rows).into_iter();
        let mut parts = pieces.map(|piece| buckets.of_piece(arguments, piece));
        parts.try_for_each(|part| self.prepare(places, &part))
    }

    /// Runs, in pieces if there are buckets, and hands the results in memory to `read`.
    pub fn run_all<T>(
        &mut self,
        places: &Places,
        arguments: &[ArgView<'_>],
        expected: usize,
        read: impl FnOnce(&[ResultView<'_>]) -> Result<T>,
    ) -> Result<T> {
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
            self.run(places, &part, expected, |results| {
                joined.put(piece, results)
            })?;
        }
        read(&joined.views())
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
    fn run<T>(
        &mut self,
        places: &Places,
        arguments: &[ArgView<'_>],
        expected: usize,
        read: impl FnOnce(&[ResultView<'_>]) -> Result<T>,
    ) -> Result<T> {
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
        let mut table = Table::new();
        for (i, (trained, fixed)) in held.slots(&program.writes).enumerate() {
            table.put(Role::Leaves(i, Section::Trained), trained);
            table.put(Role::Leaves(i, Section::Fixed), fixed);
        }
        program.run(launch, workspace, table, key, arguments)?;
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
        let read = read(views)?;
        self.runs += 1;
        self.asked.ran = true;
        Ok(read)
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
