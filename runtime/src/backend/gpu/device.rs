//! A GPU: adapter, device and queue, with its errors caught.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, ThreadId, current};
use std::time::Duration;

use sinew_codegen::wgsl::Limits;

use super::GpuError;

/// A GPU. Clones are the same device.
///
/// ```no_run
/// let gpu = sinew_runtime::gpu::Gpu::open()?;
/// println!("{}", gpu.name());
/// # Ok::<(), sinew_runtime::gpu::GpuError>(())
/// ```
#[derive(Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    name: String,
    faults: Arc<Faults>,
}

/// What wgpu reports outside of scopes.
#[derive(Default)]
struct Faults {
    /// Why the device is gone: for everyone.
    lost: Mutex<Option<String>>,
    /// The first error of each thread that has not been told: wgpu reports an error on the thread whose
    /// call made it, and no other thread's call has to do with it.
    errors: Mutex<HashMap<ThreadId, String>>,
}

impl Gpu {
    /// Opens the machine's GPU, the fastest if there are several. A software driver, which computes on
    /// the CPU, is taken only where there is no other, with a `tracing` warning.
    ///
    /// # Errors
    ///
    /// [`GpuError::NotFound`] without one, [`GpuError::Open`] where its driver refuses.
    pub fn open() -> Result<Gpu, GpuError> {
        let backends = wgpu::Instance::enabled_backend_features();
        let looked_for = if backends.is_empty() {
            "nothing, since this build has no interface for this system".to_string()
        } else {
            let names: Vec<String> = backends
                .iter_names()
                .map(|(name, _)| name.to_lowercase())
                .collect();
            names.join(", ")
        };
        let missing = |message: String| GpuError::NotFound {
            looked_for: looked_for.clone(),
            message,
        };
        if backends.is_empty() {
            return Err(missing("the `gpu` feature knows Vulkan".to_string()));
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            // The drivers' own validation layers: for debugging wgpu, not for using it.
            flags: wgpu::InstanceFlags::empty(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let adapter = block_on(instance.request_adapter(&wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        }))
        .map_err(|error| missing(error.to_string()))?;
        let info = adapter.get_info();
        if info.device_type == wgpu::DeviceType::Cpu {
            tracing::warn!(
                adapter = info.name,
                "no GPU but a software driver, which is slower than the CPU's own code",
            );
        }
        let (device, queue) = block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("sinew"),
            required_limits: adapter.limits(),
            // For f16 and bf16 in buffers, and for times of kernels, where the driver has them.
            required_features: adapter.features()
                & (wgpu::Features::SHADER_I16 | wgpu::Features::TIMESTAMP_QUERY),
            ..wgpu::DeviceDescriptor::default()
        }))
        .map_err(|error| GpuError::Open {
            adapter: info.name.clone(),
            message: error.to_string(),
        })?;
        Ok(Gpu::adopt(device, queue))
    }

    /// Takes over a device of wgpu; from here on its errors are kept instead of panicking.
    fn adopt(device: wgpu::Device, queue: wgpu::Queue) -> Gpu {
        let faults = Arc::new(Faults::default());
        let seen = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            seen.keep_error(error.to_string());
        }));
        let seen = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            lock(&seen.lost).get_or_insert(format!("{reason:?}: {message}"));
        });
        let name = device.adapter_info().name;
        Gpu {
            inner: Arc::new(Inner {
                device,
                queue,
                name,
                faults,
            }),
        }
    }

    /// The adapter's name, as its driver spells it.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Whether it tells how long kernels take.
    pub(crate) fn has_clock(&self) -> bool {
        let features = self.inner.device.features();
        features.contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// What shaders for this device may use.
    pub fn limits(&self) -> Limits {
        let limits = self.inner.device.limits();
        Limits {
            storage_buffers: limits.max_storage_buffers_per_shader_stage as usize,
            binding_bytes: limits.max_storage_buffer_binding_size,
            workgroup_bytes: limits.max_compute_workgroup_storage_size as usize,
            invocations: limits
                .max_compute_invocations_per_workgroup
                .min(limits.max_compute_workgroup_size_x),
            groups: limits.max_compute_workgroups_per_dimension,
            halves: self
                .inner
                .device
                .features()
                .contains(wgpu::Features::SHADER_I16),
        }
    }

    /// The largest buffer, in bytes.
    pub(super) fn buffer_bytes(&self) -> u64 {
        self.inner.device.limits().max_buffer_size
    }

    /// wgpu's device.
    pub(super) fn device(&self) -> &wgpu::Device {
        &self.inner.device
    }

    /// wgpu's queue.
    pub(super) fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    /// Runs calls to wgpu; what they report is the error of `what`.
    pub(super) fn scoped<T>(
        &self,
        what: &dyn Fn() -> String,
        calls: impl FnOnce() -> T,
    ) -> Result<T, GpuError> {
        let device = &self.inner.device;
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let result = calls();
        let validation = block_on(validation.pop());
        let internal = block_on(internal.pop());
        let memory = block_on(memory.pop());
        self.check()?;
        if memory.is_some() {
            return Err(GpuError::OutOfMemory { what: what() });
        }
        match validation.or(internal) {
            None => Ok(result),
            Some(error) => {
                self.check_for_loss(wgpu::PollType::Poll)?;
                Err(GpuError::Refused {
                    what: what(),
                    message: error.to_string(),
                })
            }
        }
    }

    /// As [`Gpu::check`], for a loss that wgpu has not told of: it does so when it is asked how far its
    /// work is, and until then takes calls and does nothing.
    pub(super) fn check_for_loss(&self, poll: wgpu::PollType) -> Result<(), GpuError> {
        // What it says besides, and a panic of a broken driver, is the error of whoever waits.
        drop(catch_unwind(AssertUnwindSafe(|| {
            self.inner.device.poll(poll)
        })));
        self.check()
    }

    /// Waits until the GPU is done with a submission.
    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<(), GpuError> {
        // wgpu may panic here when the driver fails.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            self.inner.device.poll(wgpu::PollType::Wait {
                submission_index: Some(submission),
                timeout: None,
            })
        }));
        self.check()?;
        let message = match polled {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the driver failed".to_string(),
        };
        // wgpu tells of a loss when all work before it is done.
        self.check_for_loss(wgpu::PollType::Wait {
            submission_index: None,
            timeout: Some(Duration::from_secs(5)),
        })?;
        Err(GpuError::Refused {
            what: "to finish its work".to_string(),
            message,
        })
    }

    /// The error that calls of this thread have made outside of scopes since the last time, if any. A
    /// lost device accepts calls and does nothing; that error stays, and is every thread's.
    pub(super) fn check(&self) -> Result<(), GpuError> {
        let faults = &self.inner.faults;
        if let Some(message) = lock(&faults.lost).clone() {
            return Err(GpuError::Lost { message });
        }
        // Told once: what failed is past, and the device goes on.
        match lock(&faults.errors).remove(&current().id()) {
            None => Ok(()),
            Some(message) => Err(GpuError::Refused {
                what: "earlier work".to_string(),
                message,
            }),
        }
    }
}

