//! A model's leaves as a table, and with what a function does with each.

use crate::engine::Engine;
use crate::error::{Result, tuple};
use crate::layout::{Layout, with_stars, without_numbers};
use crate::param::Param;
use sinew_ir::ParamKind;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// A line for each leaf, and one for all.
pub(crate) fn summary(leaves: &[(String, &Param)]) -> String {
    let mut table = Listing::new(vec!["leaf", "shape", "elements", ""]);
    for (path, param) in leaves {
        let row = table.leaf(path, param.shape(), param.is_state());
        table.rows.push(row.into());
    }
    table.text()
}

/// A line for each leaf of a function's models, where repeated children have one for all of them, with the
/// floating-point operations that count for it in a call with the sizes of the one that came last.
///
/// # Errors
/// [`Error::NothingCompiled`](crate::Error::NothingCompiled).
pub(crate) fn of_call(engine: &Engine, layouts: &[Arc<Layout>]) -> Result<String> {
    let (program, sizes) = engine.forward()?;
    let shares = sinew_ir::shares(&program);
    let mut flops = HashMap::new();
    let of_params = shares.iter().flat_map(|s| &s.of_params);
    for (i, share) in of_params.enumerate() {
        if let Some(leaf) = engine.leaf(&program, i) {
            flops.insert(leaf, *share);
        }
    }
    let function = &engine.function;
    let is_state = |i: usize| function.params[i].kind == ParamKind::State;
    let states: Vec<_> = (0..function.params.len())
        .filter(|i| is_state(*i))
        .filter_map(|i| engine.leaf(function, i))
        .collect();
    let names = engine.model_names();
    let mut table = Listing::new(vec!["leaf", "shape", "elements", "FLOPs", ""]);
    for (model, layout) in layouts.iter().enumerate() {
        for stack in &layout.stacks {
            let path = match (names.get(model), layouts.len() > 1) {
                (Some(name), true) => format!("{name}.{}", starred(layout, &stack.path)),
                _ => starred(layout, &stack.path),
            };
            let leaf = (model, stack.path.as_str());
            let [path, shape, count, state] =
                table.leaf(&path, &stack.shape, states.contains(&leaf));
            let flops = flops.get(&leaf).map_or(String::new(), u64::to_string);
            table.rows.push(vec![path, shape, count, flops, state]);
        }
    }
    let mut out = table.text();
    let at = match sizes.is_empty() {
        true => String::new(),
        false => format!(" at {sizes}"),
    };
    let _ = match shares {
        Some(shares) => {
            let of_leaves = flops.values().fold(0, |sum: u64, n| sum.saturating_add(*n));
            let others = shares.flops.saturating_sub(of_leaves);
            let all = shares.flops;
            writeln!(
                out,
                "{all} FLOPs for a call{at}, {others} of them with no leaf"
            )
        }
        None => writeln!(out, "more FLOPs for a call{at} than 64 bits hold"),
    };
    Ok(out)
}

/// The path of a stack, with `*` in the place of its children's numbers.
fn starred(layout: &Layout, stack: &str) -> String {
    let mut leaves = layout.leaves.iter();
    let first = leaves.find(|leaf| without_numbers(&leaf.path) == stack);
    first.map_or(stack.to_string(), |leaf| with_stars(&leaf.path))
}

/// Lines of a table, with the sums of what is in them.
struct Listing {
    /// The first holds the headings. What stands first in a row and second is words, what stands last is a note.
    rows: Vec<Vec<String>>,
    trained: usize,
    states: usize,
}

impl Listing {
    fn new(headings: Vec<&str>) -> Listing {
        Listing {
            rows: vec![headings.into_iter().map(String::from).collect()],
            trained: 0,
            states: 0,
        }
    }

    /// The words for a leaf, which is added to the sums.
    fn leaf(&mut self, path: &str, shape: &[usize], is_state: bool) -> [String; 4] {
        let count: usize = shape.iter().fold(1, |n, e| n.saturating_mul(*e));
        let sum = match is_state {
            true => &mut self.states,
            false => &mut self.trained,
        };
        *sum = sum.saturating_add(count);
        let state = if is_state { "state" } else { "" };
        [
            path.to_string(),
            tuple(shape),
            count.to_string(),
            state.to_string(),
        ]
    }

    fn text(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                let is_words = column < 2 || column + 1 == columns;
                let _ = match is_words {
                    true => write!(line, "{gap}{cell:width$}"),
                    false => write!(line, "{gap}{cell:>width$}"),
                };
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
        let (trained, states) = (self.trained, self.states);
        let bytes = trained.saturating_add(states).saturating_mul(4);
        let _ = match states {
            0 => writeln!(out, "{trained} parameters, {bytes} bytes in f32"),
            _ => writeln!(
                out,
                "{trained} parameters, {states} elements of states, {bytes} bytes in f32"
            ),
        };
        out
    }
}
