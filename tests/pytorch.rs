//! Files by PyTorch's names and in its layouts: what its modules compute, every layer there and back, names of one's own.

use crate::layers::{close, scattered};
use crate::loader::{File, numbers};
use ndarray::{Array, ArrayD, Dimension, IxDyn};
use safetensors::{Dtype, SafeTensors};
use sinew::Error;
use sinew::prelude::*;
use std::collections::BTreeMap;

#[model]
mod net {
    use sinew::nn::{
        BatchNorm1d, BatchNorm2d, BiGru, BiLstm, BiRnn, Bilinear, Conv1d, Conv2d, ConvTranspose2d,
        DotProductAttention, Dropout, Embedding, GroupNorm, Gru, GruCell, InstanceNorm,
        KeyValueCache, LayerNorm, LayerNormNoAffine, LearnedPositions, LinearNoBias, Lstm,
        LstmCell, MaxPool2d, Mlp, MultiHeadAttention, MultiHeadAttentionNoBias, PaddedEmbedding,
        ResidualBlock, RmsNorm, Rnn, RnnCell, TransformerBlock,
    };
    use sinew::prelude::*;

    /// The modules of `tests/data/modules.py`.
    pub struct Modules {
        pub linear: Linear<3, 2>,
        pub plain: LinearNoBias<3, 2>,
        pub bilinear: Bilinear<2, 3, 4>,
        pub row: Conv1d<2, 3, 3, 2, 1>,
        pub image: Conv2d<2, 3, 3, 1, 1>,
        pub up: ConvTranspose2d<3, 2, 3, 2, 1>,
        pub words: Embedding<5, 3>,
        pub norm: LayerNorm<4>,
        pub rms: RmsNorm<4>,
        pub groups: GroupNorm<4, 2>,
        pub batch: BatchNorm1d<3>,
        pub batch_of_images: BatchNorm2d<2>,
        pub rnn_cell: RnnCell<3, 2>,
        pub lstm_cell: LstmCell<3, 2>,
        pub gru_cell: GruCell<3, 2>,
        pub rnn: Rnn<3, 2, 3>,
        pub lstm: Lstm<3, 2, 3>,
        pub gru: Gru<3, 2, 3>,
        pub bi_rnn: BiRnn<3, 2, 3>,
        pub bi_lstm: BiLstm<3, 2, 3>,
        pub bi_gru: BiGru<3, 2, 3>,
        pub attention: MultiHeadAttention<4, 2>,
        pub attention_plain: MultiHeadAttentionNoBias<4, 2>,
        pub block: TransformerBlock<4, 2, 6>,
    }

    /// All other layers beside them.
    pub struct Every {
        pub modules: Modules,
        pub padded: PaddedEmbedding<5, 3>,
        pub positions: LearnedPositions<4, 3>,
        pub mlp: Mlp<3, 4, 2>,
        pub residual: ResidualBlock<3, 4>,
        pub cache: KeyValueCache<2, 3, 4>,
        pub pool: MaxPool2d<2, 2>,
        pub drop: Dropout,
        pub product: DotProductAttention,
        pub norm: LayerNormNoAffine,
        pub instances: InstanceNorm,
    }
}

/// The tensors of numbers in `tests/data/modules.safetensors`.
struct Modules(BTreeMap<String, ArrayD<f64>>);

const MODULES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/modules.safetensors"
);

impl Modules {
    fn read() -> Modules {
        let bytes = std::fs::read(MODULES).expect("a file of the tests");
        let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let floats = file.tensors().into_iter();
        let floats = floats.filter(|(_, tensor)| tensor.dtype() == Dtype::F64);
        let arrays = floats.map(|(name, tensor)| {
            let words = tensor.data().as_chunks().0.iter();
            let values = words.map(|w| f64::from_le_bytes(*w)).collect();
            let array = ArrayD::from_shape_vec(IxDyn(tensor.shape()), values);
            (name, array.expect("as many"))
        });
        Modules(arrays.collect())
    }

    /// What a module was given.
    fn given<D: Dimension>(&self, name: &str) -> Array<f64, D> {
        let given = self.0[&format!("in.{name}")].clone();
        given.into_dimensionality().expect("of that rank")
    }

