//! Checkpoints: models to and from safetensors files.
//!
//! A file holds every leaf under its path, as F32 or F64; that of a trainer has more ([`crate::resume`]). Saving
//! replaces an older file at once, by renaming; loading checks the whole file against the whole model before it
//! changes anything. A file of ours has a checksum of all of its bytes; one of others has none, and is read too.

mod loader;
mod partial;
mod pytorch;
mod sum;

pub use loader::{LoadReport, Loader};
pub use pytorch::PyTorchNames;
pub(crate) use pytorch::save as save_for_pytorch;
pub(crate) use sum::is_there as has_sum;

use crate::backend::room;
use crate::error::{Error, Result, tuple};
use crate::model::{Model, whole};
use crate::param::Data;
use half::{bf16, f16};
use partial::replace;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// The elements of the leaf at `path` as a file has them.
fn bytes_of(path: &str, data: &Data) -> Result<(Dtype, Vec<u8>)> {
    fn bytes<T: Copy, const N: usize>(
        path: &str,
        elements: &[T],
        word: impl Fn(T) -> [u8; N],
    ) -> Result<Vec<u8>> {
        let mut bytes = room(path, elements.len() * N)?;
        bytes.extend(elements.iter().flat_map(|v| word(*v)));
        Ok(bytes)
    }
    Ok(match data {
        Data::F32(v) => (Dtype::F32, bytes(path, v, f32::to_le_bytes)?),
        Data::F64(v) => (Dtype::F64, bytes(path, v, f64::to_le_bytes)?),
        // Only whole models are saved.
        Data::Missing(_) => (Dtype::F32, Vec::new()),
    })
}

/// What a header has for a checksum to be put in: its key, and what stands for it.
pub(crate) const SUM: (&str, &str) = (sum::KEY, sum::NONE);

/// The tensors of a file in the making, by name.
#[derive(Default)]
pub(crate) struct Tensors(BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    /// Adds one.
    ///
    /// # Errors
    /// Too little memory.
    pub fn add(&mut self, name: String, shape: &[usize], data: &Data) -> Result<()> {
        let (dtype, bytes) = bytes_of(&name, data)?;
        self.0.insert(name, (dtype, shape.to_vec(), bytes));
        Ok(())
    }

    /// Adds every leaf of a model, by its path.
    ///
    /// # Errors
    /// A parameter without elements, too little memory.
    pub fn add_model<M: Model>(&mut self, model: &M) -> Result<()> {
        whole(model)?;
        let mut done = Ok(());
        model.visit("", &mut |path, param| {
            if done.is_ok() {
                done = self.add(path.to_string(), param.shape(), &param.data);
            }
        });
        done
    }

    /// Writes them to a file, with what else it is to say; an older file stays as it is until the new one is whole.
    ///
    /// # Errors
    /// [`Error::File`], too little memory.
    pub fn write(&self, path: &Path, said: Option<HashMap<String, String>>) -> Result<()> {
        // The writer takes its memory without asking: whether there is as much is tried first.
        let all = self.0.values().map(|(_, _, bytes)| bytes.len());
        drop(room::<u8>(
            "a checkpoint",
            all.fold(0, usize::saturating_add),
        )?);
        let file = |source| Error::File {
            path: path.to_path_buf(),
            source,
        };
        let other =
            |error: safetensors::SafeTensorError| file(std::io::Error::other(error.to_string()));
        let mut views = Vec::new();
        for (name, (dtype, shape, bytes)) in &self.0 {
            let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(other)?;
            views.push((name.as_str(), view));
        }
        let mut bytes = safetensors::serialize(views, said).map_err(other)?;
        sum::put(&mut bytes);
        replace(path, &bytes).map_err(file)
    }
}

/// Writes every leaf.
pub(crate) fn save<M: Model>(model: &M, path: &Path) -> Result<()> {
    let mut tensors = Tensors::default();
    tensors.add_model(model)?;
    let said = [(SUM.0.to_string(), SUM.1.to_string())];
    tensors.write(path, Some(said.into()))
}

