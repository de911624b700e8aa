//! NumPy's files of one array (`numpy.save`), versions 1 to 3 of the format
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use super::element::Element;
use super::raw::{Dtype, Raw};
use super::{bytes_of, contents, little};
use crate::error::{Place, Result};
use ndarray::{Array, Dimension};
use std::path::Path;

/// The array in a `.npy` file, as elements and rank that are asked for.
///
/// ```no_run
/// use ndarray::{Array1, Array4};
/// use sinew_data::load;
///
/// let images: Array4<f32> = load::npy("images.npy")?;     // of a file of u8, say
/// let labels: Array1<i32> = load::npy("labels.npy")?;     // of one of i64: each is checked to be an i32
/// # Ok::<(), sinew_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`](crate::Error::File); [`Error::Contents`](crate::Error::Contents) for a file that is none of NumPy's or is cut short, for elements that are no
/// numbers, for another rank, for an element that is none of those asked for.
pub fn npy<T: Element, D: Dimension>(path: impl AsRef<Path>) -> Result<Array<T, D>> {
    let path = path.as_ref();
    let bytes = bytes_of(path)?;
    raw(path, "", &bytes)?.array()
}

/// The array that starts with the first of `bytes` and takes all of them.
///
/// # Errors
/// [`Error::Contents`](crate::Error::Contents).
pub(super) fn raw<'a>(path: &'a Path, name: &'a str, bytes: &'a [u8]) -> Result<Raw<'a>> {
    let wrong =
        |expected: &str, found: String| contents(path, Place::Array(name.into()), expected, found);
    let short = || {
        wrong(
            "a whole .npy header",
            format!("the end after {} bytes", bytes.len()),
        )
    };
    if !bytes.starts_with(b"\x93NUMPY") {
        let start = bytes.get(..bytes.len().min(6)).unwrap_or_default();
        return Err(wrong(
            "an .npy array, which starts with `\\x93NUMPY`",
            format!("`{}`", start.escape_ascii()),
        ));
    }
    let version: [u8; 2] = little(bytes, 6).ok_or_else(short)?;
    let (length, start) = match version[0] {
        1 => (
            u16::from_le_bytes(little(bytes, 8).ok_or_else(short)?).into(),
            10usize,
        ),
        2 | 3 => (u32::from_le_bytes(little(bytes, 8).ok_or_else(short)?), 12),
        other => {
            return Err(wrong(
                "version 1, 2 or 3 of the .npy format",
                format!("version {other}"),
            ));
        }
    };
    let end = usize::try_from(length)
        .ok()
        .and_then(|length| start.checked_add(length));
    let header = end
        .and_then(|end| bytes.get(start..end))
        .ok_or_else(short)?;
    let elements = end.and_then(|end| bytes.get(end..)).unwrap_or_default();
    let text = String::from_utf8_lossy(header);
    let header = Header::parse(&text).ok_or_else(|| {
        wrong(
            "a header with `descr`, `fortran_order` and `shape`",
            format!("`{}`", shown(&text)),
        )
    })?;
    let (dtype, big_endian) = dtype(header.descr).ok_or_else(|| {
        wrong(
            "elements that are numbers of up to 64 bits",
            format!("elements of `{}`", shown(header.descr)),
        )
    })?;
    Ok(Raw {
        path,
        name,
        dtype,
        shape: header.shape,
        column_major: header.fortran_order,
        big_endian,
        bytes: elements,
    })
}

/// The start of a text, as much of it as is of use in a message.
fn shown(text: &str) -> String {
    let text = text.trim_end();
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}..", text.get(..at).unwrap_or_default())
            .escape_debug()
            .to_string(),
        None => text.escape_debug().to_string(),
    }
}

/// The element type of a description like `<f4`, and whether its bytes are in big-endian order.
fn dtype(descr: &str) -> Option<(Dtype, bool)> {
    let (order, kind) = match descr.split_at_checked(1)? {
        ("<" | "|" | "=", kind) => (false, kind),
        (">", kind) => (true, kind),
        _ => (false, descr),
    };
    let dtype = match kind {
        "b1" | "?" => Dtype::Bool,
        "u1" => Dtype::U8,
        "u2" => Dtype::U16,
        "u4" => Dtype::U32,
        "u8" => Dtype::U64,
        "i1" => Dtype::I8,
        "i2" => Dtype::I16,
        "i4" => Dtype::I32,
        "i8" => Dtype::I64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => return None,
    };
    Some((dtype, order))
}

/// What a header says: the text of a Python dictionary with three known keys.
struct Header<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'a> Header<'a> {
    fn parse(text: &'a str) -> Option<Header<'a>> {
        let mut rest = text.trim().strip_prefix('{')?;
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        loop {
            rest = rest.trim_start();
            if let Some(end) = rest.strip_prefix('}') {
                end.is_empty().then_some(())?;
                break;
            }
            let (key, after) = quoted(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" => match quoted(value) {
                    Some((found, after)) => {
                        descr = Some(found);
                        after
                    }
                    // A list, which describes records: it is shown to the user.
                    None => {
                        return Some(Header {
                            descr: value,
                            fortran_order: false,
                            shape: Vec::new(),
                        });
                    }
                },
                "fortran_order" => {
                    let yes = value.strip_prefix("True");
                    fortran_order = Some(yes.is_some());
                    yes.or_else(|| value.strip_prefix("False"))?
                }
                "shape" => {
                    let (extents, after) = value.strip_prefix('(')?.split_once(')')?;
                    let extents = extents.split(',').map(str::trim).filter(|e| !e.is_empty());
                    shape = Some(
                        extents
                            .map(|e| e.parse().ok())
                            .collect::<Option<Vec<usize>>>()?,
                    );
                    after
                }
                _ => return None,
            };
            rest = rest.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        Some(Header {
            descr: descr?,
            fortran_order: fortran_order?,
            shape: shape?,
        })
    }
}

/// A text in quotes at the start, and what is behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text.get(1..)?.split_once(quote)
}
