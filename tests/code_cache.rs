//! Machine code on disk: the same results with it and without, nothing that is damaged, and nobody else's.
//!
//! Programs that someone keeps are shared within a process, so each test has batches of another size, and drops what it
//! has compiled before it looks for it on disk.

use sinew::CodeCache;
use sinew::ndarray::Array2;
use sinew::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

#[model]
struct Net {
    hidden: Linear<6, 9>,
    out: Linear<9, 3>,
}

#[model]
fn scores<B>(m: &Net, x: Tensor<B, 6>) -> Tensor<B, 3> {
    m.out.forward(m.hidden.forward(x).tanh())
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 6>) -> Tensor {
    scores(m, x).square().mean()
}

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("sinew-code-{name}-{}", std::process::id());
        Folder(std::env::temp_dir().join(name))
    }

    fn cache(&self) -> sinew::Result<CodeCache> {
        CodeCache::open(&self.0)
    }

    /// The files of programs in it.
    fn images(&self) -> std::io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(&self.0)?.map(|entry| entry.map(|e| e.path()));
        paths.collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // One that is still there is a test's that has failed anyway.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn batch(rows: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, 6), |(i, j)| {
        ((i * 7 + j * 3) % 11) as f32 / 6.0 - 0.8
    })
}

/// The scores of so many rows, and whether their program came from disk.
fn run(cache: Option<&CodeCache>, rows: usize) -> sinew::Result<(Array2<f32>, u64)> {
    let builder = scores::compile(Net::init(3));
    let runner = match cache {
        Some(cache) => builder.code_cache(cache).build()?,
        None => builder.build()?,
    };
    let found = runner.run(batch(rows))?;
    let stats = runner.cache_stats();
    assert_eq!((stats.compiles, stats.programs), (1, 1));
    Ok((found, stats.from_disk))
}

#[test]
fn results_are_the_same_with_a_cache_and_without() -> Outcome {
    let folder = Folder::new("same");
    let cache = folder.cache()?;
    let (plain, from_disk) = run(None, 5)?;
    assert_eq!(from_disk, 0);
    assert_eq!(run(Some(&cache), 5)?, (plain.clone(), 0));
    assert_eq!(folder.images()?.len(), 1);
    assert_eq!(run(Some(&cache), 5)?, (plain.clone(), 1));
    assert_eq!(run(Some(&folder.cache()?), 5)?, (plain, 1));
    assert_eq!(folder.images()?.len(), 1);
    Ok(())
}

#[test]
fn steps_are_the_same_with_a_cache_and_without() -> Outcome {
    let folder = Folder::new("steps");
    let cache = folder.cache()?;
    let train = |cache: Option<&CodeCache>| -> sinew::Result<(Net, Vec<f64>, u64)> {
        let builder = loss::train(Net::init(3)).optimizer(Adam::new(0.01));
        let builder = builder.threads(2).least_share(0);
        let mut train = match cache {
            Some(cache) => builder.code_cache(cache).build()?,
            None => builder.build()?,
        };
        let losses: sinew::Result<Vec<f64>> =
            (0..4).map(|_| Ok(train.step(batch(7))?.loss)).collect();
        // A runner of its own takes the trainer's cache with it.
        let run = scores::attach(&train)?;
        run.run(batch(7))?;
        let from_disk = train.cache_stats().from_disk + run.cache_stats().from_disk;
        Ok((train.model()?, losses?, from_disk))
    };
    let (model, losses, _) = train(None)?;
    assert_eq!(train(Some(&cache))?, (model.clone(), losses.clone(), 0));
    assert_eq!(folder.images()?.len(), 2);
    assert_eq!(train(Some(&cache))?, (model, losses, 2));
    Ok(())
}

