//! Tests of data: one program, so that it is linked once.

mod allocation;
mod batches;
mod latest;
mod load;
mod loader;
mod log;
mod metrics;
mod plot;

/// A path in the folder that Cargo has for what tests write.
fn temporary(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("data");
    std::fs::create_dir_all(&folder).expect("a folder of the target's");
    folder.join(name)
}
