//! Lists that arms of choices push onto: in loops and outside, with gradients and in each other.

use crate::devices::devices;
use sinew::ndarray::array;
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    pub struct Choice {
        pub causal: bool,
        pub kind: usize,
        #[init(constant(3.0))]
        pub w: Param,
    }

    pub fn pushed<T>(m: &Choice, xs: Tensor<T>) -> (Tensor<{ 2 * T }>, Tensor<3>) {
        let mut ys = Vec::new();
        for x in xs {
            if m.causal {
                ys.push(x * m.w);
                ys.push(-x);
            } else {
                let y = 10.0 * x;
                ys.push(y);
                match m.kind {
                    0 => ys.push(m.w),
                    1 => ys.push(m.w.square()),
                    _ => ys.push(x),
                }
            }
        }
        let mut ends = Vec::new();
        ends.push(7.0);
        let first = if T > 2 {
            ends.push(xs[0]);
            ends.push(1.0);
            xs[1]
        } else {
            for x in xs[0..2] {
                ends.push(x * 2.0);
            }
            xs[0]
        };
        (stack(ys) + 0.0 * first, stack(ends))
    }

    pub fn loss<T>(m: &Choice, xs: Tensor<T>) -> Tensor {
        let (ys, ends) = pushed(m, xs);
        ys.square().sum() + ends.sum()
    }
}

use net::{Choice, ChoiceConfig, loss, pushed};

#[test]
fn arms_push_onto_lists() -> sinew::Result<()> {
    let model = |causal, kind| Choice::init(&ChoiceConfig { causal, kind }, 0);
    let three = [1.0, 2.0, 3.0];
    for device in devices() {
        let run = |model, xs: &[f64]| {
            let run = pushed::compile(model).device(device.clone()).build();
            run.and_then(|run| run.run(xs))
        };
        let (ys, ends) = run(model(true, 0)?, &three)?;
        assert_eq!(ys, array![3.0, -1.0, 6.0, -2.0, 9.0, -3.0]);
        assert_eq!(ends, array![7.0, 1.0, 1.0]);
        let (ys, ends) = run(model(false, 1)?, &three[..2])?;
        assert_eq!(ys, array![10.0, 9.0, 20.0, 9.0]);
        assert_eq!(ends, array![7.0, 2.0, 4.0]);
        let (ys, _) = run(model(false, 2)?, &three[..2])?;
        assert_eq!(ys, array![10.0, 1.0, 20.0, 2.0]);
        // The sum of squares of `x w`, and of `w w` twice.
        for (model, expected) in [
            (model(true, 0)?, 2.0 * 3.0 * 14.0),
            (model(false, 1)?, 3.0 * 4.0 * 27.0),
        ] {
            let mut train = loss::train(model).device(device.clone()).build()?;
            train.step(three)?;
            assert_eq!(train.gradients()?.w.item()?, expected);
        }
    }
    Ok(())
}
