//! Reads borrowed arguments into rows of numbers: the one place that follows their pointers.

use crate::arg::{ArgView, HostType};
use crate::backend::room;
use crate::error::Result;
use crate::output::Number;
use half::{bf16, f16};
use sinew_ir::DType;

/// Calls `each` with every element's pointer in row-major order.
fn walk(view: &ArgView<'_>, size: usize, mut each: impl FnMut(*const u8)) {
    let (extents, strides) = (view.extents(), view.strides());
    if view.elements() == 0 {
        return;
    }
    // The innermost axis runs in a plain loop, the others count like an odometer.
    let (row, step) = match (extents.last(), strides.last()) {
        (Some(n), Some(s)) => (*n, *s),
        _ => (1, 0),
    };
    let outer = extents.len().saturating_sub(1);
    let mut index = [0usize; crate::arg::MAX_RANK];
    let scale = size.cast_signed();
    loop {
        let start: isize = index[..outer]
            .iter()
            .zip(strides)
            .map(|(i, s)| i.cast_signed() * s)
            .sum();
        for i in 0..row.cast_signed() {
            each(view.pointer.wrapping_offset((start + i * step) * scale));
        }
        let mut axis = outer;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < extents[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// Calls `each` with every element in row-major order, as f64: every element type fits, but for integers past
/// 2^53, which are past the range of any tensor.
pub(crate) fn for_each(view: &ArgView<'_>, mut each: impl FnMut(f64)) {
    // SAFETY (all reads): an `ArgView` is made of a borrowed array whose extents and strides it
    // holds, so each pointer that `walk` gives is to an initialised element of the view's type.
    macro_rules! elements {
        ($host:ty, $number:expr) => {
            walk(view, size_of::<$host>(), |p| {
                let number: fn($host) -> f64 = $number;
                each(number(unsafe { p.cast::<$host>().read_unaligned() }));
            })
        };
    }
    match view.host {
        HostType::F32 => elements!(f32, f64::from),
        HostType::F64 => elements!(f64, |v| v),
        HostType::F16 => elements!(f16, f64::from),
        HostType::Bf16 => elements!(bf16, f64::from),
        HostType::I8 => elements!(i8, f64::from),
        HostType::I16 => elements!(i16, f64::from),
        HostType::I32 => elements!(i32, f64::from),
        HostType::I64 => elements!(i64, |v| v as f64),
        HostType::U8 => elements!(u8, f64::from),
        HostType::U16 => elements!(u16, f64::from),
        HostType::U32 => elements!(u32, f64::from),
        HostType::U64 => elements!(u64, |v| v as f64),
        HostType::Bool => elements!(u8, |v| f64::from(u8::from(v != 0))),
    }
}

/// The elements in row-major order; `what` they are is told in the error.
///
/// # Errors
/// Too little memory.
pub(crate) fn read<T: Number>(what: &str, view: &ArgView<'_>) -> Result<Vec<T>> {
    let mut out = room(what, view.elements())?;
    for_each(view, |v| out.push(T::from_f64(v)));
    Ok(out)
}

/// The position and the value of the first element that `is_wanted`.
pub(crate) fn find(
    view: &ArgView<'_>,
    is_wanted: impl Fn(f64) -> bool,
) -> Option<(Vec<usize>, f64)> {
    let mut any = false;
    for_each(view, |v| any |= is_wanted(v));
    if !any {
        return None;
    }
    let (mut flat, mut found) = (0, None);
    for_each(view, |v| {
        if found.is_none() && is_wanted(v) {
            found = Some((flat, v));
        }
        flat += 1;
    });
    let (mut flat, value) = found?;
    let mut position = vec![0; view.extents().len()];
    for (place, extent) in position.iter_mut().zip(view.extents()).rev() {
        *place = flat % extent;
        flat /= extent;
    }
    Some((position, value))
}

/// Writes the elements in row-major order as `dtype` (`Bool` as a 32-bit 0 or 1) into `out`, whose
/// length is the elements' bytes.
pub(crate) fn stage(view: &ArgView<'_>, dtype: DType, out: &mut [u8]) {
    match dtype {
        DType::F32 | DType::Float => {
            let (words, _) = out.as_chunks_mut::<4>();
            let mut words = words.iter_mut();
            for_each(view, |v| put(&mut words, (v as f32).to_ne_bytes()));
        }
        DType::F64 => {
            let (words, _) = out.as_chunks_mut::<8>();
            let mut words = words.iter_mut();
            for_each(view, |v| put(&mut words, v.to_ne_bytes()));
        }
        DType::F16 | DType::Bf16 => {
            let (words, _) = out.as_chunks_mut::<2>();
            let mut words = words.iter_mut();
            for_each(view, |v| put(&mut words, dtype.half_bits(v).to_ne_bytes()));
        }
        DType::I32 => {
            let (words, _) = out.as_chunks_mut::<4>();
            let mut words = words.iter_mut();
            for_each(view, |v| put(&mut words, (v as i32).to_ne_bytes()));
        }
        DType::U32 | DType::Bool => {
            let (words, _) = out.as_chunks_mut::<4>();
            let mut words = words.iter_mut();
            for_each(view, |v| put(&mut words, (v as u32).to_ne_bytes()));
        }
    }
}

fn put<'a, const N: usize>(words: &mut impl Iterator<Item = &'a mut [u8; N]>, word: [u8; N]) {
    if let Some(place) = words.next() {
        *place = word;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arg::{AnyRank, Arg, Float, IntoArg, Rank};
    use ndarray::{Array3, ArrayD, s};

    fn check(a: ndarray::ArrayViewD<'_, f32>) {
        let view = IntoArg::<Arg<Float, AnyRank>>::arg(&a);
        let read = read::<f32>("x", &view).expect("little memory");
        assert_eq!(read, a.iter().copied().collect::<Vec<_>>());
    }

    #[test]
    fn strided_views_are_read_in_order() {
        let a = Array3::from_shape_fn((3, 4, 5), |(i, j, k)| (100 * i + 10 * j + k) as f32);
        check(a.view().into_dyn());
        check(a.t().into_dyn());
        check(a.slice(s![..;-1, 1..3, ..;2]).into_dyn());
        check(a.slice(s![1, .., 0]).into_dyn());
        check(
            a.broadcast((2, 3, 4, 5))
                .expect("a leading axis")
                .into_dyn(),
        );
        check(ArrayD::zeros(vec![]).view());
        check(ArrayD::zeros(vec![2, 0, 3]).view());
    }

    #[test]
    fn bools_become_words() {
        let mut out = [9u8; 12];
        let view = IntoArg::<Arg<bool, Rank<1>>>::arg(&[true, false, true]);
        stage(&view, DType::Bool, &mut out);
        let words: Vec<u32> = out
            .as_chunks()
            .0
            .iter()
            .map(|w| u32::from_ne_bytes(*w))
            .collect();
        assert_eq!(words, [1, 0, 1]);
    }
}
