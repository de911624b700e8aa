//! The same elements in another arrangement.

use crate::operations::declaration::special;
use crate::operations::{DefaultValue, Lowering, Operation};
use sinew_ir::compose;

pub(super) fn operations() -> Vec<Operation> {
    let concat = || {
        special(
            "concat",
            "Tensors one after the other along an axis, the first without one.",
            |l, a| l.concat(a),
        )
        .takes_as("parts", "[a, b]")
        .integer("axis", 0)
        .by_name()
    };
    vec![
        special(
            "reshape",
            "The same elements in row-major order with other dims; -1 stands for one that is inferred.",
            |l, a| l.reshape(a),
        )
        .takes("x")
        .takes_as("shape", "[B, H * D]")
        .note("with -1 for at most one dim: `x.reshape([B, -1])`"),
        special("flatten", "All elements in one axis.", |l, a| l.flatten(a)).takes("x"),
        special("permute", "The axes in another order.", |l, a| l.permute(a))
            .takes("x")
            .takes_as("axes", "[0, 2, 1]"),
        special(
            "transpose",
            "The axes in another order, reversed without a list.",
            |l, a| l.transpose(a),
        )
        .takes("x")
        .with("axes", "[0, 2, 1]", DefaultValue::Described)
        .note("or, to reverse all axes, `x.transpose()`"),
        special("swapaxes", "Two axes in each other's place.", |l, a| {
            l.swapaxes(a)
        })
        .takes("x")
        .takes_as("i", "-1")
        .takes_as("j", "-2"),
        special("t", "The last two axes in each other's place.", |l, a| {
            l.t(a)
        })
        .takes("x"),
        special("unsqueeze", "A new axis of one index.", |l, a| {
            l.unsqueeze(a)
        })
        .takes("x")
        .takes_as("axis", "-1"),
        special("squeeze", "Without axes of one index.", |l, a| l.squeeze(a))
            .takes("x")
            .takes_as("axis", "-1"),
        special("broadcast_to", "Repeated to a shape.", |l, a| {
            l.broadcast_to(a)
        })
        .takes("x")
        .takes_as("shape", "[B, D]"),
        special("expand", "Repeated to a shape; -1 keeps a dim.", |l, a| {
            l.expand(a)
        })
        .takes("x")
        .takes_as("shape", "[B, -1]"),
        special(
            "sum_to",
            "Summed back to a shape that broadcasts to x's.",
            |l, a| l.sum_to(a),
        )
        .takes("x")
        .takes_as("shape", "[1, D]"),
        concat(),
        Operation::alias("cat", concat()),
        special(
            "stack",
            "Tensors along a new axis, the first without one.",
            |l, a| l.stack(a),
        )
        .takes_as("parts", "[a, b]")
        .integer("axis", 0)
        .by_name(),
        special("split", "Parts of the given sizes along an axis.", |l, a| {
            l.split(a)
        })
        .takes("x")
        .takes_as("sizes", "[D, D]")
        .integer("axis", 0),
        Operation::new(
            "flip",
            "Backwards along an axis.",
            Lowering::Axis(compose::flip),
        )
        .takes("x")
        .takes_as("axis", "-1"),
        special(
            "roll",
            "Shifted along an axis; what leaves one end enters the other.",
            |l, a| l.roll(a),
        )
        .takes("x")
        .takes_as("shift", "1")
        .takes_as("axis", "-1"),
        special(
            "pad",
            "With so many elements of `value` before and behind each of the last axes.",
            |l, a| l.pad(a),
        )
        .takes("x")
        .takes_as("widths", "[(0, 0), (1, 1)]")
        .number("value", 0.0),
    ]
}