/// Whatever happened to files, programs run, and files are whole again.
#[test]
fn damaged_files_are_compiled_anew() -> Outcome {
    let folder = Folder::new("damaged");
    let cache = folder.cache()?;
    let (expected, _) = run(Some(&cache), 3)?;
    let path = folder.images()?.pop().ok_or("nothing is kept")?;
    let whole = fs::read(&path)?;
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        fs::write(&path, &changed)?;
        assert_eq!(run(Some(&cache), 3)?, (expected.clone(), 0), "byte {at}");
        assert!(fs::read(&path)? == whole, "byte {at}");
        fs::write(&path, &whole[..at])?;
        assert_eq!(run(Some(&cache), 3)?, (expected.clone(), 0), "{at} bytes");
        assert!(fs::read(&path)? == whole, "{at} bytes");
    }
    assert_eq!(run(Some(&cache), 3)?, (expected, 1));
    Ok(())
}

/// What cannot be read, and cannot be written either: a folder in the place of a file, and no folder at all.
#[test]
fn what_cannot_be_kept_runs() -> Outcome {
    let folder = Folder::new("blocked");
    let cache = folder.cache()?;
    let (expected, _) = run(Some(&cache), 4)?;
    let path = folder.images()?.pop().ok_or("nothing is kept")?;
    fs::remove_file(&path)?;
    fs::create_dir(&path)?;
    fs::write(path.join("in the way"), "")?;
    assert_eq!(run(Some(&cache), 4)?, (expected.clone(), 0));
    assert_eq!(
        folder.images()?,
        [path],
        "what was not kept is not left over"
    );
    fs::remove_dir_all(&folder.0)?;
    assert_eq!(run(Some(&cache), 4)?, (expected, 0));
    Ok(())
}

#[test]
fn what_was_not_used_for_longest_goes_first() -> Outcome {
    let folder = Folder::new("limit");
    let cache = folder.cache()?;
    let mut sizes = Vec::new();
    for rows in [101, 102, 103] {
        run(Some(&cache), rows)?;
        sizes.push(fs::metadata(newest(&folder)?)?.len());
        // Clocks of file systems tick slowly.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(run(Some(&cache), 101)?.1, 1, "used again");
    std::thread::sleep(std::time::Duration::from_millis(20));
    let room = sizes.iter().sum::<u64>() + sizes[0] / 2;
    run(Some(&cache.clone().limit(room)), 104)?;
    assert_eq!(folder.images()?.len(), 3);
    let kept = |rows| -> sinew::Result<u64> { Ok(run(Some(&cache), rows)?.1) };
    assert_eq!((kept(101)?, kept(103)?, kept(104)?), (1, 1, 1));
    assert_eq!(kept(102)?, 0);

    // More than there may be of all is not kept.
    let count = folder.images()?.len();
    run(Some(&cache.limit(100)), 105)?;
    assert_eq!(folder.images()?.len(), count);
    Ok(())
}

fn newest(folder: &Folder) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let mut all = Vec::new();
    for path in folder.images()? {
        all.push((fs::metadata(&path)?.modified()?, path));
    }
    Ok(all.into_iter().max().ok_or("nothing is kept")?.1)
}

/// Many at once, each of which may find a program, or keep it, or be in the middle of that.
#[test]
fn many_use_a_folder_at_once() -> Outcome {
    let folder = Folder::new("many");
    let cache = folder.cache()?;
    let expected: Vec<_> = (201..204).map(|rows| run(None, rows)).collect();
    let expected: sinew::Result<Vec<_>> = expected.into_iter().collect();
    let expected = expected?;
    std::thread::scope(|scope| {
        let work = |user: usize| {
            let (cache, expected) = (&cache, &expected);
            move || -> Result<(), String> {
                for turn in 0..6 {
                    let at = (user + turn) % 3;
                    let runner = scores::compile(Net::init(3)).code_cache(cache).build();
                    let found = runner.and_then(|r| r.run(batch(201 + at)));
                    let found = found.map_err(|e| e.to_string())?;
                    if found != expected[at].0 {
                        return Err(format!("user {user}, turn {turn}: other results"));
                    }
                }
                Ok(())
            }
        };
        let users: Vec<_> = (0..6).map(|user| scope.spawn(work(user))).collect();
        for user in users {
            user.join().map_err(|_| "a user panicked")??;
        }
        Ok::<(), String>(())
    })?;
    assert_eq!(folder.images()?.len(), 3);
    Ok(())
}

