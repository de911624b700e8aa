//! Kernels that slide along the last axes: how they do, and the windows that they see.

use super::arrange::{extent_of, windows};
use super::padding::pad;
use super::shape_of;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops::rules::{minus, plus, times};
use crate::shape::Axis;
use crate::symbol::Number;

/// How a kernel slides along one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Slide {
    /// How many elements it covers.
    pub kernel: Dim,
    /// How far it moves each time.
    pub stride: Dim,
    /// How far the elements that it covers are apart.
    pub dilation: Dim,
    /// How many elements are put in front of the axis.
    pub low: Dim,
    /// How many elements are put behind it.
    pub high: Dim,
}

impl Slide {
    /// A kernel that moves by one element, without elements around the axis.
    pub fn new(kernel: Dim) -> Slide {
        Slide {
            kernel,
            stride: Dim::constant(1),
            dilation: Dim::constant(1),
            low: Dim::constant(0),
            high: Dim::constant(0),
        }
    }

    /// With so many elements around the axis that there is a window for each of its own (PyTorch's `same`): one
    /// more behind than in front where they cannot be as many.
    ///
    /// # Errors
    /// Dims that are too large, or have no half.
    pub fn same(self) -> Result<Slide, OpError> {
        let reach = self.reach()?;
        let half = reach.floor_div(&Dim::constant(2));
        let low = half.ok_or(OpError::Attribute("kernel"))?;
        let high = minus(&reach, &low)?;
        Ok(Slide { low, high, ..self })
    }

    /// How far the last element that it covers is from the first.
    ///
    /// # Errors
    /// Dims that are too large.
    pub fn reach(&self) -> Result<Dim, OpError> {
        times(&minus(&self.kernel, &Dim::constant(1))?, &self.dilation)
    }

    /// An axis of `extent` with what is put around it.
    ///
    /// # Errors
    /// Dims that are too large.
    pub fn padded(&self, extent: &Dim) -> Result<Dim, OpError> {
        plus(&plus(extent, &self.low)?, &self.high)
    }
}

/// The axis of `x` that slide `i` of `count` is along: these are the last ones.
pub(super) fn axis_of(b: &Builder, x: Value, i: usize, count: usize) -> Result<usize, OpError> {
    let shape = shape_of(b, x);
    match (shape.len() + i).checked_sub(count) {
        Some(axis) => Ok(axis),
        None => Err(OpError::NoAxis {
            index: i64::try_from(i).unwrap_or(0) - i64::try_from(count).unwrap_or(0),
            shape,
        }),
    }
}

/// The windows of kernels along the last axes, with `value` around these: each axis becomes the windows, and
/// one behind it the places in a window.
///
/// # Errors
/// Fewer axes than kernels; what [`pad`] and [`windows`] refuse.
pub fn sliding(
    b: &mut Builder,
    x: Value,
    slides: &[Slide],
    value: &Number,
) -> Result<Value, OpError> {
    let mut widths = Vec::with_capacity(slides.len());
    for (i, slide) in slides.iter().enumerate() {
        let axis = axis_of(b, x, i, slides.len())?;
        widths.push((Axis::At(axis), slide.low.clone(), slide.high.clone()));
    }
    let mut x = pad(b, x, &widths, value)?;
    // From the last on, so that those in front keep their places.
    for ((axis, ..), slide) in widths.iter().zip(slides).rev() {
        let (size, step) = (slide.kernel.clone(), slide.stride.clone());
        x = windows(b, x, *axis, size, step, slide.dilation.clone())?;
    }
    Ok(x)
}

/// The axes of the places in windows, as [`sliding`] makes them of `count` kernels.
pub(super) fn places(b: &Builder, windows: Value, count: usize) -> Vec<Axis> {
    let rank = b.type_of(windows).shape.len();
    let first = rank.saturating_sub(2 * count);
    (0..count).map(|i| Axis::At(first + 2 * i + 1)).collect()
}

/// Windows as columns (PyTorch's `unfold`): `[.., C, extents..]` becomes `[.., C * kernels.., places..]`, with the
/// last axis all places in row-major order.
///
/// # Errors
/// As [`sliding`]; no axis in front of those of the kernels; a sequence.
pub fn im2col(b: &mut Builder, x: Value, slides: &[Slide]) -> Result<Value, OpError> {
    let count = slides.len();
    let channel = axis_of(b, x, 0, count + 1)?;
    let windows = sliding(b, x, slides, &0.0.into())?;
    let shape = shape_of(b, windows);
    let inner = places(b, windows, count);
    let outer = (0..count).map(|i| Axis::At(channel + 1 + 2 * i));
    let mut order: Vec<Axis> = shape.axes();
    order.truncate(order.len() - 2 * count);
    order.extend(&inner);
    order.extend(outer);
    let ordered = b.permute(windows, &order)?;
    let mut to = shape_of(b, ordered);
    let (mut rows, mut columns) = (Dim::constant(1), Dim::constant(1));
    for (i, d) in to.dims.iter().enumerate().skip(channel) {
        let all = match i <= channel + count {
            true => &mut rows,
            false => &mut columns,
        };
        *all = times(all, d)?;
    }
    to.dims.truncate(channel);
    to.dims.extend([rows, columns]);
    b.reshape(ordered, &to)
}

/// The extent of the axis that slide `i` of `count` is along.
pub(super) fn extent_along(b: &Builder, x: Value, i: usize, count: usize) -> Result<Dim, OpError> {
    let axis = axis_of(b, x, i, count)?;
    extent_of(&shape_of(b, x), Axis::At(axis))
}
