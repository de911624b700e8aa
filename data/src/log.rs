//! Numbers of a run as lines of JSON: `{"step":120,"loss":0.25}`.

use crate::error::{Error, Place, Result};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Writes a line for each step that is logged: its number, and any numbers by their names.
///
/// ```
/// use sinew_data::Log;
///
/// # let file = std::env::temp_dir().join(format!("run-{}.jsonl", std::process::id()));
/// let mut log = Log::create(&file)?;
/// log.write(1, [("loss", 2.5), ("learning_rate", 1e-3)])?;
/// log.write(2, [("loss", 2.25)])?;
/// assert_eq!(
///     std::fs::read_to_string(&file)?,
///     "{\"step\":1,\"loss\":2.5,\"learning_rate\":0.001}\n{\"step\":2,\"loss\":2.25}\n"
/// );
///
/// let mut log = Log::resume(&file, 1)?;       // goes on behind step 1: what came after it is dropped
/// log.write(2, [("loss", 2.0)])?;
/// let losses: Vec<_> = Log::read(&file)?.iter().map(|record| record.get("loss")).collect();
/// assert_eq!(losses, [Some(2.5), Some(2.0)]);
/// # drop(std::fs::remove_file(&file));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// JSON has no NaN and no infinities: these are written as `null`, and read as NaN.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    /// Whole lines that are not in the file yet.
    waiting: String,
    lines: usize,
    flush_every: usize,
    /// The bytes of whole lines that are in the file.
    length: u64,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The number of the step.
    pub step: u64,
    /// The numbers, in the order of their names.
    pub numbers: Vec<(String, f64)>,
}

impl Record {
    /// A number by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        let found = self.numbers.iter().find(|(found, _)| found == name);
        found.map(|(_, number)| *number)
    }

    fn parse(line: &str) -> Option<Record> {
        let object: Map<String, Value> = serde_json::from_str(line).ok()?;
        let step = object.get("step")?.as_u64()?;
        let numbers = object.into_iter().filter(|(name, _)| name != "step");
        let numbers = numbers.map(|(name, value)| match value {
            Value::Null => Some((name, f64::NAN)),
            value => Some((name, value.as_f64()?)),
        });
        Some(Record {
            step,
            numbers: numbers.collect::<Option<_>>()?,
        })
    }
}

impl Log {
    /// A new log; an older file of this name is emptied.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn create(path: impl AsRef<Path>) -> Result<Log> {
        let mut log = Log::open(path.as_ref())?;
        log.cut(0)?;
        Ok(log)
    }

    /// Goes on behind the last line of a log, or begins one. A last line that is not whole is dropped: a run ended while
    /// it was written.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Contents`] for a file that is no log, which stays as it is.
    pub fn append(path: impl AsRef<Path>) -> Result<Log> {
        Log::resume(path, u64::MAX)
    }

    /// Goes on behind a step: lines from the first later step on are dropped, so that a run which goes on from a
    /// checkpoint leaves the log of one that was never interrupted.
    ///
    /// # Errors
    /// As [`append`](Log::append).
    pub fn resume(path: impl AsRef<Path>, step: u64) -> Result<Log> {
        let mut log = Log::open(path.as_ref())?;
        let text = log.text()?;
        let kept = kept(&log.path, &text, step)?;
        log.cut(kept as u64)?;
        Ok(log)
    }

    /// The lines of a log. A last one that is not whole is left out.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Contents`] for a line that is none of a log.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<Record>> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            path: path.into(),
            source,
        })?;
        lines(path, &text)
            .map(|line| line.map(|(_, record)| record))
            .collect()
    }

    /// Writes to the file every so many lines, and when the log is dropped; every line without this.
    pub fn flush_every(mut self, lines: usize) -> Log {
        self.flush_every = lines.max(1);
        self
    }

    /// Adds a line.
    ///
    /// # Errors
    /// [`Error::File`]; the line is kept, and written with the next ones. [`Error::Setting`] for a number called `step`.
    pub fn write<N: AsRef<str>>(
        &mut self,
        step: u64,
        numbers: impl IntoIterator<Item = (N, f64)>,
    ) -> Result<()> {
        let mut line = format!("{{\"step\":{step}");
        for (name, number) in numbers {
            let name = name.as_ref();
            if name == "step" {
                return Err(Error::Setting {
                    setting: "the name of a number in a log",
                    value: "`step`".into(),
                    range: "another: each line has one of this name",
                });
            }
            // A text is escaped as JSON has it by its `Display`; writing to a text does not fail.
            let _ = write!(line, ",{}:", Value::from(name));
            let _ = match number {
                _ if !number.is_finite() => write!(line, "null"),
                whole if whole.fract() == 0.0 && whole.abs() < 1e15 => write!(line, "{whole}"),
                _ => write!(line, "{number:?}"),
            };
        }
        line.push_str("}\n");
        self.waiting.push_str(&line);
        self.lines += 1;
        match self.lines >= self.flush_every {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Writes all lines to the file that are not there yet. Dropping a log does so too, but cannot tell what went wrong.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn flush(&mut self) -> Result<()> {
        if let Err(source) = self.file.write_all(self.waiting.as_bytes()) {
            // What came there of it goes again, so that the next try leaves no half line.
            drop(self.cut(self.length));
            return Err(self.failed(source));
        }
        self.length += self.waiting.len() as u64;
        self.waiting.clear();
        self.lines = 0;
        Ok(())
    }

    fn open(path: &Path) -> Result<Log> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        Ok(Log {
            path: path.into(),
            file: file.map_err(|source| Error::File {
                path: path.into(),
                source,
            })?,
            waiting: String::new(),
            lines: 0,
            flush_every: 1,
            length: 0,
        })
    }

    fn text(&mut self) -> Result<String> {
        let mut text = String::new();
        let read = self.file.read_to_string(&mut text);
        read.map_err(|source| self.failed(source))?;
        Ok(text)
    }

    /// Leaves so many bytes, and writes behind them.
    fn cut(&mut self, length: u64) -> Result<()> {
        self.length = length;
        let cut = self
            .file
            .set_len(length)
            .and_then(|()| self.file.seek(SeekFrom::Start(length)));
        cut.map(|_| ()).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::File {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.flush());
    }
}

/// The whole lines of a log, each with the number of bytes before it.
fn lines(path: &Path, text: &str) -> impl Iterator<Item = Result<(usize, Record)>> {
    let mut start = 0;
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    (1..).zip(whole).map(move |(number, line)| {
        let before = start;
        start += line.len();
        let record = Record::parse(line).ok_or_else(|| Error::Contents {
            path: path.into(),
            place: Box::new(Place::Line(number)),
            expected: "an object of numbers with a `step`".into(),
            found: format!("`{}`", line.trim_end().chars().take(60).collect::<String>()),
        })?;
        Ok((before, record))
    })
}

/// How many bytes of a log there are up to the first line of a later step, or one that is not whole.
fn kept(path: &Path, text: &str, step: u64) -> Result<usize> {
    for line in lines(path, text) {
        let (before, record) = line?;
        if record.step > step {
            return Ok(before);
        }
    }
    Ok(text.rfind('\n').map_or(0, |end| end + 1))
}
