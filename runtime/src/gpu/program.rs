//! A schedule on a GPU: its regions as buffers, its dispatches as one submission.

use std::collections::{HashMap, VecDeque};

use sinew_codegen::kernel::{RegionId, Schedule};
use sinew_codegen::verify::verify;
use sinew_codegen::wgsl::{Shader, Shaders, emit};

use super::{Device, GpuError, Memory};

/// Submissions that may be under way before [`Program::run`] waits for the oldest.
const IN_FLIGHT: usize = 3;

/// Scalar instructions in a submission, about: half a second of a slow GPU. Windows takes a device
/// away that works on one submission for two seconds.
const WORK: u64 = 1 << 37;

/// A compiled schedule, ready to run again and again.
///
/// Regions start as zeros and live as long as the program. Nothing is read back unless asked for,
/// so a run costs one submission, or a few where the work would take long.
///
/// ```no_run
/// # use sinew_codegen::kernel::{RegionId, Schedule};
/// # use sinew_runtime::gpu::{Device, GpuError, Program};
/// # fn step(schedule: &Schedule) -> Result<(), GpuError> {
/// let device = Device::open()?;
/// let mut program = Program::compile(&device, schedule)?;
/// program.write_region(RegionId(1), 0, &1.0f32.to_ne_bytes())?;
/// program.run()?;
/// let mut bytes = [0; 4];
/// program.read_region(RegionId(2), 0, &mut bytes)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Program {
    device: Device,
    regions: Vec<Memory>,
    /// Dispatches in order, by submission.
    submissions: Vec<Vec<Dispatch>>,
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

#[derive(Debug)]
struct Dispatch {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    groups: [u32; 3],
}

impl Program {
    /// Emits a schedule's shaders for `device` and makes the program. The schedule is verified, so
    /// that its shaders run without wgpu's checks of indices and loops.
    ///
    /// # Errors
    ///
    /// [`GpuError::Schedule`] and [`GpuError::Emit`] where the schedule is wrong or does not fit the
    /// device, else as [`Program::new`].
    pub fn compile(device: &Device, schedule: &Schedule) -> Result<Program, GpuError> {
        Program::sharing(device, schedule, &[])
    }

    /// As [`Program::compile`], where some regions are the given blocks: those of other programs, or
    /// kept beside them. All others are new.
    ///
    /// # Errors
    ///
    /// As [`Program::compile`]; [`GpuError::Range`] for a block smaller than its region.
    pub fn sharing(
        device: &Device,
        schedule: &Schedule,
        shared: &[(RegionId, Memory)],
    ) -> Result<Program, GpuError> {
        verify(schedule)?;
        let shaders = emit(schedule, &device.limits())?;
        Program::create(device, schedule, &shaders, shared, Checks::Proved)
    }

    /// Makes a program of shaders that were emitted from `schedule` for this device, with wgpu's
    /// checks of indices and loops, since the shaders may come from anywhere.
    ///
    /// # Errors
    ///
    /// Too little memory, regions too large for the device, or shaders that it refuses.
    pub fn new(
        device: &Device,
        schedule: &Schedule,
        shaders: &Shaders,
    ) -> Result<Program, GpuError> {
        Program::create(device, schedule, shaders, &[], Checks::Injected)
    }

