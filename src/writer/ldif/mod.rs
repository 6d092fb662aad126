//! The writer for an Active Directory that is fed by change files (LDIF, RFC 2849): one file per piece of work.
//!
//! `cat *.ldif | ldapmodify` applies them as they stand, in the order in which the work was leased. The folder cannot
//! be asked who is there, so everything rests on what is known; every file says what it takes for granted.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{Change, Found, Known, Name, ObjectId};

use super::{Cause, Errand, Group, Membership, Search, WriteError, Writer};

pub(super) mod entry;
mod folder;
pub(super) mod limits;
mod text;

#[cfg(test)]
mod tests;

use entry::Script;
use folder::PutError;

/// The longest one file may take. Writing and syncing a few kilobytes takes milliseconds; a network folder that hangs
/// for this long is down.
const FILE_SECONDS_MAX: u64 = 30;

/// Where the files go, and how entries are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdifSettings {
    /// The folder. It must exist: one that is missing is a disk that is not mounted.
    pub folder: PathBuf,
    /// The attribute that names entries: `CN` in Active Directory.
    pub naming: Name,
    /// How long putting one file may take.
    pub timeout: Duration,
}

impl LdifSettings {
    /// Files for an Active Directory, in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), naming: Name::new("CN"), timeout: Duration::from_secs(FILE_SECONDS_MAX) }
    }
}

/// Writes change files into a folder.
///
/// The same piece of work leaves the same file, byte for byte, however often it is carried.
#[derive(Debug, Clone)]
pub struct LdifWriter {
    settings: LdifSettings,
}

impl LdifWriter {
    /// A writer for this folder; nothing is touched yet.
    pub fn new(settings: LdifSettings) -> Self {
        Self { settings }
    }

    /// Puts the script into the errand's file, off the threads that serve others.
    async fn put(&self, errand: &Errand<'_>, what: &str, script: Script) -> Result<Option<Known>, WriteError> {
        if script.records.is_empty() {
            return Ok(script.known);
        }
        let content = format!("{}{}", header(errand, what, &script.notes), script.records);
        let folder = self.settings.folder.clone();
        let (job, anchor, target) = (errand.job.clone(), errand.anchor.clone(), errand.target.clone());
        let (generation, sequence, part, again) = (errand.generation, errand.sequence, errand.part, errand.again);
        let begin_before = errand.begin_before;
        let putting = tokio::task::spawn_blocking(move || {
            let (job, anchor, target) = (&job, &anchor, &target);
            let errand = Errand { job, anchor, target, generation, sequence, part, again, begin_before };
            errand.still_fits().map_err(|error| PutError::NotWritten(std::io::Error::other(error)))?;
            folder::put(&folder, &errand, &content)
        });
        match tokio::time::timeout(self.timeout(), putting).await {
            Ok(Ok(Ok(()))) => Ok(script.known),
            Ok(Ok(Err(PutError::NotWritten(error)))) => {
                Err(WriteError::Later { after: None, cause: self.cause(&error.to_string()) })
            }
            Ok(Ok(Err(PutError::NotSafe(error)))) => Err(WriteError::Unknown { cause: self.cause(&error.to_string()) }),
            Ok(Err(error)) => Err(WriteError::Unknown { cause: self.cause(&error.to_string()) }),
            Err(_) => Err(WriteError::Unknown { cause: self.cause("it took too long") }),
        }
    }

    fn cause(&self, why: &str) -> Cause {
        Cause(format!("the file could not be put into {}: {why}", self.settings.folder.display()))
    }
}

#[async_trait]
impl Writer for LdifWriter {
    /// A folder of files says nothing about the directory, linked or not.
    async fn find(&self, _search: &Search) -> Result<Found, WriteError> {
        Ok(Found::CannotLook)
    }

    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        let script = entry::script(&self.settings.naming, change)?;
        self.put(errand, change.kind.word(), script).await
    }

    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        let script = entry::manager(object, manager)?;
        self.put(errand, "manager", script).await.map(drop)
    }

    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        let script = entry::member(&group.name, object, is_member)?;
        self.put(errand, "membership", script).await.map(|_| Membership::Changed)
    }

    fn timeout(&self) -> Duration {
        self.settings.timeout
    }
}

/// What the file is, for whom, and what it takes for granted. No time stamp: the same work is the same file.
fn header(errand: &Errand<'_>, what: &str, notes: &[&str]) -> String {
    let mut out = String::new();
    text::comment(&mut out, "Change file for Active Directory (LDIF, RFC 2849), written by muster.");
    let whom = format!(
        "Person {}, generation {}, job {}, target {}: {what}.",
        folder::plain(errand.anchor.as_str()),
        errand.generation,
        folder::plain(errand.job.as_str()),
        folder::plain(errand.target.as_str()),
    );
    text::comment(&mut out, &whom);
    for note in notes {
        text::comment(&mut out, note);
    }
    out
}

fn refused(code: &str, why: String) -> WriteError {
    WriteError::Refused { code: code.to_owned(), cause: Cause(why) }
}
