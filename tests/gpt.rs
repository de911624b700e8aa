//! A small transformer with its layers in a loop and its sizes from a file: PyTorch's loss, logits and
//! gradients, in f64 to 1e-9 and in f32 to 1e-4.

use crate::devices::devices;
use ndarray::Array2;
use safetensors::SafeTensors;
use sinew::prelude::*;
use std::collections::BTreeMap;

#[model]
mod net {
    use sinew::prelude::*;

    /// Zero mean and unit variance along the last axis, then scaled and moved.
    pub struct Norm<D> {
        #[init(ones)]
        pub g: Param<D>,
        #[init(zeros)]
        pub b: Param<D>,
    }

    impl<D> Norm<D> {
        pub fn forward<S>(&self, x: Tensor<[S], D>) -> Tensor<[S], D> {
            let centred = x - x.mean(-1, keepdims = true);
            let variance = centred.square().mean(-1, keepdims = true);
            centred / (variance + 1e-5).sqrt() * self.g + self.b
        }
    }

    pub struct Block<D, H> {
        pub ln1: Norm<D>,
        pub qkv: Linear<D, { 3 * D }>,
        pub proj: Linear<D, D>,
        pub ln2: Norm<D>,
        pub up: Linear<D, { 4 * D }>,
        pub down: Linear<{ 4 * D }, D>,
    }

    impl<D, H> Block<D, H> {
        /// Each token attends to those up to it, in `H` heads.
        #[model(where(D == H * (D / H)))]
        pub fn attend<B, T>(&self, x: Tensor<B, T, D>) -> Tensor<B, T, D> {
            let qkv = self.qkv.forward(x);
            let q = qkv[(.., .., 0..D)].reshape([B, T, H, D / H]);
            let k = qkv[(.., .., D..2 * D)].reshape([B, T, H, D / H]);
            let v = qkv[(.., .., 2 * D..3 * D)].reshape([B, T, H, D / H]);
            let scores = einsum("bthd,bshd->bhts", q, k) / (D / H).sqrt();
            let seen = iota([T, T], 0) >= iota([T, T], 1);
            let weights = where_(seen, scores, -1e30).softmax(-1);
            self.proj
                .forward(einsum("bhts,bshd->bthd", weights, v).reshape([B, T, D]))
        }

        #[model(where(D == H * (D / H)))]
        pub fn forward<B, T>(&self, x: Tensor<B, T, D>) -> Tensor<B, T, D> {
            let x = x + self.attend(self.ln1.forward(x));
            let hidden = self
                .up
                .forward(self.ln2.forward(x))
                .gelu(approximate = "tanh");
            x + self.down.forward(hidden)
        }
    }

    pub struct Gpt<Vocab, Time, Width, Heads, Layers> {
        #[init(normal(0.02))]
        pub tok: Param<Vocab, Width>,
        #[init(normal(0.02))]
        pub pos: Param<Time, Width>,
        pub blocks: [Block<Width, Heads>; Layers],
        pub ln_f: Norm<Width>,
        #[init(normal(0.02))]
        pub head: Param<Width, Vocab>,
    }

    #[model(where(Width == Heads * (Width / Heads)))]
    pub fn logits<B, Vocab, Time, Width, Heads, Layers>(
        m: &Gpt<Vocab, Time, Width, Heads, Layers>,
        tokens: Tensor<i32, B, Time>,
    ) -> Tensor<B, Time, Vocab> {
        let mut x = m.tok.take(tokens, 0) + m.pos;
        for block in &m.blocks {
            x = block.forward(x);
        }
        matmul(m.ln_f.forward(x), m.head)
    }

    #[model(where(Width == Heads * (Width / Heads)))]
    pub fn loss<B, Vocab, Time, Width, Heads, Layers>(
        m: &Gpt<Vocab, Time, Width, Heads, Layers>,
        tokens: Tensor<i32, B, Time>,
        targets: Tensor<i32, B, Time>,
    ) -> Tensor {
        let scores = logits(m, tokens).reshape([B * Time, Vocab]);
        cross_entropy(scores, targets.reshape([B * Time]))
    }
}

