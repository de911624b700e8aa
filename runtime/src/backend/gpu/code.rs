//! A schedule's kernels on a GPU, and the bindings of their memory.

use std::collections::{HashMap, VecDeque};

use sinew_codegen::kernel::{Region, Schedule};
use sinew_codegen::verify::verify;
use sinew_codegen::wgsl::{Shader, Shaders, emit};

use super::{Gpu, GpuError, GpuMemory};
use crate::backend::Slot;
use crate::error::{Error, Result as RuntimeResult};

/// Submissions that may be under way before a run waits for the oldest.
const IN_FLIGHT: usize = 3;

/// Scalar instructions in a submission, about: half a second of a slow GPU. Windows takes a device
/// away that works on one submission for two seconds.
const WORK: u64 = 1 << 37;

/// A schedule's kernels, compiled. They hold no regions: each user binds its own by a [`GpuLaunch`].
#[derive(Debug)]
pub struct GpuCode {
    pub(super) gpu: Gpu,
    regions: Vec<Region>,
    /// Dispatches in order, by submission.
    pub(super) submissions: Vec<Vec<Dispatch>>,
    /// Where each dispatch's slots begin in their regions: a range of this for each.
    places: wgpu::Buffer,
}

/// One run of a kernel in a submission.
#[derive(Debug)]
pub(super) struct Dispatch {
    name: String,
    pub(super) pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    /// The region of each storage binding.
    bindings: Vec<usize>,
    /// First byte and bytes of its range of [`GpuCode::places`].
    places: (u64, u64),
    pub(super) groups: [u32; 3],
    /// Which run of the schedule it is of.
    pub(super) run: usize,
}

/// One user's regions bound to a code's kernels, and its submissions under way.
#[derive(Debug, Default)]
pub struct GpuLaunch {
    /// What the groups below are of: they are made again when a region has moved.
    bound: Vec<wgpu::Buffer>,
    /// One a dispatch.
    pub(super) groups: Vec<wgpu::BindGroup>,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
}

/// Who sees to it that shaders stay inside their buffers and end.
#[derive(Clone, Copy)]
enum Checks {
    /// wgpu, by code in the shader.
    Injected,
    /// The schedule's verifier.
    Proved,
}

impl GpuCode {
    /// Emits a schedule's shaders for `gpu` and compiles them. The schedule is verified, so that its
    /// shaders run without wgpu's checks of indices and loops.
    ///
    /// # Errors
    ///
    /// [`GpuError::Schedule`] and [`GpuError::Emit`] where the schedule is wrong or does not fit the
    /// device, else as [`GpuCode::of_shaders`].
    pub fn compile(gpu: &Gpu, schedule: &Schedule) -> Result<GpuCode, GpuError> {
        verify(schedule)?;
        let shaders = emit(schedule, &gpu.limits())?;
        GpuCode::create(gpu, schedule, &shaders, Checks::Proved)
    }

    /// Compiles shaders that were emitted from `schedule` for this device, with wgpu's checks of
    /// indices and loops, since the shaders may come from anywhere.
    ///
    /// # Errors
    ///
    /// Shaders that the device refuses; [`GpuError::Range`] for a binding of no region.
    pub fn of_shaders(
        gpu: &Gpu,
        schedule: &Schedule,
        shaders: &Shaders,
    ) -> Result<GpuCode, GpuError> {
        GpuCode::create(gpu, schedule, shaders, Checks::Injected)
    }

    fn create(
        gpu: &Gpu,
        schedule: &Schedule,
        shaders: &Shaders,
        checks: Checks,
    ) -> Result<GpuCode, GpuError> {
        let mut layouts: HashMap<&[bool], wgpu::BindGroupLayout> = HashMap::new();
        let mut pipelines = Vec::with_capacity(shaders.shaders.len());
        for shader in &shaders.shaders {
            let layout = match layouts.get(&shader.written[..]) {
                Some(layout) => layout.clone(),
                None => {
                    let layout = create_layout(gpu, &shader.written)?;
                    layouts.insert(&shader.written, layout.clone());
                    layout
                }
            };
            let pipeline = create_pipeline(gpu, shader, &layout, checks)?;
            pipelines.push((shader, layout, pipeline));
        }
        let (places, ranges) = create_places(gpu, shaders)?;
        let mut submissions: Vec<Vec<Dispatch>> = Vec::new();
        let mut work = u64::MAX;
        for (dispatch, places) in shaders.dispatches.iter().zip(ranges) {
            let Some((shader, layout, pipeline)) = pipelines.get(dispatch.shader) else {
                return Err(GpuError::no_shader(dispatch.shader));
            };
            let bindings: Vec<usize> = dispatch.regions.iter().map(|id| id.0 as usize).collect();
            if let Some(none) = bindings.iter().find(|i| **i >= schedule.regions.len()) {
                return Err(GpuError::no_region(*none));
            }
            let dispatch = Dispatch {
                name: shader.name.clone(),
                pipeline: pipeline.clone(),
                layout: layout.clone(),
                bindings,
                places,
                groups: dispatch.groups,
                run: dispatch.run,
            };
            work = work.saturating_add(shader.work);
            match submissions.last_mut().filter(|_| work <= WORK) {
                Some(submission) => submission.push(dispatch),
                None => {
                    work = shader.work;
                    submissions.push(vec![dispatch]);
                }
            }
        }
        Ok(GpuCode {
            gpu: gpu.clone(),
            regions: schedule.regions.clone(),
            submissions,
            places,
        })
    }