impl PartialEq for Gpu {
    /// Whether it is the same opened device.
    fn eq(&self, other: &Gpu) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gpu").field(&self.inner.name).finish()
    }
}

impl Faults {
    /// Keeps an error for this thread's next call.
    fn keep_error(&self, message: String) {
        /// Threads that end before another call leave theirs behind: no more of these than that.
        const MOST: usize = 256;
        let mut errors = lock(&self.errors);
        if errors.len() < MOST {
            errors.entry(current().id()).or_insert(message);
        }
    }
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future; wgpu's are ready at once outside of browsers.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GpuMemory, testing};
    use super::*;

    #[test]
    fn an_error_from_outside_of_calls_is_told_once() {
        let Some(device) = testing::gpu() else {
            return;
        };
        let memory = GpuMemory::zeroed(&device, "x", 4).expect("little memory");
        device
            .inner
            .faults
            .keep_error("a driver's complaint".into());
        let error = memory.read(0, &mut [0; 4]).expect_err("it is told");
        assert_eq!(
            error.to_string(),
            "the GPU refused earlier work: a driver's complaint"
        );
        memory.read(0, &mut [0; 4]).expect("the device goes on");
        lock(&device.inner.faults.lost).get_or_insert("unplugged".into());
        for _ in 0..2 {
            let error = memory.read(0, &mut [0; 4]).expect_err("it is gone");
            assert_eq!(error.to_string(), "the GPU was lost: unplugged");
        }
    }

    /// Work that the device refuses, outside of any scope.
    fn complain(gpu: &Gpu) {
        let invalid = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("mapped for both"),
            size: 4,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE,
            mapped_at_creation: false,
        });
        drop(invalid);
    }

    #[test]
    fn an_error_of_one_thread_is_not_told_to_another() {
        let Some(device) = testing::gpu() else {
            return;
        };
        let memory = GpuMemory::zeroed(&device, "x", 4).expect("little memory");
        std::thread::scope(|threads| {
            let other = threads.spawn(|| {
                complain(&device);
                memory.read(0, &mut [0; 4]).expect_err("it is this one's");
                memory.read(0, &mut [0; 4]).expect("told once");
                complain(&device);
            });
            other.join().expect("the other thread");
        });
        memory.read(0, &mut [0; 4]).expect("nothing of this thread");
    }
}
