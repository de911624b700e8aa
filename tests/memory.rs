//! Steps within a budget of memory: what is computed again has the same bits, and what does not fit at all is
//! told before anything runs.

use crate::devices as support;

use ndarray::{Array2, Array3};
use sinew::prelude::*;
use support::devices;

#[model]
mod nets {
    use sinew::prelude::*;

    pub struct Wide {
        #[init(xavier_uniform)]
        pub w: Param<32, 32>,
    }

    impl Wide {
        pub fn next<B>(&self, x: Tensor<B, 32>) -> Tensor<B, 32> {
            matmul(x, self.w).tanh()
        }
    }

    /// Layers that are no repeated children: a flat program.
    pub struct Eight {
        pub a: Wide,
        pub b: Wide,
        pub c: Wide,
        pub d: Wide,
        pub e: Wide,
        pub f: Wide,
        pub g: Wide,
        pub h: Wide,
    }

    impl Eight {
        pub fn through<B>(&self, x: Tensor<B, 32>) -> Tensor<B, 32> {
            self.second(self.first(x))
        }

        pub fn first<B>(&self, x: Tensor<B, 32>) -> Tensor<B, 32> {
            self.d.next(self.c.next(self.b.next(self.a.next(x))))
        }

        pub fn second<B>(&self, x: Tensor<B, 32>) -> Tensor<B, 32> {
            self.h.next(self.g.next(self.f.next(self.e.next(x))))
        }
    }

    pub struct Deep {
        pub first: Eight,
        pub second: Eight,
        pub third: Eight,
    }

    pub fn deep<B>(m: &Deep, x: Tensor<B, 32>) -> Tensor {
        let x = m.first.through(x).dropout(0.1);
        m.third.through(m.second.through(x)).square().mean()
    }

    pub fn kept<B>(m: &Eight, x: Tensor<B, 32>) -> Tensor {
        m.second(m.first(x)).square().mean()
    }

    pub fn checkpointed<B>(m: &Eight, x: Tensor<B, 32>) -> Tensor {
        m.second(checkpoint(|x| m.first(x), x)).square().mean()
    }

    pub struct Lstm {
        #[init(xavier_uniform)]
        pub input: Param<8, 64>,
        #[init(xavier_uniform)]
        pub hidden: Param<16, 64>,
        #[init(zeros)]
        pub bias: Param<64>,
    }

    pub fn recurrent<T, B>(m: &Lstm, xs: Tensor<T, B, 8>) -> Tensor {
        let (mut h, mut c) = (zeros([B, 16]), zeros([B, 16]));
        for x in xs {
            let gates = matmul(x, m.input) + matmul(h, m.hidden) + m.bias;
            let i = gates[(.., 0..16)].sigmoid();
            let f = (gates[(.., 16..32)] + 1.0).sigmoid();
            let g = gates[(.., 32..48)].tanh();
            let o = gates[(.., 48..64)].sigmoid();
            c = f * c + i * g;
            h = o * c.tanh();
        }
        h.square().mean()
    }

    pub struct Stack<Layers> {
        pub layers: [Wide; Layers],
    }

    pub fn looped<B, Layers>(m: &Stack<Layers>, x: Tensor<B, 32>) -> Tensor {
        let mut x = x;
        for layer in &m.layers {
            x = layer.next(x) + x.sin();
        }
        x.square().mean()
    }
}

use nets::{Deep, Eight, Lstm, Stack, StackConfig};
use nets::{checkpointed, deep, kept, looped, recurrent};

/// Numbers from -1 to 1, the same in every run.
fn number(i: usize) -> f64 {
    ((i * 7919 + 13) % 2003) as f64 / 1001.0 - 1.0
}

fn rows(count: usize) -> Array2<f64> {
    Array2::from_shape_fn((count, 32), |(i, j)| number(i * 32 + j))
}

