//! Convolutions, pools and upsampling: PyTorch's values, sums that are written out, and differences.

use crate::differences::numbers;
use crate::floats::{close, floats};
use safetensors::SafeTensors;
use sinew::ndarray::{Array, Array4, ArrayD};
use sinew::ops::{
    conv_transpose1d, conv_transpose2d, conv1d, conv2d, conv3d, im2col, max_pool2d, upsample,
};
use sinew::prelude::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ops.safetensors");

/// A tensor of the file.
fn tensor(name: &str) -> ArrayD<f64> {
    let bytes = std::fs::read(FILE).expect("a file of the tests");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let view = file.tensor(name).expect(name);
    let words = view.data().as_chunks().0.iter();
    let values = words.map(|w| f64::from_le_bytes(*w)).collect();
    ArrayD::from_shape_vec(view.shape(), values).expect("as many as in the shape")
}

/// Whether a case of PyTorch's gives what it does, and the gradients by its inputs.
fn compare(name: &str, inputs: &[&str], found: Vec<ArrayD<f64>>, tolerance: f64) {
    let gradients = inputs.iter().map(|x| format!("{name}/grad/{x}"));
    let expected = std::iter::once(format!("{name}/out/0")).chain(gradients);
    for (expected, found) in expected.zip(found) {
        let wanted = tensor(&expected);
        assert_eq!(found.shape(), wanted.shape(), "{expected}");
        let [found, wanted] = [found, wanted].map(|x| x.into_iter().collect::<Vec<f64>>());
        close(&expected, &found, &wanted, tolerance);
    }
}

/// A test of a case of PyTorch's: what an expression of its inputs gives, and its derivatives.
macro_rules! case {
    ($name:ident: |$x:ident: [$($m:literal),*]| -> [$($o:literal),*] $f:expr) => {
        mod $name {
            use super::*;

            #[model]
            fn of_case($x: Tensor<$($m),*>, y: Tensor<$($o),*>) -> (Tensor<$($o),*>, Tensor<$($m),*>) {
                vjp(|$x| $f, $x, y)
            }

            #[test]
            fn is_pytorchs() -> sinew::Result<()> {
                let name = stringify!($name);
                let [x, y] = [concat!("in/", stringify!($x)), "cot/0"].map(|kind| tensor(&format!("{name}/{kind}")));
                for (device, precision, tolerance) in floats() {
                    let run = of_case::compile().precision(precision).device(device).build()?;
                    let (value, by_x) = run.run_f64(&x, &y)?;
                    let found = vec![value.into_dyn(), by_x.into_dyn()];
                    compare(name, &[stringify!($x)], found, tolerance);
                }
                Ok(())
            }
        }
    };
    ($name:ident: |$x:ident: [$($m:literal),*], $w:ident: [$($n:literal),*]| -> [$($o:literal),*] $f:expr) => {
        mod $name {
            use super::*;

            #[model]
            fn of_case(
                $x: Tensor<$($m),*>,
                $w: Tensor<$($n),*>,
                y: Tensor<$($o),*>,
            ) -> (Tensor<$($o),*>, Tensor<$($m),*>, Tensor<$($n),*>) {
                let (value, (by_x, by_w)) = vjp(|$x, $w| $f, $x, $w, y);
                (value, by_x, by_w)
            }

            #[test]
            fn is_pytorchs() -> sinew::Result<()> {
                let name = stringify!($name);
                let kinds = [concat!("in/", stringify!($x)), concat!("in/", stringify!($w)), "cot/0"];
                let [x, w, y] = kinds.map(|kind| tensor(&format!("{name}/{kind}")));
                for (device, precision, tolerance) in floats() {
                    let run = of_case::compile().precision(precision).device(device).build()?;
                    let (value, by_x, by_w) = run.run_f64(&x, &w, &y)?;
                    let found = vec![value.into_dyn(), by_x.into_dyn(), by_w.into_dyn()];
                    compare(name, &[stringify!($x), stringify!($w)], found, tolerance);
                }
                Ok(())
            }
        }
    };
}

