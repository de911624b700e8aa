//! PyTorch's cases of operations that are layers here.

use super::close;
use ndarray::{ArrayD, IxDyn};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;

/// The tensors of one of PyTorch's cases, by what they are.
pub struct Golden(&'static str, BTreeMap<String, ArrayD<f64>>);

impl std::ops::Index<&str> for Golden {
    type Output = ArrayD<f64>;

    fn index(&self, what: &str) -> &ArrayD<f64> {
        &self.1[what]
    }
}

impl Golden {
    /// A tensor as an array of its rank.
    pub fn array<D: ndarray::Dimension>(&self, what: &str) -> ndarray::Array<f64, D> {
        let array = self[what].clone().into_dimensionality();
        array.expect("of that rank")
    }

    /// A weight as it is here, inputs by outputs; biases are as they are.
    pub fn weight(&self, what: &str) -> ArrayD<f64> {
        self[what].t().as_standard_layout().into_owned()
    }

    /// Whether an array is the tensor.
    pub fn check(&self, what: &str, found: ArrayD<f64>, tolerance: f64) {
        assert_eq!(found.shape(), self[what].shape(), "{}/{what}", self.0);
        self.check_as(what, found, &self[what], tolerance);
    }

    pub fn check_as(&self, what: &str, found: ArrayD<f64>, expected: &ArrayD<f64>, tolerance: f64) {
        let flat = |x: &ArrayD<f64>| -> Vec<f64> { x.iter().copied().collect() };
        close(
            &format!("{}/{what}", self.0),
            &flat(&found),
            &flat(expected),
            tolerance,
        );
    }
}

/// One of PyTorch's cases.
pub fn golden(name: &'static str) -> Golden {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ops.safetensors");
    let bytes = std::fs::read(FILE).expect("a file of the tests");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let mut out = BTreeMap::new();
    for (path, tensor) in file.tensors() {
        let own = path.strip_prefix(name).and_then(|p| p.strip_prefix('/'));
        let Some(what) = own else { continue };
        assert_eq!(tensor.dtype(), Dtype::F64, "{path}");
        let words = tensor.data().as_chunks().0.iter();
        let values = words.map(|w| f64::from_le_bytes(*w)).collect();
        let array = ArrayD::from_shape_vec(IxDyn(tensor.shape()), values);
        out.insert(what.to_string(), array.expect("as many"));
    }
    assert!(!out.is_empty(), "no case is called {name}");
    Golden(name, out)
}
