//! Names in a function's text, each for one thing.

use crate::hidden::fresh;
use proc_macro2::TokenStream;
use std::collections::{HashMap, HashSet};

/// Names for Rust expressions: equal ones have one name.
#[derive(Default)]
pub struct Names {
    /// In the order they came.
    list: Vec<(String, TokenStream)>,
    taken: HashSet<String>,
    /// By what they stand for, as text.
    known: HashMap<String, usize>,
}

impl Names {
    /// The name of an expression: the one wished for, with a number behind where another has it.
    pub fn name_for(&mut self, wished: &str, expression: TokenStream) -> String {
        let text = format!("{wished} {expression}");
        if let Some(known) = self.known.get(&text) {
            return self.list[*known].0.clone();
        }
        let name = self.reserve(wished);
        self.known.insert(text, self.list.len());
        self.list.push((name.clone(), expression));
        name
    }

    /// A name that stands for nothing here, and that nothing else gets.
    pub fn reserve(&mut self, wished: &str) -> String {
        let name = fresh(wished, &mut |name| self.taken.contains(name));
        self.taken.insert(name.clone());
        name
    }

    /// All of them, with what they stand for.
    pub fn into_list(self) -> Vec<(String, TokenStream)> {
        self.list
    }
}
