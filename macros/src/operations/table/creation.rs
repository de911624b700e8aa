//! Tensors out of nothing but a shape.

use crate::operations::declaration::special;
use crate::operations::{Lowering, Operation};
use sinew_ir::DType;

pub(super) fn operations() -> Vec<Operation> {
    let filled = |name, doc: &str, value| {
        Operation::new(name, doc, Lowering::Filled(value))
            .takes_as("shape", "[B, D]")
            .dtype(DType::Float)
            .by_name()
    };
    vec![
        special("arange", "0, 1, .. below a size.", |l, a| l.arange(a))
            .takes_as("n", "N")
            .dtype(DType::I32)
            .by_name(),
        special("iota", "Each element's index along an axis.", |l, a| {
            l.iota(a)
        })
        .takes_as("shape", "[B, T]")
        .takes_as("axis", "1")
        .dtype(DType::I32)
        .by_name(),
        filled("zeros", "Zeros of a shape.", 0.0),
        filled("ones", "Ones of a shape.", 1.0),
        special("full", "One number in a shape.", |l, a| l.full(a))
            .takes_as("shape", "[B, D]")
            .takes_as("value", "0.5")
            .dtype(DType::Float)
            .by_name(),
        Operation::new("zeros_like", "Zeros of x's type.", Lowering::Like(0.0))
            .takes("x")
            .by_name(),
        Operation::new("ones_like", "Ones of x's type.", Lowering::Like(1.0))
            .takes("x")
            .by_name(),
    ]
}
