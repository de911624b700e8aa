//! The text of one shader in the making: bindings, the prelude functions used, the lines so far.

use std::collections::BTreeSet;
use std::fmt::Write;

use sinew_ir::DType;

use super::prelude;
use super::{EmitError, Limits, Shader};
use crate::kernel::{Access, Code, Kernel, Slot, SlotId};

/// A storage binding: the region of some slots.
struct Binding {
    /// What the text has it hold.
    word: Word,
    /// Whether it is written.
    written: bool,
}

/// What the elements of a binding are: those of its slots, if these are all of one kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// f32.
    Float,
    /// u32; other values are bitcast.
    Bits,
    /// u16: a half is one, all else two.
    Half,
}

impl Word {
    /// What has slots of both.
    fn with(self, other: Word) -> Word {
        match (self, other) {
            (Word::Half, _) | (_, Word::Half) => Word::Half,
            (Word::Bits, _) | (_, Word::Bits) => Word::Bits,
            (Word::Float, Word::Float) => Word::Float,
        }
    }

    /// Its type in WGSL.
    fn name(self) -> &'static str {
        match self {
            Word::Float => "f32",
            Word::Bits => "u32",
            Word::Half => "u16",
        }
    }
}

/// A shader being written.
pub(super) struct Source<'a> {
    kernel: &'a Kernel,
    /// What the device allows.
    pub limits: &'a Limits,
    bindings: Vec<Binding>,
    /// The binding of each slot.
    sharing: &'a [usize],
    /// Whether runs are cut: then the uniform buffer has, behind the slots, the first workgroup of a
    /// share, how many there are, and how many stand side by side in the dispatch.
    pub in_shares: bool,
    needs: BTreeSet<&'static str>,
    text: String,
    depth: usize,
}

/// Whether a code has an instruction of f64.
fn computes_f64(code: &Code) -> bool {
    code.insts.iter().any(|inst| inst.dtype == DType::F64)
}

