//! Files of other programs into a model: by other names, of other layouts, in part.

use super::pytorch::{self, PyTorchNames};
use super::{Contents, Wanted, bytes_in};
use crate::error::{Error, Result};
use crate::model::{Model, join, whole};
use crate::param::Data;
use crate::trainees::of_pattern;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// How a safetensors file is read into a model: `Net::loader(path)`.
///
/// By default each leaf is read from the tensor of its path, and all must be there, no others, of the same shapes:
/// what does not fit is an error that tells all of it. F64, F32, F16 and BF16 are read.
///
/// A file of PyTorch's has other names and layouts (`hidden.weight`, inputs behind outputs), which the layers know:
///
/// ```
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     hidden: Linear<4, 8>,
///     #[pytorch("head")]
///     out: Linear<8, 2>,
/// }
///
/// # let file = std::env::temp_dir().join(format!("loader-{}.safetensors", std::process::id()));
/// # {
/// #     use safetensors::tensor::{Dtype, TensorView};
/// #     let zeros = [0u8; 4 * 32];
/// #     let shapes: [(&str, &[usize]); 4] = [
/// #         ("encoder.hidden.weight", &[8, 4]),
/// #         ("encoder.hidden.bias", &[8]),
/// #         ("encoder.head.weight", &[2, 8]),
/// #         ("encoder.head.bias", &[2]),
/// #     ];
/// #     let mut tensors = Vec::new();
/// #     for (name, shape) in shapes {
/// #         let bytes = &zeros[..4 * shape.iter().product::<usize>()];
/// #         tensors.push((name, TensorView::new(Dtype::F32, shape.to_vec(), bytes)?));
/// #     }
/// #     std::fs::write(&file, safetensors::serialize(tensors, None)?)?;
/// # }
/// // `encoder.hidden.weight` of [8, 4], `encoder.hidden.bias`, `encoder.head.weight`, ..
/// let net = Net::loader(&file).pytorch().prefix("encoder").load()?;
/// assert_eq!(net.hidden.w.shape(), [4, 8]);
/// # drop(std::fs::remove_file(&file));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`rename`](Self::rename) and [`transpose`](Self::transpose) are for files of all others.
#[must_use = "nothing is read before `load` or `load_into`"]
pub struct Loader<M> {
    path: PathBuf,
    prefix: String,
    rename: Box<dyn Fn(&str) -> String>,
    transposed: Vec<String>,
    pytorch: bool,
    strict: bool,
    model: PhantomData<fn() -> M>,
}

/// What a file had that a model has not, and the other way round.
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # struct Net {
/// #     hidden: Linear<4, 8>,
/// # }
/// # #[model]
/// # struct Larger {
/// #     hidden: Linear<4, 8>,
/// #     out: Linear<8, 2>,
/// # }
/// # let file = std::env::temp_dir().join(format!("report-{}.safetensors", std::process::id()));
/// Net::init(0).save(&file)?;
/// let mut larger = Larger::init(1);
/// let report = Larger::loader(&file).strict(false).load_into(&mut larger)?;
/// assert_eq!(report.loaded, ["hidden.w", "hidden.b"]);
/// assert_eq!(report.missing, ["out.w", "out.b"]); // as `init` has made them
/// # drop(std::fs::remove_file(&file));
/// # Ok::<(), sinew::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// The leaves that were read, by their paths.
    pub loaded: Vec<String>,
    /// The leaves of which the file has no tensor.
    pub missing: Vec<String>,
    /// The tensors that are no leaf's, by their names in the file.
    pub extra: Vec<String>,
    /// The leaves whose tensors have another shape or type, by their paths.
    pub misfits: Vec<String>,
    /// What of these is wrong for who expects everything to fit, in words and in the model's order.
    pub(crate) problems: Vec<String>,
}

impl LoadReport {
    /// Whether all leaves were read, and all tensors of the file.
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for LoadReport {
    /// One line for what was read, and one for each thing that was not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} leaves loaded", self.loaded.len())?;
        for problem in &self.problems {
            write!(f, "\n{problem}")?;
        }
        Ok(())
    }
}

