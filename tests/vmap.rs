//! Functions over an axis: of tensors and models, nested, in derivatives and with these in it, with loops,
//! choices and randomness, and what they cost.

use crate::devices::devices;
use ndarray::{Array2, Array3, Axis, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::ops::{cumsum, randn, sort};
    use sinew::prelude::*;

    pub enum Bend {
        Square,
        Double,
    }

    pub struct Row {
        #[init(ones)]
        pub by: Param,
        pub bend: Bend,
    }

    /// What is done with each row says the configuration, and whether the run trains.
    pub fn bent<B, N>(m: &Row, x: Tensor<B, N>) -> Tensor<B> {
        vmap(
            |x| {
                let y = match m.bend {
                    Bend::Square => x * x,
                    Bend::Double => x + x,
                };
                let y = if training() { y * 3.0 } else { y };
                (y * m.by).sum()
            },
            x,
        )
    }

    pub fn bent_loss<B, N>(m: &Row, x: Tensor<B, N>) -> Tensor {
        bent(m, x).sum()
    }

    pub struct Mlp<D, H> {
        #[init(normal(0.3))]
        pub first: Param<D, H>,
        #[init(normal(0.3))]
        pub second: Param<H>,
    }

    impl<D, H> Mlp<D, H> {
        pub fn forward(&self, x: Tensor<D>) -> Tensor {
            (matmul(x, self.first).tanh() * self.second).sum()
        }
    }

    pub fn error<D, H>(m: &Mlp<D, H>, x: Tensor<D>, y: Tensor) -> Tensor {
        (m.forward(x) - y).square()
    }

    /// A model and another tensor that all rows share.
    pub fn outputs<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>, shift: Tensor<D>) -> Tensor<B> {
        vmap(|x| m.forward(x + shift), x)
    }

    /// Gradients by a model, for each example.
    pub fn each<B, D, H>(
        m: &Mlp<D, H>,
        x: Tensor<B, D>,
        y: Tensor<B>,
    ) -> (Tensor<B, D, H>, Tensor<B, H>) {
        let g = vmap(|x, y| grad(|m| error(m, x, y), m), x, y);
        (g.first, g.second)
    }

    /// The squares of the gradients of each example, without having them at once.
    pub fn squares<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>, y: Tensor<B>) -> Tensor<B> {
        vmap(
            |x, y| {
                let g = grad(|m| error(m, x, y), m);
                g.first.square().sum() + g.second.square().sum()
            },
            x,
            y,
        )
    }

    /// A loss over rows: gradients go through.
    pub fn loss<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>, y: Tensor<B>) -> Tensor {
        vmap(|x, y| error(m, x, y), x, y).sum()
    }

    /// Trained through the gradients of each example.
    pub fn penalty<B, D, H>(m: &Mlp<D, H>, x: Tensor<B, D>, y: Tensor<B>) -> Tensor {
        squares(m, x, y).sum()
    }

    /// All pairs of rows.
    pub fn distances<B, C, D>(x: Tensor<B, D>, y: Tensor<C, D>) -> Tensor<B, C> {
        vmap(|x| vmap(|y| (x - y).square().sum(), y), x)
    }

    /// Another axis of the arguments and of the results, a tuple, and what no slice changes.
    pub fn columns<B, D>(x: Tensor<B, D>) -> (Tensor<B, D>, Tensor<D>, Tensor<D>) {
        let (order, (most, same)) =
            vmap(|x| (sort(x).0, (x.max(), 2.0)), x, axis = 1, out_axis = -1);
        (order, most, same)
    }

    /// A loop over each row, that carries what is mapped and what is not, and one that stacks.
    pub fn loops<B, T>(x: Tensor<B, T>, decay: Tensor) -> (Tensor<B>, Tensor<B, T>) {
        vmap(
            |row| {
                let mut h = 0.0;
                let mut weight = 1.0;
                let mut all = Vec::new();
                for t in 0..T {
                    h = h * decay + row[t] * weight;
                    weight = weight * decay;
                    all.push(h);
                }
                (h, stack(all))
            },
            x,
        )
    }

    pub fn looped_loss<B, T>(m: &Mlp<B, T>, x: Tensor<B, T>) -> Tensor {
        let (h, all) = loops(x * m.second, m.second.sum());
        h.square().sum() + all.sum()
    }

    pub fn chosen<B, N>(x: Tensor<B, N>) -> Tensor<B> {
        vmap(|x| if N > 2 { x.sum() } else { x.max() }, x)
    }

    /// Indices and elements of each row's own.
    pub fn picked<B, N, K>(
        x: Tensor<B, N>,
        at: Tensor<i32, B, K>,
        table: Tensor<N, K>,
    ) -> (Tensor<B, K>, Tensor<B, K, K>) {
        vmap(|x, at| (x.take(at, 0), table.take(at, 0)), x, at)
    }

    pub fn running<B, N>(x: Tensor<B, N>) -> Tensor<B, N> {
        vmap(|x| cumsum(x, 0).softmax(), x)
    }

    /// Each row has its own.
    pub fn noise<B, N>(x: Tensor<B, N>) -> Tensor<B, N> {
        vmap(|x| randn([N]) + 0.0 * x, x)
    }
}

