//! How much a unit becomes when all its calls are inlined, told before anything is inlined.
//!
//! Calls are inlined wherever they stand, so functions that call the next one twice double the program
//! with each: 40 of them would never end.

use super::LinkError;
use super::calls::callee;
use super::inliner::Inliner;
use crate::block::Inst;
use crate::unit::Unit;
use std::collections::HashMap;

/// The most instructions of a program, its pullback's counted: hundreds of times those of the largest
/// models that people train.
const INSTRUCTIONS: u64 = 1 << 20;

/// How deep calls may nest: inlining recurses over them, on its caller's stack.
const DEPTH: usize = 64;

/// What a unit is with all its calls inlined.
#[derive(Clone, Copy)]
struct Extent {
    instructions: u64,
    /// How deep calls nest in it.
    depth: usize,
}

/// Refuses what would be too large inlined, nests calls too deep, or calls itself.
pub(super) fn check(inliner: &mut Inliner<'_>, unit: &Unit) -> Result<(), LinkError> {
    let mut search = Search::default();
    let found = search.extent(inliner, unit)?;
    match found.instructions <= INSTRUCTIONS {
        true => Ok(()),
        false => Err(LinkError::Large {
            path: unit.path.to_string(),
            instructions: found.instructions,
            most: INSTRUCTIONS,
        }),
    }
}

#[derive(Default)]
struct Search {
    known: HashMap<*const Unit, Extent>,
    open: Vec<*const Unit>,
}

impl Search {
    fn extent(&mut self, inliner: &mut Inliner<'_>, unit: &Unit) -> Result<Extent, LinkError> {
        let key = std::ptr::from_ref(unit);
        if self.open.contains(&key) {
            return Err(LinkError::Recursion(unit.path.to_string()));
        }
        let known = self.known.get(&key).copied();
        let depth = self.open.len() + known.map_or(1, |k| k.depth);
        if depth > DEPTH {
            return Err(LinkError::Depth {
                path: unit.path.to_string(),
                most: DEPTH,
            });
        }
        if let Some(known) = known {
            return Ok(known);
        }
        self.open.push(key);
        let function = inliner.load(unit)?;
        let mut out = Extent {
            instructions: 1,
            depth: 1,
        };
        let mut calls = Vec::new();
        let pullback = function.pullback.iter().map(|p| &p.block);
        for block in [&function.body].into_iter().chain(pullback) {
            block.each_inst(&mut |inst| {
                out.instructions = out.instructions.saturating_add(1);
                match inst {
                    Inst::Call(c) => calls.push(c),
                    Inst::Op(_) | Inst::PullbackCall(_) | Inst::Loop(_) => {}
                }
            });
        }
        for call in calls {
            // Of a choice, one is taken.
            let mut most = 0;
            for target in call.targets() {
                let inner = self.extent(inliner, callee(unit, &target.name)?)?;
                most = most.max(inner.instructions);
                out.depth = out.depth.max(1 + inner.depth);
            }
            out.instructions = out.instructions.saturating_add(most);
        }
        self.open.pop();
        self.known.insert(key, out);
        Ok(out)
    }
}