case!(conv2d_valid: |x: [2, 3, 8, 8], w: [4, 3, 3, 3]| -> [2, 4, 6, 6] conv2d(x, w));
case!(conv2d_same: |x: [2, 3, 7, 7], w: [4, 3, 3, 3]| -> [2, 4, 7, 7] conv2d(x, w, padding = "same"));
case!(conv2d_stride2: |x: [2, 3, 9, 8], w: [4, 3, 3, 3]| -> [2, 4, 5, 4] conv2d(x, w, stride = 2, padding = 1));
case!(conv2d_dilated: |x: [1, 2, 9, 9], w: [3, 2, 3, 3]| -> [1, 3, 5, 5] x.conv2d(w, dilation = 2, padding = "valid"));
case!(conv2d_groups: |x: [2, 4, 6, 6], w: [8, 2, 3, 3]| -> [2, 8, 6, 6] conv2d(x, w, padding = (1, 1), groups = 2));
case!(conv2d_depthwise: |x: [2, 4, 6, 6], w: [4, 1, 3, 3]| -> [2, 4, 6, 6] conv2d(x, w, padding = 1, groups = 4));
case!(conv2d_5x5s3: |x: [1, 1, 11, 13], w: [2, 1, 5, 5]| -> [1, 2, 4, 5] conv2d(x, w, stride = [3, 3], padding = [(2, 2), (2, 2)]));
case!(conv1d: |x: [2, 3, 10], w: [4, 3, 3]| -> [2, 4, 5] conv1d(x, w, stride = 2, padding = 1));
case!(conv_transpose2d: |x: [1, 3, 5, 5], w: [3, 2, 4, 4]| -> [1, 2, 10, 10] conv_transpose2d(x, w, stride = 2, padding = 1));
case!(max_pool2d: |x: [2, 3, 6, 6]| -> [2, 3, 3, 3] max_pool2d(x, 2));
case!(max_pool2d_overlap: |x: [2, 3, 7, 7]| -> [2, 3, 4, 4] x.max_pool2d(3, stride = 2, padding = 1));
case!(avg_pool2d: |x: [2, 3, 6, 6]| -> [2, 3, 3, 3] x.avg_pool2d((2, 2), stride = 2));
case!(upsample_nearest: |x: [1, 2, 3, 4]| -> [1, 2, 6, 8] upsample(x, 2));
case!(unfold: |x: [1, 2, 6, 6]| -> [1, 18, 9] im2col(x, 3, padding = 1, stride = 2));

differences!(convolved_in_two_groups: |x: [2, 4, 7, 5], w: [6, 2, 3, 1]| conv2d(x, w, stride = (2, 1), padding = [(0, 1), (2, 0)], groups = 2));
differences!(convolved_at_extent_one: |x: [1, 1, 1, 9], w: [1, 1, 1, 3]| conv2d(x, w, padding = "same", dilation = (1, 2)));
differences!(convolved_along_one: |x: [3, 11], w: [5, 3, 4]| conv1d(x, w, stride = 3, padding = "valid"));
differences!(convolved_along_three: |x: [1, 2, 3, 4, 3], w: [3, 2, 2, 1, 3]| conv3d(x, w, padding = (0, 0, 1)));
differences!(spread_along_one: |x: [2, 3, 5], w: [3, 2, 3]| conv_transpose1d(x, w, stride = 3, output_padding = 2));
differences!(spread_in_groups: |x: [1, 4, 3, 2], w: [4, 3, 2, 3]| conv_transpose2d(x, w, stride = 2, padding = (1, 2), groups = 2, dilation = (1, 2), output_padding = 1));
differences!(spread_and_cut: |x: [1, 2, 5, 5], w: [2, 1, 1, 2]| conv_transpose2d(x, w, padding = (1, 2)));
differences!(greatest_of_windows: |x: [2, 3, 7, 5], w: [3, 1, 1]| (x * (1.5 + w)).max_pool2d((3, 2), stride = 2, padding = 1, dilation = (2, 1)));
differences!(means_of_windows: |x: [3, 9], w: [3, 1]| (x * w).avg_pool1d(3, stride = 2, padding = 1, count_include_pad = false));
differences!(means_of_all: |x: [2, 3, 1, 5], w: [3, 1, 1]| (x * w).global_avg_pool());
differences!(between_neighbours: |x: [1, 2, 3, 1], w: [2, 1, 1]| (x * w).upsample((2, 3), mode = "bilinear"));
differences!(between_neighbours_of_a_row: |x: [2, 1, 5], w: [2, 1, 1]| (x * w).upsample(3, mode = "linear"));
differences!(columns_of_windows: |x: [2, 1, 5, 4], w: [1, 1, 1]| (x * w).im2col((2, 3), 2, (0, 1), (1, 2)));

#[model]
fn convolved<B, H, W>(
    x: Tensor<B, 6, H, W>,
    w: Tensor<4, 3, 3, 2>,
    bias: Tensor<4>,
) -> Tensor<B, 4, { H / 2 }, { W + 3 }> {
    conv2d(
        x,
        w,
        bias,
        stride = (2, 1),
        padding = [(0, 1), (2, 2)],
        groups = 2,
    )
}

