//! PyTorch's names and layouts: what it calls the leaves of a model, and a file as it has them.

use super::{SUM, Tensors, swapped, turned};
use crate::error::{Error, Result};
use crate::model::{Model, whole};
use std::collections::HashMap;
use std::path::Path;

/// What PyTorch calls the leaves of a model, in the order of [`Model::visit`]: `#[model]` writes each field's down.
#[derive(Default)]
pub struct PyTorchNames {
    /// What stands in front of the names of the struct whose fields are written down.
    before: String,
    /// What stands behind them.
    after: String,
    leaves: Vec<PyTorchLeaf>,
}

/// A leaf as PyTorch has it.
pub(crate) struct PyTorchLeaf {
    pub name: String,
    /// Whether its last two axes are the other way round.
    pub transposed: bool,
}

impl PyTorchNames {
    /// Those of a model.
    pub(crate) fn of<M: Model>(model: &M) -> Vec<PyTorchLeaf> {
        let mut names = PyTorchNames::default();
        model.pytorch_names(&mut names);
        names.leaves
    }

    /// A leaf of the struct.
    pub fn leaf(&mut self, name: &str, transposed: bool) {
        self.leaves.push(PyTorchLeaf {
            name: format!("{}{name}{}", self.before, self.after),
            transposed,
        });
    }

    /// A child of the struct, whose leaves have their names between these.
    pub fn child<M: Model>(&mut self, child: &M, before: &str, after: &str) {
        let inside = PyTorchNames {
            before: format!("{}{before}", self.before),
            after: format!("{after}{}", self.after),
            leaves: std::mem::take(&mut self.leaves),
        };
        let outside = std::mem::replace(self, inside);
        child.pytorch_names(self);
        self.before = outside.before;
        self.after = outside.after;
    }

    /// Repeated children, for whose numbers from `first` on `{}` stands.
    pub fn children<M: Model>(&mut self, children: &[M], first: u32, before: &str, after: &str) {
        for (number, child) in (u64::from(first)..).zip(children) {
            let named = |text: &str| text.replace("{}", &number.to_string());
            self.child(child, &named(before), &named(after));
        }
    }
}

/// Whether a tensor is the number of batches that a batch norm has seen. PyTorch keeps it for norms without a momentum,
/// which no layer here is, and reads files without it.
pub(super) fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

/// Writes every leaf by PyTorch's names, in its layouts.
pub(crate) fn save<M: Model>(model: &M, path: &Path) -> Result<()> {
    whole(model)?;
    let mut tensors = Tensors::default();
    let mut written: HashMap<String, String> = HashMap::new();
    for ((leaf, param), there) in model.leaves().into_iter().zip(PyTorchNames::of(model)) {
        let PyTorchLeaf { name, transposed } = there;
        if let Some(first) = written.insert(name.clone(), leaf.clone()) {
            return Err(Error::SameName {
                name,
                first,
                second: leaf,
            });
        }
        match *param.shape() {
            [.., rows, columns] if transposed => {
                let data = turned(&leaf, &param.data, rows, columns)?;
                tensors.add(name, &swapped(param.shape()), &data)?;
            }
            _ => tensors.add(name, param.shape(), &param.data)?,
        }
    }
    // Programs around PyTorch ask a file for the format of its tensors.
    let said = [("format", "pt"), SUM];
    let said = said.map(|(key, value)| (key.to_string(), value.to_string()));
    tensors.write(path, Some(said.into()))
}
