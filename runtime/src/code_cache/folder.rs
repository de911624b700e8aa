//! Folders that code may be run from: the user's own, and nobody else's to write to.

use crate::error::{Error, Result};
use std::fs::DirBuilder;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

/// Makes a folder that only its user reads and writes, unless it is there; its full path.
///
/// # Errors
/// [`Error::File`], [`Error::CodeCache`] for one that others may put code into.
pub(super) fn private(folder: &Path) -> Result<PathBuf> {
    let file = |source| Error::File {
        path: folder.to_path_buf(),
        source,
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).map_err(file)?;
    let folder = folder.canonicalize().map_err(file)?;
    #[cfg(unix)]
    check(&folder)?;
    Ok(folder)
}

fn refused(folder: &Path, reason: impl Into<String>) -> Error {
    Error::CodeCache {
        folder: folder.to_path_buf(),
        reason: reason.into(),
    }
}

/// Refuses what belongs to someone else or is others' to write to, and what stands in a folder where anyone can put
/// another one in its place.
#[cfg(unix)]
fn check(folder: &Path) -> Result<()> {
    // Permissions to write: of the group and all others, and of these alone; and that in a folder owners alone replace
    // what is theirs.
    let (shared, anyone, sticky) = (0o022, 0o002, 0o1000);
    let facts = |path: &Path| {
        path.metadata().map_err(|source| Error::File {
            path: path.to_path_buf(),
            source,
        })
    };
    let own = facts(folder)?;
    // What the administrator has put there, an image of a container say, is as good as the program itself.
    let trusted = [Some(0), user(folder)];
    if !trusted.contains(&Some(own.uid())) {
        return Err(refused(folder, "it belongs to another user"));
    }
    if own.mode() & shared != 0 {
        let mode = own.mode() & 0o7777;
        let reason = format!("others than its owner may write to it (its mode is {mode:o})");
        return Err(refused(folder, reason));
    }
    for above in folder.ancestors().skip(1) {
        let mode = facts(above)?.mode();
        if mode & anyone != 0 && mode & sticky == 0 {
            let reason = format!(
                "anyone may put another folder in its place in {}",
                above.display()
            );
            return Err(refused(folder, reason));
        }
    }
    Ok(())
}

/// Who owns files that this process makes in a folder, if it may make any there.
#[cfg(unix)]
fn user(folder: &Path) -> Option<u32> {
    let (path, file) = super::new_file(folder).ok()?;
    let user = file.metadata().map(|facts| facts.uid());
    drop(file);
    // One that stays is dropped with others that are left over.
    let _ = std::fs::remove_file(path);
    user.ok()
}

/// Where the system has an app's caches, and ours in them.
///
/// # Errors
/// [`Error::CodeCache`].
pub(super) fn of_app(name: &str) -> Result<PathBuf> {
    let path = Path::new(name);
    let mut parts = path.components();
    let is_plain = matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(part)), None) if part == name
    );
    if !is_plain {
        return Err(refused(path, "an app's name is that of one folder"));
    }
    let caches = caches().ok_or_else(|| refused(path, "the system tells no folder for caches"))?;
    Ok(caches.join(name).join("sinew"))
}

/// The user's folder for caches.
fn caches() -> Option<PathBuf> {
    // Relative ones mean nothing, by the XDG conventions.
    let told = |variable: &str| {
        let path = std::env::var_os(variable).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let home = || std::env::home_dir().filter(|path| path.is_absolute());
    if cfg!(windows) {
        told("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        Some(home()?.join("Library").join("Caches"))
    } else {
        told("XDG_CACHE_HOME").or_else(|| Some(home()?.join(".cache")))
    }
}
