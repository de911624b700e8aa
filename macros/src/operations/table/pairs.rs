//! Functions of the elements of several tensors.

use crate::operations::declaration::defined;
use crate::operations::{Lowering, Operation};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        defined(
            "lerp",
            "The point between x and y by `weight`: x at 0, y at 1.",
            "x + weight * (y - x)",
        )
        .takes("y")
        .takes_as("weight", "0.5")
        .by_name()
        .derivative("`1 - weight` by x, `weight` by y, `y - x` by the weight")
        .example(
            r#"
use sinew::ops::lerp;

#[model]
fn between<N>(x: Tensor<N>, y: Tensor<N>, w: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    (lerp(x, y, 0.25), x.lerp(y, w))
}

let (quarter, each) = between([0.0, 8.0], [4.0, 0.0], [0.0, 1.0])?;
assert_eq!((quarter, each), (array![1.0, 6.0], array![0.0, 0.0]));
"#,
        ),
        Operation::new(
            "atan2",
            "The angle in radians, from -pi to pi, from the direction of positive x to the point (x, y); 0 at the \
             origin. A zero has no sign here: the angle of y = 0 and a negative x is pi.",
            Lowering::Defined(
                "{
                    let steep = y.abs() > x.abs();
                    let (below, above) = (steep.where_(y, x), steep.where_(x, y));
                    let at_origin = below == 0.0;
                    let slope = above / at_origin.where_(1.0, below);
                    let angle = at_origin.where_(0.0, slope.atan());
                    let half = y.sign() * 1.5707963267948966;
                    let whole = (y < 0.0).where_(-3.141592653589793, 3.141592653589793);
                    let turned = (x < 0.0).where_(whole, 0.0);
                    steep.where_(half - angle, turned + angle)
                }",
            ),
        )
        .takes("y")
        .takes("x")
        .by_name()
        .derivative("`x / (x^2 + y^2)` by y, `-y / (x^2 + y^2)` by x; 0 at the origin")
        .example(
            r#"
use sinew::ops::atan2;

#[model]
fn angles<N>(y: Tensor<N>, x: Tensor<N>) -> Tensor<N> {
    atan2(y, x)
}

use std::f32::consts::PI;
let angles = angles([1.0, 1.0, -1.0, 0.0], [0.0, 1.0, -1.0, -1.0])?;
assert!((angles - array![PI / 2.0, PI / 4.0, -3.0 * PI / 4.0, PI]).iter().all(|d| d.abs() < 1e-6));
"#,
        ),
        defined(
            "logaddexp",
            "`log(exp(x) + exp(y))`, which does not overflow.",
            "{
                let greatest = x.maximum(y).stop_gradient();
                let m = (greatest - greatest == 0.0).where_(greatest, 0.0);
                let (a, b) = (x - m, y - m);
                m + (x > y).where_(a.expm1() + b.exp(), a.exp() + b.expm1()).log1p()
            }",
        )
        .takes("y")
        .by_name()
        .derivative("`sigmoid(x - y)` by x, `sigmoid(y - x)` by y")
        .example(
            r#"
use sinew::ops::logaddexp;

#[model]
fn of_pairs<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
    logaddexp(x, y)
}

let sums = of_pairs([0.0, 1000.0], [0.0, -1000.0])?;
assert!((sums - array![2f32.ln(), 1000.0]).iter().all(|d| d.abs() < 1e-6));
"#,
        ),
    ]
}
