//! The second pass: records of the rows that are wanted.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::Layout;
use super::lexer::Lexer;
use super::scan::{Identity, RowMark, Scan};
use crate::model::Record;
use crate::source::SourceError;

/// A file that was looked through, open to be read.
pub struct Rows {
    lexer: Lexer<File>,
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
        let lexer = Lexer::new(file, scan.sniffed.delimiter, 0, 1);
        Ok(Self { lexer, layout: Arc::clone(&scan.layout), path: path.to_owned(), scratch: Vec::new() })
    }

    /// The record of a row. Fastest when rows are asked for in the order of the file.
    ///
    /// # Errors
    /// [`SourceError::Changed`] when the row no longer says what its mark says, [`SourceError::Io`].
    pub fn read(&mut self, mark: &RowMark) -> Result<Record, SourceError> {
        let Self { lexer, layout, path, scratch } = self;
        let changed = || SourceError::Changed { path: path.clone() };
        lexer.go_to(mark.offset, mark.line).map_err(SourceError::io(path))?;
        let row = lexer.next().map_err(SourceError::io(path))?.ok_or_else(changed)?;
        layout.record(&row, mark, scratch).ok_or_else(changed)
    }
}
