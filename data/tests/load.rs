//! Files: those of NumPy, MNIST, safetensors and text; and files that lie.

use crate::allocation::largest;
use crate::temporary;
use half::bf16;
use ndarray::{Array0, Array1, Array2, Array3, Array4, ArrayD, array};
use sinew_data::load::{Csv, Element, csv, idx, npy, npz, safetensors};
use sinew_data::{Error, Place, Result};
use sinew_fuzz::{Random, Target};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// What `small` is in `files.py`.
fn small() -> Array2<f32> {
    array![[0.0, 0.25, 0.5], [0.75, 1.0, 1.25]]
}

/// The message of an error, without the folder.
fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
    let text = result.expect_err("an error").to_string();
    text.rsplit('/').next().unwrap_or_default().to_string()
}

#[test]
fn numpy_files_of_every_kind() -> Result<()> {
    for name in ["f4.npy", "f8_columns_big.npy", "f2.npy", "version_2.npy"] {
        let found: Array2<f32> = npy(file(name))?;
        assert_eq!(found, small(), "{name}");
        assert!(found.is_standard_layout(), "{name}");
        let wide: ArrayD<f64> = npy(file(name))?;
        assert_eq!(wide, small().mapv(f64::from).into_dyn(), "{name}");
    }
    let images: Array4<f32> = npy(file("u1.npy"))?;
    assert_eq!((images.dim(), images[[1, 2, 1, 0]]), ((2, 3, 2, 2), 220.0));
    let flags: Array1<bool> = npy(file("b1.npy"))?;
    let counts: Array1<u8> = npy(file("b1.npy"))?;
    assert_eq!(
        (flags.to_vec(), counts.to_vec()),
        (vec![true, false, true], vec![1, 0, 1])
    );
    let one: Array0<f64> = npy(file("scalar.npy"))?;
    assert_eq!(one.into_scalar(), 2.5);
    let none: Array2<f32> = npy(file("empty.npy"))?;
    assert_eq!(none.dim(), (0, 4));
    let wide: Array1<i64> = npy(file("i8.npy"))?;
    assert_eq!(wide.to_vec(), [3, -1, 2147483647, 2147483648]);
    Ok(())
}

#[test]
fn numpy_files_that_hold_something_else() {
    let other = npy::<i32, ndarray::Ix1>(file("i8.npy"));
    assert_eq!(
        said(other),
        "i8.npy: element [3]: expected an i32, and 2147483648 came"
    );
    let other = npy::<u64, ndarray::Ix1>(file("i8.npy"));
    assert_eq!(
        said(other),
        "i8.npy: element [1]: expected a u64, and -1 came"
    );
    let other = npy::<i32, ndarray::Ix1>(file("f8_whole.npy"));
    assert_eq!(
        said(other),
        "f8_whole.npy: element [2]: expected an i32, and 2.5 came"
    );
    let other = npy::<i32, ndarray::Ix2>(file("f8_columns_big.npy"));
    assert_eq!(
        said(other),
        "f8_columns_big.npy: element [1, 0]: expected an i32, and 0.75 came"
    );
    let other = npy::<bool, ndarray::Ix1>(file("i8.npy"));
    assert_eq!(
        said(other),
        "i8.npy: element [0]: expected a bool, and 3 came"
    );
    let other = npy::<f32, ndarray::Ix1>(file("f4.npy"));
    assert_eq!(
        said(other),
        "f4.npy: expected an array of 1 dims, and one of shape (2, 3) came"
    );
    let other = npy::<f32, ndarray::Ix1>(file("text.npy"));
    assert_eq!(
        said(other),
        "text.npy: expected elements that are numbers of up to 64 bits, and elements of `<U2` came"
    );
    let other = said(npy::<f32, ndarray::Ix1>(file("records.npy")));
    assert!(
        other.contains("[(\\'a\\', \\'<i4\\')") || other.contains("[('a', '<i4')"),
        "{other}"
    );
    let other = npy::<f32, ndarray::Ix1>(file("images.idx"));
    assert!(said(other).starts_with("images.idx: expected an .npy array, which starts with"));
    let error = npy::<f32, ndarray::Ix1>(file("none.npy")).expect_err("no such file");
    assert!(matches!(error, Error::File { .. }), "{error}");
}

