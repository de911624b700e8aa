//! Saving and loading models, and what a file that does not fit says.

use sinew::prelude::*;
use std::path::PathBuf;

#[model]
struct Net {
    first: Linear<4, 3>,
    second: Linear<3, 2>,
}

#[model]
struct Other {
    first: Linear<4, 5>,
    third: Linear<5, 2>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>, y: Tensor<B, 2>) -> Tensor {
    mse(m.second.forward(m.first.forward(x).tanh()), y)
}

/// A folder of its own for each test, removed with all that is in it at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let name = format!("sinew-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder for tests");
        Scratch(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }

    /// The names of what is in it, in order.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder");
        let name = |e: std::io::Result<std::fs::DirEntry>| e.expect("an entry").file_name();
        let mut names: Vec<_> = entries
            .map(|e| name(e).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Plain descent has no state of its own: a file of parameters is all it needs.
#[test]
fn descent_goes_on_from_saved_parameters() -> sinew::Result<()> {
    let scratch = Scratch::new("goes-on");
    let file = scratch.file();
    let (x, y) = (
        [[1.0, 2.0, 3.0, 4.0], [0.5, 0.0, -1.0, 1.0]],
        [[1.0, 0.0], [0.0, 1.0]],
    );
    for precision in [Precision::F32, Precision::F64] {
        let train = |model| {
            loss::train(model)
                .optimizer(Sgd::new(0.1))
                .precision(precision)
                .build()
        };
        let mut first = train(Net::init(3))?;
        for _ in 0..5 {
            first.step(x, y)?;
        }
        first.model()?.save(&file)?;
        let mut second = train(Net::load(&file)?)?;
        assert_eq!(first.step(x, y)?.loss, second.step(x, y)?.loss);
    }
    Ok(())
}

#[test]
fn a_file_brings_every_bit_back() -> sinew::Result<()> {
    let scratch = Scratch::new("round-trip");
    let mut model = Net::init(3);
    // Numbers that f32 does not have are kept in f64.
    model.first.b.set([0.1f64, 0.2, f64::MIN_POSITIVE])?;
    model.save(scratch.file())?;
    assert_eq!(Net::load(scratch.file())?, model);
    Ok(())
}

#[test]
fn saving_replaces_an_older_file() -> sinew::Result<()> {
    let scratch = Scratch::new("replaces");
    Other::init(1).save(scratch.file())?;
    Net::init(2).save(scratch.file())?;
    assert_eq!(Net::load(scratch.file())?, Net::init(2));
    assert_eq!(scratch.names(), ["model.safetensors"]);
    Ok(())
}

#[test]
fn saving_that_fails_leaves_nothing_behind() {
    let scratch = Scratch::new("fails");
    // The target is a folder: the last step, the renaming, fails.
    let folder = scratch.0.join("folder");
    std::fs::create_dir_all(folder.join("full")).expect("a folder for tests");
    let error = Net::init(0).save(&folder).expect_err("a folder");
    assert!(matches!(error, sinew::Error::File { .. }), "{error}");
    assert!(error.to_string().contains("folder"), "{error}");
    assert_eq!(scratch.names(), ["folder"]);
    let missing = scratch.0.join("missing").join("model.safetensors");
    let error = Net::init(0).save(&missing).expect_err("no such folder");
    assert!(error.to_string().contains("missing"), "{error}");
    assert_eq!(scratch.names(), ["folder"]);
}

/// In a container every process may have the same number. What is there for other files stays.
#[test]
fn what_crashed_processes_left_goes_with_the_next_save() -> sinew::Result<()> {
    let scratch = Scratch::new("crashed");
    let process = std::process::id();
    let left = (0..500).map(|save| format!("model.safetensors.{process}-{save}.partial"));
    let others = [
        "model.safetensors.1-x.partial",
        "model.safetensors.1-2.partial.bak",
        "other.safetensors.1-2.partial",
    ];
    for name in left.chain(others.map(String::from)) {
        std::fs::write(scratch.0.join(name), "half a file").expect("a folder for tests");
    }
    Net::init(1).save(scratch.file())?;
    assert_eq!(Net::load(scratch.file())?, Net::init(1));
    let mut expected = ["model.safetensors"].to_vec();
    expected.extend(others);
    let mut found = scratch.names();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    Ok(())
}

/// What another process writes, or another thread, is locked meanwhile.
#[test]
fn what_is_being_written_is_not_taken_for_left() -> sinew::Result<()> {
    let scratch = Scratch::new("written");
    let path = scratch.0.join("model.safetensors.1-2.partial");
    let file = std::fs::File::create_new(&path).expect("a folder for tests");
    file.lock().expect("a new file");
    Net::init(1).save(scratch.file())?;
    assert!(path.exists());
    drop(file);
    Net::init(1).save(scratch.file())?;
    assert!(!path.exists());
    Ok(())
}

/// Each of them finds one whole file afterwards, whichever came last.
#[test]
fn two_threads_save_to_one_file() -> sinew::Result<()> {
    let scratch = Scratch::new("threads");
    let models = [Net::init(1), Net::init(2)];
    std::thread::scope(|threads| {
        for model in &models {
            threads.spawn(|| {
                for _ in 0..20 {
                    model.save(scratch.file()).expect("saved");
                    let found = Net::load(scratch.file()).expect("a whole file");
                    assert!(models.contains(&found));
                }
            });
        }
    });
    assert_eq!(scratch.names(), ["model.safetensors"]);
    Ok(())
}

#[cfg(unix)]
#[test]
fn saving_follows_links() -> sinew::Result<()> {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new("links");
    let link = scratch.0.join("latest");
    symlink("model.safetensors", &link).expect("a link");
    // The first time it leads to no file yet.
    for seed in [1, 2] {
        Net::init(seed).save(&link)?;
        assert!(link.is_symlink());
        assert_eq!(Net::load(scratch.file())?, Net::init(seed));
    }
    let circle = scratch.0.join("circle");
    symlink("circle", &circle).expect("a link");
    assert!(Net::init(0).save(&circle).is_err());
    assert_eq!(scratch.names(), ["circle", "latest", "model.safetensors"]);
    Ok(())
}

#[test]
fn every_misfit_is_named() -> sinew::Result<()> {
    let scratch = Scratch::new("misfit");
    let file = scratch.file();
    Other::init(0).save(&file)?;
    let mut net = Net::init(1);
    let Err(error) = net.load_into(&file) else {
        panic!("the file is another model's");
    };
    let text = error.to_string();
    for problem in [
        "`first.w` is (4, 3) in the model and (4, 5) in the file",
        "`first.b` is (3,) in the model and (5,) in the file",
        "`second.w` is missing",
        "`third.w` is not in the model",
    ] {
        assert!(text.contains(problem), "{text}");
    }
    assert_eq!(net, Net::init(1));
    Ok(())
}

#[test]
fn of_many_misfits_the_first_are_named() -> sinew::Result<()> {
    let scratch = Scratch::new("many");
    Net::init(0).save(scratch.file())?;
    let mut many = vec![Net::init(0); 300];
    let Err(error) = many.load_into(scratch.file()) else {
        panic!("the file is of one");
    };
    let text = error.to_string();
    assert!(
        text.ends_with("; and 1184 more") && text.len() < 2000,
        "{text}"
    );
    let sinew::Error::Tensors { problems, .. } = error else {
        panic!("the tensors do not fit: {text}");
    };
    assert_eq!(problems.len(), 1204);
    Ok(())
}

/// A safetensors file by hand: a header and its data.
fn written(file: &std::path::Path, header: &str, data: &[u8]) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    std::fs::write(file, bytes).expect("a folder for tests");
}

