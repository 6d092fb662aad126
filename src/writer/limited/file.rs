//! The file of the log of damage: locked, read as whole lines, set aside, replaced in one piece.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::line::{Line, What};
use super::log::{LogError, LogWords};
use crate::model::Timestamp;

/// Longest log that is read: an hour's damage is kilobytes, and what is longer than a quarter of this is made shorter.
pub(super) const LOG_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Only the agent reads who was locked out.
const PRIVATE: u32 = 0o600;

pub(super) fn unusable(path: &Path, source: std::io::Error) -> LogError {
    LogError::Unusable { path: path.to_owned(), source }
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(super) fn lock(path: &Path) -> Result<File, LogError> {
    let lock = beside(path, ".lock");
    let open = OpenOptions::new().create(true).append(true).mode(PRIVATE).open(&lock);
    let file = open.map_err(|source| unusable(path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(path, source)),
    }
}

/// The whole lines of the log, and where they end; or why it is none.
pub(super) fn read(path: &Path) -> Result<(Vec<Line>, u64), LogWords> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "there was none".to_owned(),
        _ => format!("the one before cannot be read: {error}"),
    })?;
    let mut bytes = Vec::new();
    let read = file.take(LOG_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("the one before cannot be read: {error}"))?;
    if bytes.len() as u64 > LOG_BYTES_MAX {
        return Err("the one before is too long to be one".to_owned());
    }
    let length = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let whole = std::str::from_utf8(&bytes[..length]).map_err(|_| "the one before is no text".to_owned())?;
    let mut lines = Vec::new();
    for (number, text) in whole.lines().enumerate() {
        let line = Line::read(text).filter(|line| (number == 0) == matches!(line.what, What::Begun { .. }));
        lines.push(line.ok_or_else(|| format!("the one before is damaged in line {}", number + 1))?);
    }
    if lines.is_empty() { Err("the one before was empty".to_owned()) } else { Ok((lines, length as u64)) }
}

/// Moves what stands at `path` aside, for a person to look at. A folder is somebody else's, and stays.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::Error::other("it is a folder; name a file"));
    }
    match fs::rename(path, beside(path, &format!(".broken-{}", now.0))) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Puts a file there that is whole, or none.
pub(super) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let new = beside(path, ".new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(PRIVATE).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
