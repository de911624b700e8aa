//! Names in a function's text, each for one thing.

use crate::hidden::fresh;
use proc_macro2::TokenStream;
use std::collections::HashMap;

/// Names for Rust expressions: equal ones have one name.
#[derive(Default)]
pub struct Names {
    /// In the order they came.
    list: Vec<(String, TokenStream)>,
    taken: HashMap<String, usize>,
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
        let name = fresh(wished, &mut |name| self.taken.contains_key(name));
        let position = self.list.len();
        self.taken.insert(name.clone(), position);
        self.known.insert(text, position);
        self.list.push((name.clone(), expression));
        name
    }

    /// All of them, with what they stand for.
    pub fn into_list(self) -> Vec<(String, TokenStream)> {
        self.list
    }
}