#[test]
fn archives_of_numpy_and_safetensors() -> Result<()> {
    let stored = npz(file("stored.npz"))?;
    assert_eq!(stored.names().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(stored.array::<f32, _>("x")?, small());
    let packed = npz(file("packed.npz"))?;
    assert_eq!(
        packed.array::<f64, _>("x")?,
        Array2::from_elem((50, 40), 0.5)
    );
    assert_eq!(packed.array::<i32, _>("y")?, array![1, 2]);
    let missing = packed.array::<f32, ndarray::Ix1>("z");
    assert_eq!(
        said(missing),
        "packed.npz: `z`: expected an array of this name, and a file with `x`, `y` came"
    );

    let tensors = safetensors(file("arrays.safetensors"))?;
    assert_eq!(
        tensors.names().collect::<Vec<_>>(),
        ["brain", "eighths", "ids", "x"]
    );
    assert_eq!(tensors.array::<f32, _>("x")?, small());
    assert_eq!(tensors.array::<usize, _>("ids")?, array![7, 8]);
    assert_eq!(
        tensors.array::<bf16, _>("brain")?,
        array![0.5, -2.0].mapv(bf16::from_f64)
    );
    let eighths = said(tensors.array::<f32, ndarray::Ix1>("eighths"));
    assert!(
        eighths.ends_with("and elements of F8_E5M2 came"),
        "{eighths}"
    );
    Ok(())
}

/// A zip archive with the numbers of its end in 64 bits.
#[test]
fn archives_with_a_directory_of_64_bits() -> Result<()> {
    let mut bytes = std::fs::read(file("stored.npz")).expect("a file of the tests");
    let end = bytes.len() - 22;
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    let (size, start) = (u64::from(word(end + 12)), u64::from(word(end + 16)));
    let mut tail = b"PK\x06\x06".to_vec();
    tail.extend(44u64.to_le_bytes());
    tail.extend([45, 0, 45, 0]);
    tail.extend([0; 8]);
    tail.extend(2u64.to_le_bytes());
    tail.extend(2u64.to_le_bytes());
    tail.extend(size.to_le_bytes());
    tail.extend(start.to_le_bytes());
    tail.extend(b"PK\x06\x07\0\0\0\0");
    tail.extend((end as u64).to_le_bytes());
    tail.extend(1u32.to_le_bytes());
    tail.extend(b"PK\x05\x06");
    tail.extend([0, 0, 0, 0]);
    tail.extend([0xff; 12]);
    tail.extend([0, 0]);
    bytes.truncate(end);
    bytes.extend(tail);
    let path = temporary("wide.npz");
    std::fs::write(&path, &bytes).expect("a temporary file");
    assert_eq!(npz(path)?.array::<f32, _>("x")?, small());
    Ok(())
}

#[test]
fn files_of_mnist() -> Result<()> {
    let expected = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| {
        ((12 * i + 4 * j + k) * 11 % 256) as u8
    });
    for name in ["images.idx", "images.idx.gz"] {
        assert_eq!(idx::<u8, _>(file(name))?, expected, "{name}");
        assert_eq!(
            idx::<f32, _>(file(name))?,
            expected.mapv(f32::from),
            "{name}"
        );
    }
    assert_eq!(idx::<i64, _>(file("i2.idx"))?, array![1, -2, 300]);
    assert_eq!(idx::<f32, _>(file("f4.idx"))?, array![0.5, -2.25]);
    assert_eq!(
        said(idx::<u8, ndarray::Ix1>(file("i2.idx"))),
        "i2.idx: element [1]: expected a u8, and -2 came"
    );
    Ok(())
}

