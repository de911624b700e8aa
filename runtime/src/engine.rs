//! One model function on one device: the programs compiled for it so far, and the way of a call's
//! arguments to them.
//!
//! A call whose arguments have the extents of the last one's does no more than compare them: no
//! allocation, no dispatch by operation. Other extents look through the kept programs (least recently
//! used goes first) and compile where none fits. What is compiled differs between a trainer and a
//! runner; both hand that in. A program that another runner or trainer keeps is taken over.

use crate::arg::{ArgView, MAX_RANK};
use crate::cache::{Cache, Kept, Limit, Origin, Purpose, Work, find_live, make_live};
use crate::code_cache::CodeCache;
use crate::device::{Device, Precision};
use crate::error::{Error, Result};
use crate::executable::{Executable, IndexCheck, Writes};
use crate::layout::{Changed, Layout, Leaf, Section};
use crate::model::FunctionFacts;
use crate::models::{Facts, MAX_MODELS};
use crate::parts::Parts;
use crate::read;
use crate::regions::{Regions, Role};
use crate::threads::Threads;
use crate::trainees::Trainees;
use crate::workspace::Workspace;
use sinew_codegen::kernel::{RegionId, RegionKind};
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::{
    Binding, DType, Function, ParamKind, Probes, Symbol, SymbolType, SymbolValue, Unit,
};
use std::any::TypeId;
use std::borrow::Cow;
use std::sync::Arc;

/// Settings that trainers and runners share.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) device: Device,
    pub(crate) precision: Precision,
    pub(crate) check_finite: bool,
    pub(crate) seed: u64,
    pub(crate) cache: Limit,
    /// Where machine code is kept between processes.
    pub(crate) code_cache: Option<CodeCache>,
    /// The most bytes that a step works in.
    pub(crate) memory_budget: Option<usize>,
    /// In how many parts a step takes its batch.
    pub(crate) micro_batches: Option<usize>,
    /// How many threads a step may take.
    pub(crate) threads: Threads,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            device: Device::cpu(),
            precision: Precision::F32,
            check_finite: false,
            seed: 0,
            cache: Limit::default(),
            code_cache: None,
            memory_budget: None,
            micro_batches: None,
            threads: Threads::default(),
        }
    }
}

/// A function and its compiled programs.
pub(crate) struct Engine {
    pub unit: &'static Unit,
    /// The function's type.
    owner: TypeId,
    /// The function as written, all symbols in it.
    pub function: Function,
    pub settings: Settings,
    /// Symbols that the models' configurations give.
    known: Vec<(Symbol, SymbolValue)>,
    /// The arguments, in order.
    pub inputs: Vec<Input>,
    /// The models' leaves by position among the function's parameters.
    leaves: Vec<(usize, Vec<usize>)>,
    /// What is asked of places in the function.
    pub probes: Probes,
    /// How a step takes its batch in parts.
    pub parts: Option<Parts>,
    /// Its programs.
    pub cache: Cache,
    /// What all programs work in.
    pub workspace: Workspace,
}

/// The regions of a model's leaves in a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModelRegions {
    trained: RegionId,
    fixed: RegionId,
}

impl ModelRegions {
    /// That of a section.
    pub fn section(self, section: Section) -> RegionId {
        match section {
            Section::Trained => self.trained,
            Section::Fixed => self.fixed,
        }
    }

    /// Where a leaf lies.
    pub fn place(self, leaf: &Leaf) -> RegionOffset {
        RegionOffset {
            region: self.section(leaf.section),
            offset: leaf.offset,
        }
    }
}

/// One argument of the function.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// Its position among the function's parameters.
    pub param: usize,
    /// Its name.
    pub name: String,
    /// Its element type once bound.
    pub dtype: DType,
}

