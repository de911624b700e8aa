//! Sorts: a workgroup a row, which exchanges indices in place until their keys are in order.
//!
//! Batcher's bitonic network (1968) in the form in which every exchange puts the lesser one in front: a
//! row that is no power of two long ends in places that would hold what is greater than all, and that no
//! exchange ever touches. A row may have any length: each invocation takes every so many-th pair. Keys
//! that are equal are ordered by their indices, so the order is a stable one.

use sinew_ir::DType;

use super::EmitError;
use super::source::Source;
use super::space::{Grid, Point, entry, grid, place, split, volume};
use crate::kernel::{Access, Sort};

/// Invocations of a workgroup at most.
const WIDTH: u32 = 256;

/// About how many scalar instructions a kernel runs.
pub(super) fn work(sort: &Sort) -> u128 {
    // The network has as many stages again for each doubling.
    let stages = u128::from(usize::BITS - sort.extent.leading_zeros());
    volume(&sort.space()) * stages * stages * 8
}

/// Writes the entry point; gives the grid, or nothing where there is nothing to do.
pub(super) fn emit(source: &mut Source, sort: &Sort) -> Result<Option<[u32; 3]>, EmitError> {
    let count = volume(&sort.outer);
    if count == 0 || sort.extent == 0 {
        return Ok(None);
    }
    // Pairs of a stage: half of the next power of two.
    let whole = sort.extent.checked_next_power_of_two();
    let whole = whole.and_then(|whole| u32::try_from(whole).ok());
    let Some(whole) = whole.filter(|whole| *whole <= 1 << 30) else {
        return Err(source.too_large(count * sort.extent as u128));
    };
    let pairs = (whole / 2).max(1);
    let width = WIDTH.min(source.limits.invocations).min(pairs);
    let Grid {
        groups,
        number,
        spare,
    } = grid(source, count)?;
    if count + u128::from(groups[1]) > u128::from(u32::MAX) {
        return Err(source.too_large(count));
    }
    let extent = sort.extent;
    entry(source, width);
    source.line(&format!("let row = {number};"));
    if spare {
        source.line(&format!("if (row >= {count}u) {{ return; }}"));
    }
    let outer = split(source, "row", &sort.outer, "i");
    let row = Row { sort, outer };
    row.number_places(source, width)?;
    if extent > 1 {
        row.exchange_until_sorted(source, whole, pairs, width)?;
    }
    source.close();
    Ok(Some(groups))
}

/// A row in the making.
struct Row<'a> {
    sort: &'a Sort,
    /// The index of each outer dim.
    outer: Vec<Option<String>>,
}

impl Row<'_> {
    /// The place of an access at an index along the row.
    fn place(&self, source: &Source, access: &Access, index: &str) -> Result<String, EmitError> {
        let mut point = self.outer.clone();
        point.push((self.sort.extent != 1).then(|| index.to_string()));
        place(source, access, &Point(point))
    }

    /// Each place gets its own number as an index.
    fn number_places(&self, source: &mut Source, width: u32) -> Result<(), EmitError> {
        let (indices, extent) = (&self.sort.indices, self.sort.extent);
        source.open(&format!(
            "for (var j = local; j < {extent}u; j = j + {width}u) {{"
        ));
        let index = self.place(source, indices, "j")?;
        let line = source.store(indices.slot, &index, "i32(j)")?;
        source.line(&line);
        source.close();
        Ok(())
    }

    /// All stages of the network over `whole` places, `pairs` exchanges each.
    fn exchange_until_sorted(
        &self,
        source: &mut Source,
        whole: u32,
        pairs: u32,
        width: u32,
    ) -> Result<(), EmitError> {
        source.line("storageBarrier();");
        source.open(&format!(
            "for (var size = 2u; size <= {whole}u; size = size * 2u) {{"
        ));
        source.line("let middle = size / 2u;");
        source.open("for (var far = middle; far > 0u; far = far / 2u) {");
        source.open(&format!(
            "for (var pair = local; pair < {pairs}u; pair = pair + {width}u) {{"
        ));
        self.exchange(source)?;
        source.close();
        source.line("storageBarrier();");
        source.close();
        source.close();
        Ok(())
    }

    /// Puts the lesser one of a pair in front.
    fn exchange(&self, source: &mut Source) -> Result<(), EmitError> {
        let Sort { keys, indices, .. } = self.sort;
        // First the two halves of each run meet end to end, which makes one of them all the lesser ones;
        // then each element meets the one so far behind it.
        source.line("let begin = (pair / far) * far * 2u;");
        source.line("let a = begin + pair % far;");
        source.line("let b = select(a + far, begin + size - 1u - pair % far, far == middle);");
        source.open(&format!("if (b < {}u) {{", self.sort.extent));
        for name in ["a", "b"] {
            let index = self.place(source, indices, name)?;
            source.line(&format!("let at_{name} = {index};"));
            let index = source.load(indices.slot, &format!("at_{name}"))?;
            source.line(&format!("let index_{name} = {index};"));
            let key = self.place(source, keys, &format!("u32(index_{name})"))?;
            let key = source.load(keys.slot, &key)?;
            let key = order(source, self.sort, &key)?;
            source.line(&format!("let key_{name} = {key};"));
        }
        source.open("if (key_b < key_a || (key_b == key_a && index_b < index_a)) {");
        for (to, from) in [("a", "b"), ("b", "a")] {
            let value = format!("index_{from}");
            let line = source.store(indices.slot, &format!("at_{to}"), &value)?;
            source.line(&line);
        }
        source.close();
        source.close();
        Ok(())
    }
}

/// A key as a u32 of the same order, or of the opposite one.
fn order(source: &mut Source, sort: &Sort, key: &str) -> Result<String, EmitError> {
    let rising = match source.slot(sort.keys.slot)?.dtype {
        DType::F32 => format!("{}({key})", source.need("order_f32")),
        DType::I32 => format!("(bitcast<u32>({key}) ^ 0x80000000u)"),
        DType::U32 => key.to_string(),
        DType::F64 => return Err(source.f64()),
        DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
            return Err(source.malformed("keys that are no numbers"));
        }
    };
    Ok(match sort.descending {
        false => rising,
        true => format!("~{rising}"),
    })
}