/// Integers past what a float holds, floats past a float's range, infinities and NaN.
#[test]
fn numbers_are_converted_with_checks() {
    use sinew_data::load::Number::{Bool, Float, Int};
    assert_eq!(f32::of(Int(1 << 24)), Some(16_777_216.0));
    assert_eq!(f32::of(Int((1 << 24) + 1)), None);
    assert_eq!(f64::of(Int((1 << 53) + 1)), None);
    assert_eq!(f32::of(Float(0.1)), Some(0.1));
    assert_eq!(f32::of(Float(1e39)), None);
    assert_eq!(f32::of(Float(f64::INFINITY)), Some(f32::INFINITY));
    assert!(f32::of(Float(f64::NAN)).is_some_and(f32::is_nan));
    assert_eq!(half::f16::of(Float(70000.0)), None);
    assert_eq!(
        (i64::of(Float(1e18)), i64::of(Float(1e19))),
        (Some(1_000_000_000_000_000_000), None)
    );
    assert_eq!(
        (u8::of(Int(255)), u8::of(Int(256)), u8::of(Float(-0.0))),
        (Some(255), None, Some(0))
    );
    assert_eq!(
        (
            i32::of(Float(f64::NAN)),
            u8::of(Bool(true)),
            bool::of(Int(1))
        ),
        (None, Some(1), None)
    );
    assert_eq!(
        (i32::parse("3.0"), i32::parse("3.5"), i32::parse("")),
        (Some(3), None, None)
    );
    assert_eq!(
        (f32::parse("1e39"), f32::parse("inf"), f64::parse("-2.5e-3")),
        (None, Some(f32::INFINITY), Some(-2.5e-3))
    );
}

const TABLE: &str = "name, length ,\"width, in m\",kept\nadder,1.5, 2,true\n\n\"boa\nconstrictor\",3,4,false\nadder,-1e1,6,1\n";

#[test]
fn tables_of_text() -> Result<()> {
    let table = Csv::new().parse("snakes.csv", TABLE.as_bytes())?;
    assert_eq!((table.rows(), table.width()), (3, 4));
    assert_eq!(
        table.names().collect::<Vec<_>>(),
        ["name", "length", "width, in m", "kept"]
    );
    assert_eq!(
        table.columns::<f32>(1..3)?,
        array![[1.5, 2.0], [3.0, 4.0], [-10.0, 6.0]]
    );
    assert_eq!(
        table.columns::<f64>(["width, in m", "length"])?,
        array![[2.0, 1.5], [4.0, 3.0], [6.0, -10.0]]
    );
    assert_eq!(table.column::<u8>("width, in m")?, array![2, 4, 6]);
    assert_eq!(table.column::<bool>(3)?, array![true, false, true]);
    let (classes, names) = table.classes("name")?;
    assert_eq!(
        (classes.to_vec(), names),
        (
            vec![0, 1, 0],
            vec!["adder".to_string(), "boa\nconstrictor".into()]
        )
    );
    assert_eq!(table.text(0)?[2], "adder");
    let plain = Csv::new()
        .without_names()
        .delimiter(b'\t')
        .parse("t", "1\t2\n3\t4".as_bytes())?;
    assert_eq!(plain.columns::<i32>([0, 1])?, array![[1, 2], [3, 4]]);
    let none = Csv::new().parse("none", "a,b\n".as_bytes())?;
    assert_eq!(
        (
            none.columns::<f32>(["a", "b"])?.dim(),
            none.column::<i32>("a")?.len()
        ),
        ((0, 2), 0)
    );
    let nothing = Csv::new().parse("nothing", "".as_bytes())?;
    assert!(nothing.column::<f32>(0).is_err() && nothing.columns::<f32>([0; 0])?.is_empty());
    Ok(())
}

