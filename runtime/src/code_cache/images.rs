//! The files of a cache: one for each program, whole or not there.

use super::{CodeCache, new_file};
use sinew_codegen::cpu::{CodeKey, CodeStore, Damage};
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How the name of a program's file ends, behind its key.
const EXTENSION: &str = "code";

/// After so long a file that is being written is one of a process that has ended.
const ABANDONED: Duration = Duration::from_secs(3600);

impl CodeStore for CodeCache {
    fn load(&self, key: &CodeKey) -> Option<Vec<u8>> {
        let path = self.path(key);
        match self.read(&path) {
            Ok(image) => Some(image),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "a kept program cannot be read and is compiled anew");
                None
            }
        }
    }

    fn keep(&self, key: &CodeKey, image: &[u8]) {
        let path = self.path(key);
        if image.len() as u64 > self.limit {
            let (bytes, limit) = (image.len(), self.limit);
            tracing::debug!(bytes, limit, "a program is larger than its cache");
            return;
        }
        match self.write(&path, image) {
            Ok(()) => tracing::debug!(path = %path.display(), bytes = image.len(), "kept"),
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "a compiled program cannot be kept");
            }
        }
        self.drop_oldest(&path);
    }

    fn refused(&self, key: &CodeKey, why: Damage) {
        let path = self.path(key);
        tracing::warn!(path = %path.display(), %why, "a kept program is not used and is compiled anew");
    }
}

/// A file that lies in a cache.
struct Kept {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl CodeCache {
    fn path(&self, key: &CodeKey) -> PathBuf {
        self.folder.join(format!("{key}.{EXTENSION}"))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let facts = file.metadata()?;
        self.check(&facts)?;
        let mut image = Vec::new();
        // One that grows meanwhile is not read for ever.
        let read = (&mut file).take(self.limit).read_to_end(&mut image)?;
        if read as u64 != facts.len() {
            return Err(io::Error::other("it is larger than the cache may be"));
        }
        // What was used last is dropped last. Where files cannot be changed nothing is dropped either.
        let _ = file.set_modified(SystemTime::now());
        Ok(image)
    }

    /// Refuses what someone else has put there or may change, and what is no file.
    fn check(&self, facts: &Metadata) -> io::Result<()> {
        if !facts.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let owner = self.folder.metadata()?.uid();
            if facts.uid() != owner || facts.mode() & 0o022 != 0 {
                return Err(io::Error::other(
                    "others than the folder's owner may write to it",
                ));
            }
        }
        Ok(())
    }

    /// Puts a whole file in its place.
    fn write(&self, path: &Path, image: &[u8]) -> io::Result<()> {
        let (new, mut file) = new_file(&self.folder)?;
        let written = file.write_all(image).and_then(|()| {
            drop(file);
            fs::rename(&new, path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Drops what was not used for longest where there is more than the limit, but for what was just kept, and what was
    /// never finished. What another process drops meanwhile is as well dropped.
    fn drop_oldest(&self, just_kept: &Path) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let now = SystemTime::now();
        let mut kept = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            let Some(facts) = entry.metadata().ok().filter(Metadata::is_file) else {
                continue;
            };
            let used = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let bytes = facts.len();
            match path.extension().and_then(|e| e.to_str()) {
                Some(EXTENSION) => kept.push(Kept { path, bytes, used }),
                Some(super::UNFINISHED)
                    if now.duration_since(used).is_ok_and(|age| age > ABANDONED) =>
                {
                    let _ = fs::remove_file(path);
                }
                _ => {}
            }
        }
        kept.sort_by_key(|file| file.used);
        let mut total: u64 = kept.iter().map(|file| file.bytes).sum();
        for file in kept.iter().filter(|file| file.path != just_kept) {
            if total <= self.limit {
                return;
            }
            if fs::remove_file(&file.path).is_ok() {
                tracing::debug!(path = %file.path.display(), "dropped: there is more than the limit");
            }
            total -= file.bytes;
        }
    }
}
