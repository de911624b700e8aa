//! A region's memory on a GPU.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Gpu, GpuError};

/// Bytes read back at once.
const STAGING: usize = 16 << 20;

/// A block of bytes on a GPU, zeros at first. Work on it happens in the order it was asked for.
///
/// Dropped, it goes back to the GPU when that is done with it, whatever is still bound to it.
#[derive(Debug)]
pub struct GpuMemory {
    gpu: Gpu,
    name: String,
    bytes: usize,
    buffer: wgpu::Buffer,
    staging: Mutex<Option<wgpu::Buffer>>,
}

impl GpuMemory {
    /// A block of `bytes`; the name is for errors and debuggers.
    ///
    /// # Errors
    ///
    /// [`GpuError::Region`] past the largest buffer, [`GpuError::OutOfMemory`] when there is too little.
    pub fn zeroed(gpu: &Gpu, name: &str, bytes: usize) -> Result<GpuMemory, GpuError> {
        // An empty binding is refused.
        let size = bytes.max(4).checked_next_multiple_of(4);
        let limit = gpu.buffer_bytes();
        let size = size.map(|size| size as u64).filter(|size| *size <= limit);
        let size = size.ok_or_else(|| GpuError::Region {
            region: name.to_string(),
            bytes,
            limit,
        })?;
        let buffer = gpu.scoped(&|| format!("region `{name}` of {bytes} bytes"), || {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(name),
                size,
                usage: wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_SRC
                    | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })?;
        gpu.check_for_loss(wgpu::PollType::Poll)?;
        Ok(GpuMemory {
            gpu: gpu.clone(),
            name: name.into(),
            bytes,
            buffer,
            staging: Mutex::default(),
        })
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// Makes all of it zeros, before whatever runs next.
    ///
    /// # Errors
    ///
    /// A lost device.
    pub fn clear(&self) -> Result<(), GpuError> {
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        for offset in (0..self.bytes).step_by(ZEROS.len()) {
            self.write(offset, &ZEROS[..ZEROS.len().min(self.bytes - offset)])?;
        }
        Ok(())
    }

    /// Copies `bytes` in, before whatever runs next. Offset and length are in bytes and multiples
    /// of 4; what ends where the block does may have another length.
    ///
    /// # Errors
    ///
    /// [`GpuError::Range`] outside of the block; a lost device.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), GpuError> {
        let at = self.check_range(offset, bytes.len())?;
        if bytes.is_empty() {
            return Ok(());
        }
        let what = || format!("an upload to `{}`", self.name);
        self.gpu.scoped(&what, || {
            let (words, rest) = bytes.as_chunks::<4>();
            let queue = self.gpu.queue();
            queue.write_buffer(&self.buffer, at, words.as_flattened());
            if !rest.is_empty() {
                let mut last = [0; 4];
                last[..rest.len()].copy_from_slice(rest);
                let at = at + words.as_flattened().len() as u64;
                queue.write_buffer(&self.buffer, at, &last);
            }
        })
    }

    /// Copies out what is there after everything run so far, and waits for that. Offset and length
    /// are in bytes and multiples of 4; what ends where the block does may have another length.
    ///
    /// # Errors
    ///
    /// [`GpuError::Range`] outside of the block; too little memory; a lost device.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        let mut at = self.check_range(offset, bytes.len())?;
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(STAGING) {
            self.read_chunk(&mut staging, at, chunk)?;
            at += chunk.len() as u64;
        }
        Ok(())
    }

    fn read_chunk(
        &self,
        kept: &mut Option<wgpu::Buffer>,
        at: u64,
        bytes: &mut [u8],
    ) -> Result<(), GpuError> {
        let gpu = &self.gpu;
        let size = bytes.len().next_multiple_of(4) as u64;
        let staging = match kept.take().filter(|buffer| buffer.size() >= size) {
            Some(staging) => staging,
            None => gpu.scoped(&|| format!("a readback buffer of {size} bytes"), || {
                gpu.device().create_buffer(&wgpu::BufferDescriptor {
                    label: Some("readback"),
                    size: size.next_power_of_two(),
                    usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                    mapped_at_creation: false,
                })
            })?,
        };
        let what = || format!("a readback of `{}`", self.name);
        let (sender, mapped) = mpsc::channel();
        let submission = gpu.scoped(&what, || {
            let mut encoder = gpu
                .device()
                .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
            encoder.copy_buffer_to_buffer(&self.buffer, at, &staging, 0, size);
            let submission = gpu.queue().submit([encoder.finish()]);
            // A receiver that is gone has had its error already.
            staging.map_async(wgpu::MapMode::Read, 0..size, move |result| {
                drop(sender.send(result));
            });
            submission
        })?;
        let refused = |message: String| GpuError::Refused {
            what: what(),
            message,
        };
        loop {
            gpu.wait(submission.clone())?;
            match mapped.recv_timeout(Duration::from_millis(1)) {
                Ok(Ok(())) => break,
                Ok(Err(error)) => return Err(refused(error.to_string())),
                // Another thread that waits for the device has taken the callback, and not called
                // it yet.
                Err(RecvTimeoutError::Timeout) => {}
                Err(error) => return Err(refused(error.to_string())),
            }
        }
        gpu.scoped(&what, || -> Result<(), wgpu::MapRangeError> {
            bytes.copy_from_slice(&staging.get_mapped_range(0..size)?[..bytes.len()]);
            staging.unmap();
            Ok(())
        })?
        .map_err(|error| refused(error.to_string()))?;
        *kept = Some(staging);
        Ok(())
    }

    /// Checks a range; gives its first byte.
    fn check_range(&self, offset: usize, bytes: usize) -> Result<u64, GpuError> {
        let inside = offset
            .checked_add(bytes)
            .is_some_and(|end| end <= self.bytes);
        // The buffer has whole words.
        let ends = bytes.is_multiple_of(4) || offset + bytes == self.bytes;
        if inside && offset.is_multiple_of(4) && ends {
            return Ok(offset as u64);
        }
        Err(GpuError::Range {
            region: self.name.to_string(),
            offset,
            bytes,
            size: self.bytes,
        })
    }
}

impl Drop for GpuMemory {
    fn drop(&mut self) {
        self.buffer.destroy();
    }
}