#[test]
fn tables_that_hold_something_else() {
    let table = Csv::new()
        .parse("snakes.csv", TABLE.as_bytes())
        .expect("a table");
    let said = |result: Result<Array1<i32>>| result.expect_err("an error").to_string();
    let error = table.column::<i32>("length").expect_err("1.5");
    let place = Place::Cell {
        line: 2,
        column: "length".into(),
    };
    assert!(
        matches!(&error, Error::Contents { place: found, .. } if **found == place),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "snakes.csv: line 2, column `length`: expected an i32, and `1.5` came"
    );
    assert_eq!(
        said(table.column("weight")),
        "snakes.csv: expected a column `weight`, and a table of 4 columns (`name`, `length`, `width, in m`, `kept`) came"
    );
    assert!(said(table.column(4)).starts_with("snakes.csv: expected a column `4`"));
    let parse = |text: &[u8]| {
        Csv::new()
            .parse("t.csv", text)
            .and_then(|table| table.column::<i32>(0))
    };
    assert_eq!(
        said(parse(b"a,b\n1,2\n3\n")),
        "t.csv: line 3: expected 2 cells, as in the lines above, and 1 came"
    );
    assert_eq!(
        said(parse(b"a,b\n,2\n")),
        "t.csv: line 2, column `0`: expected an i32, and an empty cell came"
    );
    assert_eq!(
        said(parse(b"a,b\n1,\xff\n")),
        "t.csv: line 2: expected text in UTF-8, and other bytes in column 1 came"
    );
    // The line is that of the row's start, behind an empty one and a cell of two lines.
    let table = Csv::new()
        .parse("t.csv", TABLE.replace("-1e1", "x").as_bytes())
        .expect("a table");
    assert!(said(table.column("length")).starts_with("t.csv: line 2"));
    let column = table.column::<f32>("length").expect_err("x").to_string();
    assert_eq!(
        column,
        "t.csv: line 6, column `length`: expected an f32, and `x` came"
    );
    assert!(matches!(csv(file("none.csv")), Err(Error::File { .. })));
}

/// Every read of a file must end with an array or an error, having asked for no more memory at once than a small
/// multiple of what is in the file.
fn read_all(path: &Path, bytes: &[u8]) {
    // Without emptying it first: some file systems then wait for the disk when it is closed.
    let mut to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .expect("a temporary file");
    to.set_len(bytes.len() as u64)
        .and_then(|()| to.write_all(bytes))
        .expect("room on the disk");
    drop(to);
    let limit = 64 * bytes.len() + 70_000;
    let check = |kind: &str, read: &dyn Fn() -> Result<usize>| {
        let (found, most) = largest(read);
        assert!(
            most <= limit,
            "{kind} of {} bytes asks for {most}: {found:?}",
            bytes.len()
        );
    };
    check("npy", &|| Ok(npy::<f32, ndarray::IxDyn>(path)?.len()));
    check("idx", &|| Ok(idx::<f32, ndarray::IxDyn>(path)?.len()));
    let archive = |archive: Result<sinew_data::load::Archive>| {
        let archive = archive?;
        let names: Vec<String> = archive.names().map(String::from).collect();
        names.iter().try_fold(0, |n, name| {
            Ok(n + archive.array::<f32, ndarray::IxDyn>(name)?.len())
        })
    };
    check("npz", &|| archive(npz(path)));
    check("safetensors", &|| archive(safetensors(path)));
    check("csv", &|| {
        let table = csv(path)?;
        Ok(table.columns::<f64>(0..table.width())?.len())
    });
}

const FILES: [&str; 9] = [
    "f4.npy",
    "f8_columns_big.npy",
    "version_2.npy",
    "stored.npz",
    "packed.npz",
    "images.idx",
    "images.idx.gz",
    "i2.idx",
    "arrays.safetensors",
];

#[test]
fn files_that_are_cut_short() {
    let path = temporary("cut");
    for name in FILES {
        let bytes = std::fs::read(file(name)).expect("a file of the tests");
        for length in 0..bytes.len() {
            read_all(&path, &bytes[..length]);
        }
    }
}

#[test]
fn files_with_bytes_changed() {
    let path = temporary("changed");
    for name in FILES {
        let whole = std::fs::read(file(name)).expect("a file of the tests");
        for at in 0..whole.len() {
            for value in [0x00, 0x7f, 0xff, whole[at] ^ 1, whole[at].wrapping_add(3)] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                read_all(&path, &bytes);
            }
        }
    }
}