use net::{Gpt, GptConfig, logits, loss};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/train.safetensors");

/// The tensors of the file under `gpt/`, as f64.
fn tensors() -> BTreeMap<String, Vec<f64>> {
    let bytes = std::fs::read(FILE).expect("a file of the tests");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let mut out = BTreeMap::new();
    for (name, tensor) in file.tensors() {
        let Some(path) = name.strip_prefix("gpt/") else {
            continue;
        };
        let values = match tensor.dtype() {
            safetensors::Dtype::F64 => {
                let words = tensor.data().as_chunks().0.iter();
                words.map(|w| f64::from_le_bytes(*w)).collect()
            }
            safetensors::Dtype::I32 => {
                let words = tensor.data().as_chunks().0.iter();
                words.map(|w| f64::from(i32::from_le_bytes(*w))).collect()
            }
            other => panic!("{name} is of {other:?}"),
        };
        out.insert(path.to_string(), values);
    }
    out
}

/// The model that the file tells, and what went in.
fn model(file: &BTreeMap<String, Vec<f64>>) -> (Gpt, [Array2<i32>; 2]) {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/train.json"
    ));
    let json: serde_json::Value = serde_json::from_str(&text.expect("a file")).expect("JSON");
    let mut sizes = json["gpt"].as_object().expect("the GPT").clone();
    let batch = sizes
        .remove("batch")
        .and_then(|b| b.as_u64())
        .expect("a size");
    sizes.remove("loss");
    let config: GptConfig = serde_json::from_value(sizes.into()).expect("its sizes");
    let mut model = Gpt::init(&config, 0).expect("it is small");
    model.visit_mut("", &mut |path, param| {
        param
            .set(file[&format!("param/{path}")].as_slice())
            .expect("as many");
    });
    let of = |name: &str| {
        let values = file[name].iter().map(|v| *v as i32).collect();
        let shape = (usize::try_from(batch).expect("small"), config.Time);
        Array2::from_shape_vec(shape, values).expect("as many")
    };
    (model, [of("in/tokens"), of("in/targets")])
}

fn close(what: &str, found: impl IntoIterator<Item = f64>, expected: &[f64], tolerance: f64) {
    let found: Vec<f64> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let fits = (f - e).abs() <= tolerance * e.abs().max(1.0);
        assert!(fits, "{what}, element {i}: {f}, and must be {e}");
    }
}

/// Compares all that PyTorch gives with what the device gives.
fn check(device: &Device, precision: Precision, tolerance: f64) -> sinew::Result<()> {
    let file = tensors();
    let (model, [tokens, targets]) = model(&file);
    let runner = logits::compile(model.clone()).device(device.clone());
    let runner = runner.precision(precision).build()?;
    let found = runner.run_f64(tokens.view())?;
    close("logits", found, &file["out/logits"], tolerance);

    let train = loss::train(model).optimizer(Sgd::new(0.0));
    let train = train.device(device.clone()).precision(precision);
    let mut train = train.build()?;
    let step = train.step(tokens.view(), targets.view())?;
    close("loss", [step.loss], &file["out/loss"], tolerance);
    let mut count = 0;
    train.gradients()?.visit("", &mut |path, gradient| {
        let expected = &file[&format!("grad/{path}")];
        close(path, gradient.values_f64(), expected, tolerance);
        count += 1;
    });
    assert_eq!(
        count,
        file.keys().filter(|k| k.starts_with("grad/")).count()
    );
    Ok(())
}

#[test]
fn pytorchs_loss_logits_and_gradients_in_f64() -> sinew::Result<()> {
    check(&Device::cpu(), Precision::F64, 1e-9)
}

#[test]
fn pytorchs_loss_logits_and_gradients_in_f32() -> sinew::Result<()> {
    for device in devices() {
        check(&device, Precision::F32, 1e-4)?;
    }
    Ok(())
}