/// The elements of the tensor called `name`; none of a type that parameters do not have.
fn data_of(name: &str, view: &TensorView<'_>) -> Result<Option<Data>> {
    fn elements<T, const N: usize>(
        name: &str,
        bytes: &[u8],
        number: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let (words, _) = bytes.as_chunks();
        let mut elements = room(name, words.len())?;
        elements.extend(words.iter().map(|w| number(*w)));
        Ok(elements)
    }
    Ok(match view.dtype() {
        Dtype::F32 => Some(Data::F32(elements(name, view.data(), f32::from_le_bytes)?)),
        Dtype::F64 => Some(Data::F64(elements(name, view.data(), f64::from_le_bytes)?)),
        Dtype::F16 => {
            let number = |bytes| f16::from_le_bytes(bytes).to_f32();
            Some(Data::F32(elements(name, view.data(), number)?))
        }
        Dtype::BF16 => {
            let number = |bytes| bf16::from_le_bytes(bytes).to_f32();
            Some(Data::F32(elements(name, view.data(), number)?))
        }
        _ => None,
    })
}

/// The tensors of a file's bytes, or what is wrong with these.
fn parsed(bytes: &[u8]) -> std::result::Result<SafeTensors<'_>, String> {
    if sum::is_wrong(bytes) {
        return Err("its checksum is that of other bytes".into());
    }
    // The reader adds up the sizes that a header claims: past the greatest number that panics where
    // overflow is checked, as in builds for development.
    match std::panic::catch_unwind(|| SafeTensors::deserialize(bytes)) {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its tensors end past the largest number".into()),
    }
}

/// The bytes of a file.
///
/// # Errors
/// [`Error::File`].
pub(crate) fn bytes_in(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::File {
        path: path.to_path_buf(),
        source,
    })
}

/// A file of tensors that is read.
pub(crate) struct Contents<'a> {
    file: SafeTensors<'a>,
    /// What it says beside.
    pub said: HashMap<String, String>,
    /// What of it was read, and what does not fit.
    report: LoadReport,
    /// The names that were asked for.
    known: HashSet<String>,
}

/// A tensor that is looked for.
pub(crate) struct Wanted<'a> {
    /// The path of the leaf.
    pub leaf: &'a str,
    /// Its name in the file.
    pub name: &'a str,
    /// The extents of the leaf.
    pub shape: &'a [usize],
    /// Whether the file has the last two axes the other way round.
    pub transposed: bool,
}

impl<'a> Wanted<'a> {
    /// The leaf of a path that is the tensor's name.
    pub fn new(leaf: &'a str, shape: &'a [usize]) -> Wanted<'a> {
        Wanted {
            leaf,
            name: leaf,
            shape,
            transposed: false,
        }
    }

    /// The leaf, as messages call it.
    fn words(&self) -> String {
        match self.leaf == self.name {
            true => format!("`{}`", self.leaf),
            false => format!("`{}`, in the file `{}`,", self.leaf, self.name),
        }
    }

    /// The extents that the file has it in.
    fn shape_there(&self) -> Vec<usize> {
        match self.transposed {
            true => swapped(self.shape),
            false => self.shape.to_vec(),
        }
    }
}

/// The extents of a tensor whose last two axes are the other way round.
fn swapped(shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    if let [.., a, b] = &mut shape[..] {
        std::mem::swap(a, b);
    }
    shape
}

