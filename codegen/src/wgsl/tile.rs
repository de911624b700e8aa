//! Contractions through tiles.
//!
//! A workgroup of `side x side` invocations holds a tile of the result in named vec4 registers,
//! `reach x reach` elements an invocation, and walks along k with slices of both operands in workgroup
//! memory. Arrays indexed in loops would land in slow memory, so every register is spelled out.

use super::EmitError;
use super::contract::{FILLED, digits, epilogue, give, names, open_function};
use super::source::Source;
use super::space::{Grid, Point, entry, grid, merge, split, volume};
use crate::kernel::{Code, Contract, Operand, ScalarKind};

/// A way to cut the result into tiles.
#[derive(Clone, Copy)]
pub(super) struct Tile {
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

    /// Elements of a slice of one operand in workgroup memory, in fours.
    fn slice(self) -> usize {
        self.depth * self.quads()
    }

    /// Fours of elements along each side.
    fn quads(self) -> usize {
        self.size() / 4
    }

    /// Fours of elements of an invocation along each side.
    fn halves(self) -> usize {
        self.reach / 4
    }
}

/// The largest tile of which there are enough to fill a device, else the smallest that is not
/// mostly empty; none for thin products.
pub(super) fn choose(source: &Source, contract: &Contract) -> Option<Tile> {
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

/// How many tiles a result has.
fn tiles(contract: &Contract, tile: Tile) -> u128 {
    let along = |extent: usize| extent.div_ceil(tile.size()) as u128;
    let [m, n, _] = contract.extents();
    volume(&contract.batch) * along(m) * along(n)
}

/// The components of a vec4.
const PARTS: [&str; 4] = ["x", "y", "z", "w"];

/// Writes the entry point, a tile of the result a workgroup; gives the grid.
pub(super) fn emit(
    source: &mut Source,
    contract: &Contract,
    tile: Tile,
) -> Result<[u32; 3], EmitError> {
    let count = tiles(contract, tile);
    let grid = grid(source, count)?;
    for array in ["xs", "ys"] {
        source.line(&format!(
            "var<workgroup> {array}: array<vec4<f32>, {}>;",
            tile.slice()
        ));
    }
    source.line("");
    functions(source, contract, tile)?;
    entry(source, (tile.side * tile.side) as u32);
    let arguments = open_tile(source, contract, tile, &grid, count);
    let [_, _, k] = contract.extents();
    source.open(&format!(
        "for (var base = 0u; base < {k}u; base = base + {}u) {{",
        tile.depth
    ));
    load_slices(source, contract, tile, &arguments);
    source.line("workgroupBarrier();");
    multiply_slices(source, tile);
    source.line("workgroupBarrier();");
    source.close();
    finish_elements(source, tile, &arguments);
    source.close();
    Ok(grid.groups)
}

/// Writes the functions of the operands' elements, and of what becomes of a sum.
fn functions(source: &mut Source, contract: &Contract, tile: Tile) -> Result<(), EmitError> {
    // The batch's indices, as parameters of the functions.
    let batch = names(&contract.batch, "i");
    let walked = |name, extents, prefix, grain| Walked {
        name,
        extents,
        prefix,
        grain,
    };
    let rows = walked("i", &contract.m[..], "row", tile.size());
    let columns = walked("j", &contract.n[..], "column", tile.size());
    let along = walked("k", &contract.k[..], "k", tile.depth);
    function(source, "x_at", &contract.lhs, &batch, [&rows, &along])?;
    function(source, "y_at", &contract.rhs, &batch, [&along, &columns])?;
    finish(source, contract, batch, [&rows, &columns])
}

/// Writes the function of what becomes of the sum at a row and a column, nothing outside.
fn finish(
    source: &mut Source,
    contract: &Contract,
    batch: Vec<Option<String>>,
    dims: [&Walked<'_>; 2],
) -> Result<(), EmitError> {
    let parameters: String = batch
        .iter()
        .flatten()
        .map(|name| format!("{name}: u32, "))
        .collect();
    source.open(&format!(
        "fn finish({parameters}i: u32, j: u32, sum: f32) {{"
    ));
    let tests: Vec<String> = dims.iter().filter_map(|d| d.outside()).collect();
    if !tests.is_empty() {
        source.line(&format!("if ({}) {{ return; }}", tests.join(" || ")));
    }
    let mut code = contract.epilogue.clone();
    let mut point = batch;
    for dims in dims {
        point.extend(dims.digits(source, point.len(), &mut code));
    }
    epilogue(source, &code, &Point(point))?;
    source.close();
    source.line("");
    Ok(())
}

/// Writes where the workgroup's tile lies and its sums; gives the batch's indices as the first arguments
/// of the functions.
fn open_tile(
    source: &mut Source,
    contract: &Contract,
    tile: Tile,
    grid: &Grid,
    count: u128,
) -> String {
    let [m, n, _] = contract.extents();
    let (side, size) = (tile.side, tile.size());
    let (down, across) = (m.div_ceil(size), n.div_ceil(size));
    source.line(&format!("let number = {};", grid.number));
    if grid.spare {
        source.line(&format!("if (number >= {count}u) {{ return; }}"));
    }
    source.line(&format!(
        "let top = ((number / {across}u) % {down}u) * {size}u;"
    ));
    source.line(&format!("let left = (number % {across}u) * {size}u;"));
    source.line(&format!("let batch = number / {}u;", across * down));
    let batch = split(source, "batch", &contract.batch, "i");
    source.line(&format!("let tx = local % {side}u;"));
    source.line(&format!("let ty = local / {side}u;"));
    for row in 0..tile.reach {
        for half in 0..tile.halves() {
            source.line(&format!("var sum{row}_{half} = vec4<f32>();"));
        }
    }
    batch
        .iter()
        .flatten()
        .map(|name| format!("{name}, "))
        .collect()
}

/// Writes the loads of both operands' slices: neighbouring invocations load neighbouring elements where
/// the strides allow it.
fn load_slices(source: &mut Source, contract: &Contract, tile: Tile, arguments: &str) {
    let rank = contract.batch.len();
    let last_k = contract.k.len() - 1;
    let x_along_k = dense(&contract.lhs, rank + contract.m.len() + last_k);
    let y_along_k = dense(&contract.rhs, rank + last_k);
    let x = |part: usize| format!("x_at({arguments}at + {part}u, base + deep)");
    let y = |part: usize| format!("y_at({arguments}base + deep, at + {part}u)");
    let invocations = tile.side * tile.side;
    for load in 0..tile.slice().div_ceil(invocations) {
        source.open("{");
        source.line(&format!("let e = local + {}u;", load * invocations));
        load_four(source, tile, "xs", "top", x_along_k, &x);
        load_four(source, tile, "ys", "left", y_along_k, &y);
        source.close();
    }
}

/// Writes the load of four elements of an operand, those with the number `e` in its slice.
fn load_four(
    source: &mut Source,
    tile: Tile,
    array: &str,
    start: &str,
    along_k: bool,
    element: &dyn Fn(usize) -> String,
) {
    let (depth, quads) = (tile.depth, tile.quads());
    let (quad, deep) = if along_k {
        (format!("e / {depth}u"), format!("e % {depth}u"))
    } else {
        (format!("e % {quads}u"), format!("e / {quads}u"))
    };
    let guarded = !tile.slice().is_multiple_of(tile.side * tile.side);
    source.open(&if guarded {
        format!("if (e < {}u) {{", tile.slice())
    } else {
        "{".to_string()
    });
    source.line(&format!("let quad = {quad};"));
    source.line(&format!("let deep = {deep};"));
    source.line(&format!("let at = {start} + quad * 4u;"));
    let parts: Vec<String> = (0..4).map(element).collect();
    source.line(&format!(
        "{array}[deep * {quads}u + quad] = vec4<f32>({});",
        parts.join(", ")
    ));
    source.close();
}

/// Writes the loop that adds the products of both slices to the sums.
fn multiply_slices(source: &mut Source, tile: Tile) {
    let quads = tile.quads();
    source.open(&format!(
        "for (var deep = 0u; deep < {}u; deep = deep + 1u) {{",
        tile.depth
    ));
    for half in 0..tile.halves() {
        let away = half * tile.side;
        for (name, array, at) in [("x", "xs", "ty"), ("y", "ys", "tx")] {
            source.line(&format!(
                "let {name}{half} = {array}[deep * {quads}u + {away}u + {at}];"
            ));
        }
    }
    for row in 0..tile.reach {
        let x = format!("x{}.{}", row / 4, PARTS[row % 4]);
        for half in 0..tile.halves() {
            source.line(&format!(
                "sum{row}_{half} = fma(vec4<f32>({x}), y{half}, sum{row}_{half});"
            ));
        }
    }
    source.close();
}

/// Writes what becomes of an invocation's sums.
fn finish_elements(source: &mut Source, tile: Tile, arguments: &str) {
    let side = tile.side;
    for row in 0..tile.reach {
        let i = format!("top + {}u + ty * 4u", row / 4 * side * 4 + row % 4);
        for half in 0..tile.halves() {
            for (part, name) in PARTS.iter().enumerate() {
                let j = format!("left + {}u + tx * 4u", half * side * 4 + part);
                source.line(&format!(
                    "finish({arguments}{i}, {j}, sum{row}_{half}.{name});"
                ));
            }
        }
    }
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
