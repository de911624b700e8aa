//! Contractions: matrix products with an epilogue.

use super::EmitError;
use super::scalar::{Scope, instructions, stores};
use super::source::Source;
use super::space::{Point, entry, grid, guard, place, split, volume};
use crate::kernel::Contract;

/// Writes the entry point; gives the grid, or nothing where there is nothing to do.
pub(super) fn emit(
    source: &mut Source,
    contract: &Contract,
) -> Result<Option<[u32; 3]>, EmitError> {
    let mut space = contract.batch.clone();
    space.extend([contract.m, contract.n]);
    let count = volume(&space);
    if count == 0 {
        return Ok(None);
    }
    simple(source, contract, &space, count).map(Some)
}

/// One invocation an element of the result: for products too small for tiles.
fn simple(
    source: &mut Source,
    contract: &Contract,
    space: &[usize],
    count: u128,
) -> Result<[u32; 3], EmitError> {
    let invocations = 64.min(source.limits.invocations);
    let (groups, group) = grid(source, count.div_ceil(u128::from(invocations)))?;
    if count + u128::from(invocations) * u128::from(groups[1]) > u128::from(u32::MAX) {
        return Err(source.too_large(count));
    }
    entry(source, invocations);
    source.line(&format!("let row = {group} * {invocations}u + local;"));
    if !count.is_multiple_of(u128::from(invocations)) {
        source.line(&format!("if (row >= {count}u) {{ return; }}"));
    }
    let point = split(source, "row", space, "i");
    let rank = contract.batch.len();
    source.line("var sum = 0.0f;");
    source.open(&format!(
        "for (var k = 0u; k < {}u; k = k + 1u) {{",
        contract.k
    ));
    let k = Some("k".to_string());
    let mut lhs = point[..=rank].to_vec();
    lhs.push(k.clone());
    let mut rhs = point[..rank].to_vec();
    rhs.extend([k, point[rank + 1].clone()]);
    for (name, access, point) in [
        ("x", &contract.lhs, Point(lhs)),
        ("y", &contract.rhs, Point(rhs)),
    ] {
        let index = place(source, access, &point)?;
        let text = source.load(source.buffer(access)?, &index)?;
        match guard(source, access, &point)? {
            None => source.line(&format!("let {name} = {text};")),
            Some(condition) => {
                source.line(&format!("var {name} = 0.0f;"));
                source.line(&format!("if ({condition}) {{ {name} = {text}; }}"));
            }
        }
    }
    source.line("sum = fma(x, y, sum);");
    source.close();
    let point = Point(point);
    let scope = Scope {
        point: &point,
        rows: &[],
        accumulator: Some("sum"),
    };
    instructions(source, &contract.epilogue, &scope)?;
    stores(source, &contract.epilogue, &scope)?;
    source.close();
    Ok(groups)
}
