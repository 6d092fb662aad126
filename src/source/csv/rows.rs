//! The second pass: records of the rows that are wanted.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::Layout;
use super::reader::Reader;
use super::scan::{Identity, RowMark, Scan};
use crate::model::Record;
use crate::source::SourceError;

/// A file that was looked through, open to be read.
pub struct Rows {
    reader: Reader<File>,
    layout: Arc<Layout>,
    path: PathBuf,
    scratch: Vec<u8>,
}

impl Rows {
    /// Opens the file that `scan` looked through, with the same settings.
    ///
    /// # Errors
    /// [`SourceError::Changed`] when its length or its time is another one, [`SourceError::Io`].
    pub fn open(path: &Path, scan: &Scan) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(SourceError::io(path))?;
        let identity = Identity::from(file.metadata().map_err(SourceError::io(path))?);
        if identity != scan.identity {
            return Err(SourceError::Changed { path: path.to_owned() });
        }
        let reader = Reader::new(file, scan.sniffed.delimiter);
        Ok(Self { reader, layout: Arc::clone(&scan.layout), path: path.to_owned(), scratch: Vec::new() })
    }

    /// The record of a row. Fastest when rows are asked for in the order of the file.
    ///
    /// # Errors
    /// [`SourceError::Changed`] when the row no longer says what its mark says, [`SourceError::Io`].
    pub fn read(&mut self, mark: &RowMark) -> Result<Record, SourceError> {
        let Self { reader, layout, path, scratch } = self;
        let changed = || SourceError::Changed { path: path.clone() };
        reader.go_to(mark.offset).map_err(SourceError::io(path))?;
        let row = reader.next().map_err(SourceError::io(path))?.ok_or_else(changed)?;
        layout.record(&row, mark, scratch).ok_or_else(changed)
    }
}
