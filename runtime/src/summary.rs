//! A model's leaves as a table.

use crate::error::tuple;
use crate::param::Param;
use std::fmt::Write as _;

/// A line for each leaf, and one for all.
pub(crate) fn summary(leaves: &[(String, &Param)]) -> String {
    let mut rows = vec![["leaf", "shape", "elements", ""].map(String::from)];
    let (mut trained, mut states) = (0usize, 0usize);
    for (path, param) in leaves {
        let count: usize = param.shape().iter().fold(1, |n, e| n.saturating_mul(*e));
        let sum = if param.is_state() {
            &mut states
        } else {
            &mut trained
        };
        *sum = sum.saturating_add(count);
        rows.push([
            path.clone(),
            tuple(param.shape()),
            count.to_string(),
            if param.is_state() { "state" } else { "" }.to_string(),
        ]);
    }
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max();
    let [path, shape, count] = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    let mut out = String::new();
    for [p, s, n, kind] in &rows {
        let line = format!("{p:path$}  {s:shape$}  {n:>count$}  {kind}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
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
