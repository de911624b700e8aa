//! Contractions: products with prologues and an epilogue.
//!
//! Rows, columns and the contracted dims are walked as one each; where an access does not walk several
//! dims as one, their indices are the digits of that number.
//!
//! Two variants. Small products have one invocation an element, or a few that share the sum where
//! there are few elements and long sums. Others go through tiles: a workgroup of `side x side`
//! invocations holds a tile of the result in named vec4 registers, `reach x reach` elements an
//! invocation, and walks along k with slices of both operands in workgroup memory. Arrays indexed
//! in loops would land in slow memory, so every register is spelled out. The order of every sum
//! is fixed by the text.

use sinew_ir::{DType, Reduction};

use super::EmitError;
use super::reduce::{WorkgroupShape, declare_parts, tree};
use super::scalar::{Scope, dtype_of, instructions, register, stores};
use super::source::Source;
use super::space::{Grid, Point, entry, grid, merge, place, split, volume};
use crate::kernel::{Code, Contract, Operand, ScalarKind};

/// Invocations of a workgroup without tiles.
const WIDTH: u32 = 64;

/// Workgroups below which a device is not filled.
const FILLED: u128 = 128;

/// A way to cut the result into tiles.
#[derive(Clone, Copy)]
struct Tile {
    /// Invocations along each side.
    side: usize,
    /// Elements of an invocation along each side: 4 or 8.
    reach: usize,
    /// Elements along k in workgroup memory.
    depth: usize,
}

impl Tile {
    /// Elements along each side.
    fn size(self) -> usize {
        self.side * self.reach
    }
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
        DType::Float | DType::I32 | DType::U32 | DType::Bool => {
            return Err(source.malformed(format!("a contraction of {}", contract.dtype)));
        }
    }
    match choose(source, contract) {
        Some(tile) => tiled(source, contract, tile).map(Some),
        None => simple(source, contract, &space, count).map(Some),
    }
}

/// The largest tile of which there are enough to fill a device, else the smallest that is not
/// mostly empty; none for thin products.
fn choose(source: &Source, contract: &Contract) -> Option<Tile> {
    let [m, n, k] = contract.extents();
    let thin = m.min(n);
    if thin < 12 || k < 4 {
        return None;
    }
    let mut chosen = None;
    for (side, reach) in [(8, 8), (8, 4), (4, 4)] {
        let fits = |depth: usize| {
            let tile = Tile { side, reach, depth };
            (8 * tile.size() * depth <= source.limits.workgroup_bytes).then_some(tile)
        };
        let Some(tile) = fits(16).or_else(|| fits(8)) else {
            continue;
        };
        if side * side > source.limits.invocations as usize || tile.size() > thin * 3 / 2 {
            continue;
        }
        chosen = Some(tile);
        if tiles(contract, tile) >= FILLED {
            break;
        }
    }
    chosen
}

