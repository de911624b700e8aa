//! Files that are replaced at once or not at all: written whole under another name, then renamed.

use std::fs::File;
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Replaces the file at once or not at all.
///
/// # Errors
/// What the system says: an older file is then as it was.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let target = resolved(path)?;
    // First, for what is left may have filled the disk.
    remove_left(&target);
    Partial::write(&target, bytes)?.become_file(&target)
}

/// What names of files in the making end with.
const ENDING: &str = ".partial";

/// A file in the making, under a name of its own beside the target; removed unless it was moved there. It is locked as
/// long as it is written, which a crash of its process ends: so it can be told from what such a process has left.
struct Partial {
    path: PathBuf,
    file: File,
    moved: bool,
}

impl Partial {
    /// Writes `bytes` through to the disk. The name is this process's and this call's, so that no two
    /// savers share one; a file of that name is what another process of this number left behind.
    fn write(target: &Path, bytes: &[u8]) -> Result<Partial> {
        static SAVES: AtomicU64 = AtomicU64::new(0);
        loop {
            let save = SAVES.fetch_add(1, Ordering::Relaxed);
            let mut name = target.as_os_str().to_owned();
            name.push(format!(".{}-{save}{ENDING}", std::process::id()));
            let path = PathBuf::from(name);
            let file = match File::create_new(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                created => created?,
            };
            // Where files cannot be locked nobody takes it for left.
            let locked = file.lock().is_ok();
            // Before it was locked another saver may have taken it for left.
            if locked && !path.exists() {
                continue;
            }
            let mut partial = Partial {
                path,
                file,
                moved: false,
            };
            partial.file.write_all(bytes)?;
            // A rename may reach the disk before what was written: a crash would leave an empty file.
            partial.file.sync_all()?;
            return Ok(partial);
        }
    }

    fn become_file(mut self, target: &Path) -> Result<()> {
        std::fs::rename(&self.path, target)?;
        self.moved = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.moved {
            // What went wrong before is the error that is told.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// Removes what processes have left that ended while they wrote this file. What cannot be read or removed is in nobody's
/// way, and stays.
fn remove_left(target: &Path) {
    let Some(name) = target.file_name() else {
        return;
    };
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        if !is_of(
            &entry.file_name().to_string_lossy(),
            &name.to_string_lossy(),
        ) {
            continue;
        }
        let path = entry.path();
        if let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
        {
            drop(std::fs::remove_file(&path));
        }
    }
}

/// Whether a name is that of a file in the making for `target`: with two numbers and the ending behind it.
fn is_of(name: &str, target: &str) -> bool {
    let numbers = name
        .strip_prefix(target)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(ENDING));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    numbers
        .and_then(|numbers| numbers.split_once('-'))
        .is_some_and(|(process, save)| is_number(process) && is_number(save))
}

/// The file that a path means: where symbolic links lead, whether there is a file yet or not.
fn resolved(path: &Path) -> Result<PathBuf> {
    match std::fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match std::fs::read_link(path) {
                // Relative to the link's folder; links in a circle are another error than this.
                Ok(to) => resolved(&path.parent().unwrap_or(Path::new("")).join(to)),
                Err(_) => Ok(path.to_path_buf()),
            }
        }
        found => found,
    }
}
