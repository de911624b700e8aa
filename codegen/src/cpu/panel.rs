//! Panels: what tiles read of a packed operand, copied from where the operand lies.

use super::tile::Element;

/// `to[p * pitch + j] = from[p * step + j * column]`.
///
/// # Safety
///
/// All of these elements are there.
pub(super) unsafe fn copy_panel<E: Element>(
    from: *const E,
    (step, column): (isize, isize),
    to: *mut E,
    pitch: usize,
    steps: usize,
    width: usize,
) {
    if column == 1 {
        for p in 0..steps {
            let from = from.wrapping_offset(p as isize * step);
            // SAFETY: the caller's word.
            unsafe { std::ptr::copy_nonoverlapping(from, to.wrapping_add(p * pitch), width) };
        }
        return;
    }
    let (mut done, mut square) = (0, 0);
    if step == 1 {
        // The other axis is the contiguous one: squares are transposed in registers.
        done = steps / E::SQUARE * E::SQUARE;
        square = width / E::SQUARE * E::SQUARE;
        for j in (0..square).step_by(E::SQUARE) {
            for p in (0..done).step_by(E::SQUARE) {
                let from = from.wrapping_add(p).wrapping_offset(j as isize * column);
                // SAFETY: a square within the panel, by the caller's word.
                unsafe { E::transpose(from, column, to.wrapping_add(p * pitch + j), pitch) };
            }
        }
    }
    for p in 0..steps {
        let first = if p < done { square } else { 0 };
        for j in first..width {
            let from = from
                .wrapping_offset(p as isize * step)
                .wrapping_offset(j as isize * column);
            // SAFETY: the caller's word.
            unsafe { *to.wrapping_add(p * pitch + j) = *from };
        }
    }
}