impl Engine {
    /// A function for models of these sizes and shapes.
    ///
    /// # Errors
    /// A text that is no function, leaves that the models have not or that are of another type, models that do not agree
    /// in a size.
    pub fn new(facts: FunctionFacts, models: &[Facts], settings: Settings) -> Result<Engine> {
        let unit = facts.unit;
        let function = unit.function().map_err(|source| Error::Text {
            function: unit.path.into(),
            source: Box::new(source),
        })?;
        let known = known(facts, &function, models)?;
        let mut inputs = Vec::new();
        let mut leaves = Vec::new();
        for (position, param) in function.params.iter().enumerate() {
            match param.kind {
                ParamKind::Input => inputs.push(Input {
                    param: position,
                    name: param.name.clone(),
                    dtype: function.values[position]
                        .dtype
                        .with_float(settings.precision.dtype()),
                }),
                ParamKind::Param | ParamKind::State => {
                    let (model, path) = leaf(&function, position).unwrap_or((MAX_MODELS, ""));
                    let dtype = function.values[position].dtype;
                    // The packed regions hold nothing else: another type would be read as garbage.
                    if dtype != DType::Float {
                        return Err(Error::LeafType {
                            function: unit.path.into(),
                            leaf: path.into(),
                            dtype,
                        });
                    }
                    let shape = models.get(model).and_then(|facts| facts.shape(path));
                    let shape = shape.map(<[usize]>::to_vec);
                    let shape = shape.or_else(|| of_no_children(&function, position, &known));
                    let shape = shape.ok_or_else(|| Error::NoLeaf {
                        function: unit.path.into(),
                        leaf: path.into(),
                    })?;
                    leaves.push((position, shape));
                }
                // The linker alone adds it.
                ParamKind::Key => {
                    return Err(Error::NoLeaf {
                        function: unit.path.into(),
                        leaf: param.name.clone(),
                    });
                }
            }
        }
        Binding::possible(&function, &known, &leaves)?;
        let parts = settings.micro_batches;
        let parts = parts
            .map(|n| Parts::new(n, &function, &inputs))
            .transpose()?;
        Ok(Engine {
            unit,
            owner: facts.owner,
            function,
            parts,
            probes: Probes::default(),
            cache: Cache::new(settings.cache),
            workspace: Workspace::new(settings.device.0.clone(), &inputs),
            settings,
            known,
            inputs,
            leaves,
        })
    }

    /// Another that works beside it, with the same programs.
    pub fn copy(&self) -> Engine {
        Engine {
            unit: self.unit,
            owner: self.owner,
            function: self.function.clone(),
            settings: self.settings.clone(),
            known: self.known.clone(),
            inputs: self.inputs.clone(),
            leaves: self.leaves.clone(),
            probes: self.probes.clone(),
            parts: self.parts.clone(),
            cache: self.cache.copy(),
            workspace: Workspace::new(self.settings.device.0.clone(), &self.inputs),
        }
    }

    /// What the function calls its models.
    pub fn model_names(&self) -> Vec<&str> {
        self.function
            .structs
            .iter()
            .map(|s| s.name.as_str())
            .collect()
    }

    /// Whether the first model has a trainable leaf there.
    pub fn is_parameter(&self, path: &str) -> bool {
        let mut params = self.function.params.iter().enumerate();
        params
            .any(|(i, p)| p.kind == ParamKind::Param && leaf(&self.function, i) == Some((0, path)))
    }

