//! f16 and bf16: stored in 16 bits, computed with in f32.

use crate::devices::devices;
use sinew::Error;
use sinew::half::{bf16, f16};
use sinew::ndarray::{Array1, Array2, ArrayD, array, s};
use sinew::ops::{randn, uniform};
use sinew::prelude::*;

#[model]
fn through_bf16<N>(x: Tensor<N>) -> Tensor<N> {
    x.cast(bf16).cast(float)
}

/// 1 + 2^-8 is halfway from 1 to the next, 1 + 3 * 2^-8 to 1 + 2^-6: ties go to the even one.
#[test]
fn a_cast_to_bf16_and_back_rounds_to_eight_digits() -> sinew::Result<()> {
    let x = [1.0, 1.00390625, 1.01171875, 1.0039064, 3.4e38];
    let expected = array![1.0, 1.0, 1.015625, 1.0078125, f32::INFINITY];
    for device in devices() {
        let run = through_bf16::compile().device(device).build()?;
        assert_eq!(run.run(x)?, expected);
    }
    Ok(())
}

/// By the nearest f32.
#[test]
fn the_working_float_may_be_f64() -> sinew::Result<()> {
    let run = through_bf16::compile().precision(Precision::F64).build()?;
    let found = run.run_f64([0.1f64, -1e300, 1.00390625 + 1e-12])?;
    assert_eq!(found, array![0.10009765625, f64::NEG_INFINITY, 1.0]);
    Ok(())
}

#[model]
fn arithmetic<N>(x: Tensor<f16, N>, y: Tensor<bf16, N>) -> (Tensor<f16, N>, Tensor<bf16, N>) {
    (x + 1, y * y)
}

#[test]
fn halves_are_arguments_and_results() -> sinew::Result<()> {
    let x = [1.0, 2.5, 65504.0].map(f16::from_f32);
    let y = [1.0, 2.5, 1e30].map(bf16::from_f32);
    let sums = array![2.0, 3.5, 65504.0].mapv(f16::from_f32);
    let squares = array![1.0, 6.25, f32::INFINITY].mapv(bf16::from_f32);
    assert_eq!(arithmetic(x, y)?, (sums.clone(), squares.clone()));
    for device in devices() {
        let run = arithmetic::compile().device(device).build()?;
        // Three halves are no whole number of words.
        assert_eq!(
            run.run(&x[..], vec![y[0], y[1], y[2]])?,
            (sums.clone(), squares.clone())
        );
        assert_eq!(run.run_f64(x, y)?, (sums.clone(), squares.clone()));
    }
    Ok(())
}

#[model]
fn of_each_rank<A, B>(
    scalar: Tensor<f16>,
    x: Tensor<bf16, A, B>,
) -> (Tensor<f16>, Tensor<bf16, B, A>) {
    (scalar * 2, x.transpose())
}

#[test]
fn halves_of_every_rank_and_layout() -> sinew::Result<()> {
    let x = Array2::from_shape_fn((3, 4), |(i, j)| bf16::from_f32((4 * i + j) as f32));
    for device in devices() {
        let run = of_each_rank::compile().device(device).build()?;
        let (twice, turned) = run.run(f16::from_f32(1.5), &x)?;
        assert_eq!(twice, f16::from_f32(3.0));
        assert_eq!(turned, x.t());
        // Every other column, from behind, and literals.
        let part = x.slice(s![.., ..;-2]);
        assert_eq!(run.run(f16::ONE, part)?.1, part.t());
        let [one, two] = [1.0, 2.0].map(bf16::from_f32);
        assert_eq!(run.run(f16::ONE, [[one], [two]])?.1, array![[one, two]]);
    }
    Ok(())
}

#[model]
fn product<N>(x: Tensor<f16, 2, N>, y: Tensor<f16, N, 3>) -> Tensor<f16, 2, 3> {
    matmul(x, y)
}

const SUM_LINE: u32 = line!() + 4;

#[model]
fn sum<N>(x: Tensor<f16, N>) -> Tensor<f16> {
    x.sum()
}

