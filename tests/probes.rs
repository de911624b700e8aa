//! Runners and trainers that look at places in functions, and runners that put arrays in the place of values.

use crate::devices::devices;
use sinew::ndarray::{Array1, Array2, Array3, ArrayD, Ix2, Ix3, array};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    pub struct Block<D> {
        #[init(constant(0.5))]
        pub w: Param<D, D>,
    }

    impl<D> Block<D> {
        pub fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
            let h = capture("hidden", matmul(x, self.w));
            let h = h.patch("hidden");
            capture("norm", h.square().sum());
            x + h
        }
    }

    pub struct One {
        pub first: Block<2>,
    }

    pub struct Net {
        pub first: Block<2>,
        pub blocks: [Block<2>; 3],
    }

    pub fn run<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let mut x = m.first.forward(x);
        for block in &m.blocks {
            x = block.forward(x);
        }
        capture("signs", x > 0.0);
        x
    }

    pub fn loss<B>(m: &Net, x: Tensor<B, 2>) -> Tensor {
        run(m, x).sum()
    }

    /// A loss whose reverse computes the block again, a result behind it, and a place inside.
    pub fn again<B>(m: &One, x: Tensor<B, 2>) -> (Tensor, Tensor<B>) {
        let y = checkpoint(|x| m.first.forward(x), x);
        let rows = capture("rows", y.square()).sum(axis = 1);
        (rows.sum(), rows)
    }
}

use net::{Net, One, again, loss, run};

/// What a block does: each output gets half the sum of its inputs.
fn hidden(x: [f32; 2]) -> [f32; 2] {
    [(x[0] + x[1]) / 2.0; 2]
}

fn block(x: [f32; 2]) -> [f32; 2] {
    let h = hidden(x);
    [x[0] + h[0], x[1] + h[1]]
}

#[test]
fn values_are_captured_in_calls_and_loops() -> sinew::Result<()> {
    let x = [[1.0f32, -3.0]];
    let outputs = [0, 1, 2, 3].map(|n| (0..n).fold(x[0], |x, _| block(x)));
    for device in devices() {
        let mut runner = run::compile(Net::init(0)).device(device).build()?;
        let plain = runner.run(x)?;
        for name in ["hidden.0", "hidden.1", "norm.1", "signs"] {
            runner.capture(name);
        }
        assert_eq!(runner.run(x)?, plain);
        let first: Array2<f32> = runner.captured("hidden.0")?;
        assert_eq!(first, array![hidden(x[0])]);
        // A slice of each of the repeated children.
        let others: Array3<f64> = runner.captured("hidden.1")?;
        let norms: Array1<f32> = runner.captured("norm.1")?;
        for (layer, x) in outputs[1..].iter().enumerate() {
            let h = hidden(*x);
            assert_eq!(others[(layer, 0, 1)], f64::from(h[1]));
            assert_eq!(norms[layer], h[0] * h[0] + h[1] * h[1]);
        }
        let signs: ArrayD<bool> = runner.captured("signs")?;
        assert_eq!(
            signs.iter().copied().collect::<Vec<_>>(),
            plain.map(|v| *v > 0.0).into_raw_vec_and_offset().0
        );
    }
    Ok(())
}

#[test]
fn arrays_stand_for_values() -> sinew::Result<()> {
    let x = [[1.0f32, -3.0]];
    for device in devices() {
        let model = Net::init(0);
        let mut runner = run::compile(model.clone()).device(device.clone()).build()?;
        let plain = runner.run(x)?;
        runner.patch("hidden.0", &array![[10.0f32, 20.0]]);
        let start = [11.0, 17.0];
        let expected = (0..3).fold(start, |x, _| block(x));
        assert_eq!(runner.run(x)?, array![expected]);
        // Another array of one name is no other program.
        let compiles = runner.compiles();
        runner.patch("hidden.0", &array![[0.0f64, 0.0]]);
        assert_eq!(runner.run(x)?, array![(0..3).fold(x[0], |x, _| block(x))]);
        assert_eq!(runner.compiles(), compiles);
        runner.patch("hidden.1", &Array3::<f32>::ones((3, 1, 2)));
        runner.capture("hidden.1");
        assert_eq!(runner.run(x)?, array![[4.0, 0.0]]);
        // What is looked at is what would have been.
        let would: Array3<f32> = runner.captured("hidden.1")?;
        assert_eq!(would[(2, 0, 0)], hidden([3.0, -1.0])[0]);
        runner.unpatch("hidden.0");
        runner.unpatch("hidden.1");
        assert_eq!(runner.run(x)?, plain);
        // Beside a trainer.
        let train = loss::train(model).device(device).build()?;
        let mut beside = run::attach(&train)?;
        beside.capture("hidden.0");
        beside.run(x)?;
        let first: Array2<f32> = beside.captured("hidden.0")?;
        assert_eq!(first, array![hidden(x[0])]);
    }
    Ok(())
}

#[test]
fn what_is_not_there_is_told() -> sinew::Result<()> {
    let x = [[1.0f32, -3.0]];
    let mut runner = run::compile(Net::init(0)).build()?;
    runner.run(x)?;
    let error = runner
        .captured::<f32, sinew::ndarray::Ix2>("hidden.0")
        .expect_err("not asked");
    let message = "nothing has captured `hidden.0`: asked for nothing; `capture(..)` asks, and a run or step gives";
    assert_eq!(error.to_string(), message);
    runner.capture("hidden");
    let error = runner.run(x).expect_err("there are two");
    let text = error.to_string();
    assert!(
        text.ends_with(
            "captures no `hidden`: it has `hidden.0`, `norm.0`, `hidden.1`, `norm.1`, `signs`"
        ),
        "{text}"
    );

    let mut runner = run::compile(Net::init(0)).build()?;
    runner.capture("signs");
    runner.run(x)?;
    let error = runner
        .captured::<f32, sinew::ndarray::Ix2>("signs")
        .expect_err("bools");
    assert_eq!(
        error.to_string(),
        "what is captured as `signs` has elements of bool, and was read as f32"
    );
    let error = runner
        .captured::<bool, sinew::ndarray::Ix1>("signs")
        .expect_err("a matrix");
    assert_eq!(
        error.to_string(),
        "what is captured as `signs` has 2 dims, its shape is (1, 2), and was read as an array of 1"
    );
    runner.patch("hidden.0", &array![1.0f32]);
    let error = runner.run(x).expect_err("a vector");
    let message = "`hidden.0` has shape (1, 2) and elements of floats, and an array of shape (1,) was given in its place";
    assert_eq!(error.to_string(), message);
    Ok(())
}

