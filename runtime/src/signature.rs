//! What a function is declared as, and what a call of it takes.

use sinew_ir::cost::cost;
use sinew_ir::{Dim, Unit};

/// The declaration, and formulas of its parameters, operations and bytes, in its symbols.
pub fn signature(declaration: &str, unit: &Unit) -> String {
    let cost = cost(unit);
    let formula = |d: Option<Dim>| match d {
        Some(d) => d.to_string(),
        None => "too many terms to tell".to_string(),
    };
    format!(
        "{declaration}\nparameters: {}\nflops:      {}\nbytes:      {}",
        formula(cost.parameters),
        formula(cost.flops),
        formula(cost.bytes)
    )
}
