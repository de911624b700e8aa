//! Hand-written digits once more, with what stands around a loop: data from a file, a validation, early stopping, the
//! best model kept, a log, curves.
//!
//! `cargo run --release --features progress --example fit`

use sinew::data::metrics::{Accuracy, ConfusionMatrix};
use sinew::data::{Batches, Log, Plot, load, split};
use sinew::prelude::*;
use sinew::{evaluate, fit};

#[model]
struct Digits {
    hidden: Linear<64, 128>,
    out: Linear<128, 10>,
}

#[model]
fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.out.forward(m.hidden.forward(x).relu().dropout(0.2))
}

#[model]
fn loss<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(logits(m, x), y)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir();
    let [best, lines, curves] =
        ["fit.safetensors", "fit.jsonl", "fit.svg"].map(|name| folder.join(name));

    let table = load::csv(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/data/digits.csv"
    ))?;
    let x = table.columns::<f32>(0..64)? / 16.0;
    let y = table.column::<i32>(64)?;
    let (train_set, test_set) = split((&x, &y), 0.2, 1998)?;
    let (train_set, valid_set) = split((&train_set.0, &train_set.1), 0.1, 1998)?;
    let batches = Batches::new(train_set, 32)?.shuffle(42).drop_last();
    let [valid, test] = [Batches::new(valid_set, 256)?, Batches::new(test_set, 256)?];

    let mut train = loss::train(Digits::init(42))
        .optimizer(AdamW::new(3e-3))
        .build()?;
    let predict = logits::attach(&train)?;
    let mut log = Log::create(&lines)?;
    let training = fit(&mut train, &batches)
        .epochs(100)
        .maximize("accuracy", || evaluate(&predict, &valid, Accuracy::new()))
        .early_stopping(10)
        .keep_best(&best)
        .log(&mut log);
    #[cfg(feature = "progress")]
    let training = training.progress();
    let fitted = training.run()?;
    println!("{}", fitted.end);
    if let Some(epoch) = fitted.best {
        println!("best: {epoch}");
    }

    let predict = logits::compile(Digits::load(&best)?).build()?;
    let confusion = evaluate(&predict, &test, ConfusionMatrix::new(10)?)?;
    println!("rows: the digit, columns: the answer\n{confusion}");
    let records = Log::read(&lines)?;
    let curve = |name: &str| -> Vec<_> {
        let points = records.iter().map(|record| (record.step, record.get(name)));
        points.filter_map(|(step, y)| Some((step, y?))).collect()
    };
    Plot::new("digits, by steps")
        .line("loss", curve("loss"))
        .line("accuracy", curve("accuracy"))
        .save(&curves)?;
    println!("drawn to {}", curves.display());
    match confusion.accuracy() {
        Some(accuracy) if accuracy > 0.95 => Ok(()),
        found => Err(format!("the accuracy is {found:?}, and must be above 0.95").into()),
    }
}
