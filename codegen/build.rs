//! Tells the code generator what it was built from, so that machine code which is kept between processes is never
//! that of other sources, nor laid out as by another compiler: a version number stays the same between releases.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files(&path, found)?,
            false => found.push(path),
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=build.rs");
    let mut found = Vec::new();
    files(Path::new("src"), &mut found)?;
    found.sort();
    let mut hasher = DefaultHasher::new();
    for path in found {
        path.to_string_lossy().hash(&mut hasher);
        std::fs::read(&path)?.hash(&mut hasher);
    }
    if let Some(rustc) = std::env::var_os("RUSTC") {
        // One that does not say its version compiles nothing either.
        let version = Command::new(rustc).arg("-vV").output();
        version.map(|o| o.stdout).ok().hash(&mut hasher);
    }
    println!(
        "cargo:rustc-env=SINEW_CODEGEN_SOURCES={:016x}",
        hasher.finish()
    );
    Ok(())
}
