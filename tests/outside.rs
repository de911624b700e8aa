//! Derivatives of plain calls: by parameters, by arguments, of given cotangents.

use ndarray::{Array1, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::ops::dropout;
    use sinew::prelude::*;

    pub struct Cell<D> {
        #[init(ones)]
        pub w: Param<D, D>,
        #[init(zeros)]
        pub b: Param<D>,
    }

    impl<D> Cell<D> {
        pub fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
            (matmul(x, self.w) + self.b).tanh()
        }
    }

    pub struct Net<D, Layers> {
        pub cells: [Cell<D>; Layers],
        #[init(ones)]
        pub scale: Param,
        pub seen: State,
    }

    pub fn layers<B, D, L>(m: &Net<D, L>, x: Tensor<B, D>) -> (Tensor<B, D>, Tensor<i32, B>) {
        let mut h = x;
        for cell in &m.cells {
            h = cell.forward(h);
        }
        m.seen += 1.0;
        (h * m.scale, h.argmax(1))
    }

    pub fn loss<B, D, L>(m: &Net<D, L>, x: Tensor<B, D>, y: Tensor<B>) -> Tensor {
        let (h, _) = layers(m, x);
        (h.sum(1) * y).sum()
    }

    pub fn product<N>(x: Tensor<N>, y: Tensor<N>, t: Tensor<i32, N>) -> Tensor<N> {
        x * y * t.to(float)
    }

    pub fn energy<N>(x: Tensor<N>) -> Tensor {
        x.square().sum()
    }

    pub struct Scale<N> {
        #[init(ones)]
        pub by: Param<N>,
    }

    /// Of two models, one between the arguments, which are a tuple and an array.
    pub fn mixed<N>(
        a: &Scale<N>,
        (x, t): (Tensor<N>, Tensor<i32, N>),
        b: &Scale<N>,
        ys: [Tensor<N>; 2],
    ) -> (Tensor, Tensor<N>) {
        ((a.by * x * ys[0]).sum(), b.by * ys[1] * t.to(float))
    }

    /// More gradients than a function may have results.
    pub fn many<N>(xs: [Tensor<N>; 12], scale: Tensor) -> Tensor {
        let mut sum = 0.0 * scale;
        for x in xs {
            sum = 2.0 * sum + scale * x.sum();
        }
        sum
    }

    /// What is left out in training.
    pub fn dropped<D, L, N>(m: &Net<D, L>, x: Tensor<N>) -> Tensor {
        (dropout(x, 0.5) * m.scale).sum()
    }
}

use net::*;

fn model() -> sinew::Result<Net> {
    let mut model = Net::init(&NetConfig { D: 2, Layers: 3 }, 0)?;
    for (i, cell) in model.cells.iter_mut().enumerate() {
        let i = i as f64;
        cell.w.set(array![[0.3 + 0.1 * i, -0.2], [0.5, 0.1 * i]])?;
        cell.b.set(array![0.1, -0.1 * i])?;
    }
    model.scale.set(1.5f64)?;
    Ok(model)
}

#[test]
fn cotangents_of_a_model_and_of_arguments() -> sinew::Result<()> {
    let model = model()?;
    let x = array![[0.2, -0.4], [0.7, 0.9]];
    let g = array![[1.0, 0.0], [-0.5, 2.0]];
    let found = layers::vjp(&model, x.view(), g.view())?;
    let (h, at) = layers(&model, x.view())?;
    assert_eq!(found.value, (h, at));
    // The same as a loss: sum of the products with the cotangents.
    let along = |m: &Net, x: &ndarray::Array2<f64>| -> sinew::Result<f64> {
        let runner = layers::compile(m.clone())
            .precision(Precision::F64)
            .build()?;
        let (h, _) = runner.run_f64(x.view())?;
        Ok((h * &g).sum())
    };
    let slope = 1e-6;
    let mut expected = x.clone();
    for at in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let (mut up, mut down) = (x.clone(), x.clone());
        up[at] += slope;
        down[at] -= slope;
        expected[at] = (along(&model, &up)? - along(&model, &down)?) / (2.0 * slope);
    }
    for (f, e) in found.inputs.iter().zip(&expected) {
        assert!(
            (f64::from(*f) - e).abs() < 1e-6,
            "{} {expected}",
            found.inputs
        );
    }
    for (cell, i) in [(0, 1), (2, 3)] {
        let moved = |by: f64| -> sinew::Result<f64> {
            let mut moved = model.clone();
            let w: Vec<f64> = moved.cells[cell].w.values_f64().into_iter().collect();
            let mut w = ndarray::Array2::from_shape_vec((2, 2), w).expect("as many");
            w[(i / 2, i % 2)] += by;
            moved.cells[cell].w.set(w)?;
            along(&moved, &x)
        };
        let expected = (moved(slope)? - moved(-slope)?) / (2.0 * slope);
        let found: Vec<f64> = found.model.cells[cell].w.values_f64().into_iter().collect();
        assert!((found[i] - expected).abs() < 1e-6, "{found:?} {expected}");
    }
    // A state has none, and the model stays as it is.
    assert_eq!(found.model.seen.item()?, 0.0);
    assert_eq!(model.seen.item()?, 0.0);
    Ok(())
}

