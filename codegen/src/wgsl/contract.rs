//! Contractions: products with prologues and an epilogue.
//!
//! Rows, columns and the contracted dims are walked as one each; where an access does not walk several
//! dims as one, their indices are the digits of that number.
//!
//! Two variants. Small products have one invocation an element, or a few that share the sum where
//! there are few elements and long sums. Others go through tiles ([`super::tile`]). The order of every
//! sum is fixed by the text.

use sinew_ir::{DType, Reduction};

use super::reduce::{WorkgroupShape, declare_parts, tree};
use super::scalar::{Scope, dtype_of, instructions, register, stores};
use super::source::Source;
use super::space::{Grid, Point, entry, grid, place, split, volume};
use super::{EmitError, tile};
use crate::kernel::{Code, Contract, Operand};

/// Workgroups below which a device is not filled.
pub(super) const FILLED: u128 = 128;

/// Invocations of a workgroup without tiles.
const WIDTH: u32 = 64;

/// About how many scalar instructions a kernel runs.
pub(super) fn work(contract: &Contract) -> u128 {
    let [m, n, k] = contract.extents().map(|e| e as u128);
    // Tiles compute an element of an operand once for some 32 of the other's.
    let side = |operand: &Operand, other: u128| match operand.access() {
        Some(_) => 0,
        None => operand.code.insts.len() as u128 * other.div_ceil(32),
    };
    let prologues = m * side(&contract.lhs, n) + n * side(&contract.rhs, m);
    let epilogue = contract.epilogue.insts.len() as u128;
    volume(&contract.batch) * (m * n * (2 * k + epilogue) + k * prologues)
}

/// Writes the entry point; gives the grid, or nothing where there is nothing to do.
pub(super) fn emit(
    source: &mut Source,
    contract: &Contract,
) -> Result<Option<[u32; 3]>, EmitError> {
    let space = contract.space();
    let count = volume(&space);
    if count == 0 {
        return Ok(None);
    }
    let sides = [&contract.m, &contract.n, &contract.k];
    if sides
        .iter()
        .any(|dims| volume(dims) > u128::from(u32::MAX) / 2)
    {
        return Err(source.too_large(count));
    }
    match contract.dtype {
        DType::F32 => {}
        DType::F64 => return Err(source.f64()),
        DType::Float | DType::F16 | DType::Bf16 | DType::I32 | DType::U32 | DType::Bool => {
            return Err(source.malformed(format!("a contraction of {}", contract.dtype)));
        }
    }
    match tile::choose(source, contract) {
        Some(tile) => tile::emit(source, contract, tile).map(Some),
        None => simple(source, contract, &space, count).map(Some),
    }
}

/// One invocation an element of the result, or `slices` that share its sum.
fn simple(
    source: &mut Source,
    contract: &Contract,
    space: &[usize],
    count: u128,
) -> Result<[u32; 3], EmitError> {
    let width = WIDTH.min(1 << source.limits.invocations.max(1).ilog2());
    let few = count < FILLED * u128::from(WIDTH);
    let mut slices = 1;
    let depth = contract.extents()[2];
    while few && slices < 16.min(width) && depth >= 64 * slices as usize {
        slices *= 2;
    }
    let workgroup = WorkgroupShape {
        columns: width / slices,
        slices,
    };
    let columns = workgroup.columns;
    let Grid { groups, number, .. } = grid(source, count.div_ceil(u128::from(columns)))?;
    if count + u128::from(columns) * u128::from(groups[1]) > u128::from(u32::MAX) {
        return Err(source.too_large(count));
    }
    if slices > 1 {
        declare_parts(source, &workgroup, &[DType::F32], false)?;
    }
    let batch = names(&contract.batch, "i");
    let down = side_names(&contract.m, "i", "row");
    let across = side_names(&contract.n, "j", "column");
    let along = match &contract.k[..] {
        [_] => vec![Some("k".to_string())],
        dims => names(dims, "k"),
    };
    for (name, operand, dims) in [
        ("x_at", &contract.lhs, [&batch, &down, &along]),
        ("y_at", &contract.rhs, [&batch, &along, &across]),
    ] {
        if operand.access().is_none() {
            let point = dims.map(|names| &names[..]).concat();
            open_function(source, name, &point);
            give(source, name, operand, point)?;
        }
    }
    entry(source, width);
    source.line(&format!("let slice = local / {columns}u;"));
    source.line(&format!("let column = local % {columns}u;"));
    source.line(&format!("let row = {number} * {columns}u + column;"));
    let point = split(source, "row", space, "i");
    let rank = contract.batch.len();
    source.line("var sum = 0.0f;");
    source.open(&format!("if (row < {count}u) {{"));
    source.open(&format!(
        "for (var k = slice; k < {depth}u; k = k + {slices}u) {{"
    ));
    let along = digits(source, "k", &contract.k, "k");
    let (batch, sides) = point.split_at(rank);
    let (down, across) = sides.split_at(contract.m.len());
    let lhs = [batch, down, &along].concat();
    let rhs = [batch, &along, across].concat();
    let x = element(source, "x_at", &contract.lhs, lhs)?;
    let y = element(source, "y_at", &contract.rhs, rhs)?;
    source.line(&format!("sum = fma({x}, {y}, sum);"));
    source.close();
    source.close();
    if slices > 1 {
        let sum = ("sum".to_string(), String::new());
        tree(source, &workgroup, Reduction::Sum, DType::F32, &sum)?;
    }
    source.open(&format!("if (slice == 0u && row < {count}u) {{"));
    let point = Point(point);
    epilogue(source, &contract.epilogue, &point)?;
    source.close();
    source.close();
    Ok(groups)
}

