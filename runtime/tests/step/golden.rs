//! Losses, norms and final parameters of PyTorch's runs.

use crate::support::{DATA, Digits, Images, Labels, Relu, Tanh, build, digits};
use ndarray::s;
use safetensors::SafeTensors;
use sinew_runtime::{Adam, AdamW, Model, ModelFunction, Optimizer, Precision, Sgd, Step, Trainer};

/// A run of PyTorch's.
pub struct Run {
    name: String,
    pub losses: Vec<f64>,
    norms: Vec<f64>,
}

impl Run {
    pub fn load(name: &str) -> Run {
        let json = std::fs::read_to_string(format!("{DATA}/train.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let mut runs = json["runs"].as_array().unwrap().iter();
        let run = runs.find(|r| r["name"] == name).unwrap();
        let numbers = |key: &str| {
            let values = run[key].as_array().unwrap().iter();
            values.map(|v| v.as_f64().unwrap()).collect()
        };
        Run {
            name: name.into(),
            losses: numbers("losses"),
            norms: numbers("grad_norms"),
        }
    }

    /// Takes the run's steps and compares losses, norms and the parameters at the end.
    pub fn check<F>(&self, trainer: &mut Trainer<F>, tolerance: f64)
    where
        F: ModelFunction<Model = Digits, Inputs = (Images, Labels)>,
    {
        let name = &self.name;
        let (x, y) = digits();
        for (step, expected) in self.losses.iter().enumerate() {
            let at = step * 32 % (1797 - 32);
            let taken: Step = trainer
                .step(x.slice(s![at..at + 32, ..]), y.slice(s![at..at + 32]))
                .unwrap();
            let error = (taken.loss - expected).abs() / expected.abs();
            assert!(
                error < tolerance,
                "{name} step {step}: {} for {expected}",
                taken.loss
            );
            if let Some(norm) = self.norms.get(step) {
                let found = taken.grad_norm.unwrap();
                let error = (found - norm).abs() / norm;
                assert!(
                    error < tolerance,
                    "{name} norm at {step}: {found} for {norm}"
                );
            }
        }
        assert_eq!(trainer.compiles(), 1);
        let bytes = std::fs::read(format!("{DATA}/train.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        trainer.model().unwrap().visit("", &mut |path, param| {
            let tensor = file.tensor(&format!("{name}/final/{path}")).unwrap();
            let words = tensor
                .data()
                .as_chunks()
                .0
                .iter()
                .map(|w| f64::from_le_bytes(*w));
            for (found, expected) in param.values_f64().iter().zip(words) {
                let error = (found - expected).abs() / expected.abs().max(1.0);
                assert!(error < tolerance, "{name} {path}: {found} for {expected}");
            }
        });
    }
}

fn run<F: ModelFunction<Model = Digits, Inputs = (Images, Labels)>>(
    name: &str,
    optimizer: impl Into<Optimizer>,
) {
    let (run, optimizer) = (Run::load(name), optimizer.into());
    run.check(&mut build::<F>(optimizer, Precision::F64), 1e-9);
    run.check(&mut build::<F>(optimizer, Precision::F32), 1e-4);
}

#[test]
fn sgd() {
    run::<Relu>("sgd", Sgd::new(0.1));
}

#[test]
fn sgd_momentum() {
    run::<Relu>("sgd_momentum", Sgd::new(0.05).momentum(0.9));
}

#[test]
fn sgd_nesterov() {
    run::<Relu>("sgd_nesterov", Sgd::new(0.05).momentum(0.9).nesterov(true));
}

#[test]
fn sgd_l2() {
    run::<Relu>("sgd_l2", Sgd::new(0.1).weight_decay(5e-4));
}

#[test]
fn adam() {
    run::<Relu>("adam", Adam::new(0.01));
}

#[test]
fn adamw() {
    run::<Relu>("adamw", AdamW::new(0.01));
}

#[test]
fn adam_clip() {
    run::<Relu>("adam_clip", Adam::new(0.01).clip_grad_norm(0.5));
}

#[test]
fn adam_tanh() {
    run::<Tanh>("adam_tanh", Adam::new(0.01));
}
