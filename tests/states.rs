//! States that functions assign: outputs of a step or a run, which the model has from then on.

use crate::devices::devices;
use ndarray::{Array2, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    /// Takes the running mean of what it has seen off.
    pub struct Centre<D> {
        #[init(ones)]
        pub scale: Param<D>,
        pub mean: State<D>,
        pub seen: State,
    }

    impl<D> Centre<D> {
        pub fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
            self.mean = 0.5 * self.mean + 0.5 * x.mean(0);
            self.seen += 1.0;
            (x - self.mean) * self.scale
        }
    }

    pub struct Net<Layers> {
        pub first: Centre<2>,
        pub rest: [Centre<2>; Layers],
    }

    pub fn run<B, Layers>(m: &Net<Layers>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let mut x = m.first.forward(x);
        for layer in &m.rest {
            x = layer.forward(x);
        }
        x
    }

    pub fn loss<B, Layers>(m: &Net<Layers>, x: Tensor<B, 2>) -> Tensor {
        (run(m, x) - 1.0).square().mean()
    }

    /// The states, read without a change.
    pub fn means<Layers>(m: &Net<Layers>) -> (Tensor<2>, Tensor) {
        (m.first.mean, m.first.seen)
    }

    /// The first layer, as often as `x` has rows.
    pub fn repeated<T, B, Layers>(m: &Net<Layers>, x: Tensor<T, B, 2>) -> Tensor<B, 2> {
        let mut sum = zeros([B, 2]);
        for t in 0..T {
            sum += m.first.forward(x[t]);
        }
        sum
    }

    /// What is assigned is read behind it, and the last of two assignments stays.
    pub fn twice<Layers>(m: &Net<Layers>, x: Tensor<2>) -> Tensor<2> {
        let before = m.first.mean;
        m.first.mean = x;
        let between = m.first.mean;
        m.first.mean = before + between;
        between * 2.0
    }

    /// Its square root is not finite for what is negative.
    #[model(allow(parameter_without_influence))]
    pub fn root<Layers>(m: &Net<Layers>, x: Tensor<2>) -> Tensor {
        m.first.mean = x.sqrt();
        m.first.seen += 1.0;
        (x * m.first.scale).sum()
    }
}

use net::{Net, NetConfig, loss, means, repeated, root, run, twice};

fn net(layers: usize) -> Net {
    Net::init(&NetConfig { Layers: layers }, 0).expect("it is small")
}

/// What `Centre::forward` does to the state and the rows.
fn centre(mean: &mut [f64; 2], x: &Array2<f64>) -> Array2<f64> {
    let of_rows = x.mean_axis(ndarray::Axis(0)).expect("it has rows");
    for (m, new) in mean.iter_mut().zip(&of_rows) {
        *m = 0.5 * *m + 0.5 * new;
    }
    x - &array![mean[0], mean[1]]
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-6 * e.abs().max(1.0),
            "{found:?} {expected:?}"
        );
    }
}

#[test]
fn a_run_leaves_its_states_to_the_next() -> sinew::Result<()> {
    let x = array![[1.0, 2.0], [3.0, 6.0], [2.0, -2.0]];
    for device in devices() {
        let runner = run::compile(net(2)).device(device).build()?;
        let read = means::attach(&runner)?;
        let mut states = [[0.0; 2]; 3];
        for turn in 1..=3 {
            let mut expected = x.clone();
            for state in &mut states {
                expected = centre(state, &expected);
            }
            let found: Vec<f64> = runner
                .run(x.view())?
                .iter()
                .map(|v| f64::from(*v))
                .collect();
            close(&found, &expected.into_raw_vec_and_offset().0);
            let (mean, seen) = read.run()?;
            close(&[f64::from(mean[0]), f64::from(mean[1])], &states[0]);
            assert_eq!(seen, turn as f32);
        }
        let model = runner.model()?;
        close(
            &model
                .first
                .mean
                .values_f64()
                .into_iter()
                .collect::<Vec<_>>(),
            &states[0],
        );
        for (layer, state) in model.rest.iter().zip(&states[1..]) {
            close(
                &layer.mean.values_f64().into_iter().collect::<Vec<_>>(),
                state,
            );
            assert_eq!(layer.seen.item()?, 3.0);
        }
    }
    Ok(())
}

