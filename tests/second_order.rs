//! Derivatives of derivatives through children by their number and through what arms push: against differences, in
//! f64, and on every device.

use crate::devices::devices;
use sinew::ndarray::{Array1, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    pub struct Layer {
        #[init(normal(0.5))]
        pub w: Param<2>,
    }

    pub struct Net<Layers> {
        pub layers: [Layer; Layers],
        pub early: bool,
    }

    pub fn energy<Layers>(m: &Net<Layers>, x: Tensor<2>) -> Tensor {
        let mut y = (m.layers[-1].w * x).tanh();
        for i in 1..Layers {
            y = y + (m.layers[i].w * m.layers[i - 1].w * y).tanh();
        }
        let mut parts = vec![];
        for _t in 0..2 {
            if m.early {
                parts.push(y * x);
            } else {
                parts.push((m.layers[1].w * y).exp());
            }
            y = y.sin() + x;
        }
        stack(parts).square().sum()
    }

    /// A loss with a derivative in it: its gradients are of second order.
    pub fn loss<Layers>(m: &Net<Layers>, x: Tensor<2>) -> Tensor {
        grad(|x| energy(m, x), x).square().sum()
    }
}

use net::{Net, NetConfig, loss};

/// The loss in f64, with one number of one layer moved.
fn moved(model: &Net, at: [usize; 2], by: f64, x: &Array1<f64>) -> sinew::Result<f64> {
    let mut model = model.clone();
    let mut w: Vec<f64> = model.layers[at[0]].w.values_f64().iter().copied().collect();
    w[at[1]] += by;
    model.layers[at[0]].w.set(w)?;
    let run = loss::compile(model).precision(Precision::F64).build()?;
    run.run_f64(x)
}

#[test]
fn gradients_of_gradients_are_differences() -> sinew::Result<()> {
    let x = array![0.7, -0.4];
    for early in [true, false] {
        let model = Net::init(&NetConfig { Layers: 3, early }, 5)?;
        let found = loss::gradient(&model, &x)?;
        let step = 1e-4;
        for layer in 0..3 {
            for i in 0..2 {
                let by = |by: f64| moved(&model, [layer, i], by, &x);
                let near = by(step)? - by(-step)?;
                let far = by(2.0 * step)? - by(-2.0 * step)?;
                let expected = (8.0 * near - far) / (12.0 * step);
                let found = found.layers[layer].w.values_f64()[i];
                // Differences of fourth order lose that much themselves.
                let fits = (found - expected).abs() <= 1e-8 * expected.abs().max(1.0);
                assert!(fits, "{early} {layer} {i}: {found} {expected}");
            }
        }
        for device in devices() {
            let train = loss::train(model.clone()).optimizer(Sgd::new(0.0));
            let mut train = train.device(device).build()?;
            train.step(&x)?;
            for (f, e) in train.gradients()?.layers.iter().zip(&found.layers) {
                for (f, e) in f.w.values_f64().iter().zip(e.w.values_f64()) {
                    assert!((f - e).abs() <= 1e-5 * e.abs().max(1.0), "{f} {e}");
                }
            }
        }
    }
    Ok(())
}
