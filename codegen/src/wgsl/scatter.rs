//! Scatters: additions at computed indices, one invocation an outer index.
//!
//! Each invocation goes along the axis in order, so that the result does not depend on the
//! device's scheduling and no atomics are needed.

use sinew_ir::DType;

use super::EmitError;
use super::scalar::{Scope, clamped, dtype_of, instructions, register};
use super::source::Source;
use super::space::{Grid, Point, affine, entry, grid, place, split, volume};
use crate::kernel::Scatter;

/// Invocations of a workgroup.
const WIDTH: u32 = 64;

/// About how many scalar instructions a kernel runs.
pub(super) fn work(scatter: &Scatter) -> u128 {
    volume(&scatter.space()) * scatter.code.insts.len() as u128
}

/// Writes the entry point; gives the grid, or nothing where there is nothing to do.
pub(super) fn emit(source: &mut Source, scatter: &Scatter) -> Result<Option<[u32; 3]>, EmitError> {
    let count = volume(&scatter.outer);
    if count == 0 || scatter.updates == 0 {
        return Ok(None);
    }
    let width = WIDTH.min(source.limits.invocations);
    let Grid {
        groups,
        number,
        spare,
    } = grid(source, count.div_ceil(u128::from(width)))?;
    if count + u128::from(width) * u128::from(groups[1]) > u128::from(u32::MAX)
        || scatter.updates as u128 > u128::from(u32::MAX / 2)
    {
        return Err(source.too_large(count * scatter.updates as u128));
    }
    let slot = scatter.target.slot;
    let dtype = source.slot(slot)?.dtype;
    match dtype {
        DType::F32 | DType::I32 | DType::U32 => {}
        DType::F64 => return Err(source.f64()),
        DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
            return Err(source.malformed(format!("a scatter of {dtype}")));
        }
    }
    if dtype_of(source, &scatter.code.insts, scatter.index)? != DType::I32
        || dtype_of(source, &scatter.code.insts, scatter.update)? != dtype
    {
        return Err(source.malformed("a scatter whose index or update has another type"));
    }
    entry(source, width);
    source.line(&format!("let row = {number} * {width}u + local;"));
    if spare || !count.is_multiple_of(u128::from(width)) {
        source.line(&format!("if (row >= {count}u) {{ return; }}"));
    }
    let mut point = split(source, "row", &scatter.outer, "i");
    point.push(None);
    let start = place(source, &scatter.target, &Point(point.clone()))?;
    source.line(&format!("let start = {start};"));
    point.pop();
    source.open(&format!(
        "for (var j = 0u; j < {}u; j = j + 1u) {{",
        scatter.updates
    ));
    point.push((scatter.updates != 1).then(|| "j".to_string()));
    let point = Point(point);
    let scope = Scope {
        point: &point,
        rows: &[],
        elements: &[],
        accumulator: None,
    };
    instructions(source, &scatter.code, &scope)?;
    let index = clamped(source, scatter.index, scatter.extent)?;
    let step = affine(source, 0, &[scatter.stride], &Point(vec![Some(index)]))?;
    source.line(&format!("let place = start + {step};"));
    let old = source.load(slot, "place")?;
    let sum = format!("{old} + {}", register(scatter.update));
    let line = source.store(slot, "place", &sum)?;
    source.line(&line);
    source.close();
    source.close();
    Ok(Some(groups))
}