/// What a trainer looks at is what a runner does, under the same names, and its step is what it was.
#[test]
fn trainers_look_at_places() -> sinew::Result<()> {
    let x = [[1.0f32, -3.0], [2.0, 0.5]];
    let names = ["hidden.0", "hidden.1", "norm.1", "signs"];
    for device in devices() {
        let train = || loss::train(Net::init(0)).device(device.clone());
        let mut plain = train().build()?;
        let mut train = names.iter().fold(train(), |t, n| t.capture(*n)).build()?;
        for step in 0..3 {
            let mut runner = run::attach(&train)?;
            names.iter().for_each(|name| runner.capture(name));
            runner.run(x)?;
            assert_eq!(train.step(x)?, plain.step(x)?, "step {step}");
            for name in &names[..3] {
                let (found, expected): (ArrayD<f32>, ArrayD<f32>) =
                    (train.captured(name)?, runner.captured(name)?);
                assert_eq!(found.shape(), expected.shape(), "{name}");
                for (f, e) in found.iter().zip(&expected) {
                    assert!(
                        (f - e).abs() <= 1e-5 * e.abs(),
                        "{name}: {found} {expected}"
                    );
                }
            }
            let signs: Array2<bool> = train.captured("signs")?;
            assert_eq!(signs, runner.captured::<bool, Ix2>("signs")?);
        }
        let (a, b) = (train.model()?, plain.model()?);
        assert_eq!(a.first.w, b.first.w);
        assert_eq!(a.blocks[2].w, b.blocks[2].w);
        // What nobody asks for is in no program.
        assert_eq!(plain.memory()?.matches("result").count(), 0);
    }
    Ok(())
}

#[test]
fn trainers_look_at_places_beside_results_and_within_budgets() -> sinew::Result<()> {
    let x = [[1.0f32, -3.0]];
    let [a, b] = block(x[0]);
    for device in devices() {
        let mut train = again::train(One::init(0)).device(device.clone()).build()?;
        train.step(x)?;
        train.capture("hidden");
        train.capture("rows");
        let w: Vec<f32> = train.model()?.first.w.values().iter().copied().collect();
        let step = train.step(x)?;
        let rows: Array2<f64> = train.captured("rows")?;
        assert_eq!(rows.sum(), step.loss);
        assert_eq!(rows.sum() as f32, step.rest[0]);
        let hidden: Array2<f32> = train.captured("hidden")?;
        let expected = x[0][0] * w[0] + x[0][1] * w[2];
        assert!((hidden[(0, 0)] - expected).abs() <= 1e-5 * expected.abs());
        assert_ne!(hidden[(0, 0)], (a + b) / 2.0);

        let kept = |budget: Option<usize>| {
            let train = loss::train(Net::init(0))
                .device(device.clone())
                .capture("hidden.1");
            match budget {
                Some(bytes) => train.memory_budget(bytes).build(),
                None => train.build(),
            }
        };
        let wide = ndarray_of(64);
        let (mut free, mut small) = (kept(None)?, kept(Some(4000))?);
        assert_eq!(free.step(wide.view())?, small.step(wide.view())?);
        let [free, small] = [free, small].map(|t| t.captured::<f32, Ix3>("hidden.1"));
        assert_eq!(free?, small?);
    }
    Ok(())
}

fn ndarray_of(rows: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, 2), |(i, j)| (i + 3 * j) as f32 / 16.0)
}

#[test]
fn trainers_tell_what_is_not_there() -> sinew::Result<()> {
    let x = [[1.0f32, -3.0]];
    let mut train = loss::train(Net::init(0)).capture("hiden.0").build()?;
    let error = train.step(x).expect_err("a typo").to_string();
    assert!(
        error.ends_with(
            "captures no `hiden.0`: it has `hidden.0`, `norm.0`, `hidden.1`, `norm.1`, `signs`"
        ),
        "{error}"
    );
    assert_eq!(train.steps(), 0);

    let mut train = loss::train(Net::init(0)).capture("hidden.0").build()?;
    train.step(x)?;
    let told = |error: sinew::Error| error.to_string();
    assert_eq!(
        train.captured::<i32, Ix2>("hidden.0").map_err(told),
        Err("what is captured as `hidden.0` has elements of f32, and was read as i32".to_string())
    );
    assert_eq!(
        train.captured::<f32, Ix3>("hidden.0").map_err(told),
        Err(
            "what is captured as `hidden.0` has 2 dims, its shape is (1, 2), and was read as an array of 3"
                .to_string()
        )
    );
    // Other sizes are another program: it has captured nothing yet.
    train.prepare([[1.0f32, 2.0], [3.0, 4.0]])?;
    assert_eq!(
        train.captured::<f32, Ix2>("hidden.0").map_err(told),
        Err(
            "nothing has captured `hidden.0`: asked for `hidden.0`; `capture(..)` asks, and a run or step gives"
                .to_string()
        )
    );
    Ok(())
}
