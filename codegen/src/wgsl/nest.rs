//! Nests: maps and row reductions.
//!
//! A workgroup is `columns x slices` invocations: each column is one row of the nest, and the
//! slices of a column share its elements, element `j` going to slice `j % slices`. One slice means
//! one invocation a row and no barriers. More slices combine their parts in workgroup memory, in
//! a tree of fixed order, so results do not depend on the device's scheduling.

use sinew_ir::{DType, Reduction};

use super::scalar::{Scope, constant, dtype_of, instructions, maximum, register, stores};
use super::source::Source;
use super::space::{Point, entry, grid, merge, split, volume};
use super::{EmitError, type_name};
use crate::kernel::{Code, Nest, Reg, RowReg, ScalarKind, Stage};

/// Invocations of a workgroup that maps.
const MAP: u32 = 64;

/// The code of a stage.
pub(super) fn stage_code(stage: &Stage) -> &Code {
    match stage {
        Stage::Row { code, .. } | Stage::Each { code, .. } => code,
    }
}

fn stage_code_mut(stage: &mut Stage) -> &mut Code {
    match stage {
        Stage::Row { code, .. } | Stage::Each { code, .. } => code,
    }
}

/// How a workgroup covers rows.
pub(super) struct Plan {
    /// Rows of a workgroup.
    pub columns: u32,
    /// Invocations that share a row; a power of two.
    pub slices: u32,
}

/// Writes the entry point; gives the grid, or nothing where there is nothing to do.
pub(super) fn emit(source: &mut Source, nest: &Nest) -> Result<Option<[u32; 3]>, EmitError> {
    let nest = &normalise(nest);
    let rows = volume(&nest.outer);
    let length = volume(&nest.inner);
    if rows == 0 {
        return Ok(None);
    }
    let plan = plan(source, nest, rows, length)?;
    let invocations = plan.columns * plan.slices;
    let count = rows.div_ceil(u128::from(plan.columns));
    let (groups, group) = grid(source, count)?;
    if count * u128::from(invocations) > u128::from(u32::MAX) || length > u128::from(u32::MAX / 2) {
        return Err(source.too_large(rows * length));
    }
    let columns = plan.columns;
    let whole = rows.is_multiple_of(u128::from(columns));

    declare_scratch(source, nest, &plan)?;
    entry(source, invocations);
    if plan.slices == 1 {
        source.line(&format!("let row = {group} * {columns}u + local;"));
        if !whole {
            source.line(&format!("if (row >= {rows}u) {{ return; }}"));
        }
    } else if columns == 1 {
        source.line(&format!("let row = {group};"));
        source.line("let slice = local;");
    } else {
        source.line(&format!("let slice = local / {columns}u;"));
        source.line(&format!("let column = local % {columns}u;"));
        source.line(&format!("let row = {group} * {columns}u + column;"));
    }
    // With barriers ahead, invocations without a row stay and do nothing.
    let idle = plan.slices > 1 && !whole;
    let outer = split(source, "row", &nest.outer, "i");
    for (at, &dtype) in nest.rows.iter().enumerate() {
        let zero = constant(source, dtype, 0.0)?;
        let name = type_of(source, dtype)?;
        source.line(&format!("var row{at}: {name} = {zero};"));
    }
    for (at, stage) in nest.stages.iter().enumerate() {
        match stage {
            Stage::Row { code, sets } => {
                let mut point = outer.clone();
                point.resize(outer.len() + nest.inner.len(), None);
                let point = Point(point);
                let scope = scope(&point, nest);
                source.open(&alive(idle, rows));
                instructions(source, code, &scope)?;
                for (row, reg) in sets {
                    let line = format!("row{} = {};", row.0, register(*reg));
                    check_row(source, nest, *row, dtype_of(source, &code.insts, *reg)?)?;
                    source.line(&line);
                }
                if plan.slices > 1 && !code.stores.is_empty() {
                    source.open("if (slice == 0u) {");
                    stores(source, code, &scope)?;
                    source.close();
                } else {
                    stores(source, code, &scope)?;
                }
                source.close();
            }
            Stage::Each { code, reduces } => {
                each(
                    source,
                    nest,
                    &plan,
                    at,
                    code,
                    reduces,
                    &outer,
                    &alive(idle, rows),
                )?;
            }
        }
    }
    source.close();
    Ok(Some(groups))
}