    /// Dispatches in a run.
    pub fn dispatches(&self) -> usize {
        self.submissions.iter().map(Vec::len).sum()
    }

    /// Binds the regions of a launch, one block each in the schedule's order; nothing is done where
    /// they are the ones of the last time.
    ///
    /// # Errors
    ///
    /// [`GpuError::Range`] for a block that is not there or smaller than its region.
    pub fn bind<'a>(
        &self,
        launch: &mut GpuLaunch,
        blocks: impl Iterator<Item = &'a GpuMemory> + Clone,
    ) -> Result<(), GpuError> {
        let buffers = || blocks.clone().map(GpuMemory::buffer);
        if !launch.groups.is_empty() && launch.bound.iter().eq(buffers()) {
            return Ok(());
        }
        let mut sizes = blocks.clone().map(GpuMemory::bytes);
        for region in &self.regions {
            let size = sizes.next();
            if size.is_none_or(|size| size < region.bytes) {
                return Err(GpuError::Range {
                    region: region.name.clone(),
                    offset: 0,
                    bytes: region.bytes,
                    size: size.unwrap_or(0),
                });
            }
        }
        // Both or neither: a launch that is half bound would run on memory that is gone.
        launch.groups.clear();
        let bound: Vec<wgpu::Buffer> = buffers().cloned().collect();
        let dispatches = self.submissions.iter().flatten();
        let groups: Result<_, GpuError> = dispatches
            .map(|dispatch| create_bind_group(&self.gpu, dispatch, &bound, &self.places))
            .collect();
        (launch.groups, launch.bound) = (groups?, bound);
        Ok(())
    }

    /// Runs every kernel once, in order, over what the launch was bound to; returns before the GPU is
    /// done, but not before the launch's submission three ago is.
    ///
    /// # Errors
    ///
    /// A lost device, or one that refuses the work.
    pub fn run(&self, launch: &mut GpuLaunch) -> Result<(), GpuError> {
        let gpu = &self.gpu;
        let mut groups = launch.groups.iter();
        for dispatches in &self.submissions {
            let submission = gpu.scoped(&|| "a step".to_string(), || {
                let mut encoder = gpu
                    .device()
                    .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
                {
                    let mut pass =
                        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                    for (dispatch, group) in dispatches.iter().zip(&mut groups) {
                        let [x, y, z] = dispatch.groups;
                        pass.set_pipeline(&dispatch.pipeline);
                        pass.set_bind_group(0, group, &[]);
                        pass.dispatch_workgroups(x, y, z);
                    }
                }
                gpu.queue().submit([encoder.finish()])
            })?;
            launch.in_flight.push_back(submission);
            while launch.in_flight.len() > IN_FLIGHT {
                if let Some(oldest) = launch.in_flight.pop_front() {
                    gpu.wait(oldest)?;
                }
            }
        }
        Ok(())
    }

    /// Waits until everything that the launch submitted is done.
    ///
    /// # Errors
    ///
    /// A lost device, or a driver that fails.
    pub fn wait(&self, launch: &mut GpuLaunch) -> Result<(), GpuError> {
        match launch.in_flight.drain(..).next_back() {
            Some(newest) => self.gpu.wait(newest),
            None => self.gpu.check(),
        }
    }

    /// As [`Code::run`](crate::backend::Code::run).
    ///
    /// # Errors
    /// [`Error::Regions`]; as [`GpuCode::bind`] and [`GpuCode::run`].
    pub(crate) fn run_slots(
        &self,
        launch: &mut GpuLaunch,
        slots: &[Slot<'_>],
    ) -> RuntimeResult<()> {
        self.bind_slots(launch, slots)?;
        Ok(self.run(launch)?)
    }

    /// Binds slots that are all on a GPU.
    ///
    /// # Errors
    /// [`Error::Regions`]; as [`GpuCode::bind`].
    pub(super) fn bind_slots(
        &self,
        launch: &mut GpuLaunch,
        slots: &[Slot<'_>],
    ) -> RuntimeResult<()> {
        let memory = |slot| match slot {
            &Slot::Gpu(memory) => Some(memory),
            Slot::Host(_) => None,
        };
        if slots.len() != self.regions.len() || !slots.iter().all(|s| memory(s).is_some()) {
            return Err(Error::Regions { count: slots.len() });
        }
        Ok(self.bind(launch, slots.iter().filter_map(memory))?)
    }
}

fn create_bind_group(
    gpu: &Gpu,
    dispatch: &Dispatch,
    regions: &[wgpu::Buffer],
    places: &wgpu::Buffer,
) -> Result<wgpu::BindGroup, GpuError> {
    let mut entries = Vec::with_capacity(dispatch.bindings.len() + 1);
    for (binding, region) in (0u32..).zip(&dispatch.bindings) {
        let buffer = regions.get(*region);
        entries.push(wgpu::BindGroupEntry {
            binding,
            resource: buffer
                .ok_or_else(|| GpuError::no_region(*region))?
                .as_entire_binding(),
        });
    }
    let (offset, bytes) = dispatch.places;
    entries.push(wgpu::BindGroupEntry {
        binding: u32::try_from(entries.len()).unwrap_or(u32::MAX),
        resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: places,
            offset,
            size: wgpu::BufferSize::new(bytes),
        }),
    });
    gpu.scoped(&|| format!("the bindings of `{}`", dispatch.name), || {
        gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&dispatch.name),
            layout: &dispatch.layout,
            entries: &entries,
        })
    })
}

