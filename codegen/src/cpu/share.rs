//! Shares of a kernel's parallel axis: what a call's bounds mean in compiled code.
//!
//! A kernel's function is called with bounds of the loop that its emitter splits, which need not be the
//! axis of the kernel IR: rows become columns, and vectors and tiles are not torn. The driver translates
//! bounds when it is compiled. A loop of one turn is not split: its code has no bounds, and only one
//! share of its kernel is called. Neither has a kernel bounds that no run cuts: its loops are of known
//! lengths, and two arguments that nothing reads are what shares cost it.

use std::ops::Range;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::EmitError;
use super::frame::{Frame, Inside};
use super::index::Index;
use super::lanes::Lanes;

/// The loop of a kernel that calls split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SplitLoop {
    /// Its length.
    pub extent: usize,
    /// Bounds are multiples of this, or the length.
    pub grain: usize,
}

impl SplitLoop {
    /// The loop over the first of some dims, one after the other.
    pub(super) fn over(dims: &[usize]) -> SplitLoop {
        SplitLoop {
            extent: dims.first().copied().unwrap_or(1),
            grain: 1,
        }
    }

    /// The bounds here of a share of an axis of `whole`. Those of shares that cover the axis cover the
    /// loop, none twice; some may be empty.
    pub(super) fn bounds(self, share: &Range<usize>, whole: usize) -> Range<usize> {
        let at = |place: usize| {
            if place == whole {
                return self.extent;
            }
            let here = place as u128 * self.extent as u128 / whole.max(1) as u128;
            // No more than the extent.
            let here = usize::try_from(here).unwrap_or(self.extent);
            here / self.grain.max(1) * self.grain
        };
        at(share.start)..at(share.end)
    }
}

/// The code of a piece of a loop: where it starts, and how much of the loop it is.
pub(super) type Piece<'b, 'a> =
    dyn FnMut(&mut Frame<'a>, Index, usize) -> Result<(), EmitError> + 'b;

/// The code of some vectors of rows side by side: where they start, their lanes, how many there are.
pub(super) type Vectors<'b, 'a> =
    dyn FnMut(&mut Frame<'a>, Index, Lanes, usize) -> Result<(), EmitError> + 'b;

impl<'a> Frame<'a> {
    /// Loops over `dims`, as [`Frame::loops`], the first dim of the space between the call's bounds.
    pub(super) fn loops_of_share(
        &mut self,
        dims: &[(usize, usize)],
        index: &mut Vec<Index>,
        body: &mut Inside<'_, 'a>,
    ) -> Result<(), EmitError> {
        match dims.split_first() {
            Some((&(0, extent), rest)) if self.bounds.is_some() => {
                self.pieces(extent, 1, true, &mut |f, i, _| {
                    index[0] = i;
                    f.loops(rest, index, Vec::new(), body).map(|_| ())
                })
            }
            Some(_) | None => self.loops(dims, index, Vec::new(), body).map(|_| ()),
        }
    }

    /// A loop in pieces of `step`, and one of what is left: between the call's bounds, if there are any,
    /// where it is the split one, whose grain is `step` then.
    pub(super) fn pieces(
        &mut self,
        extent: usize,
        step: usize,
        is_split: bool,
        body: &mut Piece<'_, 'a>,
    ) -> Result<(), EmitError> {
        let whole = extent / step * step;
        let bounds = self.bounds.filter(|_| is_split && extent > step);
        let Some([low, high]) = bounds else {
            self.repeat(0, whole as i64, step as i64, Vec::new(), &mut |f, i, _| {
                body(f, i, step)?;
                Ok(Vec::new())
            })?;
            return match whole < extent {
                true => body(self, Index::at(whole as i64), extent - whole),
                false => Ok(()),
            };
        };
        let all = self.b.ins().iconst(types::I64, whole as i64);
        let counts = Some([0, (whole - step) as i64]);
        let end = self.b.ins().smin(high, all);
        self.only_if((IntCC::SignedLessThan, low, end), &mut |f| {
            f.repeat_some((low, end, counts), step as i64, &mut |f, i, _| {
                body(f, i, step)?;
                Ok(Vec::new())
            })
        })?;
        if whole == extent {
            return Ok(());
        }
        // Only the last share has what is left.
        self.only_if((IntCC::SignedGreaterThan, high, all), &mut |f| {
            body(f, Index::at(whole as i64), extent - whole)
        })
    }

    /// The rows along a vectorised dim: groups of vectors, single vectors, the tail.
    pub(super) fn vectors(
        &mut self,
        extent: usize,
        (full, copies): (Lanes, usize),
        body: &mut Vectors<'_, 'a>,
    ) -> Result<(), EmitError> {
        let step = full.count * copies;
        if self.bounds.is_some() && full.dim == 0 {
            return self.pieces(
                extent,
                step,
                true,
                &mut |f, start, some| match some == step {
                    true => body(f, start, full, copies),
                    false => f.some_vectors([start.add, start.add + some as i64], full, body),
                },
            );
        }
        for [from, to] in self.parts(full.dim, extent) {
            let whole = from + (to - from) / step as i64 * step as i64;
            self.repeat(from, whole, step as i64, Vec::new(), &mut |f, i, _| {
                body(f, i, full, copies)?;
                Ok(Vec::new())
            })?;
            if whole < to {
                self.some_vectors([whole, to], full, body)?;
            }
        }
        Ok(())
    }

    /// Single vectors from one row to another, and the tail.
    fn some_vectors(
        &mut self,
        [from, end]: [i64; 2],
        full: Lanes,
        body: &mut Vectors<'_, 'a>,
    ) -> Result<(), EmitError> {
        let count = full.count as i64;
        let to = from + (end - from) / count * count;
        self.repeat(from, to, count, Vec::new(), &mut |f, i, _| {
            body(f, i, full, 1)?;
            Ok(Vec::new())
        })?;
        if to == end {
            return Ok(());
        }
        let tail = Lanes {
            active: (end - to) as usize,
            ..full
        };
        body(self, Index::at(to), tail, 1)
    }

    /// Code behind a comparison.
    fn only_if(
        &mut self,
        (order, x, y): (IntCC, Value, Value),
        body: &mut dyn FnMut(&mut Frame<'a>) -> Result<(), EmitError>,
    ) -> Result<(), EmitError> {
        let some = self.b.create_block();
        let done = self.b.create_block();
        let holds = self.b.ins().icmp(order, x, y);
        self.b.ins().brif(holds, some, &[], done, &[]);
        self.b.switch_to_block(some);
        self.scoped(|f| body(f))?;
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(done);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_a_loop_in_grains() {
        let split = SplitLoop {
            extent: 37,
            grain: 8,
        };
        let bounds = [0..3, 3..4, 4..9, 9..10].map(|share| split.bounds(&share, 10));
        assert_eq!(bounds, [0..8, 8..8, 8..32, 32..37]);
        assert_eq!(split.bounds(&(0..10), 10), 0..37);
    }
}
