//! Nests: maps and row reductions.
//!
//! A workgroup is `columns x slices` invocations: each column is one row of the nest, and the
//! slices of a column share its elements, element `j` going to slice `j % slices`. One slice means
//! one invocation a row and no barriers. More slices combine their parts in workgroup memory, in
//! a tree of fixed order, so results do not depend on the device's scheduling. Where stores add, a
//! column is a block of rows, which run one after the other: each sum is read and written by one slice.

use sinew_ir::{DType, Reduction};

use super::reduce::{WorkgroupShape, combine, declare_parts, identity, tree};
use super::scalar::{Scope, constant, dtype_of, instructions, register, stores};
use super::source::Source;
use super::space::{Grid, Point, entry, grid, merge, split, volume};
use super::{EmitError, type_name};
use crate::cost::FUNCTION_BYTES;
use crate::kernel::{Code, Nest, Reg, RowReg, ScalarKind, Stage};

/// Invocations of a workgroup that maps.
const MAP: u32 = 64;

/// About how many scalar instructions a kernel runs.
pub(super) fn work(nest: &Nest) -> u128 {
    let in_row = |stage: &Stage| match stage {
        Stage::Row { code, .. } => code.insts.len() as u128,
        Stage::Each { code, .. } => volume(&nest.inner) * code.insts.len() as u128,
    };
    volume(&nest.outer) * nest.stages.iter().map(in_row).sum::<u128>()
}

/// Writes the entry point; gives the grid, or nothing where there is nothing to do.
pub(super) fn emit(source: &mut Source, nest: &Nest) -> Result<Option<[u32; 3]>, EmitError> {
    let nest = &normalise(nest);
    let rows = volume(nest.parallel_dims());
    let length = volume(&nest.inner);
    if rows == 0 {
        return Ok(None);
    }
    let workgroup = choose_workgroup(source, nest, rows, length)?;
    let workgroup = shared_arrays(source, nest, length, workgroup)?;
    let invocations = workgroup.columns * workgroup.slices;
    let count = rows.div_ceil(u128::from(workgroup.columns));
    let Grid {
        groups,
        number,
        spare,
    } = grid(source, count)?;
    // The numbers of spare workgroups count as well.
    let reach = (count + u128::from(groups[1])) * u128::from(invocations);
    if reach > u128::from(u32::MAX) || length > u128::from(u32::MAX / 2) {
        return Err(source.too_large(rows * length));
    }
    let columns = workgroup.columns;
    let whole = !spare && rows.is_multiple_of(u128::from(columns));

    declare_scratch(source, nest, &workgroup)?;
    entry(source, invocations);
    if workgroup.slices == 1 {
        source.line(&format!("let row = {number} * {columns}u + local;"));
        if !whole {
            source.line(&format!("if (row >= {rows}u) {{ return; }}"));
        }
    } else if columns == 1 {
        source.line(&format!("let row = {number};"));
        source.line("let slice = local;");
    } else {
        source.line(&format!("let slice = local / {columns}u;"));
        source.line(&format!("let column = local % {columns}u;"));
        source.line(&format!("let row = {number} * {columns}u + column;"));
    }
    let mut outer = split(source, "row", nest.parallel_dims(), "i");
    for (at, &dtype) in nest.rows.iter().enumerate() {
        let zero = constant(source, dtype, 0.0)?;
        let name = type_of(source, dtype)?;
        source.line(&format!("var row{at}: {name} = {zero};"));
    }
    let elements = declare_arrays(source, nest, length, &workgroup)?;
    let first_sums = nest.first_sums();
    if nest.step().is_some() {
        outer.push(Some("step".to_string()));
    }
    let body = Body {
        nest,
        elements,
        // With barriers ahead, invocations without a row stay and do nothing.
        alive: if workgroup.slices > 1 && !whole {
            format!("if (row < {rows}u) {{")
        } else {
            "{".to_string()
        },
        workgroup,
        outer,
    };
    if let Some(zeros) = &first_sums {
        source.line("var step = 0u;");
        body.each(source, nest.stages.len(), zeros, &[])?;
        let steps = nest.outer.last().copied().unwrap_or(1);
        source.open(&format!("for (; step < {steps}u; step = step + 1u) {{"));
    }
    for (at, stage) in nest.stages.iter().enumerate() {
        match stage {
            Stage::Row { code, sets } => body.row(source, code, sets)?,
            Stage::Each { code, reduces } => body.each(source, at, code, reduces)?,
        }
    }
    if first_sums.is_some() {
        source.close();
    }
    source.close();
    Ok(Some(groups))
}