/// The bytes of the regions of that name.
fn region(memory: &str, name: &str) -> usize {
    let name = format!("  {name}");
    let lines = memory.lines().filter(|line| line.ends_with(&name));
    let bytes = lines.filter_map(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    bytes.sum()
}

/// What a budget is of.
fn working(memory: &str) -> usize {
    region(memory, "arena") + region(memory, "turn") + region(memory, "scratch")
}

/// The bits of all that two steps give.
#[derive(Debug, PartialEq)]
struct Steps {
    losses: Vec<u64>,
    gradients: Vec<u64>,
    parameters: Vec<u64>,
}

fn bits(model: &impl Model) -> Vec<u64> {
    let mut bits = Vec::new();
    model.visit("", &mut |_, p: &Param| {
        bits.extend(p.values_f64().iter().map(|v| v.to_bits()));
    });
    bits
}

/// Two steps within a budget, what they work in, and what is explained.
macro_rules! steps {
    ($loss:ident, $model:expr, $budget:expr, $x:expr) => {{
        let builder = $loss::train($model.clone())
            .precision(Precision::F64)
            .seed(3);
        let builder = match $budget {
            Some(bytes) => builder.memory_budget(bytes),
            None => builder,
        };
        let mut train = builder.build()?;
        let mut losses = Vec::new();
        for _ in 0..2 {
            losses.push(train.step($x.view())?.loss.to_bits());
        }
        let steps = Steps {
            losses,
            gradients: bits(&train.gradients()?),
            parameters: bits(&train.model()?),
        };
        (steps, working(&train.memory()?), train.explain())
    }};
}

/// What is explained of a budget: the bytes with all values kept, and as it is.
fn figures(text: &str) -> Option<(usize, usize)> {
    let number = |start: &str| {
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix(start))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some((number("all values kept: ")?, number("as it is: ")?))
}

/// Steps within each of these parts of what they take without a budget, in hundredths. Their bits are the
/// same: the same kernels compute the same numbers, in f64 on the CPU.
macro_rules! fits {
    ($loss:ident, $model:expr, $x:expr, $percents:expr, $why:expr) => {{
        let (expected, free, _) = steps!($loss, $model, None::<usize>, $x);
        for percent in $percents {
            let budget = free * percent / 100;
            let (found, taken, text) = steps!($loss, $model, Some(budget), $x);
            assert_eq!(found, expected, "{percent}");
            assert!(taken <= budget, "{taken} bytes, of {budget}");
            assert_eq!(figures(&text), Some((free, taken)), "{text}");
            assert!(text.contains("is computed again"), "{text}");
            if percent == 40 {
                assert!(text.contains($why), "{text}");
            }
        }
        Ok(())
    }};
}

#[test]
fn layers_of_a_flat_program_fit() -> sinew::Result<()> {
    let why = "with its half of the forward part";
    fits!(deep, Deep::init(1), rows(256), [60, 40, 25], why)
}

#[test]
fn steps_of_a_recurrent_net_fit() -> sinew::Result<()> {
    let xs = Array3::from_shape_fn((64, 32, 8), |(i, j, k)| number(i * 256 + j * 8 + k));
    let why = "in the iteration that uses it";
    fits!(recurrent, Lstm::init(1), xs, [60, 40, 25], why)
}

#[test]
fn repeated_layers_fit() -> sinew::Result<()> {
    let why = "with its part of the loop";
    for layers in [48, 47] {
        let model = Stack::init(&StackConfig { Layers: layers }, 1)?;
        let fits = || -> sinew::Result<()> { fits!(looped, model, rows(256), [60, 40, 25], why) };
        fits()?;
    }
    Ok(())
}

/// The least that a step of so many iterations works in, told where it does not fit, and that this fits.
fn least_of(iterations: usize) -> sinew::Result<usize> {
    let number = |(i, j, k)| number(i * 256 + j * 8 + k);
    let xs = Array3::from_shape_fn((iterations, 32, 8), number);
    let train = |budget| {
        let builder = recurrent::train(Lstm::init(1)).precision(Precision::F64);
        builder.memory_budget(budget).build()
    };
    let text = train(0)?
        .step(xs.view())
        .expect_err("nothing fits")
        .to_string();
    let least = text.split_once("in no less than ").expect(&text).1;
    let least = least.split_whitespace().next().map(str::parse);
    let least = least.and_then(Result::ok).expect(&text);
    let mut fits = train(least)?;
    let mut free = recurrent::train(Lstm::init(1))
        .precision(Precision::F64)
        .build()?;
    for _ in 0..2 {
        let [found, expected] = [fits.step(xs.view())?.loss, free.step(xs.view())?.loss];
        assert_eq!(found.to_bits(), expected.to_bits());
    }
    assert_eq!(bits(&fits.model()?), bits(&free.model()?));
    assert!(fits.explain().contains("with its part of the loop"));
    Ok(least)
}

/// 61 has no divisors, 64 has many: a step of fewer iterations takes no more, but for what a few values take.
#[test]
fn a_prime_number_of_iterations_is_put_in_parts_too() -> sinew::Result<()> {
    let [prime, divided] = [least_of(61)?, least_of(64)?];
    assert!(
        prime <= divided + divided / 10,
        "{prime} bytes, and {divided} of 64"
    );
    Ok(())
}

/// Equal values were one to the scheduler, and so a checkpoint kept all that it was to compute again.
#[test]
fn a_checkpoint_keeps_nothing_of_what_it_computes() -> sinew::Result<()> {
    let (model, x) = (Eight::init(1), rows(256));
    let (expected, whole, _) = steps!(kept, model, None::<usize>, x);
    let (found, taken, _) = steps!(checkpointed, model, None::<usize>, x);
    assert_eq!(found, expected);
    // Of eight values three are not kept.
    let value = 256 * 32 * size_of::<f64>();
    assert!(
        taken + 3 * value <= whole,
        "{taken} bytes, and {whole} without"
    );
    Ok(())
}

#[test]
fn a_budget_that_fits_changes_nothing() -> sinew::Result<()> {
    let (model, x) = (Deep::init(1), rows(64));
    let (expected, free, text) = steps!(deep, model, None::<usize>, x);
    assert_eq!(steps!(deep, model, Some(free), x), (expected, free, text));
    Ok(())
}

/// Before the first step: with both figures and the largest values. The model is what it was, and other sizes
/// may fit.
#[test]
fn what_does_not_fit_is_told_before_the_first_step() -> sinew::Result<()> {
    let model = Deep::init(1);
    let (_, free, _) = steps!(deep, model, None::<usize>, rows(256));
    for budget in [0, 150_000] {
        let builder = deep::train(model.clone()).precision(Precision::F64);
        let mut train = builder.memory_budget(budget).build()?;
        let errors = [
            train.prepare(rows(256).view()).err(),
            train.step(rows(256).view()).err(),
        ];
        for error in errors {
            let text = error.map_or(String::new(), |e| e.to_string());
            let start = format!(
                "a step of `suite::memory::nets::deep` does not fit its memory budget of {budget} bytes: it works \
                 in {free} bytes with all values kept, and in no less than "
            );
            let least = text.strip_prefix(&start).expect(&text);
            let least = least.split_whitespace().next().map(str::parse::<usize>);
            assert!(
                matches!(least, Some(Ok(n)) if n < free / 2 && n > budget),
                "{text}"
            );
            assert!(text.contains("(tanh at tests/memory.rs:"), "{text}");
        }
        assert_eq!(train.steps(), 0);
        assert_eq!(bits(&train.model()?), bits(&model));
        if budget > 0 {
            let loss = train.step(rows(8).view())?.loss;
            let mut free = deep::train(model.clone())
                .precision(Precision::F64)
                .build()?;
            assert_eq!(loss, free.step(rows(8).view())?.loss);
        }
    }
    Ok(())
}

/// On a GPU kernels are in f32, and fused otherwise: 1e-5.
#[test]
fn devices_agree() -> sinew::Result<()> {
    let (model, x) = (Deep::init(1), rows(128).mapv(|v| v as f32));
    for device in devices() {
        let free = deep::train(model.clone()).device(device.clone()).seed(3);
        let mut free = free.build()?;
        let expected = free.step(x.view())?.loss;
        let budget = working(&free.memory()?) * 40 / 100;
        let small = deep::train(model.clone()).device(device).seed(3);
        let mut small = small.memory_budget(budget).build()?;
        let found = small.step(x.view())?.loss;
        assert!(
            (found - expected).abs() <= 1e-5 * expected.abs(),
            "{found} {expected}"
        );
        assert!(working(&small.memory()?) <= budget);
        let mut pairs = Vec::new();
        free.gradients()?
            .visit("", &mut |_, p: &Param| pairs.push(p.values()));
        let mut found = pairs.iter();
        small.gradients()?.visit("", &mut |path, p: &Param| {
            let expected = found.next().expect("as many");
            let most = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            for (a, b) in p.values().iter().zip(expected) {
                assert!((a - b).abs() <= 1e-5 * most, "{path}: {a} {b}");
            }
        });
    }
    Ok(())
}
