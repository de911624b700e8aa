//! About convolutions and pools: axes, channels, kernels and what is put around.

use super::{Message, dim, error, message, source};
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::Dim;
use syn::Error;

/// An operand whose axes are others than the operation's.
pub fn other_axes(
    at: &TokenStream,
    op: &str,
    wanted: &str,
    (operand, ty): (String, String),
) -> Error {
    message(
        at,
        op,
        &format!("`{}` has the axes {wanted} here", source(at)),
        &[(&operand, ty)],
        "`x.unsqueeze(i)` adds an axis of one, `x.squeeze(i)` takes one away, `x.permute([0, 3, 1, 2])` orders them",
    )
    .into_error()
}

/// Numbers that are not one for each axis.
pub fn one_for_each_axis(at: &impl ToTokens, name: &syn::Ident, count: usize) -> Error {
    let example = match count {
        1 => "3".to_string(),
        _ => format!("({})", vec!["3"; count].join(", ")),
    };
    error(
        at,
        &name.to_string(),
        &format!(
            "one number for all axes or {} are needed here, and this is `{}`",
            super::count(count, "number"),
            source(at)
        ),
        &format!("write `3` or `{example}`"),
    )
}

/// Fewer than no elements around an axis.
pub fn negative_padding(at: &impl ToTokens, name: &syn::Ident, width: i64) -> Error {
    error(
        at,
        &name.to_string(),
        &format!("{width} elements cannot be put around an axis"),
        "numbers here are from 0 on; `x[(.., 1..-1)]` takes elements away",
    )
}

/// Channels of x that are not those of the kernel.
pub fn channels(
    at: &TokenStream,
    op: &str,
    (of_x, of_kernel): (&Dim, &str),
    facts: &[(String, String)],
) -> Message {
    let facts: Vec<(&str, String)> = facts.iter().map(|(o, t)| (o.as_str(), t.clone())).collect();
    message(
        at,
        op,
        &format!(
            "x has `{}` channels, and the kernel is for {of_kernel}",
            dim(of_x)
        ),
        &facts,
        "channels are the axis in front of those that the kernel slides along",
    )
}

/// Channels that groups do not divide.
pub fn groups(at: &TokenStream, op: &str, groups: &Dim, channels: &Dim, which: &str) -> Error {
    error(
        at,
        op,
        &format!(
            "{} groups do not divide the `{}` channels that {which}",
            dim(groups),
            dim(channels)
        ),
        "each group has as many channels as the others; `{2 * C}` for a dim says that 2 divides it",
    )
}

/// A kernel that covers more than there is.
pub fn kernel_too_large(
    at: &TokenStream,
    op: &str,
    (covered, padded): (&Dim, &Dim),
    (operand, ty): (String, String),
) -> Message {
    message(
        at,
        op,
        &format!(
            "the kernel covers `{}` elements, and the axis has `{}` with its padding",
            dim(covered),
            dim(padded)
        ),
        &[(&operand, ty)],
        "take a smaller kernel, or put more around with `padding`",
    )
}

/// `"same"` with steps.
pub fn same_with_stride(at: &TokenStream, op: &str) -> Error {
    error(
        at,
        op,
        "with `padding = \"same\"` there is a place for each element, and a `stride` leaves some out",
        "leave one of them out; `padding = 1` goes with a kernel of 3 and any stride",
    )
}

/// A bias that has not one element for each channel.
pub fn bias(at: &TokenStream, op: &str, out: &Dim, (operand, ty): (String, String)) -> Message {
    message(
        at,
        op,
        &format!(
            "a bias has one axis with a number for each of the `{}` channels that come out",
            dim(out)
        ),
        &[(&operand, ty)],
        &format!("declare it as `Tensor<{}>`", dim(out)),
    )
}

/// More around an axis than half of a pool's kernel.
pub fn pool_padding(at: &TokenStream, op: &str, width: &Dim, kernel: &Dim) -> Message {
    message(
        at,
        op,
        &format!(
            "a window of `{}` elements may lie in the padding of `{}` as a whole",
            dim(kernel),
            dim(width)
        ),
        &[],
        "padding is at most half of the kernel",
    )
}

/// Places at the end that the next step would have.
pub fn output_padding(at: &TokenStream, op: &str, more: &Dim) -> Message {
    message(
        at,
        op,
        &format!(
            "{} places more are as many as another element of x would make",
            dim(more)
        ),
        &[],
        "`output_padding` is below `stride` or `dilation`",
    )
}