#[test]
fn a_convolution_is_its_sum() -> sinew::Result<()> {
    let x = Array::from_shape_vec((2, 6, 6, 5), numbers(360, 0.2)).expect("as many");
    let w = Array::from_shape_vec((4, 3, 3, 2), numbers(72, 0.3)).expect("as many");
    let bias = Array::from_shape_vec(4, numbers(4, 0.4)).expect("as many");
    let expected = Array4::from_shape_fn((2, 4, 3, 8), |(n, o, i, j)| {
        let mut sum = bias[o];
        for (c, r, s) in sinew::ndarray::indices((3, 3, 2)) {
            let (h, v) = (2 * i + r, (j + s).wrapping_sub(2));
            if h < 6 && v < 5 {
                sum += w[(o, c, r, s)] * x[(n, o / 2 * 3 + c, h, v)];
            }
        }
        sum
    });
    let expected: Vec<f64> = expected.into_iter().collect();
    for (device, precision, tolerance) in floats() {
        let run = convolved::compile()
            .precision(precision)
            .device(device)
            .build()?;
        let found = run.run_f64(&x, &w, &bias)?;
        assert_eq!(found.dim(), (2, 4, 3, 8));
        let found: Vec<f64> = found.into_iter().collect();
        close("convolved", &found, &expected, tolerance);
    }
    Ok(())
}

#[model]
fn spread<B, H, W>(
    x: Tensor<B, 4, H, W>,
    w: Tensor<4, 3, 3, 2>,
    bias: Tensor<6>,
) -> Tensor<B, 6, { 2 * H }, { 3 * W - 2 }> {
    conv_transpose2d(
        x,
        w,
        bias,
        stride = (2, 3),
        padding = (1, 1),
        output_padding = (1, 0),
        groups = 2,
        dilation = (1, 2),
    )
}

#[test]
fn a_transposed_convolution_puts_kernels() -> sinew::Result<()> {
    let x = Array::from_shape_vec((2, 4, 3, 2), numbers(48, 0.2)).expect("as many");
    let w = Array::from_shape_vec((4, 3, 3, 2), numbers(72, 0.3)).expect("as many");
    let bias = Array::from_shape_vec(6, numbers(6, 0.4)).expect("as many");
    let mut expected = Array4::from_shape_fn((2, 6, 6, 4), |(_, o, ..)| bias[o]);
    for (n, c, i, j) in sinew::ndarray::indices(x.dim()) {
        for (o, r, s) in sinew::ndarray::indices((3, 3, 2)) {
            let (h, v) = ((2 * i + r).wrapping_sub(1), (3 * j + 2 * s).wrapping_sub(1));
            if let Some(to) = expected.get_mut((n, c / 2 * 3 + o, h, v)) {
                *to += x[(n, c, i, j)] * w[(c, o, r, s)];
            }
        }
    }
    let expected: Vec<f64> = expected.into_iter().collect();
    for (device, precision, tolerance) in floats() {
        let run = spread::compile()
            .precision(precision)
            .device(device)
            .build()?;
        let found = run.run_f64(&x, &w, &bias)?;
        let found: Vec<f64> = found.into_iter().collect();
        close("spread", &found, &expected, tolerance);
    }
    Ok(())
}

#[model]
fn between<H, W>(x: Tensor<1, 1, H, W>) -> Tensor<1, 1, { 3 * H }, { 2 * W }> {
    upsample(x, (3, 2), mode = "bilinear")
}

/// PyTorch's `upsample_bilinear2d` with `align_corners = False`, place by place.
#[test]
fn what_is_between_neighbours_goes_by_distances() -> sinew::Result<()> {
    let x = Array::from_shape_vec((1, 1, 2, 3), numbers(6, 0.3)).expect("as many");
    let weights = |i: usize, factor: f64, extent: usize| {
        let at = ((i as f64 + 0.5) / factor - 0.5).max(0.0);
        let low = at.floor() as usize;
        (low, (low + 1).min(extent - 1), at - low as f64)
    };
    let expected = Array::from_shape_fn((6, 6), |(i, j)| {
        let (a, b, s) = weights(i, 3.0, 2);
        let (c, d, t) = weights(j, 2.0, 3);
        let x = |i, j| x[(0, 0, i, j)];
        (1.0 - s) * ((1.0 - t) * x(a, c) + t * x(a, d)) + s * ((1.0 - t) * x(b, c) + t * x(b, d))
    });
    let expected: Vec<f64> = expected.into_iter().collect();
    for (device, precision, tolerance) in floats() {
        let run = between::compile()
            .precision(precision)
            .device(device)
            .build()?;
        let found: Vec<f64> = run.run_f64(&x)?.into_iter().collect();
        close("between", &found, &expected, tolerance);
    }
    Ok(())
}