/// Headers that say more than there is, each in its own way.
#[test]
fn files_that_claim_more_than_they_hold() {
    let path = temporary("claims");
    let header = |text: &str| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    };
    let mut claims = vec![
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
        b"\x93NUMPY\x09\x00\x00\x00".to_vec(),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000), }"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,), }"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 18446744073709551615, 3), }"),
        header("{'descr': '<f8', 'fortran_order': True, 'shape': (99999999999999999999999,), }"),
        header("{'descr': '<f4'"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (2)} 1"),
        header("{'descr': '\u{e9}', 'fortran_order': False, 'shape': ()}"),
        header("{'descr': '', 'fortran_order': False, 'shape': ()}"),
        header("{\u{e9}"),
        vec![0, 0, 8, 255],
        vec![
            0, 0, 14, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        ],
        vec![0, 0, 8, 1, 255, 255, 255, 255, 1, 2, 3],
        u64::MAX.to_le_bytes().to_vec(),
        {
            let text =
                br#"{"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#;
            let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
            bytes.extend(text);
            bytes
        },
    ];
    // An end of a zip archive with many entries that are not there.
    let mut end = b"PK\x05\x06\0\0\0\0\xfe\xff\xfe\xff\xff\xff\xff\x7f\0\0\0\0\0\0".to_vec();
    claims.push(end.clone());
    end.splice(
        0..0,
        *b"PK\x06\x07\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0",
    );
    claims.push(end);
    for bytes in claims {
        read_all(&path, &bytes);
        assert!(
            npy::<f32, ndarray::IxDyn>(&path).is_err(),
            "{}",
            bytes.escape_ascii()
        );
        assert!(
            idx::<f32, ndarray::IxDyn>(&path).is_err(),
            "{}",
            bytes.escape_ascii()
        );
        assert!(npz(&path).is_err(), "{}", bytes.escape_ascii());
        assert!(safetensors(&path).is_err(), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_file_that_goes_on_is_an_error() {
    let path = temporary("longer");
    for (name, said_of_it) in [
        (
            "f4.npy",
            "longer: expected 24 bytes of elements for shape (2, 3), and 25 came",
        ),
        (
            "images.idx",
            "longer: expected 24 bytes of elements for shape (2, 3, 4), and more came",
        ),
    ] {
        let mut bytes = std::fs::read(file(name)).expect("a file of the tests");
        bytes.push(0);
        std::fs::write(&path, &bytes).expect("a temporary file");
        let found = match name {
            "f4.npy" => said(npy::<f32, ndarray::Ix2>(&path)),
            _ => said(idx::<f32, ndarray::Ix3>(&path)),
        };
        assert_eq!(found, said_of_it);
    }
    let mut bytes = std::fs::read(file("packed.npz")).expect("a file of the tests");
    // One bit of what is deflated.
    bytes[60] ^= 4;
    std::fs::write(&path, &bytes).expect("a temporary file");
    let archive = npz(&path).expect("its directory is whole");
    assert!(said(archive.array::<f32, ndarray::Ix2>("x")).starts_with("longer: `x`: expected"));
}

/// Bytes as they are written in a message.
struct Bytes(Vec<u8>);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// A file of the tests with parts changed, left out, repeated, or put in from another.
fn changed_file(seed: u64) -> Bytes {
    let mut random = Random::new(seed);
    let read = |name: &str| std::fs::read(file(name)).expect("a file of the tests");
    let mut bytes = match random.one_in(10) {
        true => TABLE.as_bytes().to_vec(),
        false => read(random.pick(&FILES)),
    };
    for _ in 0..=random.below(4) {
        let start = random.below(bytes.len() + 1);
        let end = start + random.below((bytes.len() - start).min(16) + 1);
        let part = bytes[start..end].to_vec();
        let new = match random.below(5) {
            0 => Vec::new(),
            1 => part.repeat(2),
            2 => part
                .iter()
                .map(|byte| byte ^ (1 << random.below(8)))
                .collect(),
            3 => part
                .iter()
                .map(|_| random.pick(&[0, 1, 0x7f, 0x80, 0xff, b'9', b'\'']))
                .collect(),
            _ => {
                let other = read(random.pick(&FILES));
                let start = random.below(other.len());
                other[start..(start + 32).min(other.len())].to_vec()
            }
        };
        bytes.splice(start..end, new);
    }
    Bytes(bytes)
}

#[test]
fn any_file_is_an_array_or_an_error() {
    let path = temporary("any");
    Target::new("data", 1500).run(changed_file, |bytes| read_all(&path, &bytes.0));
}
