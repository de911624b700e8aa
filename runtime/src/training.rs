//! What a trainer works in, whatever the types of its function: so this is compiled once, and not for each function.

use crate::accumulate::Accumulated;
use crate::arg::ArgView;
use crate::backend::DeviceMemory;
use crate::cache::{Purpose, Work};
use crate::engine::{Engine, Settings};
use crate::error::{Error, Result};
use crate::finite::Witness;
use crate::groups::{Groups, UpdateKey, UpdatePlan, Updating};
use crate::key::Key;
use crate::layout::{Leaf, without_numbers};
use crate::loss::moved_leaves;
use crate::model::FunctionFacts;
use crate::numbers::{self, Report, Reported};
use crate::optimizer::{Clip, check_rate};
use crate::output::ResultView;
use crate::param::Data;
use crate::probes::Asked;
use crate::regions::{MAX_RESULTS, Role, Table};
use crate::resume::STATES;
use crate::rule::Moment;
use crate::schedule::Schedule;
use crate::shared::{Handle, facts, place_all};
use crate::step::{Then, compile_apply, compile_step};
use crate::store::{Held, Places, read_packed, write_packed};
use crate::trainees::{Selection, Trainees};
use sinew_ir::Binding;
use std::sync::Arc;

/// Programs that train, and the memory that they work in.
pub(crate) struct Training {
    pub engine: Engine,
    pub places: Places,
    /// What it trains of the first model.
    pub trainees: Arc<Trainees>,
    /// The parameters that the loss does not depend on.
    still: Vec<String>,
    /// Its learning rate.
    pub rate: f64,
    /// What that is multiplied by.
    pub schedule: Option<Schedule>,
    /// How it updates; one that only takes gradients does not.
    pub plan: Option<UpdatePlan>,
    /// What of that is compiled into its steps.
    key: Option<Arc<UpdateKey>>,
    /// What its steps work in.
    pub own: Own,
    /// Sums of gradients, in the layout of what is trained, for updates to come.
    pub accumulated: Accumulated,
    /// Whether memory stands behind the states, from the first update on.
    touched: bool,
    /// The models' states from before a step that is checked.
    saved: Vec<u8>,
    /// What it looks at beside what a step reports.
    pub asked: Asked,
    /// Steps taken.
    pub taken: u64,
    /// Whether its steps train: those that only take gradients are of the function as it is run.
    trains: bool,
}

/// What the steps of a trainer work in, beside what all programs do.
pub(crate) struct Own {
    /// Gradients, in the layout of what is trained.
    pub gradients: DeviceMemory,
    /// The optimizer's states and the moving average of the parameters, likewise.
    pub states: Vec<DeviceMemory>,
    /// The numbers of a step.
    numbers: DeviceMemory,
    /// What a step reports.
    report: DeviceMemory,
}

impl Own {
    /// Puts it into the table of a step, with the sums of gradients.
    pub fn put_in<'a>(&'a mut self, table: &mut Table<'a>, sums: &'a mut DeviceMemory) {
        for (i, state) in self.states.iter_mut().enumerate() {
            table.put(Role::State(i), state.slot());
        }
        for (role, memory) in [
            (Role::Gradients, &mut self.gradients),
            (Role::Accumulated, sums),
            (Role::Numbers, &mut self.numbers),
            (Role::Report, &mut self.report),
        ] {
            table.put(role, memory.slot());
        }
    }
}

