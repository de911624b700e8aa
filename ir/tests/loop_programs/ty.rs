//! The types of values that random functions have.

use std::fmt;

/// An element type and dims, as texts have them.
#[derive(Clone, PartialEq, Debug)]
pub struct Ty {
    pub dtype: &'static str,
    pub dims: Vec<String>,
}

impl Ty {
    pub fn new(dtype: &'static str, dims: &[&str]) -> Ty {
        let dims = dims.iter().map(|d| d.to_string()).collect();
        Ty { dtype, dims }
    }

    pub fn shape(&self) -> String {
        self.dims.join(", ")
    }

    pub fn is_float(&self) -> bool {
        self.dtype == "float"
    }

    pub fn stack(&self, axis: usize, trip: &str) -> Ty {
        let mut out = self.clone();
        out.dims.insert(axis, trip.to_string());
        out
    }

    /// With the two sizes exchanged.
    pub fn exchanged(&self) -> Ty {
        let other = |d: &String| match d.as_str() {
            "N" => "K".to_string(),
            "K" => "N".to_string(),
            _ => d.clone(),
        };
        Ty {
            dtype: self.dtype,
            dims: self.dims.iter().map(other).collect(),
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.dtype, self.shape())
    }
}

/// Those of parameters.
pub fn types() -> Vec<Ty> {
    vec![
        Ty::new("float", &["N"]),
        Ty::new("float", &["N"]),
        Ty::new("float", &[]),
        Ty::new("float", &["K", "N"]),
        Ty::new("i32", &[]),
        Ty::new("i32", &["N"]),
    ]
}