#[test]
fn a_loss_of_cotangent_one_has_its_gradient() -> sinew::Result<()> {
    let model = model()?;
    let (x, y) = (array![[0.2, -0.4], [0.7, 0.9]], array![1.0, -2.0]);
    let found = loss::vjp(&model, x.view(), y.view(), 1.0)?;
    assert_eq!(found.model, loss::gradient(&model, x.view(), y.view())?);
    assert_eq!(found.value, loss(&model, x.view(), y.view())?);
    let (by_x, by_y) = loss::gradient_by_inputs(&model, x.view(), y.view())?;
    assert_eq!(found.inputs, (by_x, by_y));
    // d loss / d y is the sum of each row.
    let (h, _) = layers(&model, x.view())?;
    for (f, e) in found.inputs.1.iter().zip(h.rows()) {
        assert!((f - e.sum()).abs() < 1e-6);
    }
    Ok(())
}

#[test]
fn without_a_model() -> sinew::Result<()> {
    let (x, y, t) = ([1.0, 2.0], [3.0, -4.0], [2, 5]);
    let found = product::vjp(x, y, t, [1.0, 10.0])?;
    assert_eq!(found.value, array![6.0, -40.0]);
    assert_eq!(found.inputs, (array![6.0, -200.0], array![2.0, 100.0]));
    let by_x: Array1<f32> = energy::gradient_by_inputs([1.0, -3.0])?;
    assert_eq!(by_x, array![2.0, -6.0]);
    Ok(())
}

#[test]
fn of_several_models_and_of_groups() -> sinew::Result<()> {
    let scale = |by: [f64; 2]| -> sinew::Result<Scale> {
        let mut scale = Scale::init(&ScaleConfig { N: 2 }, 0)?;
        scale.by.set(by)?;
        Ok(scale)
    };
    let (a, b) = (scale([2.0, 3.0])?, scale([5.0, 7.0])?);
    let (x, t, ys) = ([1.0, -1.0], [2, 3], [[0.5, 4.0], [6.0, 0.25]]);
    let found = mixed::vjp(&a, (x, t), &b, ys, 10.0, [1.0, 100.0])?;
    assert_eq!(found.value, mixed(&a, (x, t), &b, ys)?);
    let (by_a, by_b) = found.model;
    let values = |m: &Scale| m.by.values_f64().into_iter().collect::<Vec<_>>();
    assert_eq!(values(&by_a), [5.0, -40.0]);
    assert_eq!(values(&by_b), [12.0, 75.0]);
    let ((by_x,), [by_first, by_second]) = found.inputs;
    assert_eq!(by_x, array![10.0, 120.0]);
    assert_eq!(by_first, array![20.0, -30.0]);
    assert_eq!(by_second, array![10.0, 2100.0]);
    // Of the first result alone.
    let ((by_x,), [by_first, by_second]) = mixed::gradient_by_inputs(&a, (x, t), &b, ys)?;
    assert_eq!(by_x, array![1.0, 12.0]);
    assert_eq!(by_first, array![2.0, -3.0]);
    assert_eq!(by_second, array![0.0, 0.0]);
    assert_eq!(values(&mixed::gradient(&a, (x, t), &b, ys)?), [0.5, -4.0]);
    Ok(())
}

#[test]
fn of_many_arguments() -> sinew::Result<()> {
    let xs = [[1.0, 2.0]; 12];
    let found = many::vjp(xs, 2.0, 0.5)?;
    assert_eq!(found.value, 2.0 * 3.0 * 4095.0);
    let (by_xs, by_scale) = found.inputs;
    for (i, by_x) in (0..12).zip(by_xs) {
        let expected = f32::exp2((11 - i) as f32);
        assert_eq!(by_x, array![expected, expected]);
    }
    assert_eq!(by_scale, 0.5 * 3.0 * 4095.0);
    Ok(())
}

/// As a plain call runs it: nothing is left out.
#[test]
fn gradients_outside_have_no_dropout() -> sinew::Result<()> {
    let model = model()?;
    let x = [1.0, 2.0, 3.0, 4.0];
    assert_eq!(dropped(&model, x)?, 15.0);
    assert_eq!(dropped::gradient(&model, x)?.scale.item()?, 10.0);
    assert_eq!(
        dropped::gradient_by_inputs(&model, x)?,
        array![1.5, 1.5, 1.5, 1.5]
    );
    Ok(())
}

#[test]
fn mistakes_are_told() -> sinew::Result<()> {
    let wrong = product::vjp([1.0, 2.0], [3.0, -4.0], [2, 5], [1.0]);
    let told = wrong.map_or_else(|error| error.to_string(), |v| v.value.to_string());
    assert!(told.contains("cotangent0"), "{told}");
    Ok(())
}
