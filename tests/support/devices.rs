//! The devices that programs are tried on.

use sinew::prelude::*;

/// The CPU, and a GPU if there is one: where `SINEW_REQUIRE_GPU=1` is in the environment there must be.
pub fn devices() -> Vec<Device> {
    let mut devices = vec![Device::cpu()];
    match Device::gpu() {
        Ok(device) => devices.push(device),
        Err(error) => {
            let required = std::env::var_os("SINEW_REQUIRE_GPU").is_some_and(|v| v == "1");
            assert!(
                !required || cfg!(not(feature = "gpu")),
                "SINEW_REQUIRE_GPU is set: {error}"
            );
            eprintln!("skipped on the GPU: {error}");
        }
    }
    devices
}
