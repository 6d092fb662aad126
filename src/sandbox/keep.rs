//! The file a practice tenant is kept in: one JSON object a line, the newest word on each thing last.
//!
//! What was answered has been written to the file before, so the death of the process (`kill -9`) loses nothing that
//! was answered; a last line without its end was not, and is let go. It is synced to the disk only when it is written
//! anew: at the start, at the end, and when half of it is stale. A power cut loses what came since. Tokens, budgets,
//! faults and what is not visible yet are not kept.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::SandboxError;
use super::groups::Group;
use super::property;
use super::tenant::Tenant;
use super::user::{Properties, Stored};
use crate::model::Timestamp;

/// The version of the file's lines.
const VERSION: u32 = 1;

/// Stale lines that are not worth writing the file anew for.
const STALE_LINES_MIN: usize = 10_000;

/// Something that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// A user, present or in the bin.
    User(u64),
    /// A group, without its members.
    Group(u64),
    NoGroup(u64),
    Member {
        group: u64,
        user: u64,
        is_in: bool,
    },
}

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Line {
    /// The first, and only there. The numbers are those given last: none is given twice.
    MusterSandbox {
        version: u32,
        tenant: String,
        users_made: u64,
        groups_made: u64,
    },
    User {
        number: u64,
        id: String,
        properties: Map<String, Json>,
        manager: Option<String>,
        deleted: Option<i64>,
    },
    Group {
        number: u64,
        id: String,
        properties: Map<String, Json>,
    },
    NoGroup(u64),
    Member {
        group: u64,
        user: u64,
        is_in: bool,
    },
}

/// The file, open and locked.
#[derive(Debug)]
pub(super) struct Keeper {
    path: PathBuf,
    file: File,
    lines: usize,
    /// A line may have been cut short: the file must be written anew before anything is added.
    is_torn: bool,
}

impl Keeper {
    /// Reads the file into an empty tenant, where there is one, and writes it anew.
    pub(super) fn open(path: &Path, tenant: &mut Tenant) -> Result<Self, SandboxError> {
        let failed = |source| SandboxError::File { path: path.to_owned(), source };
        // Held until the new file has its own lock: two tenants must not keep one file.
        let old = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if let Some(old) = &old {
            old.try_lock().map_err(|_| SandboxError::FileInUse(path.to_owned()))?;
            let text = fs::read(path).map_err(failed)?;
            read(&text, tenant).map_err(|(line, why)| SandboxError::FileDamaged {
                path: path.to_owned(),
                line,
                why,
            })?;
        }
        tenant.changes = Some(Vec::new());
        let (file, lines) = write_anew(path, tenant).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, lines, is_torn: false })
    }

    /// Writes down what has changed.
    pub(super) fn keep(&mut self, tenant: &mut Tenant) -> std::io::Result<()> {
        let changes = std::mem::take(tenant.changes.get_or_insert_default());
        if changes.is_empty() {
            return Ok(());
        }
        let things = tenant.directory.user_count() + tenant.groups.iter().count();
        if self.is_torn || self.lines > 2 * things + STALE_LINES_MIN {
            return self.renew(tenant);
        }
        let mut text = Vec::new();
        for entry in &changes {
            write_line(&mut text, line(tenant, *entry))?;
        }
        self.is_torn = true;
        self.file.write_all(&text)?;
        self.is_torn = false;
        self.lines += changes.len();
        Ok(())
    }

    /// Writes all of it anew, and to the disk.
    pub(super) fn renew(&mut self, tenant: &Tenant) -> std::io::Result<()> {
        let (file, lines) = write_anew(&self.path, tenant)?;
        *self = Self { path: std::mem::take(&mut self.path), file, lines, is_torn: false };
        Ok(())
    }
}

/// Writes a file beside the old one, to the disk, and puts it in its place: there is always a whole one.
fn write_anew(path: &Path, tenant: &Tenant) -> std::io::Result<(File, usize)> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&new)?;
    file.try_lock().map_err(|_| std::io::Error::from(std::io::ErrorKind::WouldBlock))?;
    let mut to = BufWriter::new(&file);
    let mut lines = 0;
    for line in all(tenant) {
        write_line(&mut to, Some(line))?;
        lines += 1;
    }
    to.flush()?;
    drop(to);
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok((file, lines))
}