impl<'a> Contents<'a> {
    /// Those of a file of these bytes.
    ///
    /// # Errors
    /// [`Error::NotSafetensors`].
    pub fn new(path: &Path, bytes: &'a [u8]) -> Result<Contents<'a>> {
        let file = parsed(bytes).map_err(|reason| Error::NotSafetensors {
            path: path.to_path_buf(),
            reason,
        })?;
        let header = SafeTensors::read_metadata(bytes).ok();
        let said = header.and_then(|(_, header)| header.metadata().clone());
        Ok(Contents {
            file,
            said: said.unwrap_or_default(),
            report: LoadReport::default(),
            known: HashSet::new(),
        })
    }

    /// Which tensors are not a model's but the optimizer's, in the file of a trainer.
    pub fn is_of_training(&self) -> impl Fn(&str) -> bool + use<> {
        let is = self.said.contains_key(crate::resume::VERSION);
        move |name| is && name.starts_with(crate::resume::STATES)
    }

    /// A tensor, if it is there in the right shape.
    ///
    /// # Errors
    /// Too little memory.
    pub fn take(&mut self, wanted: Wanted<'_>) -> Result<Option<Data>> {
        self.known.insert(wanted.name.to_string());
        let (leaf, words) = (wanted.leaf.to_string(), wanted.words());
        let report = &mut self.report;
        let Ok(view) = self.file.tensor(wanted.name) else {
            report.missing.push(leaf);
            report.problems.push(format!("{words} is missing"));
            return Ok(None);
        };
        let expected = wanted.shape_there();
        let data = match view.shape() == expected {
            true => data_of(wanted.name, &view)?,
            false => None,
        };
        let Some(data) = data else {
            report.misfits.push(leaf);
            report.problems.push(match view.shape() == expected {
                true => format!(
                    "{words} is of type {:?} in the file; F64, F32, F16 and BF16 can be read",
                    view.dtype()
                ),
                false => {
                    let turned = match expected == wanted.shape {
                        true => String::new(),
                        false => format!(", {} transposed,", tuple(&expected)),
                    };
                    format!(
                        "{words} is {} in the model{turned} and {} in the file",
                        tuple(wanted.shape),
                        tuple(view.shape())
                    )
                }
            });
            return Ok(None);
        };
        report.loaded.push(leaf);
        let data = match expected[..] {
            [.., rows, columns] if wanted.transposed => turned(wanted.name, &data, rows, columns)?,
            _ => data,
        };
        Ok(Some(data))
    }

    /// All leaves of a model like this one, each found or among the problems.
    ///
    /// # Errors
    /// A parameter without elements, too little memory.
    pub fn take_model<M: Model>(&mut self, model: &M) -> Result<HashMap<String, Data>> {
        whole(model)?;
        let mut found = HashMap::new();
        let mut done = Ok(());
        model.visit("", &mut |path, param| {
            if done.is_err() {
                return;
            }
            match self.take(Wanted::new(path, param.shape())) {
                Ok(taken) => found.extend(taken.map(|taken| (path.to_string(), taken))),
                Err(error) => done = Err(error),
            }
        });
        done.map(|()| found)
    }

    /// What was read, what does not fit, and what is there that was not asked for, but what `is_fine`.
    pub fn finish(mut self, is_fine: &dyn Fn(&str) -> bool) -> LoadReport {
        let names = self.file.names().into_iter();
        let others = names.filter(|n| !self.known.contains(*n) && !is_fine(n));
        let mut others: Vec<String> = others.map(str::to_string).collect();
        others.sort_unstable();
        let problems = others.iter().map(|n| format!("`{n}` is not in the model"));
        self.report.problems.extend(problems);
        self.report.extra = others;
        self.report
    }

    /// That nothing is wrong, as [`Contents::finish`] says it.
    ///
    /// # Errors
    /// [`Error::Tensors`].
    pub fn finish_whole(self, path: &Path, is_fine: &dyn Fn(&str) -> bool) -> Result<()> {
        let report = self.finish(is_fine);
        match report.is_complete() {
            true => Ok(()),
            false => Err(Error::Tensors {
                path: path.to_path_buf(),
                problems: report.problems,
            }),
        }
    }
}

/// Matrices of so many rows and columns, one behind the other, each the other way round.
///
/// # Errors
/// Too little memory.
fn turned(name: &str, data: &Data, rows: usize, columns: usize) -> Result<Data> {
    fn each<T: Copy>(name: &str, from: &[T], rows: usize, columns: usize) -> Result<Vec<T>> {
        let mut out = room(name, from.len())?;
        for matrix in from.chunks_exact((rows * columns).max(1)) {
            for column in 0..columns {
                out.extend(matrix.iter().skip(column).step_by(columns).copied());
            }
        }
        Ok(out)
    }
    Ok(match data {
        Data::F32(v) => Data::F32(each(name, v, rows, columns)?),
        Data::F64(v) => Data::F64(each(name, v, rows, columns)?),
        Data::Missing(why) => Data::Missing(*why),
    })
}

/// Reads the file into the model, all leaves or none. Of a trainer's file what else is in it is left out.
pub(crate) fn load<M: Model>(model: &mut M, path: &Path) -> Result<()> {
    Loader::new(path).load_into(model).map(|_| ())
}
