//! Models and model functions: the traits that `#[model]` implements.

use crate::checkpoint::{Loader, PyTorchNames};
use crate::error::{Error, Result};
use crate::models::{Leaves, Models};
use crate::output::Outputs;
use crate::param::Param;
use sinew_ir::{SymbolValue, Unit};
use std::any::TypeId;
use std::path::Path;

/// A struct of named parameters, made by `#[model]`.
///
/// ```
/// use sinew::prelude::*;
///
/// #[model]
/// struct Digits {
///     hidden: Linear<64, 32>,
///     out: Linear<32, 10>,
/// }
///
/// let model = Digits::init(42);
/// let mut paths = Vec::new();
/// model.visit("", &mut |path, param| paths.push((path.to_string(), param.elements())));
/// assert_eq!(paths[0], ("hidden.w".to_string(), 64 * 32));
///
/// let file = std::env::temp_dir().join(format!("digits-{}.safetensors", std::process::id()));
/// model.save(&file)?;
/// assert_eq!(Digits::load(&file)?, model);
/// # drop(std::fs::remove_file(&file));
/// # Ok::<(), sinew::Error>(())
/// ```
pub trait Model: Clone + Send + 'static {
    /// Calls `f` with the path and the value of every leaf, in the order of declaration.
    ///
    /// A leaf's path is its field's name behind `prefix`, joined by dots (`blocks.0.w`).
    fn visit<'m>(&'m self, prefix: &str, f: &mut dyn FnMut(&str, &'m Param));

    /// As [`Model::visit`], to change leaves.
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, &mut Param));

    /// Writes down what PyTorch calls every leaf, in the order of [`Model::visit`]; where nothing is said, by its path.
    #[doc(hidden)]
    fn pytorch_names(&self, names: &mut PyTorchNames) {
        self.visit("", &mut |path, _| names.leaf(path, false));
    }

    /// Every leaf with its path, in the order of declaration: parameters, and states among them
    /// ([`Param::is_state`]).
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Net {
    /// #     hidden: Linear<4, 8>,
    /// # }
    /// # fn largest() -> sinew::Result<f32> {
    /// let net = Net::init(0);
    /// let mut largest = 0f32;
    /// for (path, param) in net.leaves() {
    ///     let values = param.values();
    ///     largest = values.iter().fold(largest, |m, v| m.max(v.abs()));
    ///     println!("{path}: {:?}", param.shape());
    /// }
    /// # Ok(largest)
    /// # }
    /// # assert!(largest()? > 0.0);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    fn leaves(&self) -> Vec<(String, &Param)> {
        let mut leaves = Vec::new();
        self.visit("", &mut |path, param| {
            leaves.push((path.to_string(), param))
        });
        leaves
    }

    /// How many numbers training changes: the elements of all parameters, those of states left out.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// use sinew::nn::BatchNorm1d;
    ///
    /// #[model]
    /// struct Net {
    ///     hidden: Linear<4, 8>,
    ///     norm: BatchNorm1d<8>,
    /// }
    ///
    /// // Of the norm, a factor and an offset each, and not its running statistics.
    /// assert_eq!(Net::init(0).parameter_count(), 4 * 8 + 8 + 8 + 8);
    /// ```
    fn parameter_count(&self) -> usize {
        let mut count = 0;
        self.visit("", &mut |_, param| {
            count += if param.is_state() {
                0
            } else {
                param.elements()
            };
        });
        count
    }

    /// A table of all leaves: path, shape, number of elements, and whether it is a state; then the sums, and the bytes
    /// in f32.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Net {
    /// #     hidden: Linear<4, 8>,
    /// # }
    /// let table = Net::init(0).summary();
    /// assert_eq!(
    ///     table,
    ///     "\
    /// leaf      shape   elements
    /// hidden.w  (4, 8)        32
    /// hidden.b  (8,)           8
    /// 40 parameters, 160 bytes in f32
    /// "
    /// );
    /// ```
    ///
    /// A runner, and a trainer, has the table with the floating-point operations of a call:
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # use sinew::ndarray::Array2;
    /// #[model]
    /// struct Net {
    ///     hidden: Linear<4, 8>,
    ///     blocks: [Linear<8, 8>; 3],
    /// }
    ///
    /// #[model]
    /// fn features<B>(net: &Net, x: Tensor<B, 4>) -> Tensor<B, 8> {
    ///     let mut h = net.hidden.forward(x);
    ///     for block in &net.blocks {
    ///         h = block.forward(h).relu();
    ///     }
    ///     h
    /// }
    ///
    /// let features = features::compile(Net::init(0)).build()?;
    /// features.prepare(Array2::<f32>::zeros((2, 4)))?; // or run it
    /// assert_eq!(
    ///     features.summary()?,
    ///     "\
    /// leaf        shape      elements  FLOPs
    /// hidden.w    (4, 8)           32    128
    /// hidden.b    (8,)              8     16
    /// blocks.*.w  (3, 8, 8)       192    768
    /// blocks.*.b  (3, 8)           24     48
    /// 256 parameters, 1024 bytes in f32
    /// 1008 FLOPs for a call at B = 2, 48 of them with no leaf
    /// "
    /// );
    /// # Ok::<(), sinew::Error>(())
    /// ```
    fn summary(&self) -> String {
        crate::summary::summary(&self.leaves())
    }

    /// The values of the struct's symbols.
    fn symbols(&self) -> Vec<(&'static str, SymbolValue)> {
        Vec::new()
    }

    /// Calls `f` with the path and the value of everything that is configuration: fields of plain type.
    ///
    /// # Errors
    /// [`Error::Settings`] for repeated children of which one is configured in another way.
    fn settings(&self, prefix: &str, f: &mut dyn FnMut(&str, SymbolValue)) -> Result<()> {
        let _ = (prefix, f);
        Ok(())
    }

    /// A model of this type, its values of no interest; `None` where sizes are configuration.
    fn blank() -> Option<Self> {
        None
    }

    /// Writes all leaves to a safetensors file, each under its path.
    ///
    /// A file that is there already is replaced when the new one is whole on the disk; symbolic links
    /// are followed. What an optimizer keeps (moments, momentum, the number of steps) is not the
    /// model's, and is not saved: training that goes on from a file starts these anew.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be written: an older one is then as it was.
    /// [`Error::TooLarge`] and [`Error::Size`] for a parameter without elements.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::checkpoint::save(self, path.as_ref())
    }

    /// Writes all leaves to a safetensors file that PyTorch reads: by the names and in the layouts that the structs'
    /// `#[pytorch(..)]` says, those of the library's layers among them. [`Loader::pytorch`] reads it back, bit for bit.
    ///
    /// In Python, `module.load_state_dict(safetensors.torch.load_file(path))` takes it, where the modules in `module` are
    /// called as the fields here.
    ///
    /// ```
    /// use sinew::prelude::*;
    ///
    /// #[model]
    /// struct Net {
    ///     hidden: Linear<4, 8>,   // `hidden.weight` of [8, 4], `hidden.bias`
    ///     #[pytorch("head")]
    ///     out: Linear<8, 2>,      // `head.weight` of [2, 8], `head.bias`
    /// }
    ///
    /// let net = Net::init(42);
    /// # let file = std::env::temp_dir().join(format!("for-pytorch-{}.safetensors", std::process::id()));
    /// net.save_for_pytorch(&file)?;
    /// assert_eq!(Net::loader(&file).pytorch().load()?, net);
    /// # drop(std::fs::remove_file(&file));
    /// # Ok::<(), sinew::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Model::save`]; [`Error::SameName`] for two leaves of one name.
    fn save_for_pytorch(&self, path: impl AsRef<Path>) -> Result<()> {
        crate::checkpoint::save_for_pytorch(self, path.as_ref())
    }

    /// A model with the values of a safetensors file that [`Model::save`] wrote: parameters and states,
    /// nothing of an optimizer.
    ///
    /// # Errors
    /// As [`Model::load_into`]; [`Error::SizesUnknown`] for a model whose sizes are configuration.
    fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut model = Self::blank().ok_or_else(|| Error::SizesUnknown {
            model: std::any::type_name::<Self>(),
            path: path.to_path_buf(),
        })?;
        model.load_into(path)?;
        Ok(model)
    }

    /// How a file of another program is read, of PyTorch's above all, or one of another model: by other names, of other
    /// layouts, in part.
    fn loader(path: impl AsRef<Path>) -> Loader<Self> {
        Loader::new(path.as_ref())
    }

    /// Replaces the values of all leaves by those of a safetensors file.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::NotSafetensors`], [`Error::Tensors`] (missing, extra or misshaped
    /// tensors, all of them named); the model is then as it was.
    fn load_into(&mut self, path: impl AsRef<Path>) -> Result<()> {
        crate::checkpoint::load(self, path.as_ref())
    }
}

