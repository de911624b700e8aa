//! Names in scope, and which of them may be assigned to.

use super::value::Val;
use std::collections::{HashMap, HashSet};

/// What a name stands for.
#[derive(Clone)]
pub struct Local {
    /// Its value at this point of the body.
    pub val: Val,
    /// Whether it was declared with `mut`.
    pub mutable: bool,
}

/// The names of a body, by block.
pub struct Locals {
    /// Innermost last.
    blocks: Vec<HashMap<String, Local>>,
    /// The names of blocks that have ended.
    gone: HashSet<String>,
}

impl Default for Locals {
    fn default() -> Self {
        Locals {
            blocks: vec![HashMap::new()],
            gone: HashSet::new(),
        }
    }
}

impl Locals {
    /// Enters a block.
    pub fn enter(&mut self) {
        self.blocks.push(HashMap::new());
    }

    /// Leaves the innermost block: its names are gone.
    pub fn leave(&mut self) {
        let ended = self.blocks.pop().unwrap_or_default();
        self.gone.extend(ended.into_keys());
    }

    /// Whether a name was one of a block that has ended.
    pub fn is_gone(&self, name: &str) -> bool {
        self.gone.contains(name)
    }

    /// How many blocks there are around.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// Binds a name in the innermost block; one of outer blocks is hidden until the block ends.
    pub fn bind(&mut self, name: &str, val: Val, mutable: bool) {
        if let Some(block) = self.blocks.last_mut() {
            block.insert(name.to_string(), Local { val, mutable });
        }
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&Local> {
        self.blocks.iter().rev().find_map(|block| block.get(name))
    }

    /// To change what a name stands for.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Local> {
        let mut blocks = self.blocks.iter_mut().rev();
        blocks.find_map(|block| block.get_mut(name))
    }

    /// Every name in scope, in order.
    pub fn names(&self) -> Vec<String> {
        let names = self.blocks.iter().flat_map(HashMap::keys);
        let mut names: Vec<String> = names.cloned().collect();
        names.sort();
        names.dedup();
        names
    }
}