use net::*;

fn close<'a>(
    found: impl IntoIterator<Item = &'a f32>,
    expected: impl IntoIterator<Item = f64>,
    tolerance: f64,
) {
    let found: Vec<f64> = found.into_iter().map(|v| f64::from(*v)).collect();
    let expected: Vec<f64> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(&expected) {
        assert!(
            (f - e).abs() <= tolerance * e.abs().max(1.0),
            "{found:?} {expected:?}"
        );
    }
}

fn mlp() -> sinew::Result<Mlp> {
    Mlp::init(&MlpConfig { D: 3, H: 4 }, 5)
}

fn rows() -> Array2<f64> {
    array![[0.3, 1.1, -0.8], [1.0, -0.4, 0.6], [-0.2, 0.9, 1.4]]
}

#[test]
fn each_row_is_as_if_alone() -> sinew::Result<()> {
    let (model, x, shift) = (mlp()?, rows(), [0.1, -0.2, 0.3]);
    let one = outputs::compile(model.clone())
        .precision(Precision::F64)
        .build()?;
    let mut expected = Vec::new();
    for row in x.rows() {
        expected.extend(one.run_f64(row.insert_axis(Axis(0)), shift)?);
    }
    let all = one.run_f64(x.view(), shift)?;
    for (f, e) in all.iter().zip(&expected) {
        assert!((f - e).abs() < 1e-12, "{all} {expected:?}");
    }
    for device in devices() {
        let runner = outputs::compile(model.clone()).device(device).build()?;
        close(&runner.run(x.view(), shift)?, expected.clone(), 1e-5);
    }
    Ok(())
}

#[test]
fn gradients_of_each_example() -> sinew::Result<()> {
    let (model, x, y) = (mlp()?, rows(), [0.5, -1.0, 2.0]);
    let mut first: Vec<f64> = Vec::new();
    let mut second: Vec<f64> = Vec::new();
    let mut square: Vec<f64> = Vec::new();
    for (row, y) in x.rows().into_iter().zip(y) {
        let g = loss::gradient(&model, row.insert_axis(Axis(0)), [y])?;
        let (f, s) = (g.first.values_f64(), g.second.values_f64());
        square.push(f.iter().chain(&s).map(|v| v * v).sum());
        first.extend(f);
        second.extend(s);
    }
    for device in devices() {
        let runner = each::compile(model.clone())
            .device(device.clone())
            .build()?;
        let (f, s) = runner.run(x.view(), y)?;
        close(&f, first.clone(), 1e-5);
        close(&s, second.clone(), 1e-5);
        let runner = squares::compile(model.clone()).device(device).build()?;
        close(&runner.run(x.view(), y)?, square.clone(), 1e-5);
    }
    // All together they are the gradient of the sum.
    let whole = loss::gradient(&model, x.view(), y)?;
    let sums = (0..12).map(|i| first.iter().skip(i).step_by(12).sum::<f64>());
    for (f, e) in whole.first.values_f64().into_iter().zip(sums) {
        assert!((f - e).abs() < 1e-12, "{f} {e}");
    }
    Ok(())
}

#[test]
fn training_goes_through_gradients_of_each_example() -> sinew::Result<()> {
    let (model, x, y) = (mlp()?, rows(), [0.5, -1.0, 2.0]);
    let found = penalty::gradient(&model, x.view(), y)?;
    let found: Vec<f64> = found.first.values_f64().into_iter().collect();
    for (i, found) in found.iter().enumerate() {
        let at = |by: f64| -> sinew::Result<f64> {
            let mut moved = model.clone();
            let mut values: Vec<f64> = moved.first.values_f64().into_iter().collect();
            values[i] += by;
            moved
                .first
                .set(Array2::from_shape_vec((3, 4), values).expect("as many"))?;
            let runner = penalty::compile(moved).precision(Precision::F64).build()?;
            runner.run_f64(x.view(), y)
        };
        let expected = (at(1e-5)? - at(-1e-5)?) / 2e-5;
        assert!((found - expected).abs() < 1e-7, "{found} {expected}");
    }
    Ok(())
}

#[test]
fn they_nest() -> sinew::Result<()> {
    let (x, y) = (rows(), array![[1.0, 0.0, -1.0], [0.5, 0.5, 0.5]]);
    let expected = x.rows().into_iter().flat_map(|x| {
        y.rows()
            .into_iter()
            .map(|y| {
                x.iter()
                    .zip(&y)
                    .map(|(x, y)| (x - y) * (x - y))
                    .sum::<f64>()
            })
            .collect::<Vec<_>>()
    });
    let expected: Vec<f64> = expected.collect();
    for device in devices() {
        let runner = distances::compile().device(device).build()?;
        close(&runner.run(x.view(), y.view())?, expected.clone(), 1e-5);
    }
    Ok(())
}

