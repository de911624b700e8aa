//! Files of any bytes: what is no model's file is an error that says so and changes nothing, and what is
//! one comes back bit by bit.
#![allow(clippy::unwrap_used, reason = "tests")]

use safetensors::SafeTensors;
use sinew_fuzz::{Random, Target};
use sinew_runtime::{Error, Model, Param};
use std::fmt;
use std::path::PathBuf;

/// The model's shapes; its parameters are called `0`, `1`, `2`.
const SHAPES: [&[usize]; 3] = [&[2, 3], &[], &[4]];

fn model() -> Vec<Param> {
    let mut model: Vec<Param> = SHAPES.iter().map(|s| Param::zeros(s)).collect();
    model.iter_mut().for_each(|p| p.fill(0.5));
    model
}

/// A file that no other test writes, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let file = format!("sinew-{}-{name}.safetensors", std::process::id());
        Scratch(std::env::temp_dir().join(file))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// A tensor of a file: name, element type, shape, and bytes.
struct Tensor {
    name: String,
    dtype: &'static str,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// A file of these tensors, one after the other.
fn file_of(tensors: &[Tensor]) -> Vec<u8> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for t in tensors {
        let start = data.len();
        data.extend_from_slice(&t.bytes);
        entries.push(format!(
            r#""{}":{{"dtype":"{}","shape":{:?},"data_offsets":[{start},{}]}}"#,
            t.name,
            t.dtype,
            t.shape,
            data.len()
        ));
    }
    with_header(&format!("{{{}}}", entries.join(",")), &data)
}

fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), data].concat()
}

/// Tensors of the model with any bits, each in either float.
fn fitting(random: &mut Random) -> Vec<Tensor> {
    let tensor = |(i, shape): (usize, &&[usize])| {
        let (dtype, size) = random.pick(&[("F32", 4), ("F64", 8)]);
        let bytes = shape.iter().product::<usize>() * size;
        Tensor {
            name: i.to_string(),
            dtype,
            shape: shape.to_vec(),
            bytes: (0..bytes).map(|_| random.bits() as u8).collect(),
        }
    };
    SHAPES.iter().enumerate().map(tensor).collect()
}

/// What headers are made of.
const PIECES: &[&str] = &[
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "-1",
    "0",
    "1",
    "4",
    "1e3",
    "18446744073709551615",
    "18446744073709551616",
    "null",
    "\"F32\"",
    "\"F64\"",
    "\"F16\"",
    "\"BOOL\"",
    "\"shape\"",
    "\"dtype\"",
    "\"data_offsets\"",
    "\"__metadata__\"",
    "\"0\"",
    "\"9\"",
    "é",
    "\\u0000",
];

/// Bytes for a file.
struct Input(Vec<u8>);

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

fn input(seed: u64) -> Input {
    let random = &mut Random::new(seed);
    let mut tensors = fitting(random);
    if random.one_in(3) {
        let at = random.below(tensors.len());
        match random.below(5) {
            0 => drop(tensors.remove(at)),
            1 => tensors[at].name = random.pick(&["9", "", "0.w", "1"]).to_string(),
            2 => tensors[at].shape.push(1),
            3 => tensors[at].dtype = random.pick(&["I32", "F16", "BF16", "U8"]),
            _ => tensors[at].bytes.truncate(random.below(8)),
        }
    }
    let mut bytes = file_of(&tensors);
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    match random.below(6) {
        0 => {}
        1 => bytes.truncate(random.below(bytes.len())),
        2 => bytes = (0..random.below(64)).map(|_| random.bits() as u8).collect(),
        3 => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        4 => {
            let claim = random.pick(&[0, 1, 7, length as u64 + 1, 1 << 26, 1 << 40, u64::MAX]);
            bytes[..8].copy_from_slice(&claim.to_le_bytes());
        }
        _ => {
            let (header, data) = bytes[8..].split_at(length);
            let mut header = String::from_utf8(header.to_vec()).unwrap();
            for _ in 0..1 + random.below(3) {
                let from = random.below(header.len());
                let to = (from + random.below(12)).min(header.len());
                let piece = random.pick(PIECES);
                if header.is_char_boundary(from) && header.is_char_boundary(to) {
                    header.replace_range(from..to, piece);
                }
            }
            bytes = with_header(&header, data);
        }
    }
    Input(bytes)
}