#[test]
fn names_of_apps_are_names_of_folders() {
    for name in ["", ".", "..", "a/b", "/a", "a/", "../a"] {
        let error = CodeCache::of_app(name).map(|_| ());
        let said = error.map_err(|e| e.to_string());
        let expected = "an app's name is that of one folder";
        assert!(
            said.as_ref().is_err_and(|e| e.contains(expected)),
            "{name}: {said:?}"
        );
    }
}

#[test]
fn a_file_is_no_folder() -> Outcome {
    let folder = Folder::new("file");
    fs::write(&folder.0, "")?;
    let opened = folder.cache().map(|_| ());
    fs::remove_file(&folder.0)?;
    assert!(
        matches!(opened, Err(sinew::Error::File { .. })),
        "{opened:?}"
    );
    Ok(())
}

#[cfg(unix)]
mod permissions {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> std::io::Result<u32> {
        Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
    }

    fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    #[test]
    fn nobody_else_reads_or_writes_what_is_kept() -> Outcome {
        let folder = Folder::new("private");
        let inner = folder.0.join("inner");
        let cache = CodeCache::open(&inner)?;
        run(Some(&cache), 11)?;
        assert_eq!((mode(&folder.0)?, mode(&inner)?), (0o700, 0o700));
        let files: std::io::Result<Vec<_>> = fs::read_dir(&inner)?.collect();
        let files = files?;
        assert_eq!(files.len(), 1);
        assert_eq!(mode(&files[0].path())?, 0o600);
        Ok(())
    }

    #[test]
    fn folders_that_others_write_to_are_refused() -> Outcome {
        let folder = Folder::new("shared");
        let said = || folder.cache().map(|_| ()).map_err(|e| e.to_string());
        folder.cache()?;
        for (bits, refused) in [(0o770, true), (0o702, true), (0o755, false), (0o500, false)] {
            set_mode(&folder.0, bits)?;
            let said = said();
            match refused {
                true => {
                    let expected =
                        format!("others than its owner may write to it (its mode is {bits:o})");
                    assert!(
                        said.as_ref().is_err_and(|e| e.contains(&expected)),
                        "{said:?}"
                    );
                }
                // One who is not the administrator cannot tell whose a folder is that nobody writes to.
                false if bits == 0o500 && said.is_err() => {}
                false => assert_eq!(said, Ok(())),
            }
        }
        set_mode(&folder.0, 0o700)?;
        Ok(())
    }

    #[test]
    fn folders_that_anyone_may_replace_are_refused() -> Outcome {
        let folder = Folder::new("replaced");
        let inner = folder.0.join("inner");
        CodeCache::open(&inner)?;
        set_mode(&folder.0, 0o777)?;
        let said = CodeCache::open(&inner)
            .map(|_| ())
            .map_err(|e| e.to_string());
        let expected = "anyone may put another folder in its place";
        assert!(
            said.as_ref().is_err_and(|e| e.contains(expected)),
            "{said:?}"
        );
        // As in the system's folder for what is temporary.
        set_mode(&folder.0, 0o1777)?;
        CodeCache::open(&inner)?;
        Ok(())
    }

    /// Files that others may write to are not run from, and are replaced.
    #[test]
    fn files_that_others_write_to_are_not_used() -> Outcome {
        let folder = Folder::new("written");
        let cache = folder.cache()?;
        let (expected, _) = run(Some(&cache), 12)?;
        let path = folder.images()?.pop().ok_or("nothing is kept")?;
        set_mode(&path, 0o666)?;
        assert_eq!(run(Some(&cache), 12)?, (expected.clone(), 0));
        assert_eq!(mode(&path)?, 0o600);
        assert_eq!(run(Some(&cache), 12)?, (expected, 1));
        Ok(())
    }

    /// What belongs to someone else, which only the administrator can try.
    #[test]
    fn folders_of_others_are_refused() -> Outcome {
        let folder = Folder::new("foreign");
        folder.cache()?;
        if std::os::unix::fs::chown(&folder.0, Some(12345), None).is_err() {
            return Ok(());
        }
        let said = folder.cache().map(|_| ()).map_err(|e| e.to_string());
        let expected = "it belongs to another user";
        assert!(
            said.as_ref().is_err_and(|e| e.contains(expected)),
            "{said:?}"
        );
        Ok(())
    }
}