/// In f16 a sum of ones stands at 2048: the next number is 2050.
#[test]
fn sums_and_products_are_accumulated_in_f32() -> sinew::Result<()> {
    let ones = |shape: (usize, usize)| Array2::from_elem(shape, f16::ONE);
    for device in devices() {
        let run = product::compile().device(device.clone()).build()?;
        let found = run.run(ones((2, 4096)), ones((4096, 3)))?;
        assert_eq!(found, Array2::from_elem((2, 3), f16::from_f32(4096.0)));
        let run = sum::compile().device(device).build()?;
        assert_eq!(run.run(vec![f16::ONE; 5000])?, f16::from_f32(5000.0));
    }
    Ok(())
}

/// A sum past 65504 is infinite as an f16, and a mean over as many is not.
#[model]
fn sum_and_mean<N>(x: Tensor<f16, N>) -> (Tensor<f16>, Tensor<f16>) {
    (x.sum(), x.mean())
}

#[test]
fn a_mean_of_many_halves_is_rounded_once() -> sinew::Result<()> {
    let x = vec![f16::from_f32(3.0); 30_000];
    assert_eq!(sum_and_mean(x)?, (f16::INFINITY, f16::from_f32(3.0)));
    Ok(())
}

#[model]
fn casts<N>(
    i: Tensor<i32, N>,
    b: Tensor<bool, N>,
    h: Tensor<f16, N>,
) -> (
    Tensor<f16, N>,
    Tensor<bf16, N>,
    Tensor<bf16, N>,
    Tensor<i32, N>,
    Tensor<bool, N>,
    Tensor<u32, N>,
) {
    (
        i.cast(f16),
        i.cast(bf16),
        b.cast(bf16),
        h.cast(i32),
        h.cast(bool),
        h.cast(u32),
    )
}

#[test]
fn casts_from_and_to_what_is_no_float() -> sinew::Result<()> {
    let h = [-2.75, 60000.0, f32::NAN].map(f16::from_f32);
    for device in devices() {
        let run = casts::compile().device(device).build()?;
        let (whole, brain, truths, integers, bools, unsigned) =
            run.run([2049, 70000, -3], [true, false, true], h)?;
        assert_eq!(
            whole,
            array![2048.0, f32::INFINITY, -3.0].mapv(f16::from_f32)
        );
        assert_eq!(brain, array![2048.0, 70144.0, -3.0].mapv(bf16::from_f32));
        assert_eq!(truths, array![1.0, 0.0, 1.0].mapv(bf16::from_f32));
        assert_eq!(integers, array![-2, 60000, 0]);
        assert_eq!(bools, array![true, true, true]);
        assert_eq!(unsigned, array![0, 60000, 0]);
    }
    Ok(())
}

#[model]
fn made<N>(x: Tensor<bf16, N>) -> (Tensor<f16>, Tensor<bf16, N>, Tensor<bf16, 2>) {
    (
        full([], 0.1, f16),
        where_(x > 0, x, 0.1),
        full([2], 3, bf16),
    )
}

#[test]
fn numbers_take_the_type_of_what_they_meet() -> sinew::Result<()> {
    let (tenth, chosen, three) = made([1.0, -1.0].map(bf16::from_f32))?;
    assert_eq!(tenth, f16::from_f32(0.1));
    assert_eq!(chosen, array![1.0, 0.1].mapv(bf16::from_f32));
    assert_eq!(three, array![3.0, 3.0].mapv(bf16::from_f32));
    Ok(())
}

#[model]
struct Mlp {
    #[init(normal(0.3))]
    w: Param<8, 64>,
    #[init(normal(0.3))]
    v: Param<64, 1>,
}

#[model]
fn prediction<B>(m: &Mlp, x: Tensor<B, 8>) -> Tensor<B> {
    let h = matmul(x.cast(bf16), m.w.cast(bf16)).tanh();
    capture("hidden", h);
    matmul(h, m.v.cast(bf16)).squeeze(-1).cast(float)
}

#[model]
fn loss<B>(m: &Mlp, x: Tensor<B, 8>, y: Tensor<B>) -> Tensor {
    mse(prediction(m, x), y)
}

#[model]
fn plain_loss<B>(m: &Mlp, x: Tensor<B, 8>, y: Tensor<B>) -> Tensor {
    mse(matmul(matmul(x, m.w).tanh(), m.v).squeeze(-1), y)
}