/// A map as rows of one element, and neighbouring dims merged where every access allows it.
fn normalise(nest: &Nest) -> Nest {
    let mut nest = nest.clone();
    // With one stage there is no later one to read its arrays.
    if let [Stage::Each { code, reduces }] = &nest.stages[..]
        && reduces.is_empty()
        && nest.step().is_none()
    {
        nest.arrays.clear();
        nest.stages = vec![Stage::Row {
            code: code.clone(),
            sets: Vec::new(),
        }];
        nest.outer.append(&mut nest.inner);
    }
    let (first, blocks) = (nest.outer.len(), nest.parallel_dims().len());
    let mut codes: Vec<&mut Code> = nest.stages.iter_mut().map(Stage::code_mut).collect();
    nest.inner = merge(&nest.inner, first, &mut codes);
    let step = nest.outer.split_off(blocks);
    nest.outer = merge(&nest.outer, 0, &mut codes);
    nest.outer.extend(step);
    nest
}

/// Chooses columns and slices from the number of rows, their length and the direction in which
/// memory is walked: neighbouring invocations should read neighbouring elements.
fn choose_workgroup(
    source: &Source,
    nest: &Nest,
    rows: u128,
    length: u128,
) -> Result<WorkgroupShape, EmitError> {
    let limit = source.limits.invocations.max(1);
    let limit = if limit.is_power_of_two() {
        limit
    } else {
        limit.next_power_of_two() / 2
    };
    let one = WorkgroupShape {
        columns: MAP.min(limit),
        slices: 1,
    };
    let loops = nest
        .stages
        .iter()
        .any(|stage| matches!(stage, Stage::Each { .. }));
    if !loops || length < 32 || stores_over_loads(nest) {
        return Ok(one);
    }
    let (along_rows, along_outer) = directions(nest);
    Ok(if along_rows >= along_outer {
        // A workgroup reads consecutive elements of a row, each invocation at least two.
        let slices = largest_power(length / 2).min(256).min(limit);
        let columns = (MAP / slices).max(1).min(limit / slices);
        WorkgroupShape { columns, slices }
    } else if rows >= 1 << 14 {
        one
    } else {
        // Consecutive rows are neighbours: half a workgroup's width of them, and a few slices
        // because the rows alone are too few to fill a device.
        let columns = 32.min(limit);
        let slices = largest_power(length / 8).min(8).min(limit / columns);
        WorkgroupShape { columns, slices }
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
fn stores_over_loads(nest: &Nest) -> bool {
    let mut loaded = Vec::new();
    let mut stored = Vec::new();
    for stage in &nest.stages {
        for inst in &stage.code().insts {
            if let ScalarKind::Load(access) | ScalarKind::Gather { access, .. } = &inst.kind {
                loaded.push(access.slot);
            }
        }
        if let Stage::Row { code, .. } = stage {
            for store in &code.stores {
                stored.push(store.access.slot);
            }
        }
    }
    stored.iter().any(|s| loaded.contains(s))
}

fn type_of(source: &Source, dtype: DType) -> Result<&'static str, EmitError> {
    match dtype {
        DType::F64 => Err(source.f64()),
        DType::Float
        | DType::F32
        | DType::F16
        | DType::Bf16
        | DType::I32
        | DType::U32
        | DType::Bool => type_name(dtype).ok_or_else(|| source.malformed("an unbound type")),
    }
}

fn check_row(source: &Source, nest: &Nest, row: RowReg, dtype: DType) -> Result<(), EmitError> {
    if nest.rows.get(row.0 as usize) == Some(&dtype) {
        Ok(())
    } else {
        Err(source.malformed(format!("row register {} is set to {dtype}", row.0)))
    }
}

/// Declares the workgroup arrays that the nest's reductions need.
fn declare_scratch(
    source: &mut Source,
    nest: &Nest,
    workgroup: &WorkgroupShape,
) -> Result<(), EmitError> {
    if workgroup.slices == 1 {
        return Ok(());
    }
    let mut dtypes = Vec::new();
    let mut places = false;
    for stage in &nest.stages {
        if let Stage::Each { code, reduces } = stage {
            for (_, reduction, reg) in reduces {
                dtypes.push(dtype_of(source, &code.insts, *reg)?);
                places |= reduction.is_place();
            }
        }
    }
    declare_parts(source, workgroup, &dtypes, places)
}

/// Elements of a row that one invocation has.
fn own_elements(length: u128, workgroup: &WorkgroupShape) -> u128 {
    length.div_ceil(u128::from(workgroup.slices)).max(1)
}

/// A workgroup whose invocations have memory of their own for their parts of the row arrays: with more
/// slices where they are large.
fn shared_arrays(
    source: &Source,
    nest: &Nest,
    length: u128,
    mut workgroup: WorkgroupShape,
) -> Result<WorkgroupShape, EmitError> {
    let element = 4 * nest.arrays.len() as u128;
    let fits = |w: &WorkgroupShape| own_elements(length, w) * element <= FUNCTION_BYTES as u128;
    while !fits(&workgroup) {
        let more = workgroup.slices * 2;
        if more > source.limits.invocations || stores_over_loads(nest) {
            let bytes = own_elements(length, &workgroup) * element;
            return Err(source.malformed(format!("row arrays of {bytes} bytes an invocation")));
        }
        workgroup = WorkgroupShape {
            columns: workgroup.columns.min(source.limits.invocations / more),
            slices: more,
        };
    }
    Ok(workgroup)
}

/// Declares the row arrays; gives the type of each and the expression of its element in the loops over
/// the row. An invocation writes and reads its own elements only, so it has them for itself, in order.
fn declare_arrays(
    source: &mut Source,
    nest: &Nest,
    length: u128,
    workgroup: &WorkgroupShape,
) -> Result<Vec<(DType, String)>, EmitError> {
    let own = own_elements(length, workgroup);
    let at = match workgroup.slices {
        1 => "j".to_string(),
        slices => format!("j / {slices}u"),
    };
    let mut elements = Vec::new();
    for (number, array) in nest.arrays.iter().enumerate() {
        let dtype = nest.array_dtype(*array);
        let dtype =
            dtype.ok_or_else(|| source.malformed(format!("row array {number} of nothing")))?;
        let name = type_of(source, dtype)?;
        source.line(&format!("var array{number}: array<{name}, {own}>;"));
        elements.push((dtype, format!("array{number}[{at}]")));
    }
    Ok(elements)
}

/// What the stages of a nest share.
struct Body<'n> {
    nest: &'n Nest,
    workgroup: WorkgroupShape,
    /// The indices of the row.
    outer: Vec<Option<String>>,
    /// For each row array, its element's type and expression in the loops over the row.
    elements: Vec<(DType, String)>,
    /// The opening of a block for invocations that have a row.
    alive: String,
}

impl Body<'_> {
    fn scope<'p>(&'p self, point: &'p Point) -> Scope<'p> {
        Scope {
            point,
            rows: &self.nest.rows,
            elements: &self.elements,
            accumulator: None,
        }
    }

    /// Writes a stage that runs once a row. Every slice computes, the first one stores.
    fn row(
        &self,
        source: &mut Source,
        code: &Code,
        sets: &[(RowReg, Reg)],
    ) -> Result<(), EmitError> {
        let mut point = self.outer.clone();
        point.resize(self.outer.len() + self.nest.inner.len(), None);
        let point = Point(point);
        let scope = self.scope(&point);
        source.open(&self.alive);
        instructions(source, code, &scope)?;
        for (row, reg) in sets {
            let dtype = dtype_of(source, &code.insts, *reg)?;
            check_row(source, self.nest, *row, dtype)?;
            source.line(&format!("row{} = {};", row.0, register(*reg)));
        }
        if self.workgroup.slices > 1 && !code.stores.is_empty() {
            source.open("if (slice == 0u) {");
            stores(source, code, &scope)?;
            source.close();
        } else {
            stores(source, code, &scope)?;
        }
        source.close();
        Ok(())
    }

    /// Writes a loop over the row and the reductions in it.
    fn each(
        &self,
        source: &mut Source,
        stage: usize,
        code: &Code,
        reduces: &[(RowReg, Reduction, Reg)],
    ) -> Result<(), EmitError> {
        let mut dtypes = Vec::with_capacity(reduces.len());
        for (at, (row, reduction, reg)) in reduces.iter().enumerate() {
            let dtype = dtype_of(source, &code.insts, *reg)?;
            let held = match reduction.is_place() {
                false => dtype,
                true => DType::I32,
            };
            check_row(source, self.nest, *row, held)?;
            let start = identity(source, *reduction, dtype)?;
            let type_name = type_of(source, dtype)?;
            let (part, place) = part_names(stage, at);
            source.line(&format!("var {part}: {type_name} = {start};"));
            if reduction.is_place() {
                source.line(&format!("var {place} = 0u;"));
            }
            dtypes.push(dtype);
        }
        if volume(&self.nest.inner) > 0 {
            self.each_element(source, stage, code, &dtypes, reduces)?;
        }
        for (at, (row, reduction, _)) in reduces.iter().enumerate() {
            let (part, place) = part_names(stage, at);
            let result = match reduction.is_place() {
                false => format!("row{} = {part};", row.0),
                true => format!("row{} = bitcast<i32>({place});", row.0),
            };
            if self.workgroup.slices > 1 {
                tree(
                    source,
                    &self.workgroup,
                    *reduction,
                    dtypes[at],
                    &(part, place),
                )?;
            }
            source.line(&result);
        }
        Ok(())
    }

    /// The loop over the elements of a row: its code, and each element taken into the parts of the
    /// reductions, whose elements have the types `dtypes`.
    fn each_element(
        &self,
        source: &mut Source,
        stage: usize,
        code: &Code,
        dtypes: &[DType],
        reduces: &[(RowReg, Reduction, Reg)],
    ) -> Result<(), EmitError> {
        let length = volume(&self.nest.inner);
        source.open(&self.alive);
        let (first, step) = match self.workgroup.slices {
            1 => ("0u", 1),
            slices => ("slice", slices),
        };
        source.open(&format!(
            "for (var j = {first}; j < {length}u; j = j + {step}u) {{"
        ));
        let mut point = self.outer.clone();
        point.extend(split(source, "j", &self.nest.inner, "j"));
        let point = Point(point);
        let scope = self.scope(&point);
        instructions(source, code, &scope)?;
        for (at, (_, reduction, reg)) in reduces.iter().enumerate() {
            let (part, place) = part_names(stage, at);
            let element = (register(*reg), "j".to_string());
            combine(
                source,
                *reduction,
                dtypes[at],
                &(part, place),
                &element,
                false,
            )?;
        }
        stores(source, code, &scope)?;
        for (array, (_, element)) in self.nest.arrays.iter().zip(&self.elements) {
            if array.stage == stage {
                source.line(&format!("{element} = {};", register(array.value)));
            }
        }
        source.close();
        source.close();
        Ok(())
    }
}

/// The names of an invocation's part of a reduction, and of the place of its greatest element.
fn part_names(stage: usize, reduction: usize) -> (String, String) {
    let names = ["part", "place"].map(|name| format!("{name}{stage}_{reduction}"));
    names.into()
}