/// The expression of an operand's element: its load, or a call of the function that computes it.
fn element(
    source: &Source,
    name: &str,
    operand: &Operand,
    point: Vec<Option<String>>,
) -> Result<String, EmitError> {
    match operand.access() {
        Some(access) => {
            let index = place(source, access, &Point(point))?;
            source.load(access.slot, &index)
        }
        None => {
            let arguments: Vec<String> = point.into_iter().flatten().collect();
            Ok(format!("{name}({})", arguments.join(", ")))
        }
    }
}

/// The names of some dims' indices; none where the index is always 0.
pub(super) fn names(extents: &[usize], prefix: &str) -> Vec<Option<String>> {
    let names = extents.iter().enumerate();
    names
        .map(|(d, extent)| (*extent != 1).then(|| format!("{prefix}{d}")))
        .collect()
}

/// The names of the indices of the rows or columns.
fn side_names(extents: &[usize], name: &str, prefix: &str) -> Vec<Option<String>> {
    match extents {
        [extent] => vec![(*extent != 1).then(|| name.to_string())],
        _ => names(extents, prefix),
    }
}

/// Writes the indices of `extents` for the number called `name`, which it is itself if there is one.
pub(super) fn digits(
    source: &mut Source,
    name: &str,
    extents: &[usize],
    prefix: &str,
) -> Vec<Option<String>> {
    match extents {
        [_] => vec![Some(name.to_string())],
        _ => split(source, name, extents, prefix),
    }
}

/// Begins the function that gives an operand's element; what is named is a parameter.
pub(super) fn open_function(source: &mut Source, name: &str, parameters: &[Option<String>]) {
    let parameters: Vec<String> = parameters
        .iter()
        .flatten()
        .map(|name| format!("{name}: u32"))
        .collect();
    source.open(&format!("fn {name}({}) -> f32 {{", parameters.join(", ")));
}

/// Ends the function that gives an operand's element: the one at `point`.
pub(super) fn give(
    source: &mut Source,
    name: &str,
    operand: &Operand,
    point: Vec<Option<String>>,
) -> Result<(), EmitError> {
    let value = match operand.access() {
        Some(_) => element(source, name, operand, point)?,
        None => {
            let point = Point(point);
            let scope = Scope {
                point: &point,
                rows: &[],
                elements: &[],
                accumulator: None,
            };
            instructions(source, &operand.code, &scope)?;
            if dtype_of(source, &operand.code.insts, operand.value)? != DType::F32 {
                return Err(source.malformed("an operand of another type"));
            }
            register(operand.value)
        }
    };
    source.line(&format!("return {value};"));
    source.close();
    source.line("");
    Ok(())
}

/// Writes the epilogue at `point`, the sum being in `sum`.
pub(super) fn epilogue(source: &mut Source, code: &Code, point: &Point) -> Result<(), EmitError> {
    let scope = Scope {
        point,
        rows: &[],
        elements: &[],
        accumulator: Some("sum"),
    };
    instructions(source, code, &scope)?;
    stores(source, code, &scope)
}
