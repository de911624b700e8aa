//! Whether tests that need a GPU run.

use super::Gpu;
use std::io::Write;

/// The GPU for a test; `None` where there is none, with a line that says so. With
/// `SINEW_REQUIRE_GPU=1` in the environment a missing GPU fails the test instead.
pub fn gpu() -> Option<Gpu> {
    match Gpu::open() {
        Ok(gpu) => Some(gpu),
        Err(error) if std::env::var_os("SINEW_REQUIRE_GPU").is_some_and(|v| v == "1") => {
            panic!("SINEW_REQUIRE_GPU is set: {error}")
        }
        Err(error) => {
            skipped(&error.to_string());
            None
        }
    }
}

/// As [`gpu`], as trainers and runners take it.
pub fn device() -> Option<crate::Device> {
    Some(crate::Device(crate::backend::Backend::Gpu(gpu()?)))
}

/// Has a device lost, as a driver's crash or a card that is pulled out would: all that it held is gone.
pub fn lose(device: &crate::Device) {
    match &device.0 {
        crate::backend::Backend::Gpu(gpu) => gpu.device().destroy(),
        crate::backend::Backend::Cpu => {}
    }
}

/// Says that something was not tested. Tests' output is captured while they pass: this goes past that.
pub fn skipped(why: &str) {
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    let line = format!("skipped in {test}: {why}\n");
    // Nobody reads a standard error that is closed.
    drop(std::io::stderr().write_all(line.as_bytes()));
}
