//! One model function on one device: the programs compiled for it so far, and the way of a call's
//! arguments to them.
//!
//! A call whose arguments have the extents of the last one's does no more than compare them: no
//! allocation, no dispatch by operation. Other extents look through the kept programs (least recently
//! used goes first) and compile where none fits. What is compiled differs between a trainer and a
//! runner; both hand that in. A program that another runner or trainer keeps is taken over.

use crate::arg::{ArgView, MAX_RANK};
use crate::cache::{Cache, Kept, Limit, Origin, Purpose, find_live, make_live};
use crate::device::{Device, Precision};
use crate::error::{Error, Result};
use crate::executable::{Executable, IndexCheck};
use crate::layout::{Layout, Leaf, Section, stacked_shapes};
use crate::model::ModelFunction;
use crate::read;
use crate::workspace::Workspace;
use sinew_codegen::kernel::RegionId;
use sinew_codegen::schedule::RegionOffset;
use sinew_ir::{Binding, DType, Function, ParamKind, Symbol, SymbolValue, Unit};
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

/// The greatest number of arguments: a function has 8 at most, and its pullback cotangents behind them.
pub(crate) const MAX_ARGUMENTS: usize = 16;

/// Settings that trainers and runners share.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub device: Device,
    pub precision: Precision,
    pub check_finite: bool,
    pub seed: u64,
    pub cache: Limit,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            device: Device::cpu(),
            precision: Precision::F32,
            check_finite: false,
            seed: 0,
            cache: Limit::default(),
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
    /// Symbols that the model's configuration gives.
    known: Vec<(Symbol, SymbolValue)>,
    /// The arguments, in order.
    pub inputs: Vec<Input>,
    /// The model's leaves by position among the function's parameters.
    leaves: Vec<(usize, Vec<usize>)>,
    /// Its programs.
    pub cache: Cache,
    /// What all programs work in.
    pub workspace: Workspace,
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

/// Binds the working float.
pub(crate) fn bound(dtype: DType, precision: Precision) -> DType {
    match dtype {
        DType::Float => precision.dtype(),
        DType::F32 | DType::F64 | DType::I32 | DType::U32 | DType::Bool => dtype,
    }
}