/// The bits of all values, with their type.
fn bits(model: &[Param]) -> Vec<String> {
    let bits = |p: &Param| format!("{:?} {:?}", p.shape(), p.values_f64().mapv(f64::to_bits));
    model.iter().map(bits).collect()
}

/// A file's value of a model's tensor, as the model holds it.
fn expected(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap();
    let data = tensor.data();
    match tensor.dtype() {
        safetensors::Dtype::F32 => {
            let words = data.as_chunks().0.iter();
            words.map(|w| f64::from(f32::from_le_bytes(*w))).collect()
        }
        safetensors::Dtype::F64 => {
            let words = data.as_chunks().0.iter();
            words.map(|w| f64::from_le_bytes(*w)).collect()
        }
        other => panic!("{other:?} was read"),
    }
}

/// Loads the bytes: they are the model's and come back as they were saved, or an error tells the file,
/// and the tensors where it is for these, and nothing has changed. Whether they are.
fn holds(scratch: &Scratch, bytes: &[u8]) -> bool {
    let path = &scratch.0;
    std::fs::write(path, bytes).unwrap();
    let before = bits(&model());
    let mut model = model();
    match model.load_into(path) {
        Ok(()) => {
            let file = SafeTensors::deserialize(bytes).unwrap();
            assert_eq!(file.names().len(), SHAPES.len());
            for (i, param) in model.iter().enumerate() {
                let values = param.values_f64();
                let found: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
                let name = i.to_string();
                let wanted: Vec<u64> = expected(&file, &name).iter().map(|v| v.to_bits()).collect();
                assert_eq!(found, wanted, "`{name}`");
            }
            model.save(path).unwrap();
            let mut again = self::model();
            again.load_into(path).unwrap();
            assert_eq!(bits(&again), bits(&model));
            true
        }
        Err(error) => {
            assert_eq!(bits(&model), before, "an error changed the model");
            let message = error.to_string();
            assert!(message.contains(&path.display().to_string()), "{message}");
            match error {
                Error::NotSafetensors { .. } => {}
                Error::Tensors { problems, .. } => {
                    assert!(!problems.is_empty());
                    assert!(problems.iter().all(|p| p.starts_with('`')), "{problems:?}");
                }
                other => panic!("{other}"),
            }
            false
        }
    }
}

#[test]
fn any_file_is_the_models_or_an_error() {
    let scratch = Scratch::new("any");
    let loaded = std::cell::Cell::new(0);
    // Saving waits for the disk: a thousand take a few seconds.
    Target::new("safetensors", 1000).run(input, |input| {
        loaded.set(loaded.get() + usize::from(holds(&scratch, &input.0)));
    });
    if std::env::var_os("SINEW_FUZZ_SECONDS").is_none() {
        assert!(loaded.get() > 50, "only {} were models", loaded.get());
    }
}

/// Sixteen tensors that end at the last number there is: with the header they end past it.
#[test]
fn sizes_that_add_up_past_all_numbers() {
    let scratch = Scratch::new("sizes");
    let size = 1u64 << 60;
    let entry = |i: u64| {
        let start = i * size;
        let end = if i == 15 { u64::MAX - 7 } else { start + size };
        let shape = end - start;
        format!(r#""{i}":{{"dtype":"U8","shape":[{shape}],"data_offsets":[{start},{end}]}}"#)
    };
    let entries: Vec<String> = (0..16).map(entry).collect();
    let bytes = with_header(&format!("{{{}}}", entries.join(",")), &[0; 16]);
    assert!(!holds(&scratch, &bytes));
}

#[test]
fn a_header_longer_than_any_file() {
    let scratch = Scratch::new("header");
    for length in [u64::MAX, 100_000_001, 100_000_000, 1 << 32] {
        let bytes = [&length.to_le_bytes()[..], b"{}"].concat();
        assert!(!holds(&scratch, &bytes));
    }
}
