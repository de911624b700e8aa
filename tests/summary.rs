//! The table of a model with what a function does with each leaf.

use sinew::ndarray::{Array2, Array3};
use sinew::nn::{BatchNorm1d, Lstm};
use sinew::prelude::*;

#[model]
struct Net {
    hidden: Linear<6, 5>,
    norm: BatchNorm1d<5>,
    layers: [Linear<5, 5>; 3],
    #[init(normal(1.0))]
    v: Param<5, 2>,
}

/// A product by a weight whose columns are made of length 1 first.
#[model]
fn scores<B>(net: &Net, x: Tensor<B, 6>) -> Tensor<B, 2> {
    let mut h = net.norm.forward(net.hidden.forward(x));
    for layer in &net.layers {
        h = layer.forward(h);
    }
    let length = net.v.square().sum(0).sqrt();
    let scores = matmul(h, net.v / length);
    scores.sigmoid() * scores
}

#[model]
fn loss<B>(net: &Net, x: Tensor<B, 6>) -> Tensor {
    scores(net, x).square().sum()
}

/// The FLOPs of each leaf, and the last line.
fn flops(table: &str) -> (Vec<(String, u64)>, String) {
    let lines: Vec<&str> = table.lines().collect();
    let last = lines.last().copied().unwrap_or_default().to_string();
    let rows = lines.iter().skip(1).take(lines.len().saturating_sub(3));
    let row = |line: &&str| {
        let words: Vec<&str> = line.trim_end_matches("state").split_whitespace().collect();
        let path = words.first().copied().unwrap_or_default().to_string();
        let count = words.last().and_then(|w| w.parse().ok());
        (path, count.unwrap_or(u64::MAX))
    };
    (rows.map(row).collect(), last)
}

fn named(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
    rows.iter()
        .map(|(path, n)| (path.to_string(), *n))
        .collect()
}

/// What a norm does with its statistics is `x - mean` for each element; the variance becomes a factor of 5 first,
/// by an addition, a square root and more.
#[test]
fn operations_count_for_the_leaf_that_they_are_done_with() -> sinew::Result<()> {
    let run = scores::compile(Net::init(0)).build()?;
    run.run(Array2::from_elem((7, 6), 0.5))?;
    let (rows, last) = flops(&run.summary()?);
    let of = |path: &str| rows.iter().find(|(p, _)| p == path).map(|(_, n)| *n);
    assert_eq!(of("hidden.w"), Some(2 * 7 * 6 * 5));
    assert_eq!(of("hidden.b"), Some(7 * 5));
    assert_eq!(of("layers.*.w"), Some(3 * 2 * 7 * 5 * 5));
    assert_eq!(of("layers.*.b"), Some(3 * 7 * 5));
    // Squares, their sums, two roots, ten divisions, and the product.
    assert_eq!(of("v"), Some(10 + 10 + 2 + 10 + 2 * 7 * 5 * 2));
    assert_eq!(of("norm.mean"), Some(7 * 5));
    assert!(
        last.ends_with("with no leaf") && last.contains("for a call at B = 7"),
        "{last}"
    );
    Ok(())
}

/// A trainer tells of its function and neither of derivatives nor of parts of a batch.
#[test]
fn a_trainer_tells_of_a_call_of_its_function() -> sinew::Result<()> {
    let x = Array2::from_elem((6, 6), 0.5);
    let run = loss::compile(Net::init(0)).build()?;
    run.prepare(x.view())?;
    let expected = flops(&run.summary()?).0;
    for parts in [1, 3] {
        let mut train = loss::train(Net::init(0)).micro_batches(parts).build()?;
        assert!(matches!(
            train.summary(),
            Err(sinew::Error::NothingCompiled { .. })
        ));
        train.accumulate(x.view())?;
        train.apply()?;
        let (rows, last) = flops(&train.summary()?);
        assert!(last.contains("at B = 6"), "{last}");
        // Training, the norm uses the batch's own statistics.
        let of_statistics = |(path, _): &&(String, u64)| !path.starts_with("norm.");
        let kept = |rows: &[(String, u64)]| -> Vec<_> {
            rows.iter().filter(of_statistics).cloned().collect()
        };
        assert_eq!(kept(&rows), kept(&expected));
    }
    Ok(())
}

#[model]
struct Reader {
    lstm: Lstm<3, 4, 1>,
}

#[model]
fn read<B, T>(r: &Reader, x: Tensor<B, T, 3>) -> Tensor<B, T, 4> {
    let (y, _, _) = r.lstm.forward(x);
    y
}

/// The products with the input are done for all steps, those with the state once a step.
#[test]
fn weights_in_a_loop_count_in_each_iteration() -> sinew::Result<()> {
    let run = read::compile(Reader::init(0)).build()?;
    run.run(Array3::from_elem((2, 9, 3), 0.5))?;
    let table = run.summary()?;
    let (rows, _) = flops(&table);
    let products: u64 = rows
        .iter()
        .filter(|(path, _)| path.contains('w'))
        .map(|(_, n)| n)
        .sum();
    assert_eq!(products, 2 * 2 * 9 * 4 * 4 * (3 + 4), "{table}");
    Ok(())
}

#[model]
struct Critic {
    by: Linear<2, 1>,
}

#[model]
fn judged<B>(net: &Net, critic: &Critic, x: Tensor<B, 6>) -> Tensor<B, 1> {
    critic.by.forward(scores(net, x))
}

/// Of several models each leaf is told by what the function calls its model.
#[test]
fn leaves_of_several_models_are_told_apart() -> sinew::Result<()> {
    let run = judged::compile(Net::init(0), Critic::init(0)).build()?;
    run.run(Array2::from_elem((3, 6), 0.5))?;
    let (rows, _) = flops(&run.summary()?);
    let of_critic: Vec<_> = rows
        .iter()
        .filter(|(p, _)| p.starts_with("critic."))
        .cloned()
        .collect();
    assert_eq!(
        of_critic,
        named(&[("critic.by.w", 2 * 3 * 2), ("critic.by.b", 3)])
    );
    assert!(rows.iter().any(|(path, _)| path == "net.layers.*.w"));
    Ok(())
}