    /// Whether a layer computes what the module did.
    fn check<D: Dimension>(&self, module: &str, found: Array<f32, D>) {
        let expected = &self.0[&format!("out.{module}")];
        assert_eq!(found.shape(), expected.shape(), "{module}");
        let found: Vec<f64> = found.iter().map(|v| f64::from(*v)).collect();
        let expected: Vec<f64> = expected.iter().copied().collect();
        close(module, &found, &expected, 1e-5);
    }
}

#[test]
fn layers_compute_what_pytorchs_modules_do() -> sinew::Result<()> {
    use ndarray::{Ix2, Ix3, Ix4};
    let m = Modules::read();
    let net = net::Modules::loader(MODULES)
        .pytorch()
        .prefix("net")
        .load()?;
    m.check("linear", net.linear.forward(m.given::<Ix2>("linear"))?);
    m.check("plain", net.plain.forward(m.given::<Ix2>("plain"))?);
    let (x, z) = (m.given::<Ix2>("bilinear"), m.given::<Ix2>("bilinear.1"));
    m.check("bilinear", net.bilinear.forward(x, z)?);
    m.check("row", net.row.forward(m.given::<Ix3>("row"))?);
    m.check("image", net.image.forward(m.given::<Ix4>("image"))?);
    m.check("up", net.up.forward(m.given::<Ix4>("up"))?);
    m.check("words", net.words.forward([[4, 0, 2]])?);
    m.check("norm", net.norm.forward(m.given::<Ix2>("norm"))?);
    m.check("rms", net.rms.forward(m.given::<Ix2>("rms"))?);
    m.check("groups", net.groups.forward(m.given::<Ix3>("groups"))?);
    m.check("batch", net.batch.forward(m.given::<Ix2>("batch"))?);
    let images = m.given::<Ix4>("batch_of_images");
    m.check("batch_of_images", net.batch_of_images.forward(images)?);
    let cell = |name: &str| (m.given::<Ix2>(name), m.given::<Ix2>(&format!("{name}.1")));
    let (x, h) = cell("rnn_cell");
    m.check("rnn_cell", net.rnn_cell.step(x, h)?);
    let (x, h) = cell("lstm_cell");
    m.check("lstm_cell", net.lstm_cell.step(x, &h, &h)?.0);
    let (x, h) = cell("gru_cell");
    m.check("gru_cell", net.gru_cell.step(x, h)?);
    m.check("rnn", net.rnn.forward(m.given::<Ix3>("rnn"))?.0);
    m.check("lstm", net.lstm.forward(m.given::<Ix3>("lstm"))?.0);
    m.check("gru", net.gru.forward(m.given::<Ix3>("gru"))?.0);
    m.check("bi_rnn", net.bi_rnn.forward(m.given::<Ix3>("bi_rnn"))?.0);
    m.check("bi_lstm", net.bi_lstm.forward(m.given::<Ix3>("bi_lstm"))?.0);
    m.check("bi_gru", net.bi_gru.forward(m.given::<Ix3>("bi_gru"))?.0);
    let x = m.given::<Ix3>("attention");
    m.check("attention", net.attention.forward(x)?);
    let x = m.given::<Ix3>("attention_plain");
    m.check("attention_plain", net.attention_plain.forward(x)?);
    m.check("block", net.block.forward(m.given::<Ix3>("block"))?);
    Ok(())
}

/// The names of a file's tensors with their extents, in the order of the alphabet.
fn tensors(file: &File) -> Vec<(String, Vec<usize>)> {
    let bytes = std::fs::read(file).expect("it was written");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let mut out: Vec<_> = file.tensors();
    out.sort_by(|(a, _), (b, _)| a.cmp(b));
    out.into_iter()
        .map(|(name, tensor)| (name, tensor.shape().to_vec()))
        .collect()
}

