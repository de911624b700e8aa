//! The devices that programs are tried on.

use sinew::prelude::*;

/// The CPU, and a GPU if there is one: a test that goes without says so, and fails where
/// `SINEW_REQUIRE_GPU=1` is in the environment.
pub fn devices() -> Vec<Device> {
    let devices = [Device::cpu()].into_iter();
    #[cfg(feature = "gpu")]
    let devices = devices.chain(sinew_runtime::gpu::testing::device());
    devices.collect()
}
