//! Tables of text: CSV and its relatives.

use super::contents;
use super::element::Element;
use crate::error::{Error, Place, Result, room};
use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use ndarray::{Array1, Array2};
use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The table in a file of comma-separated values whose first line has the columns' names. [`Csv`] reads others.
///
/// ```
/// use sinew_data::load;
///
/// # let file = std::env::temp_dir().join(format!("iris-{}.csv", std::process::id()));
/// # std::fs::write(&file, "length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n5.0,3.6,setosa\n")?;
/// let table = load::csv(&file)?;
/// let x = table.columns::<f32>(["length", "width"])?;         // an `Array2`; by numbers: `.columns(0..2)`
/// let (y, names) = table.classes("species")?;                 // an `Array1<i32>`, and what 0 and 1 mean
/// assert_eq!((x.dim(), y.to_vec(), names[1].as_str()), ((3, 2), vec![0, 1, 0], "versicolor"));
/// # drop(std::fs::remove_file(&file));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::File`]; [`Error::Contents`] for text that is not UTF-8, or a line of another number of cells.
pub fn csv(path: impl AsRef<Path>) -> Result<Table> {
    Csv::new().read(path)
}

/// How a table is written: by default with commas, and with the columns' names in the first line.
#[derive(Debug, Clone)]
pub struct Csv {
    delimiter: u8,
    named: bool,
}

impl Default for Csv {
    fn default() -> Csv {
        Csv::new()
    }
}

impl Csv {
    /// With commas and names.
    pub fn new() -> Csv {
        Csv {
            delimiter: b',',
            named: true,
        }
    }

    /// What stands between cells, `b';'` or `b'\t'` say.
    pub fn delimiter(mut self, delimiter: u8) -> Csv {
        self.delimiter = delimiter;
        self
    }

    /// The first line is one of the data: columns are asked for by their numbers.
    pub fn without_names(mut self) -> Csv {
        self.named = false;
        self
    }

    /// The table in a file.
    ///
    /// # Errors
    /// As [`csv()`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(|source| Error::File {
            path: path.into(),
            source,
        })?;
        self.parse(path, file)
    }

    /// The table in what a reader gives; messages call it `name`.
    ///
    /// ```
    /// let text = "1;2\n3;x\n";
    /// let table = sinew_data::load::Csv::new().delimiter(b';').without_names().parse("numbers", text.as_bytes())?;
    /// assert_eq!(table.column::<i32>(0)?.to_vec(), [1, 3]);
    /// let error = table.column::<i32>(1).unwrap_err().to_string();
    /// assert_eq!(error, "numbers: line 2, column `1`: expected an i32, and `x` came");
    /// # Ok::<(), sinew_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`csv()`].
    pub fn parse(&self, name: impl AsRef<Path>, text: impl Read) -> Result<Table> {
        let path = name.as_ref();
        let reader = ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(self.named)
            .trim(Trim::All)
            .from_reader(text);
        let failed = |error: csv::Error| failure(path, error);
        let mut reader = reader;
        let names = match self.named {
            true => Some(reader.headers().map_err(failed)?.clone()),
            false => None,
        };
        let rows: csv::Result<Vec<StringRecord>> = reader.records().collect();
        Ok(Table {
            path: path.into(),
            names,
            rows: rows.map_err(failed)?,
        })
    }
}

/// What the parser says, as an error that names the place.
fn failure(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(source) => Error::File {
            path: path.into(),
            source,
        },
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => contents(
            path,
            Place::Line(line),
            format!("{expected_len} cells, as in the lines above"),
            len.to_string(),
        ),
        ErrorKind::Utf8 { err, .. } => contents(
            path,
            Place::Line(line),
            "text in UTF-8",
            format!("other bytes in column {}", err.field()),
        ),
        other => contents(path, Place::Line(line), "cells", format!("{other:?}")),
    }
}

/// A column by its name, or by its number from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// By its name in the first line.
    Name(String),
    /// By its number.
    Number(usize),
}

impl From<&str> for Column {
    fn from(name: &str) -> Column {
        Column::Name(name.into())
    }
}

impl From<&String> for Column {
    fn from(name: &String) -> Column {
        Column::Name(name.clone())
    }
}

impl From<usize> for Column {
    fn from(number: usize) -> Column {
        Column::Number(number)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Name(name) => write!(f, "{name}"),
            Column::Number(number) => write!(f, "{number}"),
        }
    }
}

