//! Files of other programs, read into a model.

use safetensors::tensor::{Dtype, TensorView};
use sinew::prelude::*;
use sinew::{Error, LoadReport};
use std::path::{Path, PathBuf};

#[model]
struct Net {
    hidden: Linear<3, 2>,
    blocks: [Linear<2, 2>; 2],
}

/// A file of tensors whose elements count from 0 on.
pub struct File(PathBuf);

impl File {
    /// A path at which there is no file yet.
    pub fn of_no_tensors(name: &str) -> File {
        File(std::env::temp_dir().join(format!("loader-{name}-{}", std::process::id())))
    }

    pub fn new(name: &str, tensors: &[(&str, &[usize])]) -> File {
        let file = File::of_no_tensors(name);
        let bytes: Vec<u8> = (0..64).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let views = tensors.iter().map(|(name, shape)| {
            let bytes = &bytes[..4 * shape.iter().product::<usize>()];
            let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes);
            (*name, view.expect("as many bytes as elements"))
        });
        let bytes = safetensors::serialize(views.collect::<Vec<_>>(), None);
        std::fs::write(&file, bytes.expect("a few tensors")).expect("a folder for tests");
        file
    }
}

impl AsRef<Path> for File {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

const PYTORCH: [(&str, &[usize]); 6] = [
    ("net.hidden.weight", &[2, 3]),
    ("net.hidden.bias", &[2]),
    ("net.blocks.0.weight", &[2, 2]),
    ("net.blocks.0.bias", &[2]),
    ("net.blocks.1.weight", &[2, 2]),
    ("net.blocks.1.bias", &[2]),
];

fn pytorch(path: &str) -> String {
    let (layer, leaf) = path.rsplit_once('.').unwrap_or(("", path));
    let leaf = if leaf == "w" { "weight" } else { "bias" };
    format!("{layer}.{leaf}")
}

pub fn numbers(param: &Param) -> Vec<f32> {
    param.values().into_iter().collect()
}

#[test]
fn other_names_and_the_other_layout() -> sinew::Result<()> {
    let mut tensors = PYTORCH.to_vec();
    tensors.push(("head.weight", &[5]));
    let file = File::new("layout", &tensors);
    let loader = || Net::loader(&file).prefix("net").rename(pytorch);
    let net = loader().transpose("*.w").load()?;
    assert_eq!(numbers(&net.hidden.w), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(numbers(&net.hidden.b), [0.0, 1.0]);
    assert_eq!(numbers(&net.blocks[1].w), [0.0, 2.0, 1.0, 3.0]);
    let some = loader()
        .transpose("hidden.w")
        .transpose("blocks.1.w")
        .load()?;
    assert_eq!(numbers(&some.blocks[0].w), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(numbers(&some.blocks[1].w), [0.0, 2.0, 1.0, 3.0]);

    let error = loader().load().expect_err("it is refused").to_string();
    let words = "`hidden.w`, in the file `net.hidden.weight`, is (3, 2) in the model and (2, 3) in the file";
    assert!(error.contains(words), "{error}");
    let error = loader()
        .transpose("hiden.*")
        .load()
        .expect_err("it is refused");
    assert!(matches!(error, Error::NoMatch { .. }), "{error}");
    Ok(())
}

#[test]
fn what_does_not_fit_is_told_and_stays() -> sinew::Result<()> {
    let file = File::new(
        "part",
        &[
            ("hidden.w", &[3, 2]),
            ("hidden.b", &[3]),
            ("tail.b", &[2]),
            ("blocks.1.b", &[2]),
        ],
    );
    let (before, mut net) = (Net::init(7), Net::init(7));
    let error = Net::loader(&file)
        .load_into(&mut net)
        .expect_err("it is refused");
    assert_eq!(net, before);
    let Error::Tensors { problems, .. } = &error else {
        panic!("{error}");
    };
    let words = "`hidden.b` is (2,) in the model and (3,) in the file";
    assert_eq!(problems[0], words);
    assert_eq!(
        problems.last().map(String::as_str),
        Some("`tail.b` is not in the model")
    );

    let report: LoadReport = Net::loader(&file).strict(false).load_into(&mut net)?;
    assert_eq!(report.loaded, ["hidden.w", "blocks.1.b"]);
    assert_eq!(report.missing, ["blocks.0.w", "blocks.0.b", "blocks.1.w"]);
    assert_eq!(
        (&report.extra[..], &report.misfits[..]),
        (&["tail.b".into()][..], &["hidden.b".into()][..])
    );
    assert!(!report.is_complete());
    let text = report.to_string();
    assert!(
        text.starts_with(&format!("2 leaves loaded\n{words}\n")),
        "{text}"
    );
    assert_eq!(numbers(&net.hidden.w), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(
        (&net.hidden.b, &net.blocks[0]),
        (&before.hidden.b, &before.blocks[0])
    );

    // A model that was not there before has to be in the file.
    let error = Net::loader(&file)
        .strict(false)
        .load()
        .expect_err("it is refused")
        .to_string();
    assert!(
        error.contains("`blocks.0.w` is missing") && !error.contains("tail.b"),
        "{error}"
    );
    Ok(())
}

#[test]
fn more_than_the_model_is_fine_where_it_is_not_strict() -> sinew::Result<()> {
    let file = File::new(
        "more",
        &[("hidden.w", &[3, 2]), ("hidden.b", &[2]), ("tail.b", &[2])],
    );
    #[model]
    struct Half {
        hidden: Linear<3, 2>,
    }
    assert!(Half::loader(&file).load().is_err());
    let half = Half::loader(&file).strict(false).load()?;
    assert_eq!(numbers(&half.hidden.b), [0.0, 1.0]);
    // One name for two leaves.
    let error = Half::loader(&file)
        .rename(|_| "hidden.w".into())
        .load()
        .expect_err("it is refused");
    assert!(matches!(error, Error::SameName { .. }), "{error}");
    Ok(())
}

#[test]
fn a_trainers_file_is_read_in_part() -> sinew::Result<()> {
    #[model]
    fn size(m: &Net) -> Tensor {
        let mut sum = m.hidden.w.square().sum() + m.hidden.b.sum();
        for block in &m.blocks {
            sum += block.w.square().sum() + block.b.sum();
        }
        sum
    }
    let path = std::env::temp_dir().join(format!("loader-trainer-{}", std::process::id()));
    let mut train = size::train(Net::init(2))
        .optimizer(Adam::new(0.1))
        .build()?;
    train.step()?;
    train.save(&path)?;
    let net = Net::loader(&path).load();
    std::fs::remove_file(&path).expect("it was written");
    assert_eq!(net?, train.model()?);
    Ok(())
}
