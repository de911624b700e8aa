//! Functions of each element.

use crate::operations::declaration::{binary, special, unary};
use crate::operations::{Lowering, Operation};
use sinew_ir::{compose, ops};

pub(super) fn operations() -> Vec<Operation> {
    let select = || {
        special(
            "where_",
            "x where the condition holds, y elsewhere.",
            |l, a| l.select(a),
        )
        .takes("condition")
        .takes("x")
        .takes("y")
        .by_name()
    };
    let cast = || {
        special(
            "cast",
            "x with elements of another type: `x.cast(i32)`, and `x.cast(float)` to the working float, \
             which is what mixes with tensors that name no type. Floats to integers truncate.",
            |l, a| l.cast(a),
        )
        .takes("x")
        .takes_as("dtype", "float")
    };
    vec![
        unary(ops::NEG),
        unary(ops::ABS),
        unary(ops::EXP),
        unary(ops::LOG),
        unary(ops::TANH),
        unary(ops::SQRT),
        unary(ops::ERF),
        unary(ops::SIN),
        unary(ops::COS),
        unary(ops::TAN),
        unary(ops::ASIN),
        unary(ops::ACOS),
        unary(ops::ATAN),
        unary(ops::SINH),
        unary(ops::COSH),
        unary(ops::RSQRT),
        unary(ops::ROUND),
        unary(ops::CEIL),
        unary(ops::FLOOR),
        unary(ops::SIGN),
        unary(ops::SQUARE),
        unary(ops::RECIPROCAL),
        unary(ops::RELU),
        unary(ops::SIGMOID),
        unary(ops::SILU),
        unary(ops::STOP_GRADIENT),
        unary(ops::EXPM1),
        unary(ops::LOG1P),
        unary(ops::SOFTPLUS),
        special(
            "gelu",
            "`x * Phi(x)`, with the error function, or with `approximate = \"tanh\"` its approximation.",
            |l, a| l.gelu(a),
        )
        .takes("x")
        .choice("approximate", &["none", "tanh"]),
        Operation::new(
            "leaky_relu",
            "x where it is positive, `negative_slope * x` elsewhere.",
            Lowering::Number(compose::leaky_relu),
        )
        .takes("x")
        .number("negative_slope", 0.01),
        Operation::new(
            "elu",
            "x where it is positive, `alpha * (exp(x) - 1)` elsewhere.",
            Lowering::Number(compose::elu),
        )
        .takes("x")
        .number("alpha", 1.0),
        special("pow", "x to a power.", |l, a| l.pow(a))
            .takes("x")
            .takes_as("exponent", "2.5"),
        special("powi", "x to the power of a literal integer.", |l, a| {
            l.powi(a)
        })
        .takes("x")
        .takes_as("exponent", "3"),
        binary(ops::MAXIMUM),
        binary(ops::MINIMUM),
        special("clamp", "x, not below `min` and not above `max`.", |l, a| {
            l.clamp(a)
        })
        .takes("x")
        .takes_as("min", "0.0")
        .takes_as("max", "1.0"),
        select(),
        Operation::alias("select", select()),
        cast(),
        Operation::alias("to", cast()),
    ]
}