/// A table of text, whose columns are read as arrays.
#[derive(Debug, Clone)]
pub struct Table {
    path: PathBuf,
    names: Option<StringRecord>,
    rows: Vec<StringRecord>,
}

impl Table {
    /// How many rows there are, the names not counted.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        let first = self.names.as_ref().or(self.rows.first());
        first.map_or(0, StringRecord::len)
    }

    /// The columns' names; none where they have none.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flatten()
    }

    /// A column of numbers.
    ///
    /// # Errors
    /// [`Error::Contents`] for a column that is not there, and for the first cell that is none of the elements asked
    /// for, an empty one too.
    pub fn column<T: Element>(&self, column: impl Into<Column>) -> Result<Array1<T>> {
        let column = column.into();
        let number = self.number(&column)?;
        let mut numbers = room("a column", self.rows.len())?;
        for row in &self.rows {
            numbers.push(self.parsed(row, number, &column)?);
        }
        Ok(Array1::from_vec(numbers))
    }

    /// Several columns of numbers side by side, in the order in which they are asked for.
    ///
    /// # Errors
    /// As [`column`](Table::column).
    pub fn columns<T: Element>(
        &self,
        columns: impl IntoIterator<Item: Into<Column>>,
    ) -> Result<Array2<T>> {
        let mut numbers = Vec::new();
        for column in columns {
            let column = column.into();
            numbers.push((self.number(&column)?, column));
        }
        let shape = (self.rows.len(), numbers.len());
        let mut cells = room("columns", shape.0.saturating_mul(shape.1))?;
        for row in &self.rows {
            for (number, column) in &numbers {
                cells.push(self.parsed(row, *number, column)?);
            }
        }
        let array = Array2::from_shape_vec(shape, cells);
        // As many were pushed.
        array.map_err(|error| contents(&self.path, Place::File, "a table", error.to_string()))
    }

    /// A column of names as classes: their numbers, and the names in alphabetical order.
    ///
    /// # Errors
    /// [`Error::Contents`] for a column that is not there.
    pub fn classes(&self, column: impl Into<Column>) -> Result<(Array1<i32>, Vec<String>)> {
        let number = self.number(&column.into())?;
        let cell = |row| StringRecord::get(row, number).unwrap_or_default();
        let names: BTreeSet<&str> = self.rows.iter().map(cell).collect();
        let names: Vec<&str> = names.into_iter().collect();
        // Each cell is among the names.
        let class = |row| {
            names
                .binary_search(&cell(row))
                .map_or(-1, |class| class as i32)
        };
        let classes = self.rows.iter().map(class).collect();
        Ok((classes, names.into_iter().map(String::from).collect()))
    }

    /// A column of text.
    ///
    /// # Errors
    /// [`Error::Contents`] for a column that is not there.
    pub fn text(&self, column: impl Into<Column>) -> Result<Vec<String>> {
        let number = self.number(&column.into())?;
        let cell = |row| {
            StringRecord::get(row, number)
                .unwrap_or_default()
                .to_string()
        };
        Ok(self.rows.iter().map(cell).collect())
    }

    fn number(&self, column: &Column) -> Result<usize> {
        let found = match column {
            Column::Number(number) => Some(*number).filter(|number| *number < self.width()),
            Column::Name(name) => self.names().position(|found| found == name),
        };
        found.ok_or_else(|| {
            let mut known: Vec<String> = self
                .names()
                .take(20)
                .map(|name| format!("`{name}`"))
                .collect();
            if known.is_empty() {
                known.push("no names".into());
            }
            let found = format!("a table of {} columns ({})", self.width(), known.join(", "));
            contents(
                &self.path,
                Place::File,
                format!("a column `{column}`"),
                found,
            )
        })
    }

    fn parsed<T: Element>(&self, row: &StringRecord, number: usize, column: &Column) -> Result<T> {
        let cell = row.get(number).unwrap_or_default();
        T::parse(cell).ok_or_else(|| {
            let place = Place::Cell {
                line: row.position().map_or(0, csv::Position::line),
                column: column.to_string(),
            };
            let found = match cell {
                "" => "an empty cell".to_string(),
                _ => format!("`{}`", cell.chars().take(60).collect::<String>()),
            };
            contents(&self.path, place, T::NAME, found)
        })
    }
}
