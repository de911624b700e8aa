//! Checkpoints: models to and from safetensors files.
//!
//! A file holds every leaf under its path, as F32 or F64. Loading checks the whole file against the
//! whole model before it changes anything.

use crate::error::{Error, Result, tuple};
use crate::model::{Model, whole};
use crate::param::{Data, Param};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

fn bytes_of(data: &Data) -> (Dtype, Vec<u8>) {
    match data {
        Data::F32(v) => (Dtype::F32, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Data::F64(v) => (Dtype::F64, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
        // Only whole models are saved.
        Data::Missing(_) => (Dtype::F32, Vec::new()),
    }
}

/// Writes through a temporary name beside the file, so that a failure leaves no half of one.
pub(crate) fn save<M: Model>(model: &M, path: &Path) -> Result<()> {
    whole(model)?;
    let mut leaves = BTreeMap::new();
    model.visit("", &mut |name, param| {
        let (dtype, bytes) = bytes_of(&param.data);
        leaves.insert(name.to_string(), (dtype, param.shape().to_vec(), bytes));
    });
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
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, bytes).map_err(file)?;
    std::fs::rename(&partial, path).map_err(file)
}

fn data_of(view: &TensorView<'_>) -> Option<Data> {
    match view.dtype() {
        Dtype::F32 => {
            let (words, _) = view.data().as_chunks();
            Some(Data::F32(
                words.iter().map(|w| f32::from_le_bytes(*w)).collect(),
            ))
        }
        Dtype::F64 => {
            let (words, _) = view.data().as_chunks();
            Some(Data::F64(
                words.iter().map(|w| f64::from_le_bytes(*w)).collect(),
            ))
        }
        _ => None,
    }
}

/// Reads the file into the model, all leaves or none.
pub(crate) fn load<M: Model>(model: &mut M, path: &Path) -> Result<()> {
    whole(model)?;
    let bytes = std::fs::read(path).map_err(|source| Error::File {
        path: path.to_path_buf(),
        source,
    })?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| Error::NotSafetensors {
        path: path.to_path_buf(),
        reason: e.to_string(),
    })?;
    let mut found: BTreeMap<String, Param> = BTreeMap::new();
    let mut problems = Vec::new();
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
        match data_of(&view) {
            Some(data) => {
                found.insert(name.to_string(), Param::from_data(param.shape(), data));
            }
            None => problems.push(format!(
                "`{name}` is of type {:?} in the file; F32 and F64 can be read",
                view.dtype()
            )),
        }
    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init;
    use std::path::PathBuf;

    fn model() -> Vec<Param> {
        let mut model = vec![
            Param::init(1, "0", &[2, 3], init::normal(1.0)),
            Param::zeros(&[3]),
        ];
        model[1].set([0.1f64, 0.2, 0.3]).expect("the same shape");
        model
    }

    /// A file of its own for each test, removed at the end.
    struct Scratch(PathBuf);
    impl Scratch {
        fn new(name: &str) -> Scratch {
            let name = format!("sinew-{}-{name}.safetensors", std::process::id());
            Scratch(std::env::temp_dir().join(name))
        }
    }
    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_file_brings_every_bit_back() {
        let file = Scratch::new("round-trip");
        model().save(&file.0).expect("the folder can be written");
        let mut other = vec![Param::zeros(&[2, 3]), Param::zeros(&[3])];
        other.load_into(&file.0).expect("the file fits");
        assert_eq!(other, model());
    }

    #[test]
    fn what_does_not_fit_is_named_and_changes_nothing() {
        let file = Scratch::new("misfit");
        model().save(&file.0).expect("the folder can be written");
        let mut other = vec![Param::zeros(&[3, 2])];
        let before = other.clone();
        let error = other
            .load_into(&file.0)
            .expect_err("it does not fit")
            .to_string();
        assert!(
            error.contains("`0` is (3, 2) in the model and (2, 3) in the file"),
            "{error}"
        );
        assert!(error.contains("`1` is not in the model"), "{error}");
        assert_eq!(other, before);
        let mut more = model();
        more.push(Param::zeros(&[]));
        let error = more
            .load_into(&file.0)
            .expect_err("it does not fit")
            .to_string();
        assert!(error.contains("`2` is missing"), "{error}");
        assert_eq!(more[..2], model());
    }

    #[test]
    fn broken_files_are_errors() {
        let file = Scratch::new("broken");
        let mut m = model();
        assert!(matches!(m.load_into(&file.0), Err(Error::File { .. })));
        m.save(&file.0).expect("the folder can be written");
        let bytes = std::fs::read(&file.0).expect("just written");
        for cut in [0, 4, 20, bytes.len() - 1] {
            std::fs::write(&file.0, &bytes[..cut]).expect("the folder can be written");
            let error = m.load_into(&file.0).expect_err("it is cut");
            assert!(matches!(error, Error::NotSafetensors { .. }), "{error}");
        }
        std::fs::write(&file.0, b"PK\x03\x04 some other kind of file").expect("written");
        assert!(matches!(
            m.load_into(&file.0),
            Err(Error::NotSafetensors { .. })
        ));
        assert_eq!(m, model());
    }
}
