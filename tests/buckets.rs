//! Batches of any size by programs for a few: the same results, and refusals of what lets rows meet.

use crate::devices::devices;
use ndarray::{Array, Array1, Array2, Array3, Dimension, ShapeBuilder, array, s};
use sinew::nn::{Activation, BatchNorm1d, Embedding, Lstm, TransformerBlock};
use sinew::prelude::*;

#[model]
struct Reader {
    words: Embedding<11, 8>,
    block: TransformerBlock<8, 2, 16>,
    lstm: Lstm<8, 6, 2>,
    norm: BatchNorm1d<6>,
    out: Linear<6, 3>,
    #[default(Gelu)]
    activation: Activation,
    #[default(true)]
    causal: bool,
    #[default(0.1)]
    dropout: f64,
}

/// Layers that mix all but rows, with an argument that has none, a loop, and results of two types.
#[model]
fn read<B, T>(
    m: &Reader,
    x: Tensor<i32, B, T>,
    scale: Tensor<3>,
) -> (Tensor<B, 3>, Tensor<i32, B>) {
    let x = m.block.forward(m.words.forward(x));
    let (_, last, _) = m.lstm.forward(x);
    let x = m.out.forward(m.norm.forward(last[-1])) * scale;
    (x.softmax(), x.argmax(axis = -1))
}

/// Views, orders and indices of rows: axes that move, merge and part again.
#[model]
fn arranged<B, T>(x: Tensor<B, T, 4>, i: Tensor<i32, B, 2>) -> Tensor<B, T, 4> {
    let merged = x
        .rearrange("b t d -> (b t) d")
        .exp()
        .rearrange("(b t) d -> b t d", t = T);
    let turned = merged.permute([1, 2, 0]).cumsum(0).permute([2, 0, 1]);
    let (sorted, _) = x.sort(axis = 1);
    let taken = x
        .mean(1)
        .take_along_axis(i, axis = -1)
        .sum(axis = 1, keepdims = true);
    turned + sorted + taken[(.., .., None)] + arange(T).cast(float)[(.., None)] + ones([B, T, 4])
}

fn numbers<D: Dimension>(shape: impl ShapeBuilder<Dim = D>) -> Array<f32, D> {
    let mut n = 0;
    Array::from_shape_simple_fn(shape, || {
        n = (n * 7 + 5) % 101;
        n as f32 / 50.0 - 1.0
    })
}

fn close<D: Dimension>(found: &Array<f32, D>, expected: &Array<f32, D>, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() <= 1e-5 * b.abs().max(1.0),
            "{what}: {a} and {b}"
        );
    }
}

#[test]
fn batches_of_all_sizes_come_out_as_by_programs_of_their_own() -> sinew::Result<()> {
    let config = ReaderConfig {
        activation: Activation::Gelu,
        causal: true,
        dropout: 0.1,
    };
    let model = Reader::init(&config, 1)?;
    let exact = read::compile(model.clone()).build()?;
    let run = read::compile(model).build()?;
    let run = run.buckets([3, 8])?;
    let words = Array2::from_shape_fn((21, 5), |(b, t)| (b * 3 + t * t) % 11);
    let scale = array![1.0f32, -2.0, 0.5];
    for rows in 1..=21 {
        let x = words.slice(s![..rows, ..]);
        let (found, best) = run.run(x, &scale)?;
        let (expected, best_of_exact) = exact.run(x, &scale)?;
        close(&found, &expected, &format!("{rows} rows"));
        assert_eq!(best, best_of_exact);
    }
    assert_eq!(run.compiles(), 3);
    Ok(())
}

#[test]
fn rows_that_are_moved_about_stay_apart() -> sinew::Result<()> {
    for device in devices() {
        let exact = arranged::compile().build()?;
        let run = arranged::compile().device(device).build()?.buckets([4])?;
        let x: Array3<f32> = numbers((13, 3, 4));
        let i = Array2::from_shape_fn((13, 2), |(b, k)| (b + k) % 4);
        for rows in [1, 2, 4, 7, 13] {
            // Rows from behind, and every other column: strides are kept.
            let x = x.slice(s![13 - rows..;-1, .., ..]);
            let i = i.slice(s![..rows, ..]);
            close(&run.run(x, i)?, &exact.run(x, i)?, &format!("{rows} rows"));
        }
        assert_eq!(run.compiles(), 2);
        // Other extents have programs of their own.
        run.run(x.slice(s![..5, ..2, ..]), i.slice(s![..5, ..]))?;
        assert_eq!(run.compiles(), 4);
    }
    Ok(())
}

#[model]
mod meeting {
    use sinew::ops::uniform;
    use sinew::prelude::*;

    pub struct Count {
        pub seen: State,
    }

