//! The text of one shader in the making: bindings, the prelude functions used, the lines so far.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sinew_ir::DType;

use super::nest::stage_code;
use super::prelude::ITEMS;
use super::{EmitError, Limits, Shader};
use crate::kernel::{Access, Buffer, Class, Code, Kernel, RegionId, ScalarKind, Schedule};

/// How a kernel uses a region.
struct Binding {
    /// `b0`, `b1`, ...
    name: String,
    /// Whether every access is f32; else the binding is of u32 and values are bitcast.
    float: bool,
    /// Whether it is written.
    written: bool,
}

/// A shader being written.
pub(super) struct Source<'a> {
    schedule: &'a Schedule,
    kernel: &'a str,
    /// What the device allows.
    pub limits: &'a Limits,
    bindings: BTreeMap<RegionId, Binding>,
    needs: BTreeSet<&'static str>,
    text: String,
    depth: usize,
}

impl<'a> Source<'a> {
    /// A shader without text for `kernel`, its bindings known.
    pub fn new(
        schedule: &'a Schedule,
        kernel: &'a Kernel,
        limits: &'a Limits,
    ) -> Result<Source<'a>, EmitError> {
        let mut source = Source {
            schedule,
            kernel: &kernel.name,
            limits,
            bindings: BTreeMap::new(),
            needs: BTreeSet::new(),
            text: String::new(),
            depth: 0,
        };
        match &kernel.class {
            Class::Nest(nest) => {
                for stage in &nest.stages {
                    source.bind_code(stage_code(stage))?;
                }
            }
            Class::Contract(contract) => {
                source.bind_code(&contract.lhs.code)?;
                source.bind_code(&contract.rhs.code)?;
                source.bind_code(&contract.epilogue)?;
            }
            Class::Scatter(scatter) => {
                source.bind(&scatter.target, true)?;
                source.bind_code(&scatter.code)?;
            }
        }
        let count = source.bindings.len();
        if count > limits.storage_buffers {
            return Err(EmitError::Bindings {
                kernel: kernel.name.clone(),
                count,
                limit: limits.storage_buffers,
            });
        }
        for (at, binding) in source.bindings.values_mut().enumerate() {
            binding.name = format!("b{at}");
        }
        Ok(source)
    }

    fn bind_code(&mut self, code: &Code) -> Result<(), EmitError> {
        for inst in &code.insts {
            if inst.dtype == DType::F64 {
                return Err(self.f64());
            }
            match &inst.kind {
                ScalarKind::Load(access) | ScalarKind::Gather { access, .. } => {
                    self.bind(access, false)?;
                }
                ScalarKind::Const(_)
                | ScalarKind::Index { .. }
                | ScalarKind::Row(_)
                | ScalarKind::Accumulator
                | ScalarKind::Apply(..) => {}
            }
        }
        for store in &code.stores {
            self.bind(&store.access, true)?;
        }
        Ok(())
    }

    fn bind(&mut self, access: &Access, written: bool) -> Result<(), EmitError> {
        let buffer = self.buffer(access)?;
        let region_id = buffer.region;
        let Some(region) = self.schedule.regions.get(region_id.0 as usize) else {
            return Err(self.malformed(format!("there is no region {}", region_id.0)));
        };
        let float = match buffer.dtype {
            DType::F32 => true,
            DType::I32 | DType::U32 | DType::Bool => false,
            DType::F64 => return Err(self.f64()),
            DType::Float => {
                return Err(self.malformed(format!("buffer `{}` has an unbound type", buffer.name)));
            }
        };
        if !buffer.offset.is_multiple_of(4) {
            return Err(self.malformed(format!("buffer `{}` is not aligned", buffer.name)));
        }
        if region.bytes as u64 > self.limits.binding_bytes {
            return Err(EmitError::Region {
                kernel: self.kernel.to_string(),
                region: region.name.clone(),
                bytes: region.bytes,
                limit: self.limits.binding_bytes,
            });
        }
        let binding = self.bindings.entry(region_id).or_insert(Binding {
            name: String::new(),
            float: true,
            written: false,
        });
        binding.float &= float;
        binding.written |= written;
        Ok(())
    }

    /// The buffer of an access.
    pub fn buffer(&self, access: &Access) -> Result<&'a Buffer, EmitError> {
        self.schedule
            .buffers
            .get(access.buffer.0 as usize)
            .ok_or_else(|| self.malformed(format!("there is no buffer {}", access.buffer.0)))
    }

    fn binding(&self, buffer: &Buffer) -> Result<&Binding, EmitError> {
        self.bindings
            .get(&buffer.region)
            .ok_or_else(|| self.malformed(format!("region {} is not bound", buffer.region.0)))
    }

    /// The expression that loads element `index` of the region behind `buffer`.
    pub fn load(&self, buffer: &Buffer, index: &str) -> Result<String, EmitError> {
        let binding = self.binding(buffer)?;
        let place = format!("{}[{index}]", binding.name);
        Ok(match buffer.dtype {
            DType::F32 if binding.float => place,
            DType::F32 => format!("bitcast<f32>({place})"),
            DType::I32 => format!("bitcast<i32>({place})"),
            DType::U32 => place,
            DType::Bool => format!("({place} != 0u)"),
            DType::Float | DType::F64 => return Err(self.f64()),
        })
    }

    /// The statement that stores `value` in element `index` of the region behind `buffer`.
    pub fn store(&self, buffer: &Buffer, index: &str, value: &str) -> Result<String, EmitError> {
        let binding = self.binding(buffer)?;
        let stored = match buffer.dtype {
            DType::F32 if binding.float => value.to_string(),
            DType::F32 | DType::I32 => format!("bitcast<u32>({value})"),
            DType::U32 => value.to_string(),
            DType::Bool => format!("select(0u, 1u, {value})"),
            DType::Float | DType::F64 => return Err(self.f64()),
        };
        Ok(format!("{}[{index}] = {stored};", binding.name))
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
            kernel: self.kernel.to_string(),
            what: what.into(),
        }
    }

    /// The error for f64.
    pub fn f64(&self) -> EmitError {
        EmitError::F64 {
            kernel: self.kernel.to_string(),
        }
    }

    /// The error for spaces beyond 32 bits.
    pub fn too_large(&self, count: u128) -> EmitError {
        EmitError::Space {
            kernel: self.kernel.to_string(),
            count,
        }
    }

    /// The shader.
    pub fn finish(self, groups: [u32; 3], work: u64) -> Shader {
        let mut needs = self.needs;
        for item in ITEMS.iter().rev() {
            if needs.contains(item.name) {
                needs.extend(item.needs);
            }
        }
        let mut source = String::new();
        for (at, binding) in self.bindings.values().enumerate() {
            let Binding {
                name,
                float,
                written,
            } = binding;
            let access = if *written { "read_write" } else { "read" };
            let element = if *float { "f32" } else { "u32" };
            writeln!(
                source,
                "@group(0) @binding({at}) var<storage, {access}> {name}: array<{element}>;"
            )
            .expect("writing to a string does not fail");
        }
        for item in ITEMS.iter().filter(|item| needs.contains(item.name)) {
            source.push('\n');
            source.push_str(item.text);
        }
        source.push('\n');
        source.push_str(&self.text);
        Shader {
            name: self.kernel.to_string(),
            source,
            bindings: self
                .bindings
                .iter()
                .map(|(region, binding)| (*region, binding.written))
                .collect(),
            groups,
            work,
        }
    }
}