impl Engine {
    /// The function of `F` for a model of the given leaves' shapes.
    pub fn new<F: ModelFunction>(model: &F::Model, settings: Settings) -> Result<Engine> {
        let unit = F::unit()?;
        let function = unit.function().map_err(|source| Error::Text {
            function: unit.path.into(),
            source: Box::new(source),
        })?;
        let mut known: Vec<(Symbol, SymbolValue)> = F::symbols(model)
            .into_iter()
            .map(|(name, value)| (Symbol::new(name), value))
            .collect();
        if let Some(argument) = function.structs.first() {
            for (path, value) in crate::model::settings(model)? {
                let name = sinew_ir::field_path(&argument.name, &path);
                known.push((Symbol::new(&name), value));
            }
        }
        known.extend(unit.consts.iter().map(|(n, v)| (Symbol::new(n), *v)));
        let shapes: HashMap<String, Vec<usize>> = stacked_shapes(model).into_iter().collect();
        let mut inputs = Vec::new();
        let mut leaves = Vec::new();
        for (position, param) in function.params.iter().enumerate() {
            match param.kind {
                ParamKind::Input => inputs.push(Input {
                    param: position,
                    name: param.name.clone(),
                    dtype: bound(function.values[position].dtype, settings.precision),
                }),
                ParamKind::Param | ParamKind::State => {
                    let path = function.leaf_path(position).unwrap_or_default();
                    let dtype = function.values[position].dtype;
                    // The packed regions hold nothing else: another type would be read as garbage.
                    if dtype != DType::Float {
                        return Err(Error::LeafType {
                            function: unit.path.into(),
                            leaf: path.into(),
                            dtype,
                        });
                    }
                    let shape = shapes.get(path).ok_or_else(|| Error::NoLeaf {
                        function: unit.path.into(),
                        leaf: path.into(),
                    })?;
                    leaves.push((position, shape.clone()));
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
        Ok(Engine {
            unit,
            owner: TypeId::of::<F>(),
            function,
            cache: Cache::new(settings.cache),
            workspace: Workspace::new(settings.device.0.clone(), &inputs),
            settings,
            known,
            inputs,
            leaves,
        })
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
    /// new one by `compile`. The layout is that of the parameters.
    ///
    /// # Errors
    /// Arguments that do not fit, what `compile` says, too little memory.
    pub fn select(
        &mut self,
        arguments: &[ArgView<'_>],
        layout: &Arc<Layout>,
        purpose: Purpose,
        compile: impl FnOnce(&Engine, &Binding) -> Result<Executable>,
    ) -> Result<()> {
        if !self.cache.find(arguments) {
            let binding = self.bind(arguments)?.with_training(purpose.trains());
            let extents: Vec<_> = arguments.iter().map(|a| a.extents().to_vec()).collect();
            let origin = Origin {
                function: self.owner,
                device: self.settings.device.0.clone(),
                layout: Arc::clone(layout),
                known: self.known.clone(),
                purpose,
            };
            match find_live(&origin, &extents) {
                Some(program) => self.cache.take_over(extents, program),
                None => {
                    let started = std::time::Instant::now();
                    let program = Arc::new(compile(self, &binding)?);
                    tracing::info!(
                        function = self.unit.path,
                        symbols = %symbols(&binding),
                        kernels = program.schedule.kernels.len(),
                        compile_ms = started.elapsed().as_secs_f64() * 1e3,
                        "compiled"
                    );
                    make_live(origin, &extents, &program);
                    self.cache.put(self.unit.path, extents, program);
                }
            }
        }
        match self.cache.first() {
            Some(kept) => self.workspace.ensure(&kept.program),
            None => Ok(()),
        }
    }

    /// Unifies the arguments' extents with the declared shapes.
    fn bind(&self, arguments: &[ArgView<'_>]) -> Result<Binding> {
        if arguments.len() != self.inputs.len() {
            return Err(Error::Arguments {
                function: self.unit.path.into(),
                expected: self.inputs.len(),
                actual: arguments.len(),
            });
        }
        let mut params = self.leaves.clone();
        for (input, argument) in self.inputs.iter().zip(arguments) {
            if argument.rank() > MAX_RANK {
                return Err(Error::TooManyDims {
                    argument: input.name.clone(),
                    rank: argument.rank(),
                });
            }
            params.push((input.param, argument.extents().to_vec()));
        }
        let float = self.settings.precision.dtype();
        let binding = Binding::infer(&self.function, float, &self.known, &params)?;
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

    /// Refuses arguments whose values the current program cannot use: indices outside their axis,
    /// and NaN and infinities where checking is on.
    pub fn check(&self, arguments: &[ArgView<'_>]) -> Result<()> {
        let program = self.current()?;
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
                    DType::F32 => (v as f32).is_finite(),
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
        layout: &Layout,
        trained: RegionId,
        fixed: RegionId,
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
                    let path = program.leaf_path(position);
                    let stack = path.and_then(|path| layout.stack(path));
                    stack.map(|stack| RegionOffset {
                        region: match stack.section {
                            Section::Trained => trained,
                            Section::Fixed => fixed,
                        },
                        offset: stack.offset,
                    })
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
    pub fn changed_states(&self, program: &Function, layout: &Layout) -> Result<Vec<Leaf>> {
        let place = |state: &usize| {
            let path = program.leaf_path(*state).unwrap_or_default();
            layout.stack(path).cloned().ok_or_else(|| Error::NoLeaf {
                function: self.unit.path.into(),
                leaf: path.into(),
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

    /// The function's first line.
    pub fn signature(&self) -> String {
        let text = self.function.to_string();
        let line = text.lines().next().unwrap_or_default();
        line.trim_end_matches([' ', '{']).to_string()
    }
}

impl Settings {
    /// Refuses what this build has no code generator for, what the device cannot do, and a cache that
    /// keeps nothing.
    ///
    /// # Errors
    /// [`Error::NoCodeGenerator`], [`Error::Precision`], [`Error::NoCache`].
    pub fn check(&self) -> Result<()> {
        self.cache.check()?;
        self.device.0.check(self.precision)
    }
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