fn data(batch: usize) -> (Array2<f32>, Array1<f32>) {
    let x = Array2::from_shape_fn((batch, 8), |(i, j)| ((i * 8 + j) as f32 * 0.37).sin());
    let y = x.rows().into_iter().map(|row| row[0] * row[1]).collect();
    (x, y)
}

/// The step in bf16 falls as that in f32 does, and keeps half of what lies between forward and backward.
#[test]
fn a_model_with_activations_in_bf16_trains() -> sinew::Result<()> {
    let (x, y) = data(256);
    for device in devices() {
        let rule = || Adam::new(1e-2);
        let model = Mlp::init(1);
        let train = loss::train(model.clone()).optimizer(rule());
        let mut train = train.device(device.clone()).build()?;
        let plain = plain_loss::train(model).optimizer(rule());
        let mut plain = plain.device(device).build()?;
        let first = train.step(&x, &y)?.loss;
        let same = plain.step(&x, &y)?.loss;
        assert!((first - same).abs() < 0.02 * same, "{first} and {same}");
        let (mut last, mut exact) = (first, same);
        for _ in 0..60 {
            last = train.step(&x, &y)?.loss;
            exact = plain.step(&x, &y)?.loss;
        }
        assert!(last < 0.6 * first, "from {first} to {last}");
        assert!((last - exact).abs() < 0.1 * first, "{last} and {exact}");
    }
    Ok(())
}

/// The bytes of a region in what `memory()` says.
fn region_bytes(memory: &str, region: &str) -> usize {
    let line = memory.lines().find(|line| line.ends_with(region));
    let first = line.and_then(|line| line.split_whitespace().next());
    first
        .and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("no `{region}` in\n{memory}"))
}

/// Twice tanh, whose results are kept for its derivatives.
#[model(allow(parameter_without_influence))]
fn deep_in_bf16<B>(m: &Mlp, x: Tensor<B, 8>) -> Tensor {
    let h = matmul(x, m.w).cast(bf16).tanh();
    (h * 3).tanh().cast(float).mean()
}

#[model(allow(parameter_without_influence))]
fn deep_in_f32<B>(m: &Mlp, x: Tensor<B, 8>) -> Tensor {
    let h = matmul(x, m.w).tanh();
    (h * 3).tanh().mean()
}

#[test]
fn what_a_step_keeps_in_bf16_takes_half_the_memory() -> sinew::Result<()> {
    let (x, _) = data(1024);
    for device in devices() {
        let mut half = deep_in_bf16::train(Mlp::init(1))
            .device(device.clone())
            .build()?;
        half.step(&x)?;
        let mut full = deep_in_f32::train(Mlp::init(1)).device(device).build()?;
        full.step(&x)?;
        let (half, full) = (half.memory()?, full.memory()?);
        let bytes = [half.as_str(), &full].map(|text| region_bytes(text, "arena"));
        assert!(10 * bytes[0] <= 6 * bytes[1], "{half}\n{full}");
    }
    Ok(())
}

#[test]
fn a_captured_half_is_read_as_it_is_and_as_a_wider_float() -> sinew::Result<()> {
    let (x, _) = data(4);
    for device in devices() {
        let mut run = prediction::compile(Mlp::init(1)).device(device).build()?;
        run.capture("hidden");
        run.run(&x)?;
        let hidden: Array2<bf16> = run.captured("hidden")?;
        let wide: ArrayD<f32> = run.captured("hidden")?;
        assert_eq!(hidden.mapv(f32::from).into_dyn(), wide);
        let error = run.captured::<f16, sinew::ndarray::Ix2>("hidden");
        assert!(matches!(error, Err(Error::CapturedType { .. })));
    }
    Ok(())
}

#[model]
fn running<T>(
    h: Tensor<f16, 1024>,
    xs: Tensor<f16, T, 1024>,
) -> (Tensor<f16, 1024>, Tensor<f16, T, 1024>) {
    let mut h = h;
    let mut all = Vec::new();
    for t in 0..T {
        h = (h + xs[t]).tanh();
        all.push(h);
    }
    (h, stack(all))
}