impl Training {
    /// That of a function's gradient by what `selection` says of the first of these models, which it updates `by` a rule
    /// if there is one.
    ///
    /// # Errors
    /// Settings out of range, a function that is no loss, nothing that is trained, models that cannot be placed, too
    /// little memory.
    pub fn new(
        function: Result<FunctionFacts>,
        models: &[&dyn Handle],
        by: Option<&Updating>,
        selection: &Selection,
        settings: Settings,
        trains: bool,
    ) -> Result<Box<Training>> {
        settings.check()?;
        if let Some(by) = by {
            by.check(settings.precision)?;
        }
        let facts = facts(models)?;
        let engine = Engine::new(function?, &facts, settings)?;
        let moved = moved_leaves(&engine)?;
        let leaves = facts.first().map_or(&[][..], |f| &f.leaves);
        let chosen = selection.of(leaves, &|path| engine.is_parameter(path))?;
        let is_chosen = |path: &str| chosen.get(path).copied().unwrap_or(false);
        let is_trained = |path: &str| moved.contains(&path) && is_chosen(path);
        if !moved.iter().any(|path| is_chosen(path)) {
            return Err(Error::AllFrozen {
                function: engine.unit.path.into(),
            });
        }
        let precision = engine.settings.precision;
        let groups = match by {
            Some(by) => {
                let rank = |path: &str| facts.first().map_or(0, |facts| facts.rank(path));
                Some((by, Groups::new(by, leaves, &rank, precision)?))
            }
            None => None,
        };
        let group = |path: &str| {
            let group = || groups.as_ref().map_or(0, |(_, groups)| groups.of(path));
            is_trained(path).then(group)
        };
        let names = engine.model_names();
        let function = engine.unit.path;
        let placed = place_all(function, &names, models, &engine.settings, &group)?;
        let first = placed.first().map(|m| &m.layout);
        let trainees = first.map_or_else(Trainees::none, |l| Trainees::new(l, &group));
        let trainees = Arc::new(trainees);
        let rate = groups
            .as_ref()
            .map_or(0.0, |(by, _)| by.optimizer.learning_rate);
        let plan = match (groups, first) {
            (Some((by, groups)), Some(layout)) => Some(UpdatePlan {
                clip: by.optimizer.clip,
                average: by.average,
                pieces: groups.pieces(&trainees, layout)?,
                groups,
            }),
            _ => None,
        };
        let still = chosen
            .iter()
            .filter(|(path, is)| **is && !moved.contains(&path.as_str()));
        let mut still: Vec<String> = still.map(|(path, _)| path.clone()).collect();
        still.sort_unstable();
        let backend = &engine.settings.device.0;
        let zeroed = |name, bytes| backend.zeroed(name, bytes);
        let states = plan.as_ref().map_or(Vec::new(), UpdatePlan::states);
        let states = states.iter().map(|name| zeroed(name, trainees.bytes));
        let states: Result<_> = states.collect();
        let count = plan.as_ref().map_or(0, UpdatePlan::numbers);
        let mut made = Box::new(Training {
            own: Own {
                gradients: zeroed("gradients", trainees.bytes)?,
                states: states?,
                numbers: zeroed("step scalars", numbers::bytes(count))?,
                report: zeroed("report", numbers::BYTES)?,
            },
            accumulated: Accumulated::default(),
            touched: false,
            places: Places::new(placed),
            trainees,
            still,
            engine,
            rate,
            schedule: None,
            key: plan.as_ref().map(|plan| Arc::new(plan.key())),
            plan,
            saved: Vec::new(),
            asked: Asked::default(),
            taken: 0,
            trains,
        });
        made.restart_average()?;
        Ok(made)
    }

    /// Names each parameter that the loss does not depend on in a warning.
    pub fn warn_of_still_leaves(&self) {
        for path in &self.still {
            tracing::warn!(
                parameter = path,
                function = self.engine.unit.path,
                "the loss does not depend on this parameter: it stays as it is",
            );
        }
    }

    /// [`Trainer::learning_rate`](crate::Trainer::learning_rate).
    pub fn learning_rate(&self) -> f64 {
        rate_behind(self.rate, self.schedule.as_ref(), self.taken)
    }