#[model]
struct Shift {
    #[init(zeros)]
    by: Param<2>,
}

#[test]
fn elements_of_another_type_are_named() {
    let scratch = Scratch::new("types");
    for (name, bytes) in [("I64", 16), ("BOOL", 2), ("F8_E4M3", 2)] {
        let header =
            format!(r#"{{"by":{{"dtype":"{name}","shape":[2],"data_offsets":[0,{bytes}]}}}}"#);
        written(&scratch.file(), &header, &vec![0; bytes]);
        let error = Shift::load(scratch.file()).expect_err("no float that can be read");
        let words =
            format!("`by` is of type {name} in the file; F64, F32, F16 and BF16 can be read");
        assert!(error.to_string().ends_with(&words), "{error}");
    }
}

#[test]
fn floats_of_16_bits_are_read() -> sinew::Result<()> {
    let scratch = Scratch::new("halves");
    // 1.5 and -0.25, by the bits of IEEE 754's binary16 and of bfloat16.
    for (name, words) in [("F16", [0x3E00u16, 0xB400]), ("BF16", [0x3FC0, 0xBE80])] {
        let header = format!(r#"{{"by":{{"dtype":"{name}","shape":[2],"data_offsets":[0,4]}}}}"#);
        let bytes = words.map(u16::to_le_bytes);
        written(&scratch.file(), &header, bytes.as_flattened());
        let loaded = Shift::load(scratch.file())?;
        assert_eq!(
            loaded.by.values().into_iter().collect::<Vec<_>>(),
            [1.5, -0.25]
        );
    }
    Ok(())
}

#[test]
fn a_header_longer_than_any_file() {
    let scratch = Scratch::new("header");
    for length in [1u64 << 63, u64::MAX, 1 << 40] {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend(b"{}");
        std::fs::write(scratch.file(), bytes).expect("a folder for tests");
        let error = Shift::load(scratch.file()).expect_err("no header");
        assert!(
            matches!(error, sinew::Error::NotSafetensors { .. }),
            "{error}"
        );
    }
    let header = r#"{"by":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#;
    written(&scratch.file(), header, &[]);
    assert!(Shift::load(scratch.file()).is_err());
}

#[model]
struct Row<N> {
    #[init(zeros)]
    by: Param<N>,
}

#[test]
fn a_file_does_not_tell_sizes() -> sinew::Result<()> {
    let scratch = Scratch::new("sizes");
    let mut model = Row::init(&RowConfig { N: 3 }, 0)?;
    model.save(scratch.file())?;
    let error = Row::load(scratch.file())
        .expect_err("N is not in the file")
        .to_string();
    for word in ["model.safetensors: ", "Row`", "`init`", "`load_into`"] {
        assert!(error.contains(word), "{error}");
    }
    model.load_into(scratch.file())
}

#[test]
fn files_that_are_none_are_errors() -> sinew::Result<()> {
    let scratch = Scratch::new("none");
    let file = scratch.file();
    assert!(matches!(Net::load(&file), Err(sinew::Error::File { .. })));
    let mut model = Net::init(7);
    model.save(&file)?;
    let bytes = std::fs::read(&file).expect("just written");
    for cut in [0, 7, 40, bytes.len() - 1] {
        std::fs::write(&file, &bytes[..cut]).expect("a folder for tests");
        let Err(error) = model.load_into(&file) else {
            panic!("{cut} bytes were enough");
        };
        assert!(
            error
                .to_string()
                .contains("is not a complete safetensors file"),
            "{error}"
        );
    }
    std::fs::write(&file, "a,b,c\n1,2,3\n").expect("a folder for tests");
    let error = model.load_into(&file);
    assert!(matches!(error, Err(sinew::Error::NotSafetensors { .. })));
    assert_eq!(model, Net::init(7));
    Ok(())
}
