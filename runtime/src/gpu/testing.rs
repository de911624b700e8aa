//! Whether tests that need a GPU run.

use super::Device;

/// The GPU for a test; `None` where there is none, with a line that says so. With
/// `SINEW_REQUIRE_GPU=1` in the environment a missing GPU fails the test instead.
pub fn device() -> Option<Device> {
    match Device::open() {
        Ok(device) => Some(device),
        Err(error) if std::env::var_os("SINEW_REQUIRE_GPU").is_some_and(|v| v == "1") => {
            panic!("SINEW_REQUIRE_GPU is set: {error}")
        }
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}