#[test]
fn along_other_axes() -> sinew::Result<()> {
    let x = array![[3.0, -1.0], [1.0, 5.0], [2.0, 0.5]];
    let (order, most, same) = columns(x.view())?;
    assert_eq!(order, array![[1.0, -1.0], [2.0, 0.5], [3.0, 5.0]]);
    assert_eq!(most, array![3.0, 5.0]);
    assert_eq!(same, array![2.0, 2.0]);
    Ok(())
}

#[test]
fn loops_of_all_rows_at_once() -> sinew::Result<()> {
    let x = array![[1.0, 2.0, -1.0], [0.5, 0.0, 4.0]];
    let decay = 0.5;
    let mut last = Vec::new();
    let mut all = Vec::new();
    for row in x.rows() {
        let (mut h, mut weight) = (0.0, 1.0);
        for v in row {
            h = h * decay + v * weight;
            weight *= decay;
            all.push(h);
        }
        last.push(h);
    }
    for device in devices() {
        let runner = loops::compile().device(device).build()?;
        let (h, stack) = runner.run(x.view(), decay)?;
        close(&h, last.clone(), 1e-6);
        close(&stack, all.clone(), 1e-6);
    }
    // And through them.
    let mut model = Mlp::init(&MlpConfig { D: 2, H: 3 }, 1)?;
    model.second.set([0.4, -0.3, 0.6])?;
    let found = looped_loss::gradient(&model, x.view())?;
    for (i, found) in found.second.values_f64().into_iter().enumerate() {
        let at = |by: f64| -> sinew::Result<f64> {
            let mut moved = model.clone();
            let mut values: Vec<f64> = moved.second.values_f64().into_iter().collect();
            values[i] += by;
            moved.second.set(values)?;
            let runner = looped_loss::compile(moved)
                .precision(Precision::F64)
                .build()?;
            runner.run_f64(x.view())
        };
        let expected = (at(1e-5)? - at(-1e-5)?) / 2e-5;
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
    Ok(())
}

#[test]
fn choices_indices_and_runs() -> sinew::Result<()> {
    assert_eq!(
        chosen(array![[1.0, 2.0], [4.0, 3.0]].view())?,
        array![2.0, 4.0]
    );
    assert_eq!(
        chosen(array![[1.0, 2.0, 3.0], [4.0, 3.0, -1.0]].view())?,
        array![6.0, 6.0]
    );
    let x = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let table = array![[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]];
    let (own, shared) = picked(x.view(), array![[2, 0], [1, 1]].view(), table.view())?;
    assert_eq!(own, array![[3.0, 1.0], [5.0, 5.0]]);
    let expected: Array3<f32> = array![[[2.0, 2.5], [0.0, 0.5]], [[1.0, 1.5], [1.0, 1.5]]];
    assert_eq!(shared, expected);
    let found = running(x.view())?;
    for (row, x) in found.rows().into_iter().zip(x.rows()) {
        let sums = [x[0], x[0] + x[1], x[0] + x[1] + x[2]];
        let total: f64 = sums.iter().map(|s: &f64| (s - sums[2]).exp()).sum();
        close(row, sums.map(|s| (s - sums[2]).exp() / total), 1e-5);
    }
    Ok(())
}

#[test]
fn configuration_and_training_choose_for_all_rows() -> sinew::Result<()> {
    let x = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    for (bend, rows) in [(Bend::Square, [14.0, 77.0]), (Bend::Double, [12.0, 30.0])] {
        let model = Row::init(&RowConfig { bend }, 0)?;
        close(&bent(&model, x.view())?, rows, 1e-6);
        let sum: f64 = rows.iter().sum();
        assert_eq!(bent_loss::gradient(&model, x.view())?.by.item()?, sum);
        for device in devices() {
            let train = bent_loss::train(model.clone()).optimizer(Sgd::new(0.0));
            let mut train = train.device(device).build()?;
            assert_eq!(train.step(x.view())?.loss, 3.0 * sum);
            assert_eq!(train.gradients()?.by.item()?, 3.0 * sum);
        }
    }
    Ok(())
}

#[test]
fn each_slice_draws_its_own() -> sinew::Result<()> {
    let x = Array2::<f32>::zeros((4, 6));
    let found = noise(x.view())?;
    for (i, row) in found.rows().into_iter().enumerate() {
        for other in found.rows().into_iter().skip(i + 1) {
            assert!(row.iter().zip(&other).all(|(a, b)| a != b), "{found}");
        }
    }
    for device in devices() {
        let runner = noise::compile().device(device).build()?;
        let there = runner.run(x.view())?;
        close(&there, found.iter().map(|v| f64::from(*v)), 1e-5);
    }
    Ok(())
}

/// What all rows are multiplied with is one matrix, so that theirs is one product, as a batch's is.
#[test]
fn rows_and_one_matrix_are_one_product() -> sinew::Result<()> {
    let runner = outputs::compile(mlp()?).build()?;
    runner.run(rows().view(), [0.0, 0.0, 0.0])?;
    let linked = runner.linked()?;
    let products: Vec<&str> = linked.lines().filter(|l| l.contains("= dot ")).collect();
    assert!(products.iter().all(|l| !l.contains("batch")), "{linked}");
    Ok(())
}
