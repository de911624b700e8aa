//! WGSL: shader text for a schedule.
//!
//! Every kernel becomes a shader, and every run of it a dispatch, those of loops turn by turn; shapes
//! and strides are constants in the text. Each region that a run touches is one storage binding, since
//! WGSL forbids two bindings of one buffer where one of them is written: a shader is made for each way
//! of slots to share regions, and where a slot begins in its region comes in a small uniform buffer. A
//! region with halves among its slots is bound as elements of 16 bits, of which other slots take two.
//! Index arithmetic is in u32 and wraps, so negative strides work. Bools are 0 and 1 in memory. Nothing here talks to a GPU, and nothing here checks
//! that accesses stay inside their buffers: that is the schedule's promise.
//!
//! The text avoids what drivers are known to get wrong: it tests NaN by bits, brings its own
//! `exp`, `log`, `tanh` and `erf` (see `prelude`), guards integer division, and keeps barriers in
//! uniform control flow.

mod contract;
mod nest;
mod prelude;
mod reduce;
mod scalar;
mod scan;
mod scatter;
mod sort;
mod source;
mod space;
mod tile;

use sinew_ir::DType;

use crate::kernel::{Class, Kernel, KernelId, RegionId, Run, Schedule};
use source::Source;
use std::collections::HashMap;
use std::ptr;

/// What a device allows; the default is what every WebGPU implementation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Storage buffers a shader may bind.
    pub storage_buffers: usize,
    /// Bytes of one storage binding.
    pub binding_bytes: u64,
    /// Bytes of memory shared by a workgroup.
    pub workgroup_bytes: usize,
    /// Invocations in a workgroup.
    pub invocations: u32,
    /// Workgroups in one dimension of a dispatch.
    pub groups: u32,
    /// Whether storage buffers may have elements of 16 bits: shaders say `enable wgpu_int16;` then.
    pub halves: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            storage_buffers: 8,
            binding_bytes: 128 << 20,
            workgroup_bytes: 16 << 10,
            invocations: 256,
            groups: 65535,
            halves: false,
        }
    }
}

/// The shaders of a schedule and where they run.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Shaders {
    /// Each once.
    pub shaders: Vec<Shader>,
    /// What is dispatched, in order.
    pub dispatches: Vec<Dispatch>,
}

/// A run of a shader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// An index into [`Shaders::shaders`].
    pub shader: usize,
    /// The region behind each storage binding.
    pub regions: Vec<RegionId>,
    /// Where each slot begins in its region, in words of 4 bytes, of halves in elements: what the uniform buffer holds, four
    /// slots a vector. Behind them, where the run is cut into shares: the first workgroup of this one, how
    /// many there are, and how many of them stand side by side.
    pub places: Vec<u32>,
    /// Workgroups in each dimension; none is 0.
    pub groups: [u32; 3],
    /// Which run of the schedule it is of, as [`Schedule::runs`] counts.
    pub run: usize,
}

/// A kernel's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shader {
    /// The kernel's name. It is not in `source`, so that equal kernels have equal text.
    pub name: String,
    /// A WGSL module with one entry point, `main`.
    pub source: String,
    /// The storage bindings of group 0, in order: whether each is written. The uniform buffer with the
    /// places of the slots is the binding behind the last of them.
    pub written: Vec<bool>,
    /// Workgroups in each dimension of a run for the whole; none is 0.
    pub groups: [u32; 3],
    /// About how many scalar instructions it runs, so that long steps can be submitted in parts.
    pub work: u64,
}