impl<M: Model> Loader<M> {
    pub(crate) fn new(path: &Path) -> Loader<M> {
        Loader {
            path: path.to_path_buf(),
            prefix: String::new(),
            rename: Box::new(str::to_string),
            transposed: Vec::new(),
            pytorch: false,
            strict: true,
            model: PhantomData,
        }
    }

    /// Reads the part of the file whose names start with this and a dot; what else is in the file is left alone.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Reads a file of PyTorch's: by the names and in the layouts that the structs' `#[pytorch(..)]` says, those of the
    /// library's layers among them. A field without one is called as it is here, and lies as it does here.
    ///
    /// In Python, `safetensors.torch.save_file(module.state_dict(), path)` writes such a file. The numbers of batches that
    /// batch norms have seen (`num_batches_tracked`) are left alone. [`Model::save_for_pytorch`] is the way back.
    ///
    /// ```
    /// use sinew::nn::{BatchNorm1d, Lstm};
    /// use sinew::prelude::*;
    ///
    /// #[model]
    /// struct Scale {
    ///     #[init(ones)]
    ///     #[pytorch("gamma")]
    ///     by: Param<8>,
    ///     #[init(ones)]
    ///     #[pytorch("mix.weight", transposed)]
    ///     mix: Param<8, 4>,               // `scale.mix.weight` of [4, 8]
    /// }
    ///
    /// #[model]
    /// struct Net {
    ///     scale: Scale,
    ///     #[pytorch("net.0")]
    ///     norm: BatchNorm1d<8>,           // `net.0.weight`, .., `net.0.running_mean`
    ///     #[pytorch("layers.{1..}")]
    ///     blocks: [Linear<8, 8>; 2],      // `layers.1.weight`, .., `layers.2.bias`
    ///     lstm: Lstm<8, 4, 2>,            // `lstm.weight_ih_l0`, .., `lstm.bias_hh_l1`
    /// }
    ///
    /// # let file = std::env::temp_dir().join(format!("pytorch-{}.safetensors", std::process::id()));
    /// # Net::init(0).save_for_pytorch(&file)?;
    /// let net = Net::loader(&file).pytorch().load()?;
    /// # assert_eq!(net, Net::init(0));
    /// # let written = std::fs::read(&file)?;
    /// # let written = safetensors::SafeTensors::deserialize(&written)?;
    /// # for name in ["scale.gamma", "net.0.running_mean", "layers.1.weight", "layers.2.bias", "lstm.bias_hh_l1"] {
    /// #     written.tensor(name)?;
    /// # }
    /// # assert_eq!(written.tensor("scale.mix.weight")?.shape(), [4, 8]);
    /// # drop(std::fs::remove_file(&file));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pytorch(mut self) -> Self {
        self.pytorch = true;
        self
    }

    /// What the file calls the leaf of a path, behind the prefix; with [`pytorch`](Self::pytorch), what it calls the leaf of
    /// PyTorch's name.
    pub fn rename(mut self, name: impl Fn(&str) -> String + 'static) -> Self {
        self.rename = Box::new(name);
        self
    }

    /// Swaps the last two axes of the tensors of the leaves whose paths match a pattern, which is as in
    /// [`TrainBuilder::freeze`](crate::TrainBuilder::freeze); of those that have two. Several calls are for what any of
    /// their patterns matches. With [`pytorch`](Self::pytorch), what that swaps is swapped back.
    pub fn transpose(mut self, pattern: impl Into<String>) -> Self {
        self.transposed.push(pattern.into());
        self
    }

    /// Whether leaves without a tensor, tensors without a leaf, and those of other shapes or types are an error; so by
    /// default. Otherwise they are told by [`load_into`](Self::load_into), and stay as they were.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// A model of the file's values. All leaves must be in the file, strict or not: of a model that was not there before,
    /// others would have no values. [`load_into`](Self::load_into) is for these.
    ///
    /// # Errors
    /// As [`load_into`](Self::load_into); [`Error::SizesUnknown`] for a model whose sizes are configuration.
    pub fn load(self) -> Result<M> {
        let mut model = M::blank().ok_or_else(|| Error::SizesUnknown {
            model: std::any::type_name::<M>(),
            path: self.path.clone(),
        })?;
        let path = self.path.clone();
        let LoadReport {
            missing,
            misfits,
            mut problems,
            ..
        } = self.load_into(&mut model)?;
        // Those of tensors that are no leaf's stand behind them.
        problems.truncate(missing.len() + misfits.len());
        match problems.is_empty() {
            true => Ok(model),
            false => Err(Error::Tensors { path, problems }),
        }
    }

    /// Replaces the leaves' values by those of the file; what was read, and what does not fit.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::NotSafetensors`]; [`Error::NoMatch`] for a pattern that matches no leaf;
    /// [`Error::SameName`] for two leaves that are read from one tensor; [`Error::Tensors`] if it is
    /// [`strict`](Self::strict) and not all fits. The model is then as it was.
    pub fn load_into(self, model: &mut M) -> Result<LoadReport> {
        whole(model)?;
        let bytes = bytes_in(&self.path)?;
        let mut contents = Contents::new(&self.path, &bytes)?;
        let mut leaves = self.leaves(model)?;
        let mut found: HashMap<String, Data> = HashMap::new();
        let mut read_from: HashMap<String, String> = HashMap::new();
        for leaf in &mut leaves {
            leaf.name = join(&self.prefix, &(self.rename)(&leaf.name));
            if let Some(first) = read_from.insert(leaf.name.clone(), leaf.path.clone()) {
                return Err(Error::SameName {
                    name: leaf.name.clone(),
                    first,
                    second: leaf.path.clone(),
                });
            }
            let wanted = Wanted {
                leaf: &leaf.path,
                name: &leaf.name,
                shape: &leaf.shape,
                transposed: leaf.transposed,
            };
            found.extend(
                contents
                    .take(wanted)?
                    .map(|taken| (leaf.path.clone(), taken)),
            );
        }
        let of_training = contents.is_of_training();
        let inside = format!("{}.", self.prefix);
        let elsewhere = |name: &str| match self.prefix.is_empty() {
            true => of_training(name),
            false => !name.starts_with(&inside),
        };
        let counter = |name: &str| self.pytorch && pytorch::is_counter(name);
        let report = contents.finish(&|name| elsewhere(name) || counter(name));
        if self.strict && !report.is_complete() {
            return Err(Error::Tensors {
                problems: report.problems,
                path: self.path,
            });
        }
        model.visit_mut("", &mut |path, param| {
            if let Some(loaded) = found.remove(path) {
                param.data = loaded;
            }
        });
        Ok(report)
    }

    /// The leaves of a model, each as the file has it but for `rename` and the prefix.
    ///
    /// # Errors
    /// [`Error::NoMatch`].
    fn leaves(&self, model: &M) -> Result<Vec<Leaf>> {
        let mut leaves = Vec::new();
        model.visit("", &mut |path, param| {
            leaves.push(Leaf {
                path: path.to_string(),
                shape: param.shape().to_vec(),
                name: path.to_string(),
                transposed: false,
            });
        });
        let paths: Vec<String> = leaves.iter().map(|leaf| leaf.path.clone()).collect();
        for pattern in &self.transposed {
            for (leaf, matched) in leaves.iter_mut().zip(of_pattern(pattern, &paths)?) {
                leaf.transposed |= matched;
            }
        }
        if self.pytorch {
            for (leaf, there) in leaves.iter_mut().zip(PyTorchNames::of(model)) {
                leaf.name = there.name;
                leaf.transposed ^= there.transposed;
            }
        }
        Ok(leaves)
    }
}

/// A leaf and the tensor that it is read from.
struct Leaf {
    path: String,
    shape: Vec<usize>,
    name: String,
    transposed: bool,
}