    /// The model that a parameter of the function or of a program of it is a leaf of, and its path there.
    pub fn leaf<'f>(&self, function: &'f Function, param: usize) -> Option<(usize, &'f str)> {
        leaf(function, param)
    }

    /// As [`Engine::leaf`], with the leaf's place. What has no elements lies anywhere.
    pub fn stack<'l>(
        &self,
        program: &Function,
        param: usize,
        layouts: &'l [Arc<Layout>],
    ) -> Option<(usize, Cow<'l, Leaf>)> {
        let (model, path) = leaf(program, param)?;
        let ty = &program.values[param];
        let stack = layouts.get(model)?.stack(path).map(Cow::Borrowed);
        let nothing = || {
            Cow::Owned(Leaf {
                path: path.to_string(),
                shape: ty.shape.extents().unwrap_or_default(),
                section: Section::Fixed,
                offset: 0,
                bytes: 0,
            })
        };
        let stack = stack.or_else(|| (ty.bytes() == Some(0)).then(nothing));
        Some((model, stack?))
    }

    /// What a program writes of each model that changes these states.
    pub fn writes(&self, changed: &[Changed], layouts: &[Arc<Layout>]) -> Vec<Writes> {
        let mut writes = vec![Writes::default(); layouts.len()];
        for state in changed {
            writes[state.model].add(state.leaf.section);
        }
        writes
    }

    /// Adds the regions of each model: those of the first are called `params` and `fixed`.
    pub fn add_models(
        &self,
        regions: &mut Regions,
        layouts: &[Arc<Layout>],
        writes: &[Writes],
    ) -> Vec<ModelRegions> {
        let names = self.model_names();
        let mut add = |i: usize, section: Section, bytes: usize, what: &str| {
            let kind = match writes[i].section(section) {
                true => RegionKind::State,
                false => RegionKind::Input,
            };
            let name = match i {
                0 => what.to_string(),
                i => format!("{what} of {}", names.get(i).copied().unwrap_or("model")),
            };
            regions.add(Role::Leaves(i, section), name, bytes, kind)
        };
        let models = layouts.iter().enumerate();
        let models = models.map(|(i, layout)| ModelRegions {
            trained: add(i, Section::Trained, layout.trained_bytes, "params"),
            fixed: add(i, Section::Fixed, layout.fixed_bytes, "fixed"),
        });
        models.collect()
    }

    /// The program used last, or to be used next.
    ///
    /// # Errors
    /// [`Error::NothingCompiled`].
    pub fn current(&self) -> Result<&Executable> {
        match self.cache.first() {
            Some(kept) => Ok(&kept.program),
            None => Err(Error::NothingCompiled {
                function: self.unit.path.into(),
            }),
        }
    }

    /// Makes the program for these arguments the current one: a kept one, one that lives elsewhere, or a
    /// new one by `compile`. The layouts are those of the models; `trainees` are what a step trains.
    ///
    /// # Errors
    /// Arguments that do not fit, what `compile` says, too little memory.
    pub fn select(
        &mut self,
        arguments: &[ArgView<'_>],
        layouts: &[Arc<Layout>],
        trainees: Option<&Arc<Trainees>>,
        purpose: Purpose,
        compile: impl FnOnce(&Engine, &Binding) -> Result<Executable>,
    ) -> Result<()> {
        let work = purpose.work;
        if !self.cache.find(work, arguments) {
            let binding = self.bind(work, arguments)?.with_training(purpose.training);
            let extents: Vec<_> = arguments.iter().map(|a| a.extents().to_vec()).collect();
            let origin = Origin {
                function: self.owner,
                device: self.settings.device.0.clone(),
                precision: self.settings.precision,
                threads: self.settings.threads,
                layouts: layouts.to_vec(),
                trainees: trainees.cloned(),
                known: self.known.clone(),
                probes: self.probes.clone(),
                purpose,
            };
            match find_live(&origin, &extents) {
                Some(program) => self.cache.take_over(work, extents, program),
                None => {
                    let started = std::time::Instant::now();
                    let program = Arc::new(compile(self, &binding)?);
                    tracing::info!(
                        function = self.unit.path,
                        symbols = %symbols(&binding),
                        kernels = program.schedule.kernels.len(),
                        from_disk = program.was_kept(),
                        compile_ms = started.elapsed().as_secs_f64() * 1e3,
                        "compiled"
                    );
                    make_live(origin, &extents, &program);
                    self.cache.put(self.unit.path, work, extents, program);
                }
            }
        }
        match self.cache.first() {
            Some(kept) => self.workspace.ensure(&kept.program),
            None => Ok(()),
        }
    }

    /// Unifies the arguments' extents with the declared shapes; an update without a gradient has none.
    pub fn bind(&self, work: Work, arguments: &[ArgView<'_>]) -> Result<Binding> {
        if work == Work::Apply {
            return Ok(Binding::new(self.settings.precision.dtype()));
        }
        self.check_count(arguments)?;
        let wide = |(_, a): &(&Input, &ArgView<'_>)| a.rank() > MAX_RANK;
        if let Some((input, argument)) = self.inputs.iter().zip(arguments).find(wide) {
            return Err(Error::TooManyDims {
                argument: input.name.clone(),
                rank: argument.rank(),
            });
        }
        let binding = self.infer(work, arguments.iter().map(ArgView::extents))?;
        for (input, argument) in self.inputs.iter().zip(arguments) {
            if argument.elements() == 0 {
                return Err(Error::Empty {
                    argument: input.name.clone(),
                    shape: argument.extents().to_vec(),
                });
            }
        }
        Ok(binding)
    }

    /// Refuses another number of arguments than the function takes.
    ///
    /// # Errors
    /// [`Error::Arguments`].
    pub fn check_count(&self, arguments: &[ArgView<'_>]) -> Result<()> {
        match arguments.len() == self.inputs.len() {
            true => Ok(()),
            false => Err(Error::Arguments {
                function: self.unit.path.into(),
                expected: self.inputs.len(),
                actual: arguments.len(),
            }),
        }
    }

    /// What arguments of these extents bind.
    fn infer<'e>(&self, work: Work, extents: impl Iterator<Item = &'e [usize]>) -> Result<Binding> {
        let mut params = self.leaves.clone();
        for (input, extents) in self.inputs.iter().zip(extents) {
            let mut extents = extents.to_vec();
            if work != Work::Run
                && let Some(parts) = &self.parts
                && parts.split.contains(&input.param)
                && let Some(rows) = extents.first_mut()
            {
                *rows = parts.rows_of_one(&input.name, *rows)?;
            }
            params.push((input.param, extents));
        }
        let float = self.settings.precision.dtype();
        Ok(Binding::infer(&self.function, float, &self.known, &params)?)
    }

    /// Refuses arguments whose values the current program cannot use: integers past the declared type,
    /// indices outside their axis, and NaN and infinities where checking is on.
    pub fn check(&self, arguments: &[ArgView<'_>]) -> Result<()> {
        let program = self.current()?;
        for (input, argument) in self.inputs.iter().zip(arguments) {
            if argument.host.may_exceed(input.dtype)
                && let Some((position, value)) = read::find(argument, |v| !input.dtype.holds(v))
            {
                return Err(Error::Range {
                    argument: input.name.clone(),
                    position,
                    value,
                    dtype: input.dtype,
                });
            }
        }
        for check in &program.indices {
            let argument = &arguments[check.argument];
            let least = check.bound.least as f64;
            let below = least + check.bound.extent as f64;
            let allowed = |v: f64| check.bound.allowed.iter().any(|a| v == *a as f64);
            let fine = |v: f64| (least <= v && v < below) || allowed(v);
            if let Some((position, value)) = read::find(argument, |v| !fine(v)) {
                return Err(Error::Index {
                    argument: self.inputs[check.argument].name.clone(),
                    position,
                    value,
                    least: check.bound.least,
                    extent: check.bound.extent,
                });
            }
        }
        if self.settings.check_finite {
            for (input, argument) in self.inputs.iter().zip(arguments) {
                // As the program gets it: an f64 past f32's range arrives there as an infinity.
                let fine = |v: f64| match input.dtype {
                    DType::F32 | DType::F16 | DType::Bf16 => input.dtype.nearest(v).is_finite(),
                    DType::Float | DType::F64 => v.is_finite(),
                    DType::I32 | DType::U32 | DType::Bool => true,
                };
                if input.dtype.is_float()
                    && let Some((position, value)) = read::find(argument, |v| !fine(v))
                {
                    return Err(Error::NotFinite {
                        argument: input.name.clone(),
                        position,
                        value,
                    });
                }
            }
        }
        Ok(())
    }

    /// The current program and what it works in.
    ///
    /// # Errors
    /// [`Error::NothingCompiled`].
    pub fn current_mut(&mut self) -> Result<(&mut Kept, &mut Workspace)> {
        match self.cache.first_mut() {
            Some(kept) => Ok((kept, &mut self.workspace)),
            None => Err(Error::NothingCompiled {
                function: self.unit.path.into(),
            }),
        }
    }

    /// Where each parameter of a program of the function lies: leaves in their section's region,
    /// arguments and the run's key where `arguments` and `key` say.
    pub fn places(
        &self,
        program: &Function,
        layouts: &[Arc<Layout>],
        models: &[ModelRegions],
        arguments: &[RegionOffset],
        key: Option<RegionOffset>,
    ) -> Result<Vec<RegionOffset>> {
        let mut arguments = arguments.iter();
        let mut places = Vec::with_capacity(program.params.len());
        for (position, param) in program.params.iter().enumerate() {
            let place = match param.kind {
                ParamKind::Input => arguments.next().cloned(),
                ParamKind::Key => key,
                ParamKind::Param | ParamKind::State => {
                    let stack = self.stack(program, position, layouts);
                    stack.map(|(model, stack)| models[model].place(&stack))
                }
            };
            places.push(place.ok_or_else(|| Error::NoLeaf {
                function: self.unit.path.into(),
                leaf: param.name.clone(),
            })?);
        }
        Ok(places)
    }

    /// The states that a program changes, in the order of its last results: where each lies.
    ///
    /// # Errors
    /// [`Error::NoLeaf`].
    pub fn changed_states(
        &self,
        program: &Function,
        layouts: &[Arc<Layout>],
    ) -> Result<Vec<Changed>> {
        let place = |state: &usize| {
            let found = self.stack(program, *state, layouts);
            let found = found.map(|(model, leaf)| Changed {
                model,
                leaf: leaf.into_owned(),
            });
            found.ok_or_else(|| Error::NoLeaf {
                function: self.unit.path.into(),
                leaf: program.params[*state].name.clone(),
            })
        };
        program.states.iter().map(place).collect()
    }

    /// Which arguments' values index into something.
    pub fn index_checks(&self, program: &Function) -> Vec<IndexCheck> {
        let bounds = sinew_ir::index_bounds(program);
        let check = |bound: sinew_ir::IndexBound| {
            let argument = self.inputs.iter().position(|i| i.param == bound.param)?;
            Some(IndexCheck { argument, bound })
        };
        bounds.into_iter().filter_map(check).collect()
    }

    /// The function alone, linked for the sizes of the call that came last, and these in words.
    ///
    /// # Errors
    /// [`Error::NothingCompiled`].
    pub fn forward(&self) -> Result<(Function, String)> {
        let Some(extents) = self.cache.last_extents() else {
            return Err(Error::NothingCompiled {
                function: self.unit.path.into(),
            });
        };
        let binding = self.infer(Work::Run, extents.iter().map(Vec::as_slice))?;
        let program = sinew_ir::link(self.unit, &binding);
        let program = program.map_err(|source| Error::link(self.unit.path, source))?;
        Ok((program, symbols(&binding)))
    }

    /// The function's first line.
    pub fn signature(&self) -> String {
        let text = self.function.to_string();
        let line = text.lines().next().unwrap_or_default();
        line.trim_end_matches([' ', '{']).to_string()
    }
}

impl Settings {
    /// Refuses what this build has no code generator for, what the device cannot do, a cache that
    /// keeps nothing, and steps on no thread.
    ///
    /// # Errors
    /// [`Error::NoCodeGenerator`], [`Error::Precision`], [`Error::NoCache`], [`Error::Threads`].
    pub fn check(&self) -> Result<()> {
        self.cache.check()?;
        self.threads.check()?;
        self.device.0.check(self.precision)
    }
}

/// The model that a parameter is a leaf of, and its path there.
pub(crate) fn leaf(function: &Function, param: usize) -> Option<(usize, &str)> {
    let is = |s: &sinew_ir::StructParam| s.leaves.contains(&param);
    let model = function.structs.iter().position(is)?;
    Some((model, function.leaf_path(param)?))
}

/// The extents of what stands for a leaf of repeated children, of which there are none.
fn of_no_children(
    function: &Function,
    param: usize,
    known: &[(Symbol, SymbolValue)],
) -> Option<Vec<usize>> {
    let value = |symbol: &Symbol| {
        let found = known.iter().find(|(known, _)| known == symbol);
        found.and_then(|(_, value)| value.size())
    };
    let dims = function.values[param].shape.dims.iter();
    let extents: Option<Vec<usize>> = dims.map(|dim| dim.evaluate(&value).ok()).collect();
    extents.filter(|extents| extents.contains(&0))
}

/// Values of the function's symbols that its models and rustc know, by the function's names.
///
/// # Errors
/// [`Error::Sizes`] for models that do not agree in a size, as [`Model::settings`](crate::Model::settings).
pub(crate) fn known(
    facts: FunctionFacts,
    function: &Function,
    models: &[Facts],
) -> Result<Vec<(Symbol, SymbolValue)>> {
    let mut known: Vec<(Symbol, SymbolValue)> = Vec::new();
    // Which model has told each of them.
    let mut tellers: Vec<&str> = Vec::new();
    for (i, (model, argument)) in models.iter().zip(&function.structs).enumerate() {
        for (position, name) in facts.symbols.get(i).copied().unwrap_or_default() {
            let Some((_, value)) = model.sizes.get(*position) else {
                continue;
            };
            let told = known.iter().position(|(symbol, _)| symbol.name() == *name);
            match told {
                Some(at) if known[at].1 == *value => {}
                Some(at) => {
                    return Err(Error::Sizes {
                        function: facts.unit.path.into(),
                        symbol: name,
                        first: format!("{} in `{}`", known[at].1, tellers[at]),
                        second: format!("{value} in `{}`", argument.name),
                    });
                }
                None => {
                    known.push((Symbol::new(name), *value));
                    tellers.push(&argument.name);
                }
            }
        }
    }
    for (model, argument) in models.iter().zip(&function.structs) {
        for (path, value) in &model.configuration {
            let name = sinew_ir::field_path(&argument.name, path);
            known.push((Symbol::new(&name), *value));
        }
    }
    let consts = facts.unit.consts.iter();
    known.extend(consts.map(|(n, v)| (Symbol::new(n), *v)));
    // Where there are no children nothing reads how they are configured, so any value will do.
    for declared in &function.symbols {
        let path = declared.symbol.name();
        let of_model = |s: &sinew_ir::StructParam| {
            let path = path.strip_prefix(s.name.as_str());
            path.is_some_and(|path| path.starts_with('.'))
        };
        let is_told = known.iter().any(|(symbol, _)| *symbol == declared.symbol);
        if !is_told && function.structs.iter().any(of_model) {
            let value = match declared.kind.value_type() {
                Some(SymbolType::Size) => SymbolValue::Size(1),
                Some(SymbolType::Float) => SymbolValue::Float(0.0),
                Some(SymbolType::Bool) => SymbolValue::Bool(false),
                None => continue,
            };
            known.push((declared.symbol.clone(), value));
        }
    }
    Ok(known)
}

/// `B = 32, scale = 0.5, sequence = (4, 7)`.
fn symbols(binding: &Binding) -> String {
    let mut words: Vec<String> = binding
        .values
        .iter()
        .map(|(s, v)| format!("{s} = {v}"))
        .collect();
    if let Some(extents) = &binding.sequence {
        words.push(format!("sequence = {}", crate::error::tuple(extents)));
    }
    words.join(", ")
}
