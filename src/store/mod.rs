//! The truth, in SQLite: people, what is known of their accounts, and how every operation ended.
//!
//! Spoken to in verbs of the domain: *accept*, *record*, *lease*, *settle*. Each is one
//! transaction; none is open while anybody else is spoken to.

mod accept;
mod agents;
mod arriving;
mod budget;
mod clients;
mod codec;
mod due;
mod end;
mod fsck;
mod import;
mod lease;
mod link;
mod look;
mod manager;
mod member;
mod names;
mod offer;
mod person;
mod read;
mod record;
mod registry;
mod release;
mod reserve;
mod schema;
mod settle;
mod signing;
mod status;
mod words;
mod work;

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use names::Names;

use crate::model::InstallationKey;

pub use accept::{Accepted, Backlog, NewUpload};
pub use agents::{AGENT_AWAY_AFTER, AgentSeen, AgentState, is_here};
pub use arriving::{Arriving, Batch, Decided, Refusal, Said, StoredPerson, Tally, Undecided};
pub use clients::{Client, NewClient};
pub use fsck::Fault;
pub use import::Stored;
pub use lease::{LeaseTerms, Proposal, Whose, WorkFor};
pub use link::OFFERED;
pub use look::ToLook;
pub use manager::manager_pending;
pub use member::KnownMember;
pub use offer::{Claim, Claimed};
pub use person::{HistoryEntry, LinkState, MemberState, OwnName, PersonState, Standing};
pub use read::{OperationState, TargetState, UploadState};
pub use registry::{JobKey, JobState, TargetKey};
pub use release::Released;
pub use settle::Settled;
pub use signing::SigningSeeds;
pub use status::{PutOff, Rate, TargetWork};

/// The store's file in the data folder.
const FILE: &str = "muster.db";
/// The file that is locked while one process works on the folder.
const LOCK_FILE: &str = "lock";
/// Only the owner reads people's data.
const PRIVATE: u32 = 0o600;
/// How long a statement waits for another process (`muster client`, `muster release`) to finish its own.
const BUSY_MAX: Duration = Duration::from_secs(10);
/// How often the folder's lock is tried for: a second in all.
const LOCK_TRIES_MAX: u32 = 20;
/// The pause between tries.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// Pages in memory per connection that writes: room for the narrow index of a million anchors.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// Pages the write-ahead log may hold before they are brought into the file; more means fewer repeated pages.
const CHECKPOINT_PAGES: i64 = 16_384;
/// Prepared statements kept; there are about sixty.
const STATEMENTS_MAX: usize = 128;

/// Why the store did not do as asked: only what the caller must tell apart.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works on the folder.
    #[error("the data folder {folder} is in use by another muster process")]
    InUse {
        /// Which folder.
        folder: PathBuf,
    },
    /// The folder was written by a newer muster.
    #[error("the data folder has version {found}, and this muster knows versions up to {known}; use a newer muster")]
    Newer {
        /// Its version.
        found: usize,
        /// The newest this one knows.
        known: usize,
    },
    /// The folder or a file in it cannot be used.
    #[error("the data folder {folder} cannot be used")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The disk or the database refuses for now: full, read-only, busy.
    #[error("the store cannot be written to now")]
    Unavailable(#[source] Arc<rusqlite::Error>),
    /// Something that must not be so.
    #[error("the store is not as it must be: {0}")]
    Broken(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let is_damaged = matches!(
            error.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
        );
        if is_damaged {
            return Self::Broken(format!("its file is damaged ({error}); stop muster and restore it from a backup"));
        }
        Self::Unavailable(Arc::new(error))
    }
}

impl StoreError {
    /// The same, to be told to another who waited for the same transaction.
    fn again(&self) -> Self {
        match self {
            Self::Unavailable(source) => Self::Unavailable(Arc::clone(source)),
            Self::Folder { folder, source } => {
                let source = std::io::Error::new(source.kind(), source.to_string());
                Self::Folder { folder: folder.clone(), source }
            }
            other => Self::Broken(other.to_string()),
        }
    }
}