#[test]
fn every_layer_comes_back_to_the_last_bit() -> sinew::Result<()> {
    let file = File::of_no_tensors("every");
    // Of f32 and of f64.
    for model in [net::Every::init(1), scattered(net::Every::init(1))] {
        model.save_for_pytorch(&file)?;
        let loaded = net::Every::loader(&file).pytorch().load()?;
        assert_eq!(loaded, model);
        assert_ne!(loaded, net::Every::init(2));
        assert_eq!(tensors(&file).len(), model.leaves().len());
    }
    // What is PyTorch's is written as PyTorch has written it, but for what no layer has.
    let modules = net::Modules::loader(MODULES)
        .pytorch()
        .prefix("net")
        .load()?;
    modules.save_for_pytorch(&file)?;
    let written = tensors(&file);
    let bytes = std::fs::read(MODULES).expect("a file of the tests");
    let there = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let read = std::fs::read(&file).expect("it was written");
    let here = SafeTensors::deserialize(&read).expect("a safetensors file");
    let mut expected = 0;
    for (name, tensor) in there.tensors() {
        let Some(own) = name.strip_prefix("net.") else {
            continue;
        };
        if own.ends_with("num_batches_tracked") {
            continue;
        }
        expected += 1;
        let found = here.tensor(own).expect(own);
        assert_eq!(found.shape(), tensor.shape(), "{own}");
        assert!(found.data() == tensor.data(), "{own}");
    }
    assert_eq!(written.len(), expected);
    Ok(())
}

#[model]
mod own {
    use sinew::nn::{BatchNorm1d, Lstm};
    use sinew::prelude::*;

    pub struct Planes<I, O> {
        #[init(zeros)]
        #[pytorch("kernel", transposed)]
        pub w: Param<2, I, O>,
        #[init(zeros)]
        pub scale: Param<O>,
        #[pytorch("seen")]
        pub count: State,
    }

    pub struct Deep<D, Layers> {
        #[pytorch("{}_in")]
        pub first: Linear<D, D>,
        #[pytorch("h.{}_{7..}")]
        pub rest: [Linear<D, D>; Layers],
    }

    pub struct Net {
        #[pytorch("0")]
        pub planes: Planes<3, 2>,
        #[pytorch("{}")]
        pub beside: Planes<1, 2>,
        #[pytorch("{}_deep")]
        pub deep: Deep<2, 2>,
        pub blocks: [Linear<2, 1>; 2],
        #[pytorch("layers.{1..}")]
        pub layers: [Deep<1, 1>; 1],
        #[pytorch("bn")]
        pub norm: BatchNorm1d<2>,
        pub lstm: Lstm<3, 1, 2>,
    }
}

const OWN: [(&str, &[usize]); 32] = [
    ("0.kernel", &[2, 2, 3]),
    ("0.scale", &[2]),
    ("0.seen", &[]),
    ("blocks.0.bias", &[1]),
    ("blocks.0.weight", &[1, 2]),
    ("blocks.1.bias", &[1]),
    ("blocks.1.weight", &[1, 2]),
    ("bn.bias", &[2]),
    ("bn.running_mean", &[2]),
    ("bn.running_var", &[2]),
    ("bn.weight", &[2]),
    ("bias_in_deep", &[2]),
    ("h.bias_7_deep", &[2]),
    ("h.bias_8_deep", &[2]),
    ("h.weight_7_deep", &[2, 2]),
    ("h.weight_8_deep", &[2, 2]),
    ("kernel", &[2, 2, 1]),
    ("layers.1.bias_in", &[1]),
    ("layers.1.h.bias_7", &[1]),
    ("layers.1.h.weight_7", &[1, 1]),
    ("layers.1.weight_in", &[1, 1]),
    ("lstm.bias_hh_l0", &[4]),
    ("lstm.bias_hh_l1", &[4]),
    ("lstm.bias_ih_l0", &[4]),
    ("lstm.bias_ih_l1", &[4]),
    ("lstm.weight_hh_l0", &[4, 1]),
    ("lstm.weight_hh_l1", &[4, 1]),
    ("lstm.weight_ih_l0", &[4, 3]),
    ("lstm.weight_ih_l1", &[4, 1]),
    ("scale", &[2]),
    ("seen", &[]),
    ("weight_in_deep", &[2, 2]),
];