    /// [`Trainer::set_learning_rate`](crate::Trainer::set_learning_rate).
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        check_rate(rate, self.engine.settings.precision)?;
        self.rate = rate;
        Ok(())
    }

    /// [`Trainer::reset_optimizer`](crate::Trainer::reset_optimizer).
    ///
    /// # Errors
    /// A device that was lost.
    pub fn reset_optimizer(&mut self) -> Result<()> {
        for state in &mut self.own.states {
            state.clear()?;
        }
        self.taken = 0;
        self.accumulated.drop_all();
        self.restart_average()
    }

    /// Goes on behind so many steps.
    pub fn go_on(&mut self, steps: u64, rate: f64, seed: u64) {
        (self.taken, self.rate) = (steps, rate);
        // What was accumulated is of other parameters.
        self.accumulated.drop_all();
        self.engine.settings.seed = seed;
    }

    /// Which of the states is the moving average.
    pub fn average_state(&self) -> Option<usize> {
        self.plan.as_ref().and_then(UpdatePlan::average_state)
    }

    /// Has the moving average begin with the parameters as they are.
    ///
    /// # Errors
    /// A device that was lost, too little memory.
    pub fn restart_average(&mut self) -> Result<()> {
        let (Some(state), Some(placed)) = (self.average_state(), self.places.models.first()) else {
            return Ok(());
        };
        let (placed, layout) = (placed.clone(), Arc::clone(&placed.layout));
        let store = placed.read();
        for leaf in &layout.leaves {
            if self.trainees.place(leaf).is_some() {
                let place = (store.section(leaf.section), leaf.offset);
                let data = read_packed(Some(place), leaf, layout.float)?;
                self.write_state(state, leaf, &data)?;
            }
        }
        Ok(())
    }

    /// Of each leaf and each of the optimizer's states of it: a name, the state's number, the leaf.
    pub fn kept(&self) -> impl Iterator<Item = (String, usize, &Leaf)> {
        let leaves = self.places.layouts.iter().take(1).flat_map(|l| &l.leaves);
        let plan = self.plan.iter();
        plan.flat_map(move |plan| {
            leaves.clone().flat_map(move |leaf| {
                let trained = self.trainees.place(leaf).is_some();
                let states = plan.kept(&without_numbers(&leaf.path));
                let states = states.filter(move |_| trained);
                states.map(move |(i, state)| (format!("{STATES}{state}/{}", leaf.path), i, leaf))
            })
        })
    }

    /// One of the optimizer's states of a leaf.
    pub fn read_state(&self, state: usize, leaf: &Leaf) -> Result<Data> {
        let place = self.trainees.place(leaf);
        let place = self.own.states.get(state).zip(place);
        read_packed(place, leaf, self.engine.settings.precision.dtype())
    }

    /// Replaces one of the optimizer's states of a leaf.
    pub fn write_state(&mut self, state: usize, leaf: &Leaf, to: &Data) -> Result<()> {
        let float = self.engine.settings.precision.dtype();
        let place = self.trainees.place(leaf);
        match self.own.states.get_mut(state).zip(place) {
            Some((memory, offset)) => write_packed(memory, offset, to, float),
            None => Ok(()),
        }
    }

    pub fn prepare(&mut self, work: Work, arguments: &[ArgView<'_>]) -> Result<()> {
        // The next program's results take the place of what was captured.
        self.asked.ran = false;
        let (layouts, trainees) = (&self.places.layouts, &self.trainees);
        let plan = self.plan.as_ref();
        let purpose = Purpose {
            work,
            update: self.key.clone().filter(|_| work != Work::Accumulate),
            guarded: self.engine.settings.check_finite,
            training: self.trains,
            budget: self.engine.settings.memory_budget,
            micro_batches: self.engine.settings.micro_batches,
        };
        let compile = |engine: &Engine, binding: &Binding| {
            let then = match (work, plan) {
                (Work::Apply, Some(plan)) => {
                    return compile_apply(engine, layouts, trainees, plan);
                }
                (Work::Accumulate, _) => Then::Accumulate,
                (_, Some(plan)) => Then::Update(plan),
                (_, None) => Then::Nothing,
            };
            compile_step(engine, binding, layouts, trainees, then)
        };
        self.engine
            .select(arguments, layouts, Some(trainees), purpose, compile)
    }

    /// Counts a step; its number.
    pub fn count_step(&mut self) -> u64 {
        self.taken += 1;
        self.taken
    }

    /// The norm of the gradients, where an update has clipped them by it.
    pub fn norm(&self, report: &Report) -> Option<f64> {
        clipped(self.plan.as_ref(), report)
    }

    /// Whether updates clip gradients by their norm.
    pub fn clips_norm(&self) -> bool {
        self.plan
            .as_ref()
            .is_some_and(|plan| plan.clip.norm.is_some())
    }

    /// Runs a program that does this with these arguments; what it has reported.
    pub fn run(&mut self, work: Work, arguments: &[ArgView<'_>]) -> Result<Report> {
        self.prepare(work, arguments)?;
        if work != Work::Apply {
            self.engine.check(arguments)?;
        }
        self.run_checked(work, arguments)
    }

    /// Runs the current program, which does this, with arguments that were checked; what it has reported.
    pub fn run_checked(&mut self, work: Work, arguments: &[ArgView<'_>]) -> Result<Report> {
        if work != Work::Accumulate && !std::mem::replace(&mut self.touched, true) {
            self.own.states.iter_mut().for_each(DeviceMemory::touch);
        }
        let rate = self.learning_rate();
        check_rate(rate, self.engine.settings.precision)?;
        let float = self.engine.settings.precision.dtype();
        let key = Key::of_run(self.engine.settings.seed, self.taken + 1);
        let key = match work {
            Work::Accumulate => key.of_part(self.accumulated.count),
            Work::Run | Work::Step | Work::Apply => key,
        };
        let check = self.engine.settings.check_finite;
        let (kept, workspace) = self.engine.current_mut()?;
        let (program, launch) = (&kept.program, &mut kept.launch);
        if let Some(plan) = &self.plan {
            let step = self.taken + 1;
            let at = Moment { rate, step };
            let told = plan.told(&program.numbers, at, self.accumulated.share());
            numbers::write(&mut self.own.numbers, float, told)?;
        }
        let mut held = Held::of(&self.places, &program.writes);
        if check {
            held.save(&program.changed, &mut self.saved)?;
        }
        let mut table = program.table();
        held.put_in(&mut table, &program.writes);
        self.own.put_in(&mut table, &mut self.accumulated.memory);
        program.run(launch, workspace, &mut table, key, arguments)?;
        let report = Report::read(&self.own.report, float);
        let report = report.and_then(|r| workspace.fetch(&program.results).map(|()| r));
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                // A GPU's failure came after the update was on its way: what came of it is not known.
                self.taken += u64::from(work != Work::Accumulate);
                return Err(error);
            }
        };
        if check && work == Work::Apply {
            if report.get(Reported::CameNotFinite) != 0.0 {
                return Err(Error::Computed {
                    function: self.engine.unit.path.into(),
                    what: "update",
                    origin: "so are the gradients that were accumulated or set".into(),
                });
            }
        } else if check {
            let loss = report.get(Reported::Loss);
            let [came, made] = [Reported::CameNotFinite, Reported::MadeNotFinite];
            let whole = [came, made].iter().all(|count| report.get(*count) == 0.0);
            let mut in_states = false;
            if !whole || !loss.is_finite() {
                in_states = !held.are_finite(&program.changed)?;
                held.restore(&program.changed, &self.saved)?;
            }
            if !loss.is_finite() || report.get(Reported::CameNotFinite) != 0.0 {
                let what = match (loss.is_finite(), in_states) {
                    (false, _) => "loss",
                    (true, true) => "state",
                    (true, false) => "gradient",
                };
                let witness = Witness::copy(&self.engine, &held, key, arguments)?;
                drop(held);
                return Err(witness.error(what));
            }
        }
        if check && report.get(Reported::MadeNotFinite) != 0.0 {
            let what = match work {
                Work::Accumulate => "a sum of gradients",
                _ => "a new parameter, the optimizer's state or the gradients' norm",
            };
            return Err(Error::Computed {
                function: self.engine.unit.path.into(),
                what: "update",
                origin: format!("loss and gradients are, but {what} leaves the range of {float}"),
            });
        }
        drop(held);
        self.asked.ran = true;
        Ok(report)
    }

    /// Hands the function's results behind the first, of the run before, to `read`.
    ///
    /// # Errors
    /// [`Error::Results`] where they are not as many; as `read`.
    pub fn rest(
        &mut self,
        expected: usize,
        read: &mut dyn FnMut(&[ResultView<'_>]) -> Result<()>,
    ) -> Result<()> {
        let function = self.engine.unit.path;
        let (kept, workspace) = self.engine.current_mut()?;
        let program = &kept.program;
        let results = &program.results[..program.results.len() - program.captured.len()];
        let (count, mut views) = (1 + results.len(), [ResultView::NONE; MAX_RESULTS]);
        if count != expected || count > views.len() {
            return Err(Error::Results {
                function: function.into(),
                expected,
                actual: count,
            });
        }
        for (place, view) in views[1..].iter_mut().zip(workspace.views(results)) {
            *place = view;
        }
        read(&views[1..count])
    }
}

/// The learning rate behind so many steps: what was set, times what a schedule says.
pub(crate) fn rate_behind(rate: f64, schedule: Option<&Schedule>, taken: u64) -> f64 {
    rate * schedule.map_or(1.0, |schedule| schedule.factor(taken))
}

/// The norm of the gradients, where an update has clipped them by it.
pub(crate) fn clipped(plan: Option<&UpdatePlan>, report: &Report) -> Option<f64> {
    let clip = plan.map_or(Clip::default(), |plan| plan.clip);
    clip.norm.map(|_| report.get(Reported::Norm))
}
