//! Sorts: a call of a routine of this file for each row.
//!
//! A key becomes an integer of the same order, and goes with its index into scratch, where the pairs are
//! sorted: no two are equal, so that any sort is a stable one, and none of it needs memory of its own.

use cranelift_codegen::ir::{InstBuilder, types};
use sinew_ir::DType;

use super::EmitError;
use super::frame::Frame;
use super::index::Index;
use super::shim::Shim;
use crate::kernel::Sort;

/// A key as an integer of the same order, and where it stood.
type Entry = (u64, u32);

/// Bytes of scratch for a row.
pub(super) fn scratch_bytes(sort: &Sort) -> usize {
    sort.extent.saturating_mul(size_of::<Entry>())
}

/// Emits a sort.
pub(super) fn sort(f: &mut Frame<'_>, sort: &Sort) -> Result<(), EmitError> {
    let dtype = f.dtype(sort.keys.slot);
    let shim = match dtype {
        DType::F32 => Shim::SortF32,
        DType::F64 => Shim::SortF64,
        DType::I32 => Shim::SortI32,
        DType::U32 => Shim::SortU32,
        DType::F16 | DType::Bf16 | DType::Bool | DType::Float => {
            return Err(f.unsupported(format!("a sort of {dtype}")));
        }
    };
    let dims: Vec<(usize, usize)> = sort.outer.iter().copied().enumerate().collect();
    let mut index = vec![Index::at(0); sort.outer.len() + 1];
    let scratch = f.scratch();
    f.loops_of_share(&dims, &mut index, &mut |f, index, _| {
        let mut arguments = vec![scratch];
        for access in [&sort.keys, &sort.indices] {
            let (address, offset) = f.address(access, index)?;
            arguments.push(f.b.ins().iadd_imm_s(address, i64::from(offset)));
            let step = access.strides.last().copied().unwrap_or(0);
            arguments.push(f.b.ins().iconst(types::I64, step));
        }
        for number in [sort.extent as i64, i64::from(sort.descending)] {
            arguments.push(f.b.ins().iconst(types::I64, number));
        }
        f.call(shim, &arguments);
        Ok(Vec::new())
    })
}

/// A number that sorts.
pub(super) trait Key: Copy {
    /// An integer that is greater where the number is, and equal where it is equal; NaN, which is equal
    /// to itself here, has the greatest.
    fn order(self) -> u64;
}

/// Of the bits of a float: those of negative numbers in the opposite order, below all others, and one
/// zero for both. No arithmetic, which may take subnormal numbers for zeros.
fn order_bits(bits: u64, sign: u64) -> u64 {
    match bits & sign {
        0 => bits | sign,
        _ if bits == sign => sign,
        _ => !bits & (sign | (sign - 1)),
    }
}

impl Key for f32 {
    fn order(self) -> u64 {
        match self.is_nan() {
            true => u64::MAX,
            false => order_bits(u64::from(self.to_bits()), 1 << 31),
        }
    }
}

impl Key for f64 {
    fn order(self) -> u64 {
        match self.is_nan() {
            true => u64::MAX,
            false => order_bits(self.to_bits(), 1 << 63),
        }
    }
}

impl Key for i32 {
    fn order(self) -> u64 {
        u64::from(self.cast_unsigned() ^ (1 << 31))
    }
}

impl Key for u32 {
    fn order(self) -> u64 {
        u64::from(self)
    }
}

/// Sorts a row: `steps` are elements between neighbours.
///
/// # Safety
///
/// `scratch` has room for as many entries as `extent` says, aligned to them; keys and indices are there
/// for all steps; nobody else reaches the indices or scratch.
pub(super) unsafe extern "C" fn sort_row<K: Key>(
    scratch: *mut u8,
    keys: *const K,
    key_step: isize,
    indices: *mut i32,
    index_step: isize,
    extent: usize,
    descending: usize,
) {
    let entries = scratch.cast::<Entry>();
    for i in 0..extent {
        // SAFETY: the caller vouches for each step, and for scratch.
        unsafe {
            let order = (*keys.offset(i as isize * key_step)).order();
            let order = if descending == 0 { order } else { !order };
            entries.add(i).write((order, i as u32));
        }
    }
    // SAFETY: just written, and nobody else's.
    let entries = unsafe { std::slice::from_raw_parts_mut(entries, extent) };
    entries.sort_unstable();
    for (i, (_, index)) in entries.iter().enumerate() {
        // SAFETY: the caller vouches for each step.
        unsafe { *indices.offset(i as isize * index_step) = *index as i32 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_their_numbers() {
        let rising = [
            f64::NEG_INFINITY,
            -1.5,
            -1e-310,
            0.0,
            1e-310,
            2.0,
            f64::INFINITY,
            f64::NAN,
        ];
        let orders = rising.map(Key::order);
        assert!(orders.is_sorted_by(|a, b| a < b), "{orders:?}");
        let narrow = [
            f32::NEG_INFINITY,
            -1.5,
            -1e-40,
            0.0,
            1e-40,
            2.0,
            f32::INFINITY,
            f32::NAN,
        ];
        let orders = narrow.map(Key::order);
        assert!(orders.is_sorted_by(|a, b| a < b), "{orders:?}");
        assert_eq!((-0.0f32).order(), 0.0f32.order());
        assert_eq!((-f64::NAN).order(), f64::NAN.order());
        assert!(
            [i32::MIN, -1, 0, 1, i32::MAX]
                .map(Key::order)
                .is_sorted_by(|a, b| a < b)
        );
    }
}
