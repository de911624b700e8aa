//! Training that goes on from files, and models that take the place of others.

use crate::devices::devices;
use sinew::Error;
use sinew::ndarray::Array2;
use sinew::optim::{Muon, RmsProp, Schedule};
use sinew::prelude::*;
use std::path::PathBuf;

#[model]
struct Layer {
    #[init(normal(0.5))]
    w: Param<3, 3>,
    seen: State,
}

#[model]
struct Net<Layers> {
    layers: [Layer; Layers],
    #[init(zeros)]
    b: Param<3>,
    #[default(true)]
    gated: bool,
}

#[model]
fn loss<B, Layers>(m: &Net<Layers>, x: Tensor<B, 3>) -> Tensor {
    let mut x = x.dropout(0.25);
    for layer in &m.layers {
        layer.seen = 0.5 * layer.seen + x.mean();
        x = matmul(x, layer.w).tanh() + m.b + 0.1 * layer.seen;
    }
    (x - 0.3).square().mean()
}

fn net(seed: u64) -> sinew::Result<Net> {
    Net::init(
        &NetConfig {
            Layers: 2,
            gated: true,
        },
        seed,
    )
}

fn data() -> Array2<f32> {
    Array2::from_shape_fn((4, 3), |(i, j)| ((i * 5 + j * 3) % 7) as f32 / 3.0 - 1.0)
}

/// A file of this name that goes when the test ends.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Temporary {
        let name = format!("sinew-{name}-{}.safetensors", std::process::id());
        Temporary(std::env::temp_dir().join(name))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

type Build = fn(sinew::TrainBuilder<loss>) -> sinew::TrainBuilder<loss>;

const BUILDS: [Build; 4] = [
    |t| {
        t.optimizer(Adam::new(0.01))
            .schedule(Schedule::cosine(9).warmup(3))
    },
    |t| t.optimizer(Sgd::new(0.1).momentum(0.9)).freeze("b"),
    |t| {
        t.optimizer(RmsProp::new(0.01).momentum(0.5).centered(true))
            .group("b", |g| g.rule(Sgd::new(0.0).rule))
    },
    |t| {
        t.optimizer(Muon::new(0.02))
            .group("b", |g| g.rule(AdamW::new(0.0).rule))
    },
];

#[test]
fn training_goes_on_bit_for_bit() -> sinew::Result<()> {
    let (file, x) = (Temporary::new("bits"), data());
    for (device, build) in devices()
        .into_iter()
        .flat_map(|d| BUILDS.map(|b| (d.clone(), b)))
    {
        let train = |seed| {
            let train = build(loss::train(net(seed)?)).seed(seed + 7);
            train.device(device.clone()).build()
        };
        let mut whole = train(1)?;
        for _ in 0..3 {
            whole.step(&x)?;
        }
        whole.set_learning_rate(0.03)?;
        whole.save(&file.0)?;
        let mut later = train(2)?;
        later.step(&x)?;
        later.resume(&file.0)?;
        for _ in 0..4 {
            let (expected, found) = (whole.step(&x)?, later.step(&x)?);
            assert_eq!(expected, found);
        }
        assert_eq!(whole.model()?, later.model()?);
        assert_eq!(whole.learning_rate(), later.learning_rate());
    }
    Ok(())
}

#[test]
fn a_trainers_file_is_a_models_too() -> sinew::Result<()> {
    let file = Temporary::new("model");
    let mut train = loss::train(net(1)?).optimizer(Adam::new(0.01)).build()?;
    train.step(data())?;
    train.save(&file.0)?;
    let mut model = net(5)?;
    model.load_into(&file.0)?;
    assert_eq!(model, train.model()?);
    // And a model's is none of a trainer.
    model.save(&file.0)?;
    let error = train.resume(&file.0).expect_err("no trainer's").to_string();
    assert!(error.contains("it has no optimizer in it"), "{error}");
    Ok(())
}

#[test]
fn what_does_not_fit_is_told_and_changes_nothing() -> sinew::Result<()> {
    let (file, x) = (Temporary::new("fit"), data());
    let mut adam = loss::train(net(1)?).optimizer(Adam::new(0.01)).build()?;
    adam.step(&x)?;
    adam.save(&file.0)?;
    let mut other = loss::train(net(2)?)
        .optimizer(Sgd::new(0.1).momentum(0.5))
        .build()?;
    other.step(&x)?;
    let before = other.model()?;
    let error = other
        .resume(&file.0)
        .expect_err("of another optimizer")
        .to_string();
    assert!(
        error.contains("`optimizer/momentum/layers.0.w` is missing"),
        "{error}"
    );
    assert_eq!((other.model()?, other.steps()), (before, 1));
    Ok(())
}

/// A byte changed anywhere, and a file cut anywhere, is an error, and the trainer goes on as if nothing was.
#[test]
fn files_that_are_not_whole_are_refused() -> sinew::Result<()> {
    let (file, x) = (Temporary::new("whole"), data());
    let mut train = loss::train(net(1)?).optimizer(Adam::new(0.01)).build()?;
    train.step(&x)?;
    train.save(&file.0)?;
    let bytes = std::fs::read(&file.0).expect("it was written");
    let before = train.model()?;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    for turn in 0..10_000 {
        let mut changed = bytes.clone();
        match turn % 4 {
            0 => changed.truncate(next(bytes.len())),
            1 => changed.extend((0..=next(9)).map(|_| 0)),
            _ => {
                for _ in 0..=next(3) {
                    let at = next(changed.len());
                    changed[at] ^= 1 + next(255) as u8;
                }
            }
        }
        if changed == bytes {
            continue;
        }
        std::fs::write(&file.0, &changed).expect("a folder for it");
        let error = train.resume(&file.0).err();
        let told = matches!(
            error,
            Some(Error::NotSafetensors { .. } | Error::NotTraining { .. })
        );
        assert!(told, "turn {turn}: {error:?}");
    }
    assert_eq!((train.model()?, train.steps()), (before, 1));
    Ok(())
}

#[test]
fn a_model_takes_the_place_of_another() -> sinew::Result<()> {
    let x = data();
    let mut train = loss::train(net(1)?).optimizer(Sgd::new(0.1)).build()?;
    let mut run = loss::attach(&train)?;
    train.step(&x)?;
    let newer = net(9)?;
    train.set_model(&newer)?;
    assert_eq!(train.model()?, newer);
    assert_eq!(run.run(&x)?, loss(&newer, &x)?);

    let deep = Net::init(
        &NetConfig {
            Layers: 3,
            gated: true,
        },
        1,
    )?;
    let error = train
        .set_model(&deep)
        .expect_err("of other sizes")
        .to_string();
    assert!(
        error.contains("`layers.w` is (2, 3, 3) there, and (3, 3, 3) in this one"),
        "{error}"
    );
    let plain = Net::init(
        &NetConfig {
            Layers: 2,
            gated: false,
        },
        1,
    )?;
    let error = run
        .set_model(&plain)
        .expect_err("of other settings")
        .to_string();
    assert!(
        error.contains("`gated` is true there, and false in this one"),
        "{error}"
    );
    Ok(())
}