impl Model for () {
    fn visit<'m>(&'m self, _: &str, _: &mut dyn FnMut(&str, &'m Param)) {}
    fn visit_mut(&mut self, _: &str, _: &mut dyn FnMut(&str, &mut Param)) {}
    fn blank() -> Option<()> {
        Some(())
    }
}

/// Refuses a model with a parameter that has no elements.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Size`]; of the first such parameter.
pub(crate) fn whole(model: &dyn Leaves) -> Result<()> {
    let mut found = Ok(());
    model.each(&mut |path, param| {
        if found.is_ok() {
            found = param.whole(path);
        }
    });
    found
}

/// A model all of whose parameters have their elements: for emitted constructors.
///
/// # Errors
/// [`Error::TooLarge`] for a parameter that the memory has no room for, [`Error::Size`] for one with a
/// dim that is no extent.
pub fn complete<M: Model>(model: M) -> Result<M> {
    whole(&model)?;
    Ok(model)
}

/// The greatest number of repeated children: what is more is no network.
const MOST_CHILDREN: i128 = 1 << 16;

/// Children of one type, as many as `count` says (the dim as declared, and its value), each made from its
/// path: for emitted constructors. A number below 0, or too great, leaves one child whose
/// parameters have no elements, and say so.
pub fn repeated<M: Model>(
    (dim, count): (&'static str, i128),
    prefix: &str,
    make: impl Fn(&str) -> M,
) -> Vec<M> {
    let possible = 0..=MOST_CHILDREN;
    if possible.contains(&count) {
        return (0..count)
            .map(|i| make(&join(prefix, &i.to_string())))
            .collect();
    }
    let mut child = make(&join(prefix, "0"));
    child.visit_mut("", &mut |_, param| param.refuse(dim, count));
    vec![child]
}

/// The path of the field `name` behind `prefix`: for emitted [`Model::visit`]s.
pub fn join(prefix: &str, name: &str) -> String {
    match prefix {
        "" => name.to_string(),
        _ => format!("{prefix}.{name}"),
    }
}

impl Model for Param {
    fn visit<'m>(&'m self, prefix: &str, f: &mut dyn FnMut(&str, &'m Param)) {
        f(prefix, self);
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, &mut Param)) {
        f(prefix, self);
    }
}

impl<M: Model> Model for Vec<M> {
    fn visit<'m>(&'m self, prefix: &str, f: &mut dyn FnMut(&str, &'m Param)) {
        for (i, child) in self.iter().enumerate() {
            child.visit(&join(prefix, &i.to_string()), f);
        }
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, &mut Param)) {
        for (i, child) in self.iter_mut().enumerate() {
            child.visit_mut(&join(prefix, &i.to_string()), f);
        }
    }
    fn pytorch_names(&self, names: &mut PyTorchNames) {
        names.children(self, 0, "{}.", "");
    }
    /// Programs have the children as one, so they are configured alike.
    fn settings(&self, prefix: &str, f: &mut dyn FnMut(&str, SymbolValue)) -> Result<()> {
        let Some((first, others)) = self.split_first() else {
            return Ok(());
        };
        let first = settings(first)?;
        for (i, child) in others.iter().enumerate() {
            let other = settings(child)?;
            let differs = first.iter().zip(&other).find(|(a, b)| a != b);
            if let Some(((path, first), (_, other))) = differs {
                return Err(Error::Settings {
                    children: prefix.to_string(),
                    path: path.clone(),
                    first: *first,
                    number: i + 1,
                    other: *other,
                });
            }
        }
        for (path, value) in first {
            f(&join(prefix, &path), value);
        }
        Ok(())
    }
}

