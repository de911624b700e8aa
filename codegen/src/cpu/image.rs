//! Compiled functions as bytes, to be kept between processes, and back.
//!
//! ```text
//! magic, format | key | bytes of the functions | checksum of all the rest | the functions
//!      8      4 |  32 |                      8 |                       32 |
//! ```
//!
//! Numbers are little-endian. A function is its name, alignment, code and references; a reference is its offset, kind,
//! addend and symbol; texts and lists have their length in front. The checksum (SHA-256) finds damage, not malice: who
//! may write where images are kept may run code in the process.
//!
//! What is read is checked as if it were not ours, since it becomes code: that it is whole and of the key that is
//! asked for, that it has the functions of the schedule and refers to nothing else than what this process has.

use cranelift_codegen::binemit::Reloc;
use sha2::{Digest, Sha256};

use super::key::CodeKey;
use super::machine::{Compiled, Reference};

const MAGIC: &[u8; 8] = b"sinew\0mc";

/// Changes with the layout of images.
const FORMAT: u32 = 1;

/// Bytes in front of the functions.
const HEADER: usize = 8 + 4 + 32 + 8 + 32;

/// Where the checksum lies.
const SUM: usize = HEADER - 32;

/// More than any function asks for, and a page at the most.
const MOST_ALIGNMENT: u64 = 4096;

/// How references are written in code.
const KINDS: [Kind; 3] = [
    Kind {
        reloc: Reloc::Abs8,
        bytes: 8,
        near: false,
    },
    Kind {
        reloc: Reloc::X86CallPCRel4,
        bytes: 4,
        near: true,
    },
    Kind {
        reloc: Reloc::Arm64Call,
        bytes: 4,
        near: true,
    },
];

/// A way to write a reference.
struct Kind {
    reloc: Reloc,
    /// How many bytes of code it takes.
    bytes: usize,
    /// Whether it reaches functions of the same program only.
    near: bool,
}

/// Why an image is not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// It is none, or of another format.
    #[error("it is no machine code of this format")]
    Foreign,
    /// It is of something else.
    #[error("it is of another program, processor or version")]
    OtherKey,
    /// It is cut, or has more behind it.
    #[error("it is not as long as it says")]
    Length,
    /// Bytes have changed.
    #[error("its checksum is another one")]
    Checksum,
    /// It is whole and makes no sense.
    #[error("it has {0}")]
    Contents(&'static str),
}

/// The image of a schedule's functions; none if there is a reference that images have no form for.
pub(super) fn encode(key: &CodeKey, functions: &[Compiled]) -> Option<Vec<u8>> {
    let mut out = Writer(vec![0; HEADER]);
    out.length(functions.len())?;
    for function in functions {
        out.text(function.name.as_bytes())?;
        out.0.extend(function.alignment.to_le_bytes());
        out.text(&function.bytes)?;
        out.length(function.references.len())?;
        for reference in &function.references {
            let kind = KINDS.iter().position(|k| k.reloc == reference.kind)?;
            out.0.extend(reference.offset.to_le_bytes());
            out.0.push(u8::try_from(kind).ok()?);
            out.0.extend(reference.addend.to_le_bytes());
            out.text(reference.symbol.as_bytes())?;
        }
    }
    let mut bytes = out.0;
    let (header, functions) = bytes.split_at_mut_checked(HEADER)?;
    let length = u64::try_from(functions.len()).ok()?;
    let (start, sum) = header.split_at_mut_checked(SUM)?;
    let fields = [
        &MAGIC[..],
        &FORMAT.to_le_bytes(),
        key.bytes(),
        &length.to_le_bytes(),
    ];
    start.copy_from_slice(&fields.concat());
    sum.copy_from_slice(&checksum(start, functions));
    Some(bytes)
}

