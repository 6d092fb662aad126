//! Why a source could not be read as a whole: what the caller must tell apart, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use super::csv::REFUSED_ROWS_MAX;

/// A source from which nothing is taken. Faults of single rows are not among these.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system did not give the bytes.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Nobody is in it. An empty export is a failed export, never "everybody has left".
    #[error("{} holds no people: {}; export it again", path.display(), if *header {
        "there is no row after the header"
    } else {
        "the file is empty"
    })]
    Empty {
        /// Which file.
        path: PathBuf,
        /// Whether it has at least a header.
        header: bool,
    },
    /// It is not text in UTF-8.
    #[error("{} is {what}; {todo}", path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
        /// How to make it readable.
        todo: &'static str,
    },
    /// Its header does not have the columns that the settings speak of, once each.
    #[error("the header of {} cannot be used: {why}", path.display())]
    Header {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The settings contradict themselves, whatever the file.
    #[error("the columns of the source cannot be used: {why}")]
    Settings {
        /// How.
        why: String,
    },
    /// So many rows cannot be taken that it is probably another file, or in another encoding.
    #[error(
        "more than {REFUSED_ROWS_MAX} rows of {} cannot be taken, so none is: it is probably not what the job expects; {why}",
        path.display()
    )]
    Refused {
        /// Which file.
        path: PathBuf,
        /// What is wrong with the rows.
        why: String,
    },
    /// Too many rows are gone since the last import.
    #[error(
        "{} has {now} rows, {before} were there last time: more than {percent_max} percent are gone; export it again, \
         or raise the limit if they have really left", path.display()
    )]
    Lost {
        /// Which file.
        path: PathBuf,
        /// Rows of the last import.
        before: u64,
        /// Rows now.
        now: u64,
        /// The share that may go, in percent.
        percent_max: f64,
    },
    /// The file was written to while it was read.
    #[error("{} was changed while it was read; run this again when it is complete", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
    },
}

impl SourceError {
    /// Says of which file the operating system spoke.
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}