/// Why a schedule has no shaders.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// A kernel computes or stores f64.
    #[error("kernel `{kernel}` uses f64, which runs on the CPU only: bind the model to f32")]
    F64 {
        /// The kernel.
        kernel: String,
    },
    /// A kernel reads or writes halves where the device has no elements of 16 bits.
    #[error(
        "kernel `{kernel}` stores elements of {dtype}, and the device has no elements of 16 bits in its \
         buffers (wgpu's SHADER_I16): run it on the CPU, or keep the values in f32"
    )]
    Half {
        /// The kernel.
        kernel: String,
        /// Which halves.
        dtype: DType,
    },
    /// A region is larger than the device can bind.
    #[error(
        "kernel `{kernel}` needs region `{region}` of {bytes} bytes, and the device binds at most \
         {limit} bytes at once"
    )]
    Region {
        /// The kernel.
        kernel: String,
        /// The region's name.
        region: String,
        /// Its size.
        bytes: usize,
        /// What the device allows.
        limit: u64,
    },
    /// A kernel touches more regions than the device can bind.
    #[error("kernel `{kernel}` touches {count} regions, and the device binds at most {limit}")]
    Bindings {
        /// The kernel.
        kernel: String,
        /// Regions it touches.
        count: usize,
        /// What the device allows.
        limit: usize,
    },
    /// An iteration space or a region beyond 32-bit indices or the largest dispatch.
    #[error("kernel `{kernel}` is too large for one dispatch: {count} invocations")]
    Space {
        /// The kernel.
        kernel: String,
        /// Invocations it would take.
        count: u128,
    },
    /// Kernel IR that means nothing; the scheduler made a mistake.
    #[error("kernel `{kernel}` is malformed: {what}")]
    Malformed {
        /// The kernel.
        kernel: String,
        /// What is wrong.
        what: String,
    },
}

/// The shaders and dispatches of a schedule. Kernels over no elements have none.
///
/// # Errors
///
/// See [`EmitError`]; nothing is emitted then.
pub fn emit(schedule: &Schedule, limits: &Limits) -> Result<Shaders, EmitError> {
    let mut out = Shaders::default();
    // By kernel, by which slots share a region, and whether its runs are cut.
    let mut known: HashMap<(KernelId, Vec<usize>, bool), Option<usize>> = HashMap::new();
    let runs = schedule.runs().into_iter().enumerate();
    let numbers: HashMap<*const Run, usize> =
        runs.map(|(i, run)| (ptr::from_ref(run), i)).collect();
    schedule.each_run(&mut |run, turns| {
        let number = numbers
            .get(&ptr::from_ref(run))
            .copied()
            .unwrap_or_default();
        let Some(kernel) = schedule.kernel(run) else {
            return Err(EmitError::Malformed {
                kernel: run.kernel.0.to_string(),
                what: "there is no such kernel".into(),
            });
        };
        let Placed {
            regions,
            sharing,
            places,
        } = place_run(schedule, kernel, run, turns, limits)?;
        let key = (run.kernel, sharing, !run.cuts.is_empty());
        let shader = match known.get(&key) {
            Some(shader) => *shader,
            None => {
                let shader = emit_kernel(kernel, (&key.1, key.2), limits)?;
                let at = shader.is_some().then_some(out.shaders.len());
                out.shaders.extend(shader);
                known.insert(key, at);
                at
            }
        };
        let Some(shader) = shader else {
            return Ok(());
        };
        let whole = out.shaders[shader].groups;
        let mut dispatch = |places: Vec<u32>, groups: [u32; 3]| {
            out.dispatches.push(Dispatch {
                shader,
                regions: regions.clone(),
                places,
                groups,
                run: number,
            });
        };
        if run.cuts.is_empty() {
            dispatch(places, whole);
            return Ok(());
        }
        for share in run.shares(kernel) {
            let [first, end] = [share.start, share.end].map(|at| {
                // Workgroups are not cut: those before a share's part of all of them.
                let at = at as u128 * u128::from(whole[0]) / kernel.parallel().max(1) as u128;
                u32::try_from(at).unwrap_or(whole[0])
            });
            let count = end - first;
            if count > 0 {
                let groups = folded(count, limits);
                let mut places = places.clone();
                places.resize(places.len().next_multiple_of(4), 0);
                places.extend([first, count, groups[0], 0]);
                dispatch(places, groups);
            }
        }
        Ok(())
    })?;
    Ok(out)
}