/// The functions of an image: those of these names, in order, which refer to each other and to `imports`.
///
/// # Errors
/// An image that is not used.
pub(super) fn decode(
    image: &[u8],
    key: &CodeKey,
    names: &[&str],
    imports: &[(String, *const u8)],
) -> Result<Vec<Compiled>, Damage> {
    let (header, functions) = image.split_at_checked(HEADER).ok_or(Damage::Length)?;
    let (start, sum) = header.split_at_checked(SUM).ok_or(Damage::Length)?;
    let mut fields = Reader(start);
    if fields.take(MAGIC.len())? != MAGIC || fields.u32()? != FORMAT {
        return Err(Damage::Foreign);
    }
    if fields.take(32)? != key.bytes() {
        return Err(Damage::OtherKey);
    }
    if u64::try_from(functions.len()) != Ok(fields.u64()?) {
        return Err(Damage::Length);
    }
    if checksum(start, functions) != sum {
        return Err(Damage::Checksum);
    }
    let mut reader = Reader(functions);
    let count = reader.length()?;
    if count != names.len() {
        return Err(Damage::Contents("another number of functions"));
    }
    let all = names
        .iter()
        .map(|name| reader.function(name, names, imports));
    let all: Vec<Compiled> = all.collect::<Result<_, _>>()?;
    match reader.0.is_empty() {
        true => Ok(all),
        false => Err(Damage::Contents("more than its functions")),
    }
}

/// That of the header's other fields and of the functions.
fn checksum(start: &[u8], functions: &[u8]) -> [u8; 32] {
    let sum = Sha256::new().chain_update(start).chain_update(functions);
    sum.finalize().into()
}

/// Bytes that grow.
struct Writer(Vec<u8>);

impl Writer {
    fn length(&mut self, length: usize) -> Option<()> {
        self.0.extend(u32::try_from(length).ok()?.to_le_bytes());
        Some(())
    }

    fn text(&mut self, text: &[u8]) -> Option<()> {
        self.length(text.len())?;
        self.0.extend_from_slice(text);
        Some(())
    }
}