impl<'a> Source<'a> {
    /// A shader without text for `kernel`; `sharing` gives the binding of each slot.
    pub fn new(
        kernel: &'a Kernel,
        sharing: &'a [usize],
        in_shares: bool,
        limits: &'a Limits,
    ) -> Result<Source<'a>, EmitError> {
        let mut source = Source {
            kernel,
            limits,
            bindings: Vec::new(),
            sharing,
            in_shares,
            needs: BTreeSet::new(),
            text: String::new(),
            depth: 0,
        };
        for (slot, &at) in kernel.slots.iter().zip(sharing) {
            let word = match slot.dtype {
                DType::F32 => Word::Float,
                DType::I32 | DType::U32 | DType::Bool => Word::Bits,
                DType::F16 | DType::Bf16 if limits.halves => Word::Half,
                DType::F16 | DType::Bf16 => return Err(source.no_halves(slot.dtype)),
                DType::F64 => return Err(source.f64()),
                DType::Float => return Err(source.malformed("a slot of an unbound type")),
            };
            while source.bindings.len() <= at {
                source.bindings.push(Binding {
                    word: Word::Float,
                    written: false,
                });
            }
            source.bindings[at].word = source.bindings[at].word.with(word);
            source.bindings[at].written |= slot.usage.writes();
        }
        let bodies = kernel.class.loop_bodies();
        if bodies.iter().any(|body| computes_f64(body.code)) {
            return Err(source.f64());
        }
        Ok(source)
    }

    /// A slot.
    pub fn slot(&self, id: SlotId) -> Result<&'a Slot, EmitError> {
        let slot = self.kernel.slots.get(id.0 as usize);
        slot.ok_or_else(|| self.malformed(format!("there is no slot {}", id.0)))
    }

    /// The expression of the word where the slot of an access begins.
    pub fn start(&self, access: &Access) -> Result<String, EmitError> {
        self.slot(access.slot)?;
        let at = access.slot.0 as usize;
        Ok(format!(
            "slots[{}].{}",
            at / 4,
            ["x", "y", "z", "w"][at % 4]
        ))
    }

    /// The expression of the vector that says which workgroups a share has.
    pub fn share(&self) -> String {
        format!("slots[{}]", self.sharing.len().div_ceil(4))
    }

    /// The number of a slot's binding, and the binding.
    fn binding(&self, id: SlotId) -> Result<(usize, &Binding), EmitError> {
        let at = self.sharing.get(id.0 as usize).copied();
        let found = at.and_then(|at| Some((at, self.bindings.get(at)?)));
        found.ok_or_else(|| self.malformed(format!("slot {} is not bound", id.0)))
    }

    /// The expression that loads element `index` of the region behind a slot.
    pub fn load(&self, slot: SlotId, index: &str) -> Result<String, EmitError> {
        let (at, binding) = self.binding(slot)?;
        let dtype = self.slot(slot)?.dtype;
        let place = match binding.word {
            Word::Float | Word::Bits => format!("b{at}[{index}]"),
            Word::Half if dtype.is_half() => format!("u32(b{at}[{index}])"),
            Word::Half => {
                let [low, high] = halves(index);
                format!("(u32(b{at}[{low}]) | (u32(b{at}[{high}]) << 16u))")
            }
        };
        Ok(match dtype {
            DType::F32 if binding.word == Word::Float => place,
            DType::F32 => format!("bitcast<f32>({place})"),
            DType::I32 => format!("bitcast<i32>({place})"),
            DType::U32 | DType::F16 | DType::Bf16 => place,
            DType::Bool => format!("({place} != 0u)"),
            DType::Float | DType::F64 => return Err(self.f64()),
        })
    }

    /// The statement that stores `value` in element `index` of the region behind a slot.
    pub fn store(&self, slot: SlotId, index: &str, value: &str) -> Result<String, EmitError> {
        let (at, binding) = self.binding(slot)?;
        let dtype = self.slot(slot)?.dtype;
        let stored = match dtype {
            DType::F32 if binding.word == Word::Float => value.to_string(),
            DType::F32 | DType::I32 => format!("bitcast<u32>({value})"),
            DType::U32 | DType::F16 | DType::Bf16 => value.to_string(),
            DType::Bool => format!("select(0u, 1u, {value})"),
            DType::Float | DType::F64 => return Err(self.f64()),
        };
        Ok(match binding.word {
            Word::Float | Word::Bits => format!("b{at}[{index}] = {stored};"),
            Word::Half if dtype.is_half() => format!("b{at}[{index}] = u16({stored});"),
            Word::Half => {
                let [low, high] = halves(index);
                format!(
                    "b{at}[{low}] = u16({stored} & 0xffffu); b{at}[{high}] = u16({stored} >> 16u);"
                )
            }
        })
    }

    /// Asks for a prelude function and gives its name.
    pub fn need(&mut self, name: &'static str) -> &'static str {
        self.needs.insert(name);
        name
    }

    /// Adds a line.
    pub fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds a line that opens a block.
    pub fn open(&mut self, line: &str) {
        self.line(line);
        self.depth += 1;
    }

    /// Closes a block.
    pub fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    /// The error for kernel IR that means nothing.
    pub fn malformed(&self, what: impl Into<String>) -> EmitError {
        EmitError::Malformed {
            kernel: self.kernel.name.clone(),
            what: what.into(),
        }
    }

    /// The error for f64.
    pub fn f64(&self) -> EmitError {
        EmitError::F64 {
            kernel: self.kernel.name.clone(),
        }
    }

    /// The error for halves in memory that has none.
    fn no_halves(&self, dtype: DType) -> EmitError {
        EmitError::Half {
            kernel: self.kernel.name.clone(),
            dtype,
        }
    }

    /// The error for spaces beyond 32 bits.
    pub fn too_large(&self, count: u128) -> EmitError {
        EmitError::Space {
            kernel: self.kernel.name.clone(),
            count,
        }
    }

    /// The shader.
    pub fn finish(self, groups: [u32; 3], work: u64) -> Shader {
        let mut needs = self.needs;
        for item in prelude::items().rev() {
            if needs.contains(item.name) {
                needs.extend(item.needs);
            }
        }
        let mut source = String::new();
        if self.bindings.iter().any(|b| b.word == Word::Half) {
            source.push_str("enable wgpu_int16;\n");
        }
        for (at, Binding { word, written }) in self.bindings.iter().enumerate() {
            let access = if *written { "read_write" } else { "read" };
            let element = word.name();
            writeln!(
                source,
                "@group(0) @binding({at}) var<storage, {access}> b{at}: array<{element}>;"
            )
            .expect("writing to a string does not fail");
        }
        writeln!(
            source,
            "@group(0) @binding({}) var<uniform> slots: array<vec4<u32>, {}>;",
            self.bindings.len(),
            self.sharing.len().div_ceil(4) + usize::from(self.in_shares)
        )
        .expect("writing to a string does not fail");
        for item in prelude::items().filter(|item| needs.contains(item.name)) {
            source.push('\n');
            source.push_str(item.text);
        }
        source.push('\n');
        source.push_str(&self.text);
        Shader {
            name: self.kernel.name.clone(),
            source,
            written: self.bindings.iter().map(|b| b.written).collect(),
            groups,
            work,
        }
    }
}

/// The places of the two halves of a word, the lower one first.
fn halves(word: &str) -> [String; 2] {
    [format!("2u * ({word})"), format!("2u * ({word}) + 1u")]
}
