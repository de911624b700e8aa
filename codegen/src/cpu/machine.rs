//! Machine code in memory: the module of cranelift-jit, owned and freed with its program.
//!
//! What is relied on:
//!
//! - The module's memory is writable until [`MachineCode::link`] is done and executable from then on,
//!   never both at once.
//! - Where the processor does not see by itself that instructions were written as data (aarch64), the
//!   module cleans the caches over the code, and then has every thread of the process pass an
//!   instruction barrier, by `membarrier` on Linux. So a program may run on another thread than it was
//!   compiled on.
//! - The module leaks its memory unless it is told to free it, which [`MachineCode`] does when dropped.
//!
//! Code for another processor than the host's goes nowhere.

use std::collections::HashMap;
use std::mem::ManuallyDrop;

use cranelift_codegen::ir::{ExternalName, Signature};
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_codegen::{CompiledCode, FinalizedRelocTarget};
use cranelift_jit::{ArenaMemoryProvider, JITBuilder, JITModule};
use cranelift_module::{
    FuncId, FuncOrDataId, Linkage, Module, ModuleError, ModuleReloc, ModuleRelocTarget,
    default_libcall_names,
};

use super::{Architecture, EmitError};

/// A compiled function that has no address yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Compiled {
    /// What others call it.
    pub name: String,
    /// Its code.
    pub bytes: Vec<u8>,
    /// What its first byte lies at a multiple of.
    pub alignment: u64,
    /// What of its code waits for addresses.
    pub references: Vec<Reference>,
}

/// A place in a function that takes the address of something by its name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference {
    /// Bytes from the function's start.
    pub offset: u32,
    /// How the address is written there.
    pub kind: cranelift_codegen::binemit::Reloc,
    /// What is added to it.
    pub addend: i64,
    /// The name.
    pub symbol: String,
}

impl Compiled {
    /// What the code generator made of a function.
    pub(super) fn new(name: &str, code: &CompiledCode) -> Result<Compiled, EmitError> {
        let references = code.buffer.relocs().iter().map(|reloc| {
            let FinalizedRelocTarget::ExternalName(ExternalName::TestCase(symbol)) = &reloc.target
            else {
                // Emitters use nothing that Cranelift needs a library for: see `Caps`.
                let target = reloc.target.display(None);
                return Err(refused(name, format!("the code refers to {target}")));
            };
            Ok(Reference {
                offset: reloc.offset,
                kind: reloc.kind,
                addend: reloc.addend,
                symbol: String::from_utf8_lossy(symbol.raw()).into_owned(),
            })
        });
        Ok(Compiled {
            name: name.to_owned(),
            references: references.collect::<Result<_, _>>()?,
            bytes: code.code_buffer().to_vec(),
            alignment: u64::from(code.buffer.alignment),
        })
    }

    /// A function in bytes.
    pub(super) fn from_bytes(
        name: &str,
        bytes: Vec<u8>,
        alignment: u64,
        references: Vec<Reference>,
    ) -> Compiled {
        Compiled {
            name: name.to_owned(),
            bytes,
            alignment,
            references,
        }
    }