/// The uniform buffer with the places of every dispatch's slots, and the range of each.
fn create_places(
    gpu: &Gpu,
    shaders: &Shaders,
) -> Result<(wgpu::Buffer, Vec<(u64, u64)>), GpuError> {
    /// Bytes of a vector of four words.
    const VECTOR: usize = 16;
    let alignment = gpu.device().limits().min_uniform_buffer_offset_alignment as usize;
    let mut bytes: Vec<u8> = Vec::new();
    let mut ranges = Vec::with_capacity(shaders.dispatches.len());
    for dispatch in &shaders.dispatches {
        bytes.resize(bytes.len().next_multiple_of(alignment.max(VECTOR)), 0);
        let start = bytes.len();
        bytes.extend(dispatch.places.iter().flat_map(|word| word.to_le_bytes()));
        // An empty binding is refused.
        let end = bytes.len().max(start + 1).next_multiple_of(VECTOR);
        bytes.resize(end, 0);
        ranges.push((start as u64, (end - start) as u64));
    }
    bytes.resize(bytes.len().max(VECTOR), 0);
    let buffer = gpu.scoped(&|| "the places of slots".to_string(), || {
        let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("places"),
            size: bytes.len() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        gpu.queue().write_buffer(&buffer, 0, &bytes);
        buffer
    })?;
    Ok((buffer, ranges))
}

fn create_layout(gpu: &Gpu, written: &[bool]) -> Result<wgpu::BindGroupLayout, GpuError> {
    let storage = written
        .iter()
        .map(|&written| wgpu::BufferBindingType::Storage {
            read_only: !written,
        });
    let entries: Vec<wgpu::BindGroupLayoutEntry> = (0u32..)
        .zip(storage.chain([wgpu::BufferBindingType::Uniform]))
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    gpu.scoped(&|| "a layout of bindings".to_string(), || {
        gpu.device()
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: None,
                entries: &entries,
            })
    })
}

fn create_pipeline(
    gpu: &Gpu,
    shader: &Shader,
    layout: &wgpu::BindGroupLayout,
    checks: Checks,
) -> Result<wgpu::ComputePipeline, GpuError> {
    gpu.scoped(&|| format!("the shader of `{}`", shader.name), || {
        let described = wgpu::ShaderModuleDescriptor {
            label: Some(&shader.name),
            source: wgpu::ShaderSource::Wgsl(shader.source.as_str().into()),
        };
        let module = match checks {
            Checks::Injected => gpu.device().create_shader_module(described),
            // SAFETY: only `GpuCode::compile` asks for this, with the text that `emit` makes of a
            // schedule that `verify` accepts: every access lies inside its buffer wherever its
            // guards hold, every buffer inside its region, which is bound whole; gathers and
            // scatters clamp their indices; tiles test their edges; loops count up to constants;
            // division by zero is guarded.
            Checks::Proved => unsafe {
                gpu.device()
                    .create_shader_module_trusted(described, wgpu::ShaderRuntimeChecks::unchecked())
            },
        };
        let layout = gpu
            .device()
            .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: &[Some(layout)],
                immediate_size: 0,
            });
        gpu.device()
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&shader.name),
                layout: Some(&layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Every kernel writes workgroup memory before it reads it.
                    zero_initialize_workgroup_memory: false,
                    ..wgpu::PipelineCompilationOptions::default()
                },
                cache: None,
            })
    })
}
