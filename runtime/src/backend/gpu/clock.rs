//! How long each run of a kernel takes on a GPU: its timestamps before and behind each dispatch.

use super::code::Dispatch;
use super::{GpuCode, GpuError, GpuLaunch, GpuMemory};
use crate::backend::Slot;
use crate::error::Result as RuntimeResult;
use sinew_codegen::work::Lap;
use std::time::Duration;

/// Dispatches that are clocked by one set of queries, which has two for each.
const DISPATCHES: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;

/// Bytes of a timestamp.
const STAMP: usize = 8;

impl GpuCode {
    /// As [`Code::run_clocked`](crate::backend::Code::run_clocked). Each dispatch is a pass of its own, since passes
    /// are what is clocked.
    ///
    /// # Errors
    /// As [`GpuCode::run_slots`].
    pub(crate) fn run_clocked(
        &self,
        launch: &mut GpuLaunch,
        slots: &[Slot<'_>],
        laps: &mut [Lap],
    ) -> RuntimeResult<()> {
        // What was run before is no part of the time.
        self.bind_slots(launch, slots)?;
        self.wait(launch)?;
        let mut groups = launch.groups.iter();
        for submission in &self.submissions {
            for dispatches in submission.chunks(DISPATCHES) {
                let stamps = self.clocked(dispatches, &mut groups)?;
                let (pairs, _) = stamps.as_chunks::<2>();
                for (dispatch, [start, end]) in dispatches.iter().zip(pairs) {
                    if let Some(lap) = laps.get_mut(dispatch.run) {
                        lap.add(self.duration(end.saturating_sub(*start)));
                    }
                }
            }
        }
        Ok(())
    }

    fn duration(&self, ticks: u64) -> Duration {
        let period = f64::from(self.gpu.queue().get_timestamp_period());
        Duration::from_secs_f64(ticks as f64 * period * 1e-9)
    }

    /// Runs dispatches; the timestamps before and behind each.
    fn clocked<'g>(
        &self,
        dispatches: &[Dispatch],
        groups: &mut impl Iterator<Item = &'g wgpu::BindGroup>,
    ) -> Result<Vec<u64>, GpuError> {
        let gpu = &self.gpu;
        let count = 2 * dispatches.len();
        let bytes = count * STAMP;
        let out = GpuMemory::zeroed(gpu, "timestamps", bytes)?;
        gpu.scoped(&|| "a step with a clock".to_string(), || {
            let device = gpu.device();
            let queries = u32::try_from(count).unwrap_or(u32::MAX);
            let set = device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: queries,
            });
            let resolved = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: bytes as u64,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            let mut encoder =
                device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
            for ((dispatch, group), first) in dispatches.iter().zip(groups).zip((0u32..).step_by(2))
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: None,
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: &set,
                        beginning_of_pass_write_index: Some(first),
                        end_of_pass_write_index: Some(first + 1),
                    }),
                });
                let [x, y, z] = dispatch.groups;
                pass.set_pipeline(&dispatch.pipeline);
                pass.set_bind_group(0, group, &[]);
                pass.dispatch_workgroups(x, y, z);
            }
            encoder.resolve_query_set(&set, 0..queries, &resolved, 0);
            encoder.copy_buffer_to_buffer(&resolved, 0, out.buffer(), 0, bytes as u64);
            gpu.queue().submit([encoder.finish()]);
        })?;
        let mut words = vec![0; bytes];
        out.read(0, &mut words)?;
        let (stamps, _) = words.as_chunks::<STAMP>();
        Ok(stamps
            .iter()
            .map(|stamp| u64::from_le_bytes(*stamp))
            .collect())
    }
}
