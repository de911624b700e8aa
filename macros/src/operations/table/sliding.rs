//! Convolutions, pools and upsampling: what slides along the last axes.

use crate::operations::Operation;
use crate::operations::declaration::{Lower, special};

const PADDING: &[&str] = &["same", "valid"];

/// What numbers of kernels may be.
const NUMBERS: &str = "Numbers are one for all axes, or one for each (`stride = (2, 1)`); `padding` is also a list of \
                       pairs, in front and behind (`[(0, 1), (2, 2)]`)";

fn convolution(name: &'static str, shapes: &'static str, lower: Lower, example: &str) -> Operation {
    let doc = format!(
        "A convolution, as in PyTorch, where the kernel is not turned round. The channels are in `groups`, each with \
         kernels of its own; as many as there are channels for a depthwise one. `bias` has a number for each channel \
         that comes out. {NUMBERS}, `\"valid\"` for none, or `\"same\"` for as much as keeps the extents of x. The \
         windows that it reads are nowhere in memory. x may be without the axis of examples."
    );
    special(name, &doc, lower)
        .takes("x")
        .takes("w")
        .may_take("bias")
        .integer("stride", 1)
        .integer("padding", 0)
        .or_text(PADDING)
        .integer("dilation", 1)
        .integer("groups", 1)
        .by_name()
        .shapes(shapes)
        .elements("floats, all of one type")
        .derivative(
            "by x the sum of the kernels that it is under, each times the cotangent; by w that of the windows of x, by \
             the bias the sum of the cotangent",
        )
        .example(example)
}

fn transposed(name: &'static str, shapes: &'static str, lower: Lower, example: &str) -> Operation {
    let doc = format!(
        "The transpose of a convolution by its x, as in PyTorch: every element puts the kernel, times itself, into the \
         result, `stride` apart; `padding` is what is cut off around, `output_padding` how many elements more there are \
         at the end. {NUMBERS}. x may be without the axis of examples."
    );
    special(name, &doc, lower)
        .takes("x")
        .takes("w")
        .may_take("bias")
        .integer("stride", 1)
        .integer("padding", 0)
        .integer("output_padding", 0)
        .integer("groups", 1)
        .integer("dilation", 1)
        .by_name()
        .shapes(shapes)
        .elements("floats, all of one type")
        .derivative(
            "by x the convolution of the cotangent with the kernel; by w what each element of the kernel was put under, \
             times x; by the bias the sum of the cotangent",
        )
        .example(example)
}

fn max_pool(name: &'static str, shapes: &'static str, lower: Lower, example: &str) -> Operation {
    let doc = format!(
        "The greatest element of each window, which are beside each other unless `stride` says how far apart. Padding, \
         of at most half the kernel, is never the greatest. {NUMBERS}."
    );
    special(name, &doc, lower)
        .takes("x")
        .takes_as("kernel", "2")
        .may_take("stride")
        .integer("padding", 0)
        .integer("dilation", 1)
        .shapes(shapes)
        .elements("floats")
        .derivative(
            "1 for the greatest of a window, in equal shares for several (PyTorch gives all to the first)",
        )
        .example(example)
}