#[test]
fn a_step_changes_states_and_runners_see_them() -> sinew::Result<()> {
    let x = array![[1.0, 2.0], [3.0, 6.0]];
    for device in devices() {
        for check in [false, true] {
            let train = loss::train(net(1))
                .optimizer(Sgd::new(0.0))
                .check_finite(check);
            let mut train = train.device(device.clone()).build()?;
            let read = means::attach(&train)?;
            let mut state = [0.0; 2];
            for _ in 0..3 {
                centre(&mut state, &x);
                train.step(x.view())?;
                let (mean, _) = read.run()?;
                close(&[f64::from(mean[0]), f64::from(mean[1])], &state);
            }
            assert_eq!(train.model()?.rest[0].seen.item()?, 3.0);
        }
    }
    Ok(())
}

#[test]
fn states_are_carried_through_loops() -> sinew::Result<()> {
    let steps = [array![[1.0, 2.0]], array![[3.0, -6.0]], array![[0.5, 4.0]]];
    let x = ndarray::stack![ndarray::Axis(0), steps[0], steps[1], steps[2]];
    for device in devices() {
        let runner = repeated::compile(net(1)).device(device).build()?;
        let mut state = [0.0; 2];
        let mut sum = Array2::zeros((1, 2));
        for x in &steps {
            sum += &centre(&mut state, x);
        }
        let found: Vec<f64> = runner
            .run(x.view())?
            .iter()
            .map(|v| f64::from(*v))
            .collect();
        close(&found, &sum.into_raw_vec_and_offset().0);
        let model = runner.model()?;
        close(
            &model
                .first
                .mean
                .values_f64()
                .into_iter()
                .collect::<Vec<_>>(),
            &state,
        );
        assert_eq!(model.first.seen.item()?, 3.0);
    }
    Ok(())
}

#[test]
fn assignments_are_in_the_order_of_the_text() -> sinew::Result<()> {
    let mut model = net(1);
    model.first.mean.set([10.0, 20.0])?;
    for device in devices() {
        let runner = twice::compile(model.clone()).device(device).build()?;
        assert_eq!(runner.run([1.0, 2.0])?.to_vec(), [2.0, 4.0]);
        assert_eq!(runner.run([1.0, 2.0])?.to_vec(), [2.0, 4.0]);
        let mean = runner.model()?.first.mean.values_f64();
        assert!(mean.into_iter().eq([12.0, 24.0]));
    }
    Ok(())
}

#[test]
fn a_call_without_a_runner_leaves_the_model() -> sinew::Result<()> {
    let model = net(1);
    let before = model.clone();
    assert_eq!(twice(&model, [1.0, 2.0])?.to_vec(), [2.0, 4.0]);
    loss::gradient(&model, [[1.0, 2.0]])?;
    assert_eq!(model, before);
    assert_eq!(twice(&model, [1.0, 2.0])?.to_vec(), [2.0, 4.0]);
    Ok(())
}

#[test]
fn what_is_not_finite_changes_no_state() -> sinew::Result<()> {
    for device in devices() {
        let train = root::train(net(1))
            .optimizer(Sgd::new(1.0))
            .check_finite(true);
        let mut train = train.device(device.clone()).build()?;
        train.step([4.0, 9.0])?;
        let before = train.model()?;
        assert!(before.first.mean.values_f64().into_iter().eq([2.0, 3.0]));
        let error = train
            .step([4.0, -9.0])
            .expect_err("a root of -9")
            .to_string();
        assert!(
            error.contains("the state of") && error.contains("`sqrt` at"),
            "{error}"
        );
        assert_eq!(train.model()?, before);

        let runner = root::compile(before.clone()).check_finite(true);
        let runner = runner.device(device).build()?;
        let error = runner
            .run([4.0, -9.0])
            .expect_err("a root of -9")
            .to_string();
        assert!(error.contains("the state of"), "{error}");
        assert_eq!(runner.model()?, before);
        runner.run([1.0, 1.0])?;
        assert_eq!(runner.model()?.first.seen.item()?, 2.0);
    }
    Ok(())
}