/// As many workgroups, or a few more, in dimensions that the device takes.
fn folded(count: u32, limits: &Limits) -> [u32; 3] {
    match count <= limits.groups {
        true => [count, 1, 1],
        false => [limits.groups, count.div_ceil(limits.groups), 1],
    }
}

/// A run in its regions.
struct Placed {
    /// The regions, each once, by the first slot in each.
    regions: Vec<RegionId>,
    /// For each slot the position of its region.
    sharing: Vec<usize>,
    /// For each slot the word, or the half, of its region where it begins.
    places: Vec<u32>,
}

fn place_run(
    schedule: &Schedule,
    kernel: &Kernel,
    run: &Run,
    turns: &[usize],
    limits: &Limits,
) -> Result<Placed, EmitError> {
    let malformed = |what: String| EmitError::Malformed {
        kernel: kernel.name.clone(),
        what,
    };
    let mut out = Placed {
        regions: Vec::new(),
        sharing: Vec::new(),
        places: Vec::new(),
    };
    if run.bindings.len() != kernel.slots.len() {
        return Err(malformed("a slot without a place".into()));
    }
    for binding in &run.bindings {
        let id = binding.buffer.0;
        let buffer = schedule.buffers.get(id as usize);
        let buffer = buffer.ok_or_else(|| malformed(format!("there is no buffer {id}")))?;
        let region = schedule.regions.get(buffer.region.0 as usize);
        let region =
            region.ok_or_else(|| malformed(format!("there is no region {}", buffer.region.0)))?;
        if !buffer.offset.is_multiple_of(4) {
            return Err(malformed(format!(
                "buffer `{}` is not aligned",
                buffer.name
            )));
        }
        if region.bytes as u64 > limits.binding_bytes {
            return Err(EmitError::Region {
                kernel: kernel.name.clone(),
                region: region.name.clone(),
                bytes: region.bytes,
                limit: limits.binding_bytes,
            });
        }
        let known = out.regions.iter().position(|r| *r == buffer.region);
        out.sharing.push(known.unwrap_or(out.regions.len()));
        if known.is_none() {
            out.regions.push(buffer.region);
        }
        let unit = if buffer.dtype.is_half() { 2 } else { 4 };
        let start = i64::try_from(buffer.offset / unit).ok();
        let start = start.and_then(|s| s.checked_add(binding.at(turns)));
        let start = start.and_then(|s| u32::try_from(s).ok());
        out.places
            .push(start.ok_or_else(|| malformed(format!("`{}` is beyond 32 bits", buffer.name)))?);
    }
    let count = out.regions.len();
    if count > limits.storage_buffers {
        return Err(EmitError::Bindings {
            kernel: kernel.name.clone(),
            count,
            limit: limits.storage_buffers,
        });
    }
    Ok(out)
}

fn emit_kernel(
    kernel: &Kernel,
    (sharing, in_shares): (&[usize], bool),
    limits: &Limits,
) -> Result<Option<Shader>, EmitError> {
    let mut source = Source::new(kernel, sharing, in_shares, limits)?;
    let (launch, work) = match &kernel.class {
        Class::Nest(n) => (nest::emit(&mut source, n)?, nest::work(n)),
        Class::Contract(c) => (contract::emit(&mut source, c)?, contract::work(c)),
        Class::Scatter(s) => (scatter::emit(&mut source, s)?, scatter::work(s)),
        Class::Scan(s) => (scan::emit(&mut source, s)?, scan::work(s)),
        Class::Sort(s) => (sort::emit(&mut source, s)?, sort::work(s)),
    };
    let work = u64::try_from(work).unwrap_or(u64::MAX);
    Ok(launch.map(|groups| source.finish(groups, work)))
}

/// The WGSL type of a register.
fn type_name(dtype: DType) -> Option<&'static str> {
    match dtype {
        DType::F32 => Some("f32"),
        DType::I32 => Some("i32"),
        // Halves are their bits.
        DType::U32 | DType::F16 | DType::Bf16 => Some("u32"),
        DType::Bool => Some("bool"),
        DType::Float | DType::F64 => None,
    }
}
