//! Products of tensors.

use crate::operations::Operation;
use crate::operations::declaration::special;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        special(
            "matmul",
            "The matrix product of the last two axes; those in front broadcast.",
            |l, a| l.matmul(a),
        )
        .takes("x")
        .takes("y")
        .by_name(),
        special(
            "einsum",
            "Einstein's sums of any number of tensors: letters name axes, those that are not behind `->` \
             are summed over.",
            |l, a| l.einsum(a),
        )
        .takes_as("spec", "\"bthd,bshd->bhts\"")
        .takes_many("operands", "q, k")
        .by_name(),
    ]
}