    pub fn centred<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x - x.mean(axis = 0)
    }

    pub fn among_all<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x.softmax(axis = 0)
    }

    pub fn so_far<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x.cumsum(0)
    }

    pub fn from_behind<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x.flip(0)
    }

    pub fn first<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x + x[0]
    }

    pub fn numbered<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x + arange(B).cast(float)[(.., None)]
    }

    pub fn shared<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x / B
    }

    pub fn counted<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x / ones([B]).sum()
    }

    pub fn against_all<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x.matmul(x.permute([1, 0])).tanh().matmul(x)
    }

    pub fn laid_out_anew<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x.permute([1, 0]).reshape([B, 4])
    }

    pub fn sorted<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x.sort(axis = 0).0
    }

    pub fn drawn<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        x + uniform([B, 4])
    }

    pub fn one_by_one<B>(x: Tensor<B, 4>) -> Tensor<B, 4> {
        let mut h = zeros([4]);
        let mut out = vec![];
        for b in 0..B {
            h = (h + x[b]).tanh();
            out.push(h);
        }
        stack(out)
    }

    pub fn counting<B>(m: &Count, x: Tensor<B, 4>) -> Tensor<B, 4> {
        self::add(m, x)
    }

    pub fn add<B>(m: &Count, x: Tensor<B, 4>) -> Tensor<B, 4> {
        m.seen += 1.0;
        x * m.seen
    }

    pub fn picked<B>(x: Tensor<B, 4>, i: Tensor<i32, B>) -> Tensor<B, 4> {
        x.take(i, axis = 0)
    }

    pub fn mean<B>(x: Tensor<B, 4>) -> Tensor {
        x.mean()
    }

    pub fn twice<B>(x: Tensor<B, 4>) -> Tensor<{ 2 * B }, 4> {
        concat([x, x], 0)
    }

    pub fn fixed(x: Tensor<3, 4>) -> Tensor<3, 4> {
        x
    }
}

macro_rules! refused {
    ($($function:ident($($model:expr)?): $reason:literal,)*) => {$({
        let run = meeting::$function::compile($($model)?).build()?.buckets([2])?;
        let x: Array2<f32> = numbers((3, 4));
        let error = run.run(&x).expect_err(stringify!($function)).to_string();
        let start = concat!("`suite::buckets::meeting::", stringify!($function), "` cannot run its batch in buckets: ", $reason);
        assert!(error.contains(start), "{error}");
        assert_eq!(run.compiles(), 0);
    })*};
}

#[test]
fn functions_whose_rows_meet_are_refused() -> sinew::Result<()> {
    refused! {
        centred(): "it makes one of all rows (tests/buckets.rs:",
        among_all(): "it makes one of all rows (tests/buckets.rs:",
        so_far(): "it works along the rows (tests/buckets.rs:",
        from_behind(): "it works along the rows (tests/buckets.rs:",
        first(): "it makes one of all rows (tests/buckets.rs:",
        numbered(): "it works along the rows (tests/buckets.rs:",
        shared(): "it depends on the number of rows",
        counted(): "it depends on the number of rows",
        against_all(): "it pairs rows with rows",
        laid_out_anew(): "it puts rows among others (tests/buckets.rs:",
        sorted(): "it works along the rows (tests/buckets.rs:",
        drawn(): "it draws random elements",
        one_by_one(): "it goes through the rows one by one (tests/buckets.rs:",
        counting(meeting::Count::init(0)): "it assigns to states",
    }
    let picked = meeting::picked::compile().build()?.buckets([2])?;
    let error = picked
        .run(numbers((3, 4)), [0, 1, 2])
        .expect_err("rows of rows");
    assert!(
        error.to_string().contains("it works along the rows"),
        "{error}"
    );
    Ok(())
}

#[test]
fn what_has_no_rows_is_refused_at_once() -> sinew::Result<()> {
    let reason = |error: Option<sinew::Error>| error.map(|e| e.to_string()).unwrap_or_default();
    let mean = meeting::mean::compile().build()?.buckets([2]).err();
    assert!(reason(mean).ends_with("its result 0 has no B as its first axis"));
    let twice = meeting::twice::compile().build()?.buckets([2]).err();
    assert!(
        reason(twice).ends_with("its result 0 has B in its shape and not as its first axis alone")
    );
    let fixed = meeting::fixed::compile().build()?.buckets([2]).err();
    assert!(reason(fixed).ends_with("its first argument has no symbol for its first axis"));
    let none = meeting::centred::compile().build()?.buckets([2, 0]).err();
    assert!(reason(none).ends_with("a bucket has one row or more"));
    Ok(())
}

#[test]
fn arguments_that_do_not_fit_are_told_as_without_buckets() -> sinew::Result<()> {
    let run = arranged::compile().build()?;
    let bucketed = run.clone().buckets([4])?;
    for (rows, indices, columns) in [(5, 4, 4), (5, 5, 3), (0, 0, 4), (0, 3, 4)] {
        let (x, i) = (
            Array3::<f32>::zeros((rows, 2, columns)),
            Array2::<i32>::zeros((indices, 2)),
        );
        let found = bucketed
            .run(&x, &i)
            .expect_err("they do not fit")
            .to_string();
        assert_eq!(
            found,
            run.run(&x, &i).expect_err("they do not fit").to_string()
        );
    }
    // An index in a later piece is told too.
    let mut i = Array2::<i32>::zeros((7, 2));
    i[[6, 1]] = 4;
    assert!(bucketed.run(Array3::<f32>::zeros((7, 2, 4)), &i).is_err());
    Ok(())
}

#[test]
fn captures_have_a_program_of_their_own() -> sinew::Result<()> {
    #[model]
    fn doubled<B>(x: Tensor<B>) -> Tensor<B> {
        let y = 2.0 * x;
        capture("y", y);
        y
    }
    let mut run = doubled::compile().build()?.buckets([2])?;
    run.capture("y");
    let x: Array1<f32> = numbers(5);
    assert_eq!(run.run(&x)?, 2.0 * &x);
    let captured: Array1<f32> = run.captured("y")?;
    assert_eq!(captured, 2.0 * &x);
    assert_eq!(run.compiles(), 1);
    Ok(())
}