#[test]
fn loops_carry_and_stack_halves() -> sinew::Result<()> {
    let start = Array1::from_elem(1024, f16::ZERO);
    let xs = Array2::from_shape_fn((3, 1024), |(t, i)| f16::from_f32(0.001 * (t * i) as f32));
    for device in devices() {
        let run = running::compile().device(device).build()?;
        let (last, all) = run.run(&start, &xs)?;
        assert_eq!(last, all.row(2));
        let next = |h: f16, x: f16| {
            let sum = f16::from_f32(f32::from(h) + f32::from(x));
            f16::from_f32(f32::from(sum).tanh())
        };
        for i in [0, 1, 700, 1023] {
            let mut h = f16::ZERO;
            for t in 0..3 {
                h = next(h, xs[(t, i)]);
                let apart = (f32::from(all[(t, i)]) - f32::from(h)).abs();
                assert!(apart <= 2f32.powi(-10), "{t} {i}");
            }
        }
        // Of 2 bytes an element.
        let memory = run.memory()?;
        let stack = memory.lines().find(|line| line.contains("result 1"));
        assert!(
            stack.is_some_and(|line| line.contains(" 6144 bytes")),
            "{memory}"
        );
    }
    Ok(())
}

#[model]
fn slopes(x: Tensor<f16, 3>) -> (Tensor<f16, 3>, Tensor<bf16, 3>, Tensor<f16, 3>) {
    (
        grad(|x| (x * x).sum(), x),
        grad(|x| x.exp().sum(), x.cast(bf16)),
        jvp(|x| x * x, x, x).1,
    )
}

/// A gradient is of its value's type.
#[test]
fn derivatives_of_halves_are_halves() -> sinew::Result<()> {
    let x = [0.5, -1.0, 2.0].map(f16::from_f32);
    let (square, exp, along) = slopes(x)?;
    assert_eq!(square, array![1.0, -2.0, 4.0].mapv(f16::from_f32));
    assert_eq!(
        exp,
        array![0.5f32, -1.0, 2.0].mapv(|x| bf16::from_f32(x.exp()))
    );
    assert_eq!(along, array![0.5, 2.0, 8.0].mapv(f16::from_f32));
    Ok(())
}

#[model]
fn drawn<N>(x: Tensor<bf16, N>) -> (Tensor<f16, N>, Tensor<bf16, N>) {
    (uniform([N], dtype = f16), x + randn([N], dtype = bf16))
}

#[model]
fn dropped<B>(m: &Mlp, x: Tensor<B, 8>, y: Tensor<B>) -> Tensor {
    let h = matmul(x, m.w).cast(bf16).tanh().dropout(0.25);
    mse(matmul(h, m.v.cast(bf16)).squeeze(-1).cast(float), y)
}

/// Draws are those of f32, rounded: so 1 is among them. The mean of a thousand is within five deviations.
#[test]
fn halves_are_drawn() -> sinew::Result<()> {
    for device in devices() {
        let run = drawn::compile().device(device.clone()).build()?;
        let (even, normal) = run.run(vec![bf16::ZERO; 1000])?;
        assert!(even.iter().all(|x| (0.0..=1.0).contains(&x.to_f32())));
        let mean = |sum: f32| sum / 1000.0;
        let even = mean(even.iter().map(|x| x.to_f32()).sum());
        let normal = mean(normal.iter().map(|x| x.to_f32()).sum());
        assert!(
            (even - 0.5).abs() < 0.046 && normal.abs() < 0.16,
            "{even} {normal}"
        );
        let (x, y) = data(64);
        let mut train = dropped::train(Mlp::init(1)).device(device).build()?;
        let first = train.step(&x, &y)?.loss;
        let second = train.step(&x, &y)?.loss;
        assert!(first != second && second.is_finite());
    }
    Ok(())
}

#[test]
fn what_is_not_finite_is_named() -> sinew::Result<()> {
    let run = sum::compile().check_finite(true).build()?;
    let error = run.run([f16::ONE, f16::INFINITY]).expect_err("infinite");
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    // Finite in f32, and infinite as an f16: rounding makes it so, at the line of the sum.
    let place = format!("`cast` at tests/halves.rs:{SUM_LINE}:");
    let error = run.run([f16::MAX, f16::MAX]).expect_err("past its range");
    assert!(error.to_string().contains(&place), "{error}");
    Ok(())
}
