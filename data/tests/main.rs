//! Tests of data: one program, so that it is linked once.

mod allocation;
mod batches;
mod latest;
mod load;
mod loader;
mod log;
mod metrics;
mod plot;

/// A path in a folder of this process's own.
fn temporary(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("sinew-data-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder.join(name)
}