    fn create(
        device: &Device,
        schedule: &Schedule,
        shaders: &Shaders,
        shared: &[(RegionId, Memory)],
        checks: Checks,
    ) -> Result<Program, GpuError> {
        let mut regions = Vec::with_capacity(schedule.regions.len());
        for (id, region) in (0u32..).zip(&schedule.regions) {
            let given = shared.iter().find(|(shared, _)| *shared == RegionId(id));
            regions.push(match given.map(|(_, memory)| memory) {
                Some(given) if given.bytes() >= region.bytes => given.clone(),
                Some(given) => {
                    return Err(GpuError::Range {
                        region: region.name.clone(),
                        offset: 0,
                        bytes: region.bytes,
                        size: given.bytes(),
                    });
                }
                None => Memory::zeroed(device, &region.name, region.bytes)?,
            });
        }
        let mut layouts: HashMap<&[bool], wgpu::BindGroupLayout> = HashMap::new();
        let mut pipelines = Vec::with_capacity(shaders.shaders.len());
        for shader in &shaders.shaders {
            let layout = match layouts.get(&shader.written[..]) {
                Some(layout) => layout.clone(),
                None => {
                    let layout = create_layout(device, &shader.written)?;
                    layouts.insert(&shader.written, layout.clone());
                    layout
                }
            };
            let pipeline = create_pipeline(device, shader, &layout, checks)?;
            pipelines.push((layout, pipeline));
        }
        let places = Places::new(device, shaders)?;
        let mut submissions: Vec<Vec<Dispatch>> = Vec::new();
        let mut work = u64::MAX;
        for (number, dispatch) in shaders.dispatches.iter().enumerate() {
            let of_shader = pipelines
                .get(dispatch.shader)
                .zip(shaders.shaders.get(dispatch.shader));
            let Some(((layout, pipeline), shader)) = of_shader else {
                return Err(GpuError::Range {
                    region: "shaders".into(),
                    offset: dispatch.shader,
                    bytes: 1,
                    size: shaders.shaders.len(),
                });
            };
            let mut entries = Vec::with_capacity(dispatch.regions.len() + 1);
            for (at, id) in (0u32..).zip(&dispatch.regions) {
                entries.push(wgpu::BindGroupEntry {
                    binding: at,
                    resource: find(&regions, *id)?.buffer().as_entire_binding(),
                });
            }
            entries.push(wgpu::BindGroupEntry {
                binding: u32::try_from(entries.len()).unwrap_or(u32::MAX),
                resource: places.of(number),
            });
            let bindings =
                device.scoped(&|| format!("the bindings of `{}`", shader.name), || {
                    device
                        .device()
                        .create_bind_group(&wgpu::BindGroupDescriptor {
                            label: Some(&shader.name),
                            layout,
                            entries: &entries,
                        })
                })?;
            let dispatch = Dispatch {
                pipeline: pipeline.clone(),
                bindings,
                groups: shader.groups,
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
        Ok(Program {
            device: device.clone(),
            regions,
            submissions,
            in_flight: VecDeque::new(),
        })
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Dispatches in a run.
    pub fn dispatches(&self) -> usize {
        self.submissions.iter().map(Vec::len).sum()
    }

    /// Copies `bytes` into a region, before whatever runs next. Offset and length are in bytes and
    /// multiples of 4.
    ///
    /// # Errors
    ///
    /// [`GpuError::Range`] outside of the region; a lost device.
    pub fn write_region(
        &mut self,
        region: RegionId,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), GpuError> {
        find(&self.regions, region)?.write(offset, bytes)
    }

    /// Runs every kernel once, in order; returns before the GPU is done, but not before the
    /// submission three ago is.
    ///
    /// # Errors
    ///
    /// A lost device, or one that refuses the work.
    pub fn run(&mut self) -> Result<(), GpuError> {
        let device = &self.device;
        for dispatches in &self.submissions {
            let submission = device.scoped(&|| "a step".to_string(), || {
                let mut encoder = device
                    .device()
                    .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
                {
                    let mut pass =
                        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                    for dispatch in dispatches {
                        let [x, y, z] = dispatch.groups;
                        pass.set_pipeline(&dispatch.pipeline);
                        pass.set_bind_group(0, &dispatch.bindings, &[]);
                        pass.dispatch_workgroups(x, y, z);
                    }
                }
                device.queue().submit([encoder.finish()])
            })?;
            self.in_flight.push_back(submission);
            while self.in_flight.len() > IN_FLIGHT {
                if let Some(oldest) = self.in_flight.pop_front() {
                    device.wait(oldest)?;
                }
            }
        }
        Ok(())
    }

    /// Waits until everything submitted so far is done.
    ///
    /// # Errors
    ///
    /// A lost device, or a driver that fails.
    pub fn wait(&mut self) -> Result<(), GpuError> {
        match self.in_flight.drain(..).next_back() {
            Some(newest) => self.device.wait(newest),
            None => self.device.check(),
        }
    }

    /// Copies from a region as it is after everything run so far, and waits for that. Offset and
    /// length are in bytes and multiples of 4.
    ///
    /// # Errors
    ///
    /// [`GpuError::Range`] outside of the region; too little memory; a lost device.
    pub fn read_region(
        &mut self,
        region: RegionId,
        offset: usize,
        bytes: &mut [u8],
    ) -> Result<(), GpuError> {
        find(&self.regions, region)?.read(offset, bytes)?;
        self.in_flight.clear();
        Ok(())
    }
}

fn find(regions: &[Memory], id: RegionId) -> Result<&Memory, GpuError> {
    regions.get(id.0 as usize).ok_or_else(|| GpuError::Range {
        region: format!("number {}", id.0),
        offset: 0,
        bytes: 0,
        size: 0,
    })
}

/// Where each dispatch's slots begin: a range of one uniform buffer for each.
struct Places {
    buffer: wgpu::Buffer,
    /// First byte and bytes of each dispatch's range.
    ranges: Vec<(u64, u64)>,
}

impl Places {
    fn new(device: &Device, shaders: &Shaders) -> Result<Places, GpuError> {
        let alignment = device.device().limits().min_uniform_buffer_offset_alignment as usize;
        let mut bytes: Vec<u8> = Vec::new();
        let mut ranges = Vec::with_capacity(shaders.dispatches.len());
        for dispatch in &shaders.dispatches {
            bytes.resize(bytes.len().next_multiple_of(alignment.max(16)), 0);
            let start = bytes.len();
            bytes.extend(dispatch.places.iter().flat_map(|word| word.to_le_bytes()));
            // Whole vectors of four, and never nothing.
            bytes.resize((bytes.len().max(start + 1)).next_multiple_of(16), 0);
            ranges.push((start as u64, (bytes.len() - start) as u64));
        }
        let buffer = device.scoped(&|| "the places of slots".to_string(), || {
            device.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("places"),
                size: bytes.len().max(16) as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })?;
        device.scoped(&|| "the places of slots".to_string(), || {
            device.queue().write_buffer(&buffer, 0, &bytes);
        })?;
        Ok(Places { buffer, ranges })
    }

    /// The range of a dispatch.
    fn of(&self, dispatch: usize) -> wgpu::BindingResource<'_> {
        let (offset, bytes) = self.ranges.get(dispatch).copied().unwrap_or((0, 16));
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset,
            size: wgpu::BufferSize::new(bytes),
        })
    }
}