/// Whether this process alone works on the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Decides and delivers: `serve`, `import`. One at a time.
    Alone,
    /// Reads, or changes a single row: `explain`, `client`, `release`. Beside a running `serve`.
    Beside,
}

/// An open data folder.
pub struct Store {
    folder: PathBuf,
    /// Device and number of the file that was opened.
    identity: (u64, u64),
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    waiting: Mutex<Vec<accept::Waiting>>,
    names: RwLock<Names>,
    _lock: Option<File>,
}

impl Store {
    /// Opens the data folder, making or migrating what is missing.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when `access` is [`Access::Alone`] and another process has it so;
    /// [`StoreError::Folder`] and [`StoreError::Newer`] as they say.
    pub fn open(folder: &Path, access: Access) -> Result<Self, StoreError> {
        let lost = |source| StoreError::Folder { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(lost)?;
        let lock = match access {
            Access::Alone => Some(lock(folder)?),
            Access::Beside => None,
        };
        let file = folder.join(FILE);
        private(&file).map_err(lost)?;
        let mut writer = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        writer.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        schema::migrate(&mut writer)?;
        let names = Names::read(&writer)?;
        Ok(Self {
            folder: folder.to_owned(),
            identity: identity(&file).map_err(lost)?,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            waiting: Mutex::default(),
            names: RwLock::new(names),
            _lock: lock,
        })
    }

    /// Whether the folder holds a store already.
    pub fn is_there(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// What this installation's chance is made from.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn installation_key(&self) -> Result<InstallationKey, StoreError> {
        self.read(|on| schema::key(on))
    }

    /// The folder it was opened in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `work` in one durable transaction, or not at all.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self.writer();
        self.write_on(&mut connection, work)
    }

    fn write_on<T>(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction).and_then(|value| {
            self.still_there()?;
            transaction.commit()?;
            Ok(value)
        });
        if done.is_err() {
            // Names that were numbered in the lost transaction must not be used.
            *self.names.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Names::read(connection)?;
        }
        done
    }

    /// Whether the file is still the one that was opened. One that was deleted can be written to, and is lost.
    fn still_there(&self) -> Result<(), StoreError> {
        let lost = |source| StoreError::Folder { folder: self.folder.clone(), source };
        let found = identity(&self.folder.join(FILE)).map_err(lost)?;
        let other = || lost(std::io::Error::other("another file stands in the place of the one that was opened"));
        if found == self.identity { Ok(()) } else { Err(other()) }
    }

    /// Runs `work` on a connection that only reads, in one snapshot.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let pooled = unpoisoned(self.readers.lock()).pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => connect(&self.folder.join(FILE), OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let transaction = connection.transaction()?;
        let done = work(&transaction);
        drop(transaction);
        unpoisoned(self.readers.lock()).push(connection);
        done
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        unpoisoned(self.writer.lock())
    }

    fn names(&self) -> std::sync::RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn names_mut(&self) -> std::sync::RwLockWriteGuard<'_, Names> {
        self.names.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A lock whose holder panicked still guards a whole value: every change to it is one statement.
fn unpoisoned<T>(locked: std::sync::LockResult<MutexGuard<'_, T>>) -> MutexGuard<'_, T> {
    locked.unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Takes the folder for this process alone. Whoever was killed a moment ago may still be letting go of it.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let lost = |source| StoreError::Folder { folder: folder.to_owned(), source };
    let path = folder.join(LOCK_FILE);
    private(&path).map_err(lost)?;
    let file = OpenOptions::new().write(true).open(path).map_err(lost)?;
    for _ in 0..LOCK_TRIES_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(lost(source)),
        }
    }
    Err(StoreError::InUse { folder: folder.to_owned() })
}

fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Makes the file, for its owner only, if it is not there. SQLite gives its log files the same mode.
fn private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path).map(drop)
}

fn connect(file: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // One plan for each statement, whatever it is bound to: otherwise SQLite plans anew for almost every row.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // Promise 1: a commit is on the disk when it returns.
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}
