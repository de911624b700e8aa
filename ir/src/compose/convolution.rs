//! Convolutions: a contraction of windows with a kernel. The windows are a view of x, which the contraction
//! reads through: they are nowhere in memory.

use super::arrange::{flip, slice};
use super::sliding::{Slide, axis_of, extent_along, places, sliding};
use super::{binary, shape_of};
use crate::attributes::DotAxes;
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops;
use crate::ops::rules::{minus, plus, times};
use crate::shape::{Axis, Shape};

/// The convolution (PyTorch's, which is a cross-correlation) of x, `[.., C, extents..]`, with w,
/// `[O, C / groups, kernels..]`, to `[.., O, places..]`.
///
/// # Errors
/// Channels that differ or that the groups do not divide; what [`sliding`] refuses.
pub fn convolution(
    b: &mut Builder,
    x: Value,
    w: Value,
    slides: &[Slide],
    groups: &Dim,
) -> Result<Value, OpError> {
    let windows = sliding(b, x, slides, &0.0.into())?;
    contracted(b, windows, w, 1, slides.len(), groups)
}

/// The transpose of [`convolution`] by x (PyTorch's `conv_transpose`): x, `[.., C, extents..]`, with w,
/// `[C, O / groups, kernels..]`, to `[.., O, places..]`, with `more` places at the end of each axis.
///
/// It is a convolution of x, with zeros between and around its elements, with the kernel turned round.
///
/// # Errors
/// As [`convolution`].
pub fn convolution_transposed(
    b: &mut Builder,
    x: Value,
    w: Value,
    slides: &[Slide],
    more: &[Dim],
    groups: &Dim,
) -> Result<Value, OpError> {
    let count = slides.len();
    let (mut x, mut w) = (x, w);
    let mut inner = Vec::with_capacity(count);
    for (i, (slide, more)) in slides.iter().zip(more).enumerate() {
        let axis = Axis::At(axis_of(b, x, i, count)?);
        let reach = slide.reach()?;
        let low = minus(&reach, &slide.low)?;
        let high = plus(&minus(&reach, &slide.high)?, more)?;
        // What more than the kernel's reach is cut off cannot be padded with.
        let zero = Dim::constant(0);
        let cut = |d: &Dim| {
            d.as_constant()
                .filter(|d| *d < 0)
                .map(|d| Dim::constant(-d))
        };
        let (front, back) = (cut(&low), cut(&high));
        let widths = [&low, &high].map(|d| match cut(d) {
            Some(_) => &zero,
            None => d,
        });
        x = b.pad(x, axis, [widths[0], widths[1], &slide.stride])?;
        if front.is_some() || back.is_some() {
            let extent = extent_along(b, x, i, count)?;
            let stop = minus(&extent, &back.unwrap_or_default())?;
            x = slice(
                b,
                x,
                axis,
                front.unwrap_or_default(),
                stop,
                Dim::constant(1),
            )?;
        }
        let of_kernel = Axis::At(axis_of(b, w, i, count)?);
        w = flip(b, w, of_kernel)?;
        inner.push(Slide {
            dilation: slide.dilation.clone(),
            ..Slide::new(slide.kernel.clone())
        });
    }
    let windows = sliding(b, x, &inner, &0.0.into())?;
    contracted(b, windows, w, 0, count, groups)
}

/// An axis as groups and what is in one.
fn grouped(b: &mut Builder, x: Value, axis: usize, groups: &Dim) -> Result<Value, OpError> {
    let mut to = shape_of(b, x);
    let dim = &to.dims[axis];
    let each = dim.exact_div(groups).ok_or_else(|| OpError::InnerDims {
        left: dim.to_string(),
        right: groups.to_string(),
    })?;
    to.dims.splice(axis..=axis, [groups.clone(), each]);
    b.reshape(x, &to)
}

/// The sum over channels and places in windows, group by group. Axis `input` of w has the channels that go in, the
/// other of its first two those that come out; the first has those of all groups.
fn contracted(
    b: &mut Builder,
    windows: Value,
    w: Value,
    input: usize,
    count: usize,
    groups: &Dim,
) -> Result<Value, OpError> {
    let at = |i: usize| Axis::At(i);
    let channel = axis_of(b, windows, 0, 2 * count + 1)?;
    if *groups == Dim::constant(1) {
        let mut axes = DotAxes {
            contract_x: vec![at(channel)],
            contract_y: vec![at(input)],
            ..DotAxes::default()
        };
        axes.contract_x.extend(places(b, windows, count));
        axes.contract_y.extend((2..2 + count).map(at));
        // .., places.., out
        let product = b.dot(windows, w, &axes)?;
        let last = channel + count;
        let order = (0..channel).chain([last]).chain(channel..last);
        let order: Vec<Axis> = order.map(at).collect();
        return b.permute(product, &order);
    }
    let inner = places(b, windows, count);
    let x = grouped(b, windows, channel, groups)?;
    let w = grouped(b, w, 0, groups)?;
    // w is groups, then in and out in its order, then the kernels.
    let mut axes = DotAxes {
        batch_x: vec![at(channel)],
        batch_y: vec![at(0)],
        contract_x: vec![at(channel + 1)],
        contract_y: vec![at(1 + input)],
    };
    let behind = inner.iter().filter_map(|a| match a {
        Axis::At(i) => Some(at(i + 1)),
        Axis::Sequence => None,
    });
    axes.contract_x.extend(behind);
    axes.contract_y.extend((3..3 + count).map(at));
    // groups, .., places.., out of one group
    let product = b.dot(x, w, &axes)?;
    let last = 1 + channel + count;
    let order = (1..=channel).chain([0, last]).chain(channel + 1..last);
    let order: Vec<Axis> = order.map(at).collect();
    let product = b.permute(product, &order)?;
    let mut dims = shape_of(b, product).dims;
    let out = times(&dims[channel], &dims[channel + 1])?;
    dims.splice(channel..channel + 2, [out]);
    b.reshape(product, &Shape::new(dims))
}

/// What comes out of a convolution along the last `count` axes, with a number added for each channel.
///
/// # Errors
/// A bias of another size, or element type.
pub fn with_bias(
    b: &mut Builder,
    y: Value,
    bias: Option<Value>,
    count: usize,
) -> Result<Value, OpError> {
    let Some(bias) = bias else {
        return Ok(y);
    };
    let mut dims = shape_of(b, bias).dims;
    dims.extend(vec![Dim::constant(1); count]);
    let bias = b.reshape(bias, &Shape::new(dims))?;
    binary(b, ops::ADD, y, bias)
}