/// Bytes that are still to be read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damage::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Damage::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, Damage> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, Damage> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn length(&mut self) -> Result<usize, Damage> {
        usize::try_from(self.u32()?).map_err(|_| Damage::Length)
    }

    fn text(&mut self) -> Result<&'b [u8], Damage> {
        let length = self.length()?;
        self.take(length)
    }

    fn function(
        &mut self,
        name: &str,
        names: &[&str],
        imports: &[(String, *const u8)],
    ) -> Result<Compiled, Damage> {
        if self.text()? != name.as_bytes() {
            return Err(Damage::Contents("another function"));
        }
        let alignment = self.u64()?;
        if !alignment.is_power_of_two() || alignment > MOST_ALIGNMENT {
            return Err(Damage::Contents("an alignment that there is not"));
        }
        let bytes = self.text()?;
        if bytes.is_empty() {
            return Err(Damage::Contents("a function without code"));
        }
        let count = self.length()?;
        // Not room for as many as it says: that is to be seen.
        let mut references = Vec::new();
        for _ in 0..count {
            references.push(self.reference(bytes.len(), names, imports)?);
        }
        let bytes = bytes.to_vec();
        Ok(Compiled::from_bytes(name, bytes, alignment, references))
    }

    /// A reference in a function of so many bytes.
    fn reference(
        &mut self,
        length: usize,
        names: &[&str],
        imports: &[(String, *const u8)],
    ) -> Result<Reference, Damage> {
        let offset = self.u32()?;
        let [kind] = self.array()?;
        let kind = KINDS.get(usize::from(kind));
        let kind = kind.ok_or(Damage::Contents("a reference of no kind"))?;
        let end = usize::try_from(offset)
            .ok()
            .and_then(|at| at.checked_add(kind.bytes));
        if end.is_none_or(|end| end > length) {
            return Err(Damage::Contents("a reference outside its function"));
        }
        let addend = i64::from_le_bytes(self.array()?);
        // What stands behind the place that is written, at the most.
        if !(-8..=8).contains(&addend) {
            return Err(Damage::Contents("a reference to beside a symbol"));
        }
        let symbol = self.text()?;
        let is = |name: &str| name.as_bytes() == symbol;
        let name = names.iter().copied().find(|name| is(name));
        let far = imports.iter().map(|(name, _)| name.as_str());
        let name = name.or_else(|| far.filter(|_| !kind.near).find(|name| is(name)));
        let symbol = name.ok_or(Damage::Contents("a reference to an unknown symbol"))?;
        Ok(Reference {
            offset,
            kind: kind.reloc,
            addend,
            symbol: symbol.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::store::CodeStore;
    use crate::cpu::{Options, compile_stored};
    use crate::kernel::{Regions, Schedule};
    use proptest::prelude::*;
    use std::cell::Cell;

    /// Notes the key that it is asked for.
    #[derive(Default)]
    struct Keys(Cell<Option<CodeKey>>);

    impl CodeStore for Keys {
        fn load(&self, key: &CodeKey) -> Option<Vec<u8>> {
            self.0.set(Some(*key));
            None
        }

        fn keep(&self, _: &CodeKey, _: &[u8]) {}

        fn refused(&self, _: &CodeKey, _: Damage) {}
    }

    /// A key: that of nothing.
    fn key() -> Option<CodeKey> {
        let keys = Keys::default();
        compile_stored(
            &Schedule::new(Regions::default()),
            &Options::default(),
            &keys,
        )
        .ok()?;
        keys.0.get()
    }

    const NAMES: [&str; 3] = ["a", "b", "driver"];

    fn imports() -> Vec<(String, *const u8)> {
        vec![("shim".to_string(), std::ptr::null())]
    }

    /// Functions as they come from code generators.
    fn functions() -> impl Strategy<Value = Vec<Compiled>> {
        let reference = |length: usize| {
            let kind = (0..KINDS.len(), 0..=length - 8, -8..=8_i64, 0..4_usize);
            kind.prop_map(|(kind, offset, addend, symbol)| {
                let kind = &KINDS[kind];
                let symbol = match (kind.near, symbol) {
                    (false, 3) => "shim",
                    (_, symbol) => NAMES[symbol % 3],
                };
                Reference {
                    offset: offset as u32,
                    kind: kind.reloc,
                    addend,
                    symbol: symbol.to_string(),
                }
            })
        };
        let function = move |name: &'static str| {
            let bytes = prop::collection::vec(any::<u8>(), 8..200);
            (bytes, 0..13_u32).prop_flat_map(move |(bytes, alignment)| {
                let references = prop::collection::vec(reference(bytes.len()), 0..4);
                references.prop_map(move |references| {
                    Compiled::from_bytes(name, bytes.clone(), 1 << alignment, references)
                })
            })
        };
        NAMES.map(function).to_vec()
    }

    proptest! {
        #[test]
        fn functions_come_back_as_they_were(functions in functions()) {
            let key = key().expect("nothing compiles");
            let image = encode(&key, &functions).expect("all kinds have a form");
            prop_assert_eq!(decode(&image, &key, &NAMES, &imports()), Ok(functions));
        }

        /// What has a right checksum is read too: nothing of it is believed, and nothing panics.
        #[test]
        fn bytes_that_make_no_sense_are_refused(
            functions in functions(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let key = key().expect("nothing compiles");
            let mut image = encode(&key, &functions).expect("all kinds have a form");
            if cut.index(4) == 0 {
                image.truncate(HEADER + cut.index(image.len() - HEADER));
            }
            for (at, byte) in changes {
                if image.len() > HEADER {
                    let at = HEADER + at.index(image.len() - HEADER);
                    image[at] = byte;
                }
            }
            let (header, rest) = image.split_at_mut(HEADER);
            let length = (rest.len() as u64).to_le_bytes();
            header[SUM - 8..SUM].copy_from_slice(&length);
            let sum = checksum(&header[..SUM], rest);
            header[SUM..].copy_from_slice(&sum);
            if let Ok(all) = decode(&image, &key, &NAMES, &imports()) {
                for function in all {
                    prop_assert!(function.alignment.is_power_of_two());
                    for reference in &function.references {
                        prop_assert!(reference.offset as usize + 4 <= function.len());
                    }
                }
            }
        }
    }
}
