//! Checkpoints: models to and from safetensors files.
//!
//! A file holds every leaf under its path, as F32 or F64, and nothing of an optimizer. Saving replaces
//! an older file at once, by renaming; loading checks the whole file against the whole model before it
//! changes anything.

use crate::backend::room;
use crate::error::{Error, Result, tuple};
use crate::model::{Model, whole};
use crate::param::{Data, Param};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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

/// A file in the making, under a name of its own beside the target; removed unless it was moved there.
struct Partial {
    path: PathBuf,
    moved: bool,
}

impl Partial {
    /// Writes `bytes` through to the disk. The name is this process's and this call's, so that no two
    /// savers share one; a file of that name is what another process of this number left behind, which
    /// crashed.
    fn write(target: &Path, bytes: &[u8]) -> std::io::Result<Partial> {
        static SAVES: AtomicU64 = AtomicU64::new(0);
        let (path, mut file) = loop {
            let save = SAVES.fetch_add(1, Ordering::Relaxed);
            let mut name = target.as_os_str().to_owned();
            name.push(format!(".{}-{save}.partial", std::process::id()));
            let path = PathBuf::from(name);
            match File::create_new(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                created => break (path, created?),
            }
        };
        let partial = Partial { path, moved: false };
        file.write_all(bytes)?;
        // A rename may reach the disk before what was written: a crash would leave an empty file.
        file.sync_all()?;
        Ok(partial)
    }

    fn become_file(mut self, target: &Path) -> std::io::Result<()> {
        std::fs::rename(&self.path, target)?;
        self.moved = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.moved {
            // What went wrong before is the error that is told.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// The file that a path means: where symbolic links lead, whether there is a file yet or not.
fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            match std::fs::read_link(path) {
                // Relative to the link's folder; links in a circle are another error than this.
                Ok(to) => resolved(&path.parent().unwrap_or(Path::new("")).join(to)),
                Err(_) => Ok(path.to_path_buf()),
            }
        }
        found => found,
    }
}

/// Replaces the file at once or not at all.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let target = resolved(path)?;
    Partial::write(&target, bytes)?.become_file(&target)
}

/// Writes every leaf; an older file stays as it is until the new one is whole.
pub(crate) fn save<M: Model>(model: &M, path: &Path) -> Result<()> {
    whole(model)?;
    let mut leaves = BTreeMap::new();
    let mut failed = None;
    model.visit("", &mut |name, param| {
        if failed.is_none() {
            match bytes_of(name, &param.data) {
                Ok((dtype, bytes)) => {
                    leaves.insert(name.to_string(), (dtype, param.shape().to_vec(), bytes));
                }
                Err(error) => failed = Some(error),
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    // The writer takes its memory without asking: whether there is as much is tried first.
    let all = leaves.values().map(|(_, _, bytes)| bytes.len());
    drop(room::<u8>(
        "a checkpoint",
        all.fold(0, usize::saturating_add),
    )?);
    let file = |source| Error::File {
        path: path.to_path_buf(),
        source,
    };
    let mut views = Vec::new();
    for (name, (dtype, shape, bytes)) in &leaves {
        let view = TensorView::new(*dtype, shape.clone(), bytes)
            .map_err(|e| file(std::io::Error::other(e.to_string())))?;
        views.push((name.as_str(), view));
    }
    let bytes = safetensors::serialize(views, None)
        .map_err(|e| file(std::io::Error::other(e.to_string())))?;
    replace(path, &bytes).map_err(file)
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
        _ => None,
    })
}

/// The tensors of a file's bytes, or what is wrong with these.
fn parsed(bytes: &[u8]) -> std::result::Result<SafeTensors<'_>, String> {
    // The reader adds up the sizes that a header claims: past the greatest number that panics where
    // overflow is checked, as in builds for development.
    match std::panic::catch_unwind(|| SafeTensors::deserialize(bytes)) {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its tensors end past the largest number".into()),
    }
}

/// Reads the file into the model, all leaves or none.
pub(crate) fn load<M: Model>(model: &mut M, path: &Path) -> Result<()> {
    whole(model)?;
    let bytes = std::fs::read(path).map_err(|source| Error::File {
        path: path.to_path_buf(),
        source,
    })?;
    let file = parsed(&bytes).map_err(|reason| Error::NotSafetensors {
        path: path.to_path_buf(),
        reason,
    })?;
    let mut found: BTreeMap<String, Param> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut failed = None;
    model.visit("", &mut |name, param| {
        let view = match file.tensor(name) {
            Ok(view) => view,
            Err(_) => {
                problems.push(format!("`{name}` is missing"));
                return;
            }
        };
        if view.shape() != param.shape() {
            let (expected, actual) = (tuple(param.shape()), tuple(view.shape()));
            problems.push(format!(
                "`{name}` is {expected} in the model and {actual} in the file"
            ));
            return;
        }
        match data_of(name, &view) {
            Ok(Some(data)) => {
                found.insert(name.to_string(), Param::from_data(param.shape(), data));
            }
            Ok(None) => problems.push(format!(
                "`{name}` is of type {:?} in the file; F32 and F64 can be read",
                view.dtype()
            )),
            Err(error) => failed = Some(error),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut known = Vec::new();
    model.visit("", &mut |name, _| known.push(name.to_string()));
    let mut names: Vec<_> = file
        .names()
        .into_iter()
        .filter(|n| !known.iter().any(|k| k == n))
        .collect();
    names.sort_unstable();
    problems.extend(
        names
            .into_iter()
            .map(|n| format!("`{n}` is not in the model")),
    );
    if !problems.is_empty() {
        return Err(Error::Tensors {
            path: path.to_path_buf(),
            problems,
        });
    }
    model.visit_mut("", &mut |name, param| {
        if let Some(loaded) = found.remove(name) {
            *param = loaded;
        }
    });
    Ok(())
}