    /// Bytes of code.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Executable functions, freed when dropped.
pub(super) struct MachineCode {
    /// None of code for another processor.
    module: Option<ManuallyDrop<JITModule>>,
}

// SAFETY: nothing of the module is reached through a shared reference but addresses, which are values.
unsafe impl Sync for MachineCode {}

impl Drop for MachineCode {
    fn drop(&mut self) {
        let Some(module) = self.module.take().map(ManuallyDrop::into_inner) else {
            return;
        };
        // SAFETY: a function is called through a borrow of what owns this only, so none is running.
        unsafe { module.free_memory() };
    }
}

impl MachineCode {
    /// Brings functions into memory, where they refer to each other and to `imports` by name, and
    /// gives the address of the last one. In place of one for another processor it gives a function that ends the
    /// process.
    pub(super) fn link(
        isa: OwnedTargetIsa,
        functions: &[Compiled],
        imports: &[(String, *const u8)],
    ) -> Result<(MachineCode, *const u8), EmitError> {
        let mut code = MachineCode { module: None };
        if !is_for_host(&*isa) {
            return Ok((code, elsewhere as extern "C" fn() as *const u8));
        }
        let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
        builder.symbols(imports.iter().cloned());
        builder.memory_provider(Box::new(room(functions)?));
        let module = code
            .module
            .insert(ManuallyDrop::new(JITModule::new(builder)));
        let mut names = HashMap::new();
        for (name, _) in imports {
            // Its type is the caller's business: an import is an address here.
            let id = module.declare_data(name, Linkage::Import, false, false);
            let id = id.map_err(|e| error(name, e))?;
            names.insert(
                name.as_str(),
                ModuleRelocTarget::from(FuncOrDataId::Data(id)),
            );
        }
        let mut ids: Vec<FuncId> = Vec::with_capacity(functions.len());
        for function in functions {
            let name = function.name.as_str();
            let signature = Signature::new(module.isa().default_call_conv());
            let id = module.declare_function(name, Linkage::Local, &signature);
            let id = id.map_err(|e| error(name, e))?;
            names.insert(name, ModuleRelocTarget::from(FuncOrDataId::Func(id)));
            ids.push(id);
        }
        for (function, id) in functions.iter().zip(&ids) {
            let name = function.name.as_str();
            let references = function.references.iter().map(|r| {
                let target = names.get(r.symbol.as_str());
                let unknown = || refused(name, format!("`{}` is not known", r.symbol));
                Ok(ModuleReloc {
                    offset: r.offset,
                    kind: r.kind,
                    name: target.ok_or_else(unknown)?.clone(),
                    addend: r.addend,
                })
            });
            let references = references.collect::<Result<Vec<_>, EmitError>>()?;
            module
                .define_function_bytes(*id, function.alignment, &function.bytes, &references)
                .map_err(|e| error(name, e))?;
        }
        let (Some(function), Some(id)) = (functions.last(), ids.last()) else {
            return Err(refused("driver", "there is no function".to_owned()));
        };
        module
            .finalize_definitions()
            .map_err(|e| error(&function.name, e))?;
        let address = module.get_finalized_function(*id);
        Ok((code, address))
    }
}

/// Whether the host runs what is compiled for an instruction set.
fn is_for_host(isa: &dyn TargetIsa) -> bool {
    let name = match Architecture::HOST {
        Architecture::X86_64 => "x64",
        Architecture::Aarch64 => "aarch64",
        Architecture::Other => return false,
    };
    isa.name() == name
}

/// What stands for code of another processor. It takes no notice of what it is given.
extern "C" fn elsewhere() {
    eprintln!("code for another processor was run");
    std::process::abort();
}

/// One range of addresses for all functions: calls among them reach 2 GiB, and blocks that the system gives one by one
/// may be further apart in a process that has much memory.
fn room(functions: &[Compiled]) -> Result<ArenaMemoryProvider, EmitError> {
    // Each may begin and end a page of its own; addresses that are not used take no memory.
    const PAGES: usize = 2 << 16;
    let bytes = functions.iter().map(|f| f.len().saturating_add(PAGES));
    let bytes = bytes.fold(PAGES, usize::saturating_add);
    ArenaMemoryProvider::new_with_size(bytes)
        .map_err(|e| EmitError::Memory(std::io::Error::other(e.to_string())))
}

fn refused(function: &str, message: String) -> EmitError {
    EmitError::Codegen {
        kernel: function.to_owned(),
        message,
    }
}

/// What the module says of a function.
fn error(function: &str, e: ModuleError) -> EmitError {
    match e {
        ModuleError::Allocation { err } => EmitError::Memory(err),
        // The system refused to change what may be done with pages.
        ModuleError::Backend(e) => EmitError::Memory(std::io::Error::other(format!("{e:#}"))),
        ModuleError::Undeclared(_)
        | ModuleError::IncompatibleDeclaration(_)
        | ModuleError::IncompatibleSignature(..)
        | ModuleError::DuplicateDefinition(_)
        | ModuleError::InvalidImportDefinition(_)
        | ModuleError::Compilation(_)
        | ModuleError::Flag(_) => refused(function, e.to_string()),
    }
}
