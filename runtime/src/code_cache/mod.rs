//! Machine code that stays on disk, for the next process that compiles the same program.
//!
//! What is compiled for the CPU is kept in a folder by a hash of all that it follows from
//! (`sinew_codegen::cpu::CodeKey`). Whatever is wrong with what lies there is told by `tracing`, and the program is
//! compiled as without a cache: no step and no run fails because of it.

mod folder;
#[cfg(feature = "cpu")]
mod images;

use crate::error::Result;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

/// A folder where machine code of compiled programs is kept between processes: a program that starts again does not
/// compile again.
///
/// There is none unless it is asked for: a library does not write to a user's disk unasked. A trainer or a runner is
/// given one by [`code_cache`](crate::TrainBuilder::code_cache); clones are the same folder, and any number of
/// processes may use it at once. Kept is what the processor runs, for the very program (its sizes, its number of
/// threads), processor and version of this library; anything else is compiled and kept beside it. Results are the same
/// bit by bit.
/// What lies there and is damaged, or cannot be read or written, is told by `tracing` and compiled anew. A GPU takes no
/// notice: its driver has a cache of its own.
///
/// **Whoever can write to the folder can run code in the process.** So on Unix it is made for its user alone, and
/// [`open`](Self::open) refuses one that belongs to someone else or that others may write to. On Windows the folder's
/// permissions are those of the folder it is made in, which below a user's own are right.
///
/// ```
/// # use sinew::prelude::*;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// # #[model]
/// # fn height<N>(line: &Line, x: Tensor<N>) -> Tensor<N> {
/// #     line.slope * x
/// # }
/// use sinew::CodeCache;
///
/// # let folder = std::env::temp_dir().join(format!("sinew-code-cache-{}", std::process::id()));
/// let cache = CodeCache::open(&folder)?; // or `CodeCache::of_app("my-app")?`
/// let first = height::compile(Line::init(0)).code_cache(&cache).build()?;
/// first.prepare([0.0; 4])?;
/// assert_eq!(first.cache_stats().from_disk, 0);
/// drop(first); // as if the process ended
///
/// let second = height::compile(Line::init(0)).code_cache(&cache).build()?;
/// second.prepare([0.0; 4])?;
/// assert_eq!(second.cache_stats().from_disk, 1);
/// # std::fs::remove_dir_all(&folder).expect("it is there");
/// # Ok::<(), sinew::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCache {
    folder: PathBuf,
    limit: u64,
}

impl CodeCache {
    /// Bytes that are kept unless told otherwise: a program of some fifty kernels takes about 75 KB.
    const LIMIT: u64 = 64 << 20;

    /// Keeps programs in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) for a folder that cannot be made or looked at,
    /// [`Error::CodeCache`](crate::Error::CodeCache) for one that others may put code into.
    ///
    /// ```
    /// # use sinew::CodeCache;
    /// # let folder = std::env::temp_dir().join(format!("sinew-code-open-{}", std::process::id()));
    /// let cache = CodeCache::open(&folder)?;
    /// assert!(cache.folder().ends_with(folder.file_name().expect("it has a name")));
    /// # std::fs::remove_dir_all(&folder).expect("it is there");
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn open(folder: impl AsRef<Path>) -> Result<CodeCache> {
        Ok(CodeCache {
            folder: folder::private(folder.as_ref())?,
            limit: CodeCache::LIMIT,
        })
    }

    /// Keeps programs where the system has caches of an app of this name: `~/.cache/NAME/sinew` by the XDG conventions,
    /// `~/Library/Caches/NAME/sinew` on macOS, `%LOCALAPPDATA%\NAME\sinew` on Windows.
    ///
    /// # Errors
    /// [`Error::CodeCache`](crate::Error::CodeCache) for a name that is not one of a folder, and where the system
    /// tells no folder of the user's; else as [`open`](Self::open).
    ///
    /// ```no_run
    /// # use sinew::CodeCache;
    /// let cache = CodeCache::of_app("my-app")?;
    /// println!("programs are kept in {}", cache.folder().display());
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn of_app(name: &str) -> Result<CodeCache> {
        CodeCache::open(folder::of_app(name)?)
    }

    /// The most bytes that are kept: 64 MiB unless told otherwise. Where there are more, what was not used for longest
    /// is dropped when something is kept next.
    ///
    /// ```
    /// # use sinew::CodeCache;
    /// # let folder = std::env::temp_dir().join(format!("sinew-code-limit-{}", std::process::id()));
    /// let cache = CodeCache::open(&folder)?.limit(8 << 20);
    /// # drop(cache);
    /// # std::fs::remove_dir_all(&folder).expect("it is there");
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn limit(mut self, bytes: u64) -> CodeCache {
        self.limit = bytes;
        self
    }

    /// The folder, by its full path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// How the name of a file ends that is being written.
const UNFINISHED: &str = "new";

/// A new file in a folder, which its user alone reads and writes, and its path.
///
/// # Errors
/// What the system says.
fn new_file(folder: &Path) -> std::io::Result<(PathBuf, File)> {
    // Numbers of processes are not names: each container may have one of its own of every number.
    let name = RandomState::new().build_hasher().finish();
    let path = folder.join(format!("{name:016x}.{UNFINISHED}"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok((path.clone(), options.open(path)?))
}
