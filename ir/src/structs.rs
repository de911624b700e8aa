//! Structs among parameters and among arguments: which leaves are one value.
//!
//! A function takes the leaves of a struct as parameters of their own, in the order of the struct's
//! declaration, and a call gives them so; what is here says which of them are one struct. Passes work
//! on the leaves. A leaf's name is its path, and only what is here puts paths together or takes them
//! apart.

use crate::function::{Function, Value};
use std::ops::Range;

/// A struct among a function's parameters: an argument that is one, or a struct in such an argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StructParam {
    /// The argument's name, or the field's.
    pub name: String,
    /// What its type is called.
    pub type_name: String,
    /// Its leaves, those of the structs in it too: positions among the function's parameters.
    pub leaves: Range<usize>,
    /// The structs in it, in order.
    pub children: Vec<StructParam>,
}

/// A struct among a call's arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StructArgument {
    /// What its type is called.
    pub type_name: String,
    /// Its leaves: positions among the call's operands.
    pub leaves: Range<usize>,
}

/// The path of a field of the struct at `path`.
pub fn field_path(path: &str, field: &str) -> String {
    format!("{path}.{field}")
}

/// The path, from a struct on, of what is at `whole`; the struct is at `path`.
pub(crate) fn path_from<'p>(path: &str, whole: &'p str) -> Option<&'p str> {
    whole.strip_prefix(path)?.strip_prefix('.')
}

impl StructParam {
    /// Calls `f` with it and each struct in it, each with its path; `path` is its own.
    pub(crate) fn each<'s>(&'s self, path: &str, f: &mut dyn FnMut(&str, &'s StructParam)) {
        f(path, self);
        for child in &self.children {
            child.each(&field_path(path, &child.name), f);
        }
    }

    /// The path of the struct, in it or itself, that is of this type and has just these leaves.
    fn find(&self, path: &str, type_name: &str, leaves: &Range<usize>) -> Option<String> {
        if self.leaves == *leaves && self.type_name == type_name {
            return Some(path.to_string());
        }
        let holds = |s: &&StructParam| s.leaves.start <= leaves.start && leaves.end <= s.leaves.end;
        let mut children = self.children.iter().filter(holds);
        children.find_map(|s| s.find(&field_path(path, &s.name), type_name, leaves))
    }
}

impl Function {
    /// The struct argument that a parameter is a leaf of.
    pub fn struct_of(&self, param: usize) -> Option<&StructParam> {
        self.structs.iter().find(|s| s.leaves.contains(&param))
    }

    /// The path of a leaf in the struct argument that it is of, which is its name in a checkpoint.
    pub fn leaf_path(&self, param: usize) -> Option<&str> {
        let argument = self.struct_of(param)?;
        path_from(&argument.name, &self.params.get(param)?.name)
    }

    /// The path of the parameter that is a struct of this type with these values as its leaves.
    pub(crate) fn struct_path(&self, type_name: &str, leaves: &[Value]) -> Option<String> {
        let start = leaves.first()?.index();
        let is_run = leaves
            .iter()
            .enumerate()
            .all(|(i, v)| v.index() == start + i);
        let leaves = start..start + leaves.len();
        let mut arguments = self.structs.iter().filter(|_| is_run);
        arguments.find_map(|s| s.find(&s.name, type_name, &leaves))
    }
}