fn write_line(to: &mut impl std::io::Write, line: Option<Line>) -> std::io::Result<()> {
    let Some(line) = line else { return Ok(()) };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

fn all(tenant: &Tenant) -> impl Iterator<Item = Line> {
    let head = Line::MusterSandbox {
        version: VERSION,
        tenant: tenant.id.clone(),
        users_made: tenant.directory.made(),
        groups_made: tenant.groups.made(),
    };
    let users = tenant.directory.users().chain(tenant.directory.bin_users()).map(user_line);
    let groups = tenant.groups.iter().flat_map(|group| {
        let member = |user: &u64| Line::Member { group: group.number, user: *user, is_in: true };
        std::iter::once(group_line(group)).chain(group.members.iter().map(member))
    });
    std::iter::once(head).chain(users).chain(groups)
}

/// The line for a change: what is there now, not what it was then.
fn line(tenant: &Tenant, entry: Entry) -> Option<Line> {
    match entry {
        Entry::User(number) => tenant.directory.anywhere(number).map(user_line),
        Entry::Group(number) => tenant.groups.get(number).map(group_line),
        Entry::NoGroup(number) => Some(Line::NoGroup(number)),
        Entry::Member { group, user, is_in } => Some(Line::Member { group, user, is_in }),
    }
}

fn user_line(user: &Stored) -> Line {
    Line::User {
        number: user.number,
        id: user.id.clone(),
        properties: user.properties.held().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        manager: user.manager.clone(),
        deleted: user.deleted.map(|at| at.0),
    }
}

fn group_line(group: &Group) -> Line {
    Line::Group { number: group.number, id: group.id.clone(), properties: group.properties.clone() }
}

/// Reads all lines; what is wrong is told with its line.
fn read(text: &[u8], tenant: &mut Tenant) -> Result<(), (usize, String)> {
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = text.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut number = 0;
    for line in lines {
        number += 1;
        let line: Line = serde_json::from_slice(line).map_err(|error| (number, error.to_string()))?;
        apply(line, number == 1, tenant).map_err(|why| (number, why))?;
    }
    if number == 0 { Err((1, "the file has no first line".to_owned())) } else { Ok(()) }
}

fn apply(line: Line, is_first: bool, tenant: &mut Tenant) -> Result<(), String> {
    match line {
        Line::MusterSandbox { version, tenant: id, users_made, groups_made } if is_first => {
            if version != VERSION {
                return Err(format!("it is of version {version}, and this muster reads {VERSION}"));
            }
            tenant.id = id;
            tenant.directory.begin_after(users_made);
            tenant.groups.begin_after(groups_made);
        }
        _ if is_first => return Err("it does not begin as the file of a practice tenant does".to_owned()),
        Line::MusterSandbox { .. } => return Err("it begins twice".to_owned()),
        Line::User { number, id, properties: given, manager, deleted } => {
            let mut properties = Properties::default();
            for (name, value) in given {
                let property = property::find(&name).ok_or_else(|| format!("there is no property `{name}`"))?;
                properties.set(property, value);
            }
            tenant.directory.forget(number);
            let deleted = deleted.map(Timestamp);
            tenant.directory.put_anywhere(Stored { number, id, properties, manager, deleted });
        }
        Line::Group { number, id, properties } => {
            let members = tenant.groups.get(number).map(|group| group.members.clone()).unwrap_or_default();
            tenant.groups.put(Group { number, id, properties, members });
        }
        Line::NoGroup(number) => tenant.groups.take(number),
        Line::Member { group, user, is_in } => {
            let group = tenant.groups.get_mut(group).ok_or_else(|| format!("there is no group {group}"))?;
            if is_in {
                group.members.insert(user)
            } else {
                group.members.remove(&user)
            };
        }
    }
    Ok(())
}