/// A type of configuration: for emitted code.
pub trait Setting {
    /// As programs know it.
    fn value(&self) -> SymbolValue;
    /// What was [`Setting::value`].
    fn of(value: SymbolValue) -> Self;
}

impl Setting for f32 {
    /// The number that is written like it: 0.1, and not the nearest f32 to it.
    fn value(&self) -> SymbolValue {
        let written = self.to_string().parse();
        SymbolValue::Float(written.unwrap_or(f64::from(*self)))
    }
    fn of(value: SymbolValue) -> f32 {
        f64::of(value) as f32
    }
}

impl Setting for f64 {
    fn value(&self) -> SymbolValue {
        SymbolValue::Float(*self)
    }
    fn of(value: SymbolValue) -> f64 {
        match value {
            SymbolValue::Float(v) => v,
            SymbolValue::Size(_) | SymbolValue::Bool(_) => 0.0,
        }
    }
}

impl Setting for usize {
    fn value(&self) -> SymbolValue {
        SymbolValue::Size(*self)
    }
    fn of(value: SymbolValue) -> usize {
        value.size().unwrap_or_default()
    }
}

impl Setting for bool {
    fn value(&self) -> SymbolValue {
        SymbolValue::Bool(*self)
    }
    fn of(value: SymbolValue) -> bool {
        value == SymbolValue::Bool(true)
    }
}