fn avg_pool(name: &'static str, shapes: &'static str, lower: Lower, example: &str) -> Operation {
    let doc = format!(
        "The mean of each window, which are beside each other unless `stride` says how far apart. Padding, of at most \
         half the kernel, is zeros, which count unless `count_include_pad = false`. {NUMBERS}."
    );
    special(name, &doc, lower)
        .takes("x")
        .takes_as("kernel", "2")
        .may_take("stride")
        .integer("padding", 0)
        .flag_set("count_include_pad")
        .shapes(shapes)
        .elements("floats")
        .derivative("`1 / n` for each of the n elements of a window")
        .example(example)
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        convolution(
            "conv1d",
            "`[B, C, L], [O, C / groups, K] -> [B, O, L']` with `L' = (L + 2 padding - dilation (K - 1) - 1) / stride + 1`",
            |l, a| l.convolution(a, 1),
            r#"
use sinew::ops::conv1d;

#[model]
fn differences<B, L>(x: Tensor<B, 1, L>, w: Tensor<1, 1, 2>) -> Tensor<B, 1, { L - 1 }> {
    conv1d(x, w)
}

let x = [[[1.0, 4.0, 9.0]]];
assert_eq!(differences(x, [[[-1.0, 1.0]]])?, array![[[3.0, 5.0]]]);
"#,
        ),
        convolution(
            "conv2d",
            "`[B, C, H, W], [O, C / groups, KH, KW] -> [B, O, H', W']` with `H' = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1`",
            |l, a| l.convolution(a, 2),
            r#"
use sinew::ops::conv2d;

#[model]
fn sums<B, H, W>(x: Tensor<B, 2, H, W>, w: Tensor<4, 2, 3, 3>, bias: Tensor<4>) -> Tensor<B, 4, H, W> {
    conv2d(x, w, bias, padding = 1)
}

use sinew::ndarray::{Array1, Array4};
let (x, w) = (Array4::<f32>::ones((1, 2, 5, 4)), Array4::<f32>::ones((4, 2, 3, 3)));
let sums = sums(&x, &w, &Array1::<f32>::ones(4))?;
assert_eq!(sums.dim(), (1, 4, 5, 4));
assert_eq!((sums[(0, 0, 0, 0)], sums[(0, 3, 2, 1)]), (9.0, 19.0));
"#,
        ),
        convolution(
            "conv3d",
            "`[B, C, D, H, W], [O, C / groups, KD, KH, KW] -> [B, O, D', H', W']` with `D' = (D + 2 padding - dilation (KD - 1) - 1) / stride + 1`",
            |l, a| l.convolution(a, 3),
            r#"
use sinew::ops::conv3d;

#[model]
fn sums<B>(x: Tensor<B, 1, 4, 4, 4>, w: Tensor<1, 1, 2, 2, 2>) -> Tensor<B, 1, 2, 2, 2> {
    conv3d(x, w, stride = 2)
}

use sinew::ndarray::Array5;
let (x, w) = (Array5::<f32>::ones((1, 1, 4, 4, 4)), Array5::<f32>::ones((1, 1, 2, 2, 2)));
assert!(sums(&x, &w)?.iter().all(|v| *v == 8.0));
"#,
        ),
        transposed(
            "conv_transpose1d",
            "`[B, C, L], [C, O / groups, K] -> [B, O, L']` with `L' = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1`",
            |l, a| l.convolution_transposed(a, 1),
            r#"
use sinew::ops::conv_transpose1d;

#[model]
fn spread<B>(x: Tensor<B, 1, 2>, w: Tensor<1, 1, 3>) -> Tensor<B, 1, 5> {
    conv_transpose1d(x, w, stride = 2)
}

let spread = spread([[[1.0, 10.0]]], [[[1.0, 2.0, 3.0]]])?;
assert_eq!(spread, array![[[1.0, 2.0, 13.0, 20.0, 30.0]]]);
"#,
        ),
        transposed(
            "conv_transpose2d",
            "`[B, C, H, W], [C, O / groups, KH, KW] -> [B, O, H', W']` with `H' = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1`",
            |l, a| l.convolution_transposed(a, 2),
            r#"
use sinew::ops::conv_transpose2d;

#[model]
fn twice<B, H, W>(x: Tensor<B, 1, H, W>, w: Tensor<1, 1, 2, 2>) -> Tensor<B, 1, { 2 * H }, { 2 * W }> {
    conv_transpose2d(x, w, stride = 2)
}

let twice = twice([[[[1.0, 2.0]]]], [[[[1.0, 0.0], [0.0, 1.0]]]])?;
assert_eq!(twice, array![[[[1.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 2.0]]]]);
"#,
        ),
        max_pool(
            "max_pool1d",
            "`[.., L] -> [.., L']` with `L' = (L + 2 padding - dilation (kernel - 1) - 1) / stride + 1`",
            |l, a| l.max_pool(a, 1),
            r#"
#[model]
fn greatest<B>(x: Tensor<B, 1, 4>) -> Tensor<B, 1, 2> {
    x.max_pool1d(2)
}

assert_eq!(greatest([[[1.0, 3.0, -1.0, -2.0]]])?, array![[[3.0, -1.0]]]);
"#,
        ),
        max_pool(
            "max_pool2d",
            "`[.., H, W] -> [.., H', W']` with `H' = (H + 2 padding - dilation (kernel - 1) - 1) / stride + 1`",
            |l, a| l.max_pool(a, 2),
            r#"
#[model]
fn greatest<B>(x: Tensor<B, 1, 2, 4>) -> Tensor<B, 1, 1, 2> {
    x.max_pool2d(2)
}

let greatest = greatest([[[[1.0, 3.0, -1.0, -2.0], [4.0, 0.0, -3.0, -4.0]]]])?;
assert_eq!(greatest, array![[[[4.0, -1.0]]]]);
"#,
        ),
        avg_pool(
            "avg_pool1d",
            "`[.., L] -> [.., L']` with `L' = (L + 2 padding - kernel) / stride + 1`",
            |l, a| l.avg_pool(a, 1),
            r#"
#[model]
fn means<B>(x: Tensor<B, 1, 4>) -> Tensor<B, 1, 3> {
    x.avg_pool1d(2, stride = 1)
}

assert_eq!(means([[[1.0, 3.0, 5.0, -1.0]]])?, array![[[2.0, 4.0, 2.0]]]);
"#,
        ),
        avg_pool(
            "avg_pool2d",
            "`[.., H, W] -> [.., H', W']` with `H' = (H + 2 padding - kernel) / stride + 1`",
            |l, a| l.avg_pool(a, 2),
            r#"
#[model]
fn means<B>(x: Tensor<B, 1, 2, 4>) -> Tensor<B, 1, 1, 2> {
    x.avg_pool2d(2)
}

let means = means([[[[1.0, 3.0, 0.0, 0.0], [4.0, 0.0, 1.0, -3.0]]]])?;
assert_eq!(means, array![[[[2.0, -0.5]]]]);
"#,
        ),
        special(
            "global_avg_pool",
            "The mean over all axes behind the channels, which stay as ones: PyTorch's adaptive average pool to 1.",
            |l, a| l.global_avg_pool(a),
        )
        .takes("x")
        .shapes("`[B, C, ..] -> [B, C, 1, ..]`")
        .elements("floats")
        .derivative("`1 / n` for each of n elements")
        .example(
            r#"
#[model]
fn means<B, C, H, W>(x: Tensor<B, C, H, W>) -> Tensor<B, C, 1, 1> {
    x.global_avg_pool()
}

assert_eq!(means([[[[1.0, 3.0]], [[5.0, 0.0]]]])?, array![[[[2.0]], [[2.5]]]]);
"#,
        ),
        special(
            "upsample",
            "`factor` elements in place of each along the axes behind the channels: the element itself (`\"nearest\"`), or \
             what is between it and its neighbours by their distances, along one axis (`\"linear\"`) or two \
             (`\"bilinear\"`), with places as PyTorch's `align_corners = False`. `factor` is one for all axes, or one for \
             each.",
            |l, a| l.upsample(a),
        )
        .takes("x")
        .takes_as("factor", "2")
        .choice("mode", &["nearest", "linear", "bilinear"])
        .shapes("`[B, C, ..] -> [B, C, ..]` with each of the last dims times its factor")
        .elements("floats; numbers with `\"nearest\"`")
        .derivative("the weight that each element has in the result: 1 where it is taken as it is")
        .example(
            r#"
#[model]
fn wider<B, N>(x: Tensor<B, 1, N>) -> (Tensor<B, 1, { 2 * N }>, Tensor<B, 1, { 2 * N }>) {
    (x.upsample(2), x.upsample(2, mode = "linear"))
}

let (nearest, linear) = wider([[[0.0, 4.0]]])?;
assert_eq!(nearest, array![[[0.0, 0.0, 4.0, 4.0]]]);
assert_eq!(linear, array![[[0.0, 1.0, 3.0, 4.0]]]);
"#,
        ),
        special(
            "im2col",
            &format!(
                "Windows along the last two axes as columns, which is PyTorch's `unfold`: a column for each window, a row \
                 for each channel and place in a window. {NUMBERS}."
            ),
            |l, a| l.im2col(a),
        )
        .takes("x")
        .takes_as("kernel", "3")
        .integer("dilation", 1)
        .integer("padding", 0)
        .integer("stride", 1)
        .shapes("`[B, C, H, W] -> [B, C KH KW, H' W']`, with `H'` and `W'` as [`fn@conv2d`] has them")
        .elements("numbers")
        .derivative("the sum of the cotangent over the places where an element is")
        .example(
            r#"
#[model]
fn columns(x: Tensor<1, 1, 2, 3>) -> Tensor<1, 4, 2> {
    x.im2col(2)
}

let columns = columns([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])?;
assert_eq!(columns, array![[[1.0, 2.0], [2.0, 3.0], [4.0, 5.0], [5.0, 6.0]]]);
"#,
        ),
    ]
}