/// A map as rows of one element, and neighbouring dims merged where every access allows it.
fn normalise(nest: &Nest) -> Nest {
    let mut nest = nest.clone();
    if let [Stage::Each { code, reduces }] = &nest.stages[..]
        && reduces.is_empty()
    {
        nest.stages = vec![Stage::Row {
            code: code.clone(),
            sets: Vec::new(),
        }];
        nest.outer.append(&mut nest.inner);
    }
    let first = nest.outer.len();
    let mut codes: Vec<&mut Code> = nest.stages.iter_mut().map(stage_code_mut).collect();
    nest.inner = merge(&nest.inner, first, &mut codes);
    nest.outer = merge(&nest.outer, 0, &mut codes);
    nest
}

/// Chooses columns and slices from the number of rows, their length and the direction in which
/// memory is walked: neighbouring invocations should read neighbouring elements.
fn plan(source: &Source, nest: &Nest, rows: u128, length: u128) -> Result<Plan, EmitError> {
    let limit = source.limits.invocations.max(1);
    let limit = if limit.is_power_of_two() {
        limit
    } else {
        limit.next_power_of_two() / 2
    };
    let one = Plan {
        columns: MAP.min(limit),
        slices: 1,
    };
    let loops = nest
        .stages
        .iter()
        .any(|stage| matches!(stage, Stage::Each { .. }));
    if !loops || length < 32 || stores_over_loads(source, nest)? {
        return Ok(one);
    }
    let (along_rows, along_outer) = directions(nest);
    Ok(if along_rows >= along_outer {
        // A workgroup reads consecutive elements of a row, each invocation at least two.
        let slices = largest_power(length / 2).min(256).min(limit);
        let columns = (MAP / slices).max(1).min(limit / slices);
        Plan { columns, slices }
    } else if rows >= 1 << 14 {
        one
    } else {
        // Consecutive rows are neighbours: half a workgroup's width of them, and a few slices
        // because the rows alone are too few to fill a device.
        let columns = 32.min(limit);
        let slices = largest_power(length / 8).min(8).min(limit / columns);
        Plan { columns, slices }
    })
}

fn largest_power(n: u128) -> u32 {
    u32::try_from(n).map_or(1 << 31, |n| match n {
        0 => 1,
        n => 1 << n.ilog2(),
    })
}

/// How many loads of the loops walk neighbouring elements along the row, and across rows.
fn directions(nest: &Nest) -> (usize, usize) {
    let outer = nest.outer.len();
    let inner_last = outer + nest.inner.len();
    let mut counts = (0, 0);
    for stage in &nest.stages {
        let Stage::Each { code, .. } = stage else {
            continue;
        };
        for inst in &code.insts {
            if let ScalarKind::Load(access) = &inst.kind {
                let unit = |dim: usize| {
                    dim.checked_sub(1)
                        .and_then(|dim| access.strides.get(dim))
                        .is_some_and(|stride| stride.abs() == 1)
                };
                counts.0 += usize::from(inner_last > outer && unit(inner_last));
                counts.1 += usize::from(unit(outer));
            }
        }
    }
    counts
}

/// Whether a row stage stores where the nest loads. The slices of a row would race then.
fn stores_over_loads(source: &Source, nest: &Nest) -> Result<bool, EmitError> {
    let mut loaded = Vec::new();
    let mut stored = Vec::new();
    for stage in &nest.stages {
        for inst in &stage_code(stage).insts {
            if let ScalarKind::Load(access) | ScalarKind::Gather { access, .. } = &inst.kind {
                loaded.push(source.buffer(access)?);
            }
        }
        if let Stage::Row { code, .. } = stage {
            for store in &code.stores {
                stored.push(source.buffer(&store.access)?);
            }
        }
    }
    Ok(stored.iter().any(|s| {
        loaded.iter().any(|l| {
            s.region == l.region
                && s.offset < l.offset + l.elements * 4
                && l.offset < s.offset + s.elements * 4
        })
    }))
}

fn scope<'p>(point: &'p Point, nest: &'p Nest) -> Scope<'p> {
    Scope {
        point,
        rows: &nest.rows,
        accumulator: None,
    }
}

fn alive(idle: bool, rows: u128) -> String {
    if idle {
        format!("if (row < {rows}u) {{")
    } else {
        "{".to_string()
    }
}

fn type_of(source: &Source, dtype: DType) -> Result<&'static str, EmitError> {
    match dtype {
        DType::F64 => Err(source.f64()),
        DType::Float | DType::F32 | DType::I32 | DType::U32 | DType::Bool => {
            type_name(dtype).ok_or_else(|| source.malformed("an unbound type"))
        }
    }
}

