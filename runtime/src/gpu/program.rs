//! A schedule on a GPU: its regions as buffers, its dispatches as one submission.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use sinew_codegen::kernel::{Region, RegionId, Schedule};
use sinew_codegen::verify::verify;
use sinew_codegen::wgsl::{Shader, emit};

use super::{Device, GpuError};

/// Steps that may be under way before [`Program::run`] waits for the oldest.
const IN_FLIGHT: usize = 3;

/// Bytes read back at once.
const STAGING: usize = 16 << 20;

/// A compiled schedule, ready to run again and again.
///
/// Regions start as zeros and live as long as the program. Nothing is read back unless asked for,
/// so a run costs one submission.
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
    regions: Vec<(Region, wgpu::Buffer)>,
    dispatches: Vec<Dispatch>,
    staging: Option<wgpu::Buffer>,
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
        verify(schedule)?;
        let shaders = emit(schedule, &device.limits())?;
        Program::create(device, schedule, &shaders, Checks::Proved)
    }

    /// Makes a program of shaders that were emitted from `schedule` for this device, with wgpu's
    /// checks of indices and loops, since the shaders may come from anywhere. Equal shaders are
    /// compiled once.
    ///
    /// # Errors
    ///
    /// Too little memory, regions too large for the device, or shaders that it refuses.
    pub fn new(
        device: &Device,
        schedule: &Schedule,
        shaders: &[Shader],
    ) -> Result<Program, GpuError> {
        Program::create(device, schedule, shaders, Checks::Injected)
    }

    fn create(
        device: &Device,
        schedule: &Schedule,
        shaders: &[Shader],
        checks: Checks,
    ) -> Result<Program, GpuError> {
        let regions = schedule
            .regions
            .iter()
            .map(|region| Ok((region.clone(), create_region(device, region)?)))
            .collect::<Result<Vec<_>, GpuError>>()?;
        let mut layouts = HashMap::new();
        let mut pipelines: HashMap<(&str, Vec<bool>), wgpu::ComputePipeline> = HashMap::new();
        let mut dispatches = Vec::with_capacity(shaders.len());
        for shader in shaders {
            let written: Vec<bool> = shader.bindings.iter().map(|(_, w)| *w).collect();
            let layout = match layouts.get(&written) {
                Some(layout) => layout,
                None => {
                    let layout = create_layout(device, &written)?;
                    layouts.entry(written.clone()).or_insert(layout)
                }
            };
            let key = (shader.source.as_str(), written);
            let pipeline = match pipelines.get(&key) {
                Some(pipeline) => pipeline.clone(),
                None => {
                    let pipeline = create_pipeline(device, shader, layout, checks)?;
                    pipelines.insert(key, pipeline.clone());
                    pipeline
                }
            };
            let mut entries = Vec::with_capacity(shader.bindings.len());
            for (at, (id, _)) in (0u32..).zip(&shader.bindings) {
                let (_, buffer) = find(&regions, *id)?;
                entries.push(wgpu::BindGroupEntry {
                    binding: at,
                    resource: buffer.as_entire_binding(),
                });
            }
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
            dispatches.push(Dispatch {
                pipeline,
                bindings,
                groups: shader.groups,
            });
        }
        Ok(Program {
            device: device.clone(),
            regions,
            dispatches,
            staging: None,
            in_flight: VecDeque::new(),
        })
    }

    /// The device it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Dispatches in a run.
    pub fn dispatches(&self) -> usize {
        self.dispatches.len()
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
        let at = check_range(&self.regions, region, offset, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        let (described, buffer) = find(&self.regions, region)?;
        self.device
            .scoped(&|| format!("an upload to `{}`", described.name), || {
                self.device.queue().write_buffer(buffer, at, bytes);
            })
    }

    /// Runs every kernel once, in order, as one submission; returns before the GPU is done, but
    /// not before the step three runs ago is.
    ///
    /// # Errors
    ///
    /// A lost device, or one that refuses the work.
    pub fn run(&mut self) -> Result<(), GpuError> {
        let device = self.device.clone();
        let submission = device.scoped(&|| "a step".to_string(), || {
            let mut encoder = device
                .device()
                .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                for dispatch in &self.dispatches {
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
        let mut at = check_range(&self.regions, region, offset, bytes.len())?;
        for chunk in bytes.chunks_mut(STAGING) {
            self.read_chunk(region, at, chunk)?;
            at += chunk.len() as u64;
        }
        Ok(())
    }

    fn read_chunk(&mut self, region: RegionId, at: u64, bytes: &mut [u8]) -> Result<(), GpuError> {
        let device = self.device.clone();
        let size = bytes.len() as u64;
        let staging = match self.staging.take().filter(|buffer| buffer.size() >= size) {
            Some(staging) => staging,
            None => device.scoped(&|| format!("a readback buffer of {size} bytes"), || {
                device.device().create_buffer(&wgpu::BufferDescriptor {
                    label: Some("readback"),
                    size: size.next_power_of_two(),
                    usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                    mapped_at_creation: false,
                })
            })?,
        };
        let (described, buffer) = find(&self.regions, region)?;
        let what = || format!("a readback of `{}`", described.name);
        let (sender, mapped) = mpsc::channel();
        let submission = device.scoped(&what, || {
            let mut encoder = device
                .device()
                .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
            encoder.copy_buffer_to_buffer(buffer, at, &staging, 0, size);
            let submission = device.queue().submit([encoder.finish()]);
            // A receiver that is gone has had its error already.
            staging.map_async(wgpu::MapMode::Read, 0..size, move |result| {
                drop(sender.send(result));
            });
            submission
        })?;
        self.in_flight.clear();
        let refused = |message: String| GpuError::Refused {
            what: what(),
            message,
        };
        loop {
            device.wait(submission.clone())?;
            match mapped.recv_timeout(Duration::from_millis(1)) {
                Ok(Ok(())) => break,
                Ok(Err(error)) => return Err(refused(error.to_string())),
                // Another thread that waits for the device has taken the callback, and not called
                // it yet.
                Err(RecvTimeoutError::Timeout) => {}
                Err(error) => return Err(refused(error.to_string())),
            }
        }
        let view = staging
            .get_mapped_range(0..size)
            .map_err(|error| refused(error.to_string()))?;
        bytes.copy_from_slice(&view);
        drop(view);
        staging.unmap();
        self.staging = Some(staging);
        device.check()
    }
}

fn find(
    regions: &[(Region, wgpu::Buffer)],
    id: RegionId,
) -> Result<&(Region, wgpu::Buffer), GpuError> {
    regions.get(id.0 as usize).ok_or_else(|| GpuError::Range {
        region: format!("number {}", id.0),
        offset: 0,
        bytes: 0,
        size: 0,
    })
}

/// Checks a range of a region; gives its first byte.
fn check_range(
    regions: &[(Region, wgpu::Buffer)],
    id: RegionId,
    offset: usize,
    bytes: usize,
) -> Result<u64, GpuError> {
    let (region, _) = find(regions, id)?;
    let inside = offset
        .checked_add(bytes)
        .is_some_and(|end| end <= region.bytes);
    if inside && offset.is_multiple_of(4) && bytes.is_multiple_of(4) {
        Ok(offset as u64)
    } else {
        Err(GpuError::Range {
            region: region.name.clone(),
            offset,
            bytes,
            size: region.bytes,
        })
    }
}

fn create_region(device: &Device, region: &Region) -> Result<wgpu::Buffer, GpuError> {
    // An empty binding is refused.
    let size = region.bytes.max(4).next_multiple_of(4) as u64;
    let limit = device.buffer_bytes();
    if size > limit {
        return Err(GpuError::Region {
            region: region.name.clone(),
            bytes: region.bytes,
            limit,
        });
    }
    device.scoped(
        &|| format!("region `{}` of {} bytes", region.name, region.bytes),
        || {
            device.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(&region.name),
                size,
                usage: wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_SRC
                    | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        },
    )
}

fn create_layout(device: &Device, written: &[bool]) -> Result<wgpu::BindGroupLayout, GpuError> {
    let entries: Vec<wgpu::BindGroupLayoutEntry> = (0u32..)
        .zip(written)
        .map(|(binding, &written)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage {
                    read_only: !written,
                },
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