#[test]
fn names_and_layouts_are_those_of_the_attributes() -> sinew::Result<()> {
    let file = File::new("own-names", &OWN);
    let net = own::Net::loader(&file).pytorch().load()?;
    let planes = [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11].map(|v| v as f32);
    assert_eq!(numbers(&net.planes.w), planes);
    assert_eq!(numbers(&net.beside.w), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(numbers(&net.deep.rest[1].w), [0.0, 2.0, 1.0, 3.0]);
    let gates = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11].map(|v| v as f32);
    assert_eq!(numbers(&net.lstm.first.w_ih), gates);
    assert_eq!(numbers(&net.norm.variance), [0.0, 1.0]);

    net.save_for_pytorch(&file)?;
    let mut expected = OWN.map(|(name, shape)| (name.to_string(), shape.to_vec()));
    expected.sort();
    assert_eq!(tensors(&file), expected);
    Ok(())
}

#[model]
struct Small {
    hidden: Linear<3, 2>,
    norm: sinew::nn::BatchNorm1d<2>,
}

const SMALL: [(&str, &[usize]); 8] = [
    ("hidden.weight", &[2, 3]),
    ("hidden.bias", &[2]),
    ("norm.weight", &[2]),
    ("norm.bias", &[2]),
    ("norm.running_mean", &[2]),
    ("norm.running_var", &[2]),
    ("norm.num_batches_tracked", &[]),
    ("num_batches_tracked.bias", &[2]),
];

#[test]
fn what_does_not_fit_is_told_by_its_name_there() -> sinew::Result<()> {
    let file = File::new("told", &SMALL);
    let error = Small::loader(&file)
        .pytorch()
        .load_into(&mut Small::init(0));
    let Err(Error::Tensors { problems, .. }) = error else {
        panic!("there is a tensor more");
    };
    assert_eq!(problems, ["`num_batches_tracked.bias` is not in the model"]);

    let file = File::new(
        "misfits",
        &[
            ("net.hidden.weight", &[3, 2]),
            ("net.norm.weight", &[2]),
            ("net.norm.num_batches_tracked", &[]),
            ("net.tail", &[2]),
            ("other", &[2]),
        ],
    );
    let mut small = Small::init(7);
    let loader = || Small::loader(&file).pytorch().prefix("net");
    let report = loader().strict(false).load_into(&mut small)?;
    assert_eq!(report.loaded, ["norm.w"]);
    assert_eq!(report.misfits, ["hidden.w"]);
    assert_eq!(report.extra, ["net.tail"]);
    assert_eq!(
        report.missing,
        ["hidden.b", "norm.b", "norm.mean", "norm.variance"]
    );
    assert_eq!(small.hidden, Small::init(7).hidden);
    let error = loader().load().expect_err("it is refused").to_string();
    for words in [
        "`hidden.w`, in the file `net.hidden.weight`, is (3, 2) in the model, (2, 3) transposed, and (3, 2) in the file",
        "`norm.mean`, in the file `net.norm.running_mean`, is missing",
        "`net.tail` is not in the model",
    ] {
        assert!(error.contains(words), "{error}");
    }
    Ok(())
}

#[test]
fn what_pytorch_calls_a_leaf_is_renamed_and_turned_on_top() -> sinew::Result<()> {
    #[model]
    struct Half {
        hidden: Linear<3, 2>,
    }
    let file = File::new(
        "renamed",
        &[("m.hidden.kernel", &[3, 2]), ("m.hidden.bias", &[2])],
    );
    let half = Half::loader(&file)
        .pytorch()
        .prefix("m")
        .rename(|name| name.replace("weight", "kernel"))
        .transpose("*.w")
        .load()?;
    let as_in_the_file = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    assert_eq!(numbers(&half.hidden.w), as_in_the_file);
    Ok(())
}

#[test]
fn two_leaves_of_one_name_are_refused() {
    #[model]
    struct Twins {
        #[pytorch("fc")]
        first: Linear<2, 2>,
        #[pytorch("fc")]
        second: Linear<2, 2>,
    }
    let file = File::new("twins", &[("fc.weight", &[2, 2]), ("fc.bias", &[2])]);
    let words = "`first.w` and `second.w` are both `fc.weight` in the file";
    let read = Twins::loader(&file).pytorch().load();
    let read = read.expect_err("it is refused").to_string();
    assert!(read.contains(words), "{read}");
    let written = Twins::init(0).save_for_pytorch(&file);
    let written = written.expect_err("it is refused").to_string();
    assert!(written.contains(words), "{written}");
}
