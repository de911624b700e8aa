//! Scans: a running value a row, one invocation a row.

use super::EmitError;
use super::scalar::{Scope, constant, instructions, register, stores};
use super::source::Source;
use super::space::{Grid, Point, entry, grid, split, volume};
use super::type_name;
use crate::kernel::Scan;

/// Invocations of a workgroup.
const WIDTH: u32 = 64;

/// About how many scalar instructions a kernel runs.
pub(super) fn work(scan: &Scan) -> u128 {
    volume(&scan.space()) * scan.code.insts.len() as u128
}

/// Writes the entry point; gives the grid, or nothing where there is nothing to do.
pub(super) fn emit(source: &mut Source, scan: &Scan) -> Result<Option<[u32; 3]>, EmitError> {
    let count = volume(&scan.outer);
    if count == 0 || scan.extent == 0 {
        return Ok(None);
    }
    let width = WIDTH.min(source.limits.invocations);
    let Grid {
        groups,
        number,
        spare,
    } = grid(source, count.div_ceil(u128::from(width)))?;
    if count + u128::from(width) * u128::from(groups[1]) > u128::from(u32::MAX)
        || scan.extent as u128 > u128::from(u32::MAX / 2)
    {
        return Err(source.too_large(count * scan.extent as u128));
    }
    let dtype = scan.dtype();
    let dtype = dtype.ok_or_else(|| source.malformed("a scan without a running value"))?;
    let type_name = type_name(dtype).ok_or_else(|| source.f64())?;
    entry(source, width);
    source.line(&format!("let row = {number} * {width}u + local;"));
    if spare || !count.is_multiple_of(u128::from(width)) {
        source.line(&format!("if (row >= {count}u) {{ return; }}"));
    }
    let mut point = split(source, "row", &scan.outer, "i");
    let start = constant(source, dtype, scan.start)?;
    source.line(&format!("var running: {type_name} = {start};"));
    source.open(&format!(
        "for (var j = 0u; j < {}u; j = j + 1u) {{",
        scan.extent
    ));
    point.push((scan.extent != 1).then(|| "j".to_string()));
    let scope = Scope {
        point: &Point(point),
        rows: &[],
        elements: &[],
        accumulator: Some("running"),
    };
    instructions(source, &scan.code, &scope)?;
    stores(source, &scan.code, &scope)?;
    source.line(&format!("running = {};", register(scan.next)));
    source.close();
    source.close();
    Ok(Some(groups))
}