/// What is configuration in a model, by the paths in the struct.
///
/// # Errors
/// As [`Model::settings`].
pub(crate) fn settings<M: Model>(model: &M) -> Result<Vec<(String, SymbolValue)>> {
    let mut told = Vec::new();
    model.settings("", &mut |path, value| told.push((path.to_string(), value)))?;
    Ok(told)
}

/// A model function as the runtime sees it: `#[model]` implements it for the function's type.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a function with `#[model]`")]
pub trait ModelFunction: 'static {
    /// The structs that its model arguments borrow: a tuple of them.
    type Models: Models;
    /// Its other arguments: a tuple of [`Arg`](crate::Arg)s, and of tuples and arrays of such.
    type Inputs;
    /// Its results: an [`Out`](crate::Out), a tuple of them, or nothing.
    type Output: Outputs;
    /// Its program.
    const UNIT: &'static Unit;
    /// For each model the function's names of the model's symbols (`m: &Mlp<In, Out>`), each with its
    /// position among the struct's, whose names may differ.
    const SYMBOLS: &'static [&'static [(usize, &'static str)]] = &[];

    /// The program: [`ModelFunction::UNIT`], but for what the runtime makes of other functions.
    ///
    /// # Errors
    /// A stored text that is no function.
    #[doc(hidden)]
    fn unit() -> Result<&'static Unit> {
        Ok(Self::UNIT)
    }
}

/// What compiling a function needs to know of it, whatever its types.
#[derive(Clone, Copy)]
pub(crate) struct FunctionFacts {
    /// The function's type.
    pub owner: TypeId,
    /// Its program.
    pub unit: &'static Unit,
    /// [`ModelFunction::SYMBOLS`].
    pub symbols: &'static [&'static [(usize, &'static str)]],
}

impl FunctionFacts {
    /// Those of a function.
    ///
    /// # Errors
    /// As [`ModelFunction::unit`].
    pub fn of<F: ModelFunction>() -> Result<FunctionFacts> {
        Ok(FunctionFacts {
            owner: TypeId::of::<F>(),
            unit: F::unit()?,
            symbols: F::SYMBOLS,
        })
    }
}