fn tiles(contract: &Contract, tile: Tile) -> u128 {
    let along = |extent: usize| extent.div_ceil(tile.size()) as u128;
    let [m, n, _] = contract.extents();
    volume(&contract.batch) * along(m) * along(n)
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
fn names(extents: &[usize], prefix: &str) -> Vec<Option<String>> {
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
fn digits(source: &mut Source, name: &str, extents: &[usize], prefix: &str) -> Vec<Option<String>> {
    match extents {
        [_] => vec![Some(name.to_string())],
        _ => split(source, name, extents, prefix),
    }
}

/// Begins the function that gives an operand's element; what is named is a parameter.
fn open_function(source: &mut Source, name: &str, parameters: &[Option<String>]) {
    let parameters: Vec<String> = parameters
        .iter()
        .flatten()
        .map(|name| format!("{name}: u32"))
        .collect();
    source.open(&format!("fn {name}({}) -> f32 {{", parameters.join(", ")));
}

/// Ends the function that gives an operand's element: the one at `point`.
fn give(
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

/// A group of dims that is walked as one: its number's name, its extents, the prefix of its digits,
/// and what its number is filled up to a multiple of.
struct Walked<'c> {
    name: &'static str,
    extents: &'c [usize],
    prefix: &'static str,
    grain: usize,
}

impl Walked<'_> {
    /// The test that a number lies outside, where there are such numbers.
    fn outside(&self) -> Option<String> {
        let extent: usize = self.extents.iter().product();
        let even = extent.is_multiple_of(self.grain);
        (!even).then(|| format!("{} >= {extent}u", self.name))
    }

    /// Writes the digits that a code which walks the dims from `first` on needs, and merges those that
    /// it walks as one.
    fn digits(&self, source: &mut Source, first: usize, code: &mut Code) -> Vec<Option<String>> {
        let mut extents = self.extents.to_vec();
        if extents.len() > 1 {
            extents = merge(&extents, first, &mut [code]);
        }
        digits(source, self.name, &extents, self.prefix)
    }
}

/// Writes the function that gives an operand's element, 0 outside of it.
fn function(
    source: &mut Source,
    name: &str,
    operand: &Operand,
    batch: &[Option<String>],
    dims: [&Walked<'_>; 2],
) -> Result<(), EmitError> {
    let number = |dims: &Walked<'_>| Some(dims.name.to_string());
    let parameters = [batch, &dims.map(number)].concat();
    open_function(source, name, &parameters);
    let tests: Vec<String> = dims.iter().filter_map(|d| d.outside()).collect();
    if !tests.is_empty() {
        source.line(&format!("if ({}) {{ return 0.0f; }}", tests.join(" || ")));
    }
    let mut operand = operand.clone();
    let mut point = batch.to_vec();
    for dims in dims {
        point.extend(dims.digits(source, point.len(), &mut operand.code));
    }
    give(source, name, &operand, point)
}

/// Whether some load of an operand is dense along a dim.
fn dense(operand: &Operand, dim: usize) -> bool {
    operand.code.insts.iter().any(|inst| match &inst.kind {
        ScalarKind::Load(access) => access.strides.get(dim) == Some(&1),
        ScalarKind::Gather { .. }
        | ScalarKind::Const(_)
        | ScalarKind::Index { .. }
        | ScalarKind::Row(_)
        | ScalarKind::Element(_)
        | ScalarKind::Accumulator
        | ScalarKind::Apply(..) => false,
    })
}

/// Writes the epilogue at `point`, the sum being in `sum`.
fn epilogue(source: &mut Source, code: &Code, point: &Point) -> Result<(), EmitError> {
    let scope = Scope {
        point,
        rows: &[],
        elements: &[],
        accumulator: Some("sum"),
    };
    instructions(source, code, &scope)?;
    stores(source, code, &scope)
}

/// A tile of the result a workgroup.
fn tiled(source: &mut Source, contract: &Contract, tile: Tile) -> Result<[u32; 3], EmitError> {
    let [m, n, k] = contract.extents();
    let Tile { side, reach, depth } = tile;
    let size = tile.size();
    let quads = size / 4;
    let rank = contract.batch.len();
    let count = tiles(contract, tile);
    let Grid {
        groups,
        number,
        spare,
    } = grid(source, count)?;
    // The batch's indices, as parameters and as arguments of the functions below.
    let names = names(&contract.batch, "i");
    let parameters: String = names
        .iter()
        .flatten()
        .map(|name| format!("{name}: u32, "))
        .collect();

    source.line(&format!(
        "var<workgroup> xs: array<vec4<f32>, {}>;",
        depth * quads
    ));
    source.line(&format!(
        "var<workgroup> ys: array<vec4<f32>, {}>;",
        depth * quads
    ));
    source.line("");
    let walked = |name, extents, prefix, grain| Walked {
        name,
        extents,
        prefix,
        grain,
    };
    let rows = walked("i", &contract.m[..], "row", size);
    let columns = walked("j", &contract.n[..], "column", size);
    let along = walked("k", &contract.k[..], "k", depth);
    function(source, "x_at", &contract.lhs, &names, [&rows, &along])?;
    function(source, "y_at", &contract.rhs, &names, [&along, &columns])?;
    source.open(&format!(
        "fn finish({parameters}i: u32, j: u32, sum: f32) {{"
    ));
    let tests: Vec<String> = [&rows, &columns]
        .iter()
        .filter_map(|d| d.outside())
        .collect();
    if !tests.is_empty() {
        source.line(&format!("if ({}) {{ return; }}", tests.join(" || ")));
    }
    let mut code = contract.epilogue.clone();
    let mut point = names;
    for dims in [&rows, &columns] {
        point.extend(dims.digits(source, point.len(), &mut code));
    }
    epilogue(source, &code, &Point(point))?;
    source.close();
    source.line("");

    entry(source, (side * side) as u32);
    let (down, across) = (m.div_ceil(size), n.div_ceil(size));
    source.line(&format!("let number = {number};"));
    if spare {
        source.line(&format!("if (number >= {count}u) {{ return; }}"));
    }
    source.line(&format!(
        "let top = ((number / {across}u) % {down}u) * {size}u;"
    ));
    source.line(&format!("let left = (number % {across}u) * {size}u;"));
    source.line(&format!("let batch = number / {}u;", across * down));
    let batch = split(source, "batch", &contract.batch, "i");
    let arguments: String = batch
        .iter()
        .flatten()
        .map(|name| format!("{name}, "))
        .collect();
    source.line(&format!("let tx = local % {side}u;"));
    source.line(&format!("let ty = local / {side}u;"));
    let halves = reach / 4;
    for row in 0..reach {
        for half in 0..halves {
            source.line(&format!("var sum{row}_{half} = vec4<f32>();"));
        }
    }
    source.open(&format!(
        "for (var base = 0u; base < {k}u; base = base + {depth}u) {{"
    ));
    // Neighbouring invocations load neighbouring elements where the strides allow it.
    let last_k = contract.k.len() - 1;
    let x_along_k = dense(&contract.lhs, rank + contract.m.len() + last_k);
    let y_along_k = dense(&contract.rhs, rank + last_k);
    let invocations = side * side;
    for load in 0..(depth * quads).div_ceil(invocations) {
        let guarded = !(depth * quads).is_multiple_of(invocations);
        source.open("{");
        source.line(&format!("let e = local + {}u;", load * invocations));
        for (array, along_k, start) in [("xs", x_along_k, "top"), ("ys", y_along_k, "left")] {
            let (quad, deep) = if along_k {
                (format!("e / {depth}u"), format!("e % {depth}u"))
            } else {
                (format!("e % {quads}u"), format!("e / {quads}u"))
            };
            source.open(&if guarded {
                format!("if (e < {}u) {{", depth * quads)
            } else {
                "{".to_string()
            });
            source.line(&format!("let quad = {quad};"));
            source.line(&format!("let deep = {deep};"));
            source.line(&format!("let at = {start} + quad * 4u;"));
            let parts: Vec<String> = (0..4)
                .map(|part| {
                    if array == "xs" {
                        format!("x_at({arguments}at + {part}u, base + deep)")
                    } else {
                        format!("y_at({arguments}base + deep, at + {part}u)")
                    }
                })
                .collect();
            source.line(&format!(
                "{array}[deep * {quads}u + quad] = vec4<f32>({});",
                parts.join(", ")
            ));
            source.close();
        }
        source.close();
    }
    source.line("workgroupBarrier();");
    source.open(&format!(
        "for (var deep = 0u; deep < {depth}u; deep = deep + 1u) {{"
    ));
    for half in 0..halves {
        let away = half * side;
        source.line(&format!(
            "let x{half} = xs[deep * {quads}u + {away}u + ty];"
        ));
        source.line(&format!(
            "let y{half} = ys[deep * {quads}u + {away}u + tx];"
        ));
    }
    for row in 0..reach {
        let x = format!("x{}.{}", row / 4, ["x", "y", "z", "w"][row % 4]);
        for half in 0..halves {
            source.line(&format!(
                "sum{row}_{half} = fma(vec4<f32>({x}), y{half}, sum{row}_{half});"
            ));
        }
    }
    source.close();
    source.line("workgroupBarrier();");
    source.close();
    for row in 0..reach {
        let i = format!("top + {}u + ty * 4u", row / 4 * side * 4 + row % 4);
        for half in 0..halves {
            for (part, name) in ["x", "y", "z", "w"].iter().enumerate() {
                let j = format!("left + {}u + tx * 4u", half * side * 4 + part);
                source.line(&format!(
                    "finish({arguments}{i}, {j}, sum{row}_{half}.{name});"
                ));
            }
        }
    }
    source.close();
    Ok(groups)
}