fn check_row(source: &Source, nest: &Nest, row: RowReg, dtype: DType) -> Result<(), EmitError> {
    if nest.rows.get(row.0 as usize) == Some(&dtype) {
        Ok(())
    } else {
        Err(source.malformed(format!("row register {} is set to {dtype}", row.0)))
    }
}

/// The name of the workgroup array for parts of a type, and its element type.
fn scratch(dtype: DType) -> (&'static str, &'static str) {
    match dtype {
        DType::F32 | DType::F64 | DType::Float => ("parts_f32", "f32"),
        DType::I32 => ("parts_i32", "i32"),
        DType::U32 => ("parts_u32", "u32"),
        // `bool` is allowed in workgroup memory, but drivers have had trouble with it.
        DType::Bool => ("parts_u32", "u32"),
    }
}

/// Declares the workgroup arrays that the nest's reductions need.
fn declare_scratch(source: &mut Source, nest: &Nest, plan: &Plan) -> Result<(), EmitError> {
    if plan.slices == 1 {
        return Ok(());
    }
    let mut dtypes = Vec::new();
    let mut places = false;
    for stage in &nest.stages {
        if let Stage::Each { code, reduces } = stage {
            for (_, reduction, reg) in reduces {
                dtypes.push(dtype_of(source, &code.insts, *reg)?);
                places |= *reduction == Reduction::ArgMax;
            }
        }
    }
    declare_parts(source, plan, &dtypes, places)
}

/// Declares the arrays in which [`tree`] combines parts of these types.
pub(super) fn declare_parts(
    source: &mut Source,
    plan: &Plan,
    dtypes: &[DType],
    places: bool,
) -> Result<(), EmitError> {
    let invocations = plan.columns * plan.slices;
    let mut arrays: Vec<_> = dtypes.iter().map(|dtype| scratch(*dtype)).collect();
    if places {
        arrays.push(("places", "u32"));
    }
    arrays.sort_unstable();
    arrays.dedup();
    let bytes = arrays.len() * invocations as usize * 4;
    if bytes > source.limits.workgroup_bytes {
        return Err(source.malformed(format!("reductions that need {bytes} bytes of scratch")));
    }
    for (name, element) in arrays {
        source.line(&format!(
            "var<workgroup> {name}: array<{element}, {invocations}>;"
        ));
    }
    Ok(())
}

/// Writes a loop over the row and the reductions in it.
#[expect(
    clippy::too_many_arguments,
    reason = "one call; the parts of one stage"
)]
fn each(
    source: &mut Source,
    nest: &Nest,
    plan: &Plan,
    stage: usize,
    code: &Code,
    reduces: &[(RowReg, Reduction, Reg)],
    outer: &[Option<String>],
    alive: &str,
) -> Result<(), EmitError> {
    let length = volume(&nest.inner);
    let mut dtypes = Vec::with_capacity(reduces.len());
    for (at, (row, reduction, reg)) in reduces.iter().enumerate() {
        let dtype = dtype_of(source, &code.insts, *reg)?;
        let held = match reduction {
            Reduction::Sum | Reduction::Max => dtype,
            Reduction::ArgMax => DType::I32,
        };
        check_row(source, nest, *row, held)?;
        let start = identity(source, *reduction, dtype)?;
        let name = type_of(source, dtype)?;
        source.line(&format!("var part{stage}_{at}: {name} = {start};"));
        if *reduction == Reduction::ArgMax {
            source.line(&format!("var place{stage}_{at} = 0u;"));
        }
        dtypes.push(dtype);
    }
    if length > 0 {
        source.open(alive);
        let (first, step) = if plan.slices == 1 {
            ("0u".to_string(), 1)
        } else {
            ("slice".to_string(), plan.slices)
        };
        source.open(&format!(
            "for (var j = {first}; j < {length}u; j = j + {step}u) {{"
        ));
        let mut point = outer.to_vec();
        point.extend(split(source, "j", &nest.inner, "j"));
        let point = Point(point);
        let scope = scope(&point, nest);
        instructions(source, code, &scope)?;
        for (at, (_, reduction, reg)) in reduces.iter().enumerate() {
            let part = format!("part{stage}_{at}");
            let place = format!("place{stage}_{at}");
            let other = (register(*reg), "j".to_string());
            combine(
                source,
                *reduction,
                dtypes[at],
                (&part, &place),
                (&other.0, &other.1),
                false,
            )?;
        }
        stores(source, code, &scope)?;
        source.close();
        source.close();
    }
    for (at, (row, reduction, _)) in reduces.iter().enumerate() {
        let part = format!("part{stage}_{at}");
        let place = format!("place{stage}_{at}");
        if plan.slices > 1 {
            tree(source, plan, *reduction, dtypes[at], &part, &place)?;
        }
        match reduction {
            Reduction::Sum | Reduction::Max => source.line(&format!("row{} = {part};", row.0)),
            Reduction::ArgMax => source.line(&format!("row{} = bitcast<i32>({place});", row.0)),
        }
    }
    Ok(())
}