fn create_layout(device: &Device, written: &[bool]) -> Result<wgpu::BindGroupLayout, GpuError> {
    let storage = written
        .iter()
        .map(|&written| wgpu::BufferBindingType::Storage {
            read_only: !written,
        });
    let kinds = storage.chain([wgpu::BufferBindingType::Uniform]);
    let entries: Vec<wgpu::BindGroupLayoutEntry> = (0u32..)
        .zip(kinds)
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
    device.scoped(&|| "a layout of bindings".to_string(), || {
        device
            .device()
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: None,
                entries: &entries,
            })
    })
}

fn create_pipeline(
    device: &Device,
    shader: &Shader,
    layout: &wgpu::BindGroupLayout,
    checks: Checks,
) -> Result<wgpu::ComputePipeline, GpuError> {
    device.scoped(&|| format!("the shader of `{}`", shader.name), || {
        let described = wgpu::ShaderModuleDescriptor {
            label: Some(&shader.name),
            source: wgpu::ShaderSource::Wgsl(shader.source.as_str().into()),
        };
        let module = match checks {
            Checks::Injected => device.device().create_shader_module(described),
            // SAFETY: only `Program::compile` asks for this, with the text that `emit` makes of a
            // schedule that `verify` accepts: every access lies inside its buffer wherever its
            // guards hold, every buffer inside its region, which is bound whole; gathers and
            // scatters clamp their indices; tiles test their edges; loops count up to constants;
            // division by zero is guarded.
            Checks::Proved => unsafe {
                device
                    .device()
                    .create_shader_module_trusted(described, wgpu::ShaderRuntimeChecks::unchecked())
            },
        };
        let layout = device
            .device()
            .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: &[Some(layout)],
                immediate_size: 0,
            });
        device
            .device()
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