/// The value of a reduction over nothing.
fn identity(source: &mut Source, reduction: Reduction, dtype: DType) -> Result<String, EmitError> {
    let least = match dtype {
        DType::F32 | DType::F64 | DType::Float => f64::NEG_INFINITY,
        DType::I32 => f64::from(i32::MIN),
        DType::U32 | DType::Bool => 0.0,
    };
    match reduction {
        Reduction::Sum => constant(source, dtype, 0.0),
        Reduction::Max | Reduction::ArgMax => constant(source, dtype, least),
    }
}

/// Writes the statement that takes `other` into `part`; `ordered` where the other part may hold
/// earlier elements.
fn combine(
    source: &mut Source,
    reduction: Reduction,
    dtype: DType,
    (part, place): (&str, &str),
    (other, other_place): (&str, &str),
    unordered: bool,
) -> Result<(), EmitError> {
    match reduction {
        Reduction::Sum => match dtype {
            DType::F32 | DType::I32 | DType::U32 => {
                source.line(&format!("{part} = {part} + {other};"));
            }
            DType::F64 => return Err(source.f64()),
            DType::Float | DType::Bool => {
                return Err(source.malformed(format!("a sum of {dtype}")));
            }
        },
        Reduction::Max => {
            let text = maximum(source, Some(dtype), part, other)?;
            source.line(&format!("{part} = {text};"));
        }
        Reduction::ArgMax => {
            let before = match dtype {
                DType::F32 => format!("{}({other}, {part})", source.need("precedes_f32")),
                DType::I32 | DType::U32 => format!("{other} > {part}"),
                DType::F64 => return Err(source.f64()),
                DType::Bool | DType::Float => {
                    return Err(source.malformed(format!("an argmax of {dtype}")));
                }
            };
            let after = match dtype {
                DType::F32 => format!("{}({part}, {other})", source.need("precedes_f32")),
                DType::I32 | DType::U32 | DType::F64 | DType::Bool | DType::Float => {
                    format!("{part} > {other}")
                }
            };
            let condition = if unordered {
                format!("{before} || (!({after}) && {other_place} < {place})")
            } else {
                before
            };
            source.open(&format!("if ({condition}) {{"));
            source.line(&format!("{part} = {other};"));
            source.line(&format!("{place} = {other_place};"));
            source.close();
        }
    }
    Ok(())
}

/// Writes the tree over the slices of each column; every slice then holds the column's result.
pub(super) fn tree(
    source: &mut Source,
    plan: &Plan,
    reduction: Reduction,
    dtype: DType,
    part: &str,
    place: &str,
) -> Result<(), EmitError> {
    let (array, _) = scratch(dtype);
    let (pack, unpack) = match dtype {
        DType::Bool => (format!("select(0u, 1u, {part})"), " != 0u"),
        DType::F32 | DType::F64 | DType::Float | DType::I32 | DType::U32 => (part.to_string(), ""),
    };
    let places = reduction == Reduction::ArgMax;
    let publish = |source: &mut Source| {
        source.line(&format!("{array}[local] = {pack};"));
        if places {
            source.line(&format!("places[local] = {place};"));
        }
    };
    publish(source);
    let mut width = plan.slices / 2;
    while width > 0 {
        let away = width * plan.columns;
        source.line("workgroupBarrier();");
        source.open(&format!("if (slice < {width}u) {{"));
        source.line(&format!("let other = {array}[local + {away}u]{unpack};"));
        if places {
            source.line(&format!("let other_place = places[local + {away}u];"));
        }
        combine(
            source,
            reduction,
            dtype,
            (part, place),
            ("other", "other_place"),
            true,
        )?;
        publish(source);
        source.close();
        width /= 2;
    }
    source.line("workgroupBarrier();");
    let column = if plan.columns == 1 { "0u" } else { "column" };
    source.line(&format!("{part} = {array}[{column}]{unpack};"));
    if places {
        source.line(&format!("{place} = places[{column}];"));
    }
    // The arrays may be used again.
    source.line("workgroupBarrier();");
    Ok(())
}
