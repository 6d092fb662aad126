//! The tables, and how an older data folder becomes a current one.

use rusqlite::Connection;

use super::StoreError;
use crate::chance;
use crate::model::InstallationKey;

/// The steps from an empty file to the current tables, in order. A step that has shipped is never edited.
const MIGRATIONS: &[&str] = &[V1, V2, V3, V4, V5, V6, V7, V8];

/// Version 1.
///
/// Whole numbers stand for words throughout (`codec.rs` has both), and rows that
/// grow with people use integer row ids, so that a first import appends.
const V1: &str = "
CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  config_hash BLOB,            -- of the job file the people were last decided with
  redecide_after INTEGER,      -- people up to this row are decided with it; NULL: all are
  rows_last INTEGER            -- data rows of the last complete import, against truncated files
) STRICT;

CREATE TABLE directory (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE target (
  id INTEGER PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES job(id),
  name TEXT NOT NULL,
  directory INTEGER NOT NULL REFERENCES directory(id),
  people INTEGER NOT NULL DEFAULT 0,         -- linked accounts, for limits in percent
  next_sequence INTEGER NOT NULL DEFAULT 1,
  UNIQUE (job, name)
) STRICT;

-- Names of attributes and rules; rows refer to them by number.
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE upload (
  id INTEGER PRIMARY KEY AUTOINCREMENT,      -- the sequence: newer is higher, never given twice
  job INTEGER NOT NULL REFERENCES job(id),
  origin TEXT NOT NULL,                      -- the client's id, or the file that was imported
  request_id TEXT,                           -- client-request-id
  body_hash BLOB,
  accepted_at INTEGER NOT NULL,
  operations INTEGER NOT NULL,
  decided INTEGER NOT NULL DEFAULT 0,        -- operations 0..decided have been
  unchanged BLOB,                            -- an import's people that were seen and had not changed, as runs
  complete INTEGER NOT NULL                  -- 0 while an import is still reading, or died
) STRICT;
CREATE INDEX upload_repeat ON upload (job, origin, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX upload_undecided ON upload (id) WHERE decided < operations;

-- Bodies between accept and decide; compressed.
CREATE TABLE staged (upload INTEGER PRIMARY KEY REFERENCES upload(id), bytes INTEGER NOT NULL, body BLOB NOT NULL) STRICT;

CREATE TABLE person (
  id INTEGER PRIMARY KEY,
  job INTEGER NOT NULL,
  anchor TEXT NOT NULL,
  generation INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  placed INTEGER NOT NULL,                   -- target, or a word below zero
  rule INTEGER,                              -- name
  attributes BLOB NOT NULL
) STRICT;

-- Who is who: also what an import compares with, so it stays narrow.
CREATE TABLE anchor (
  job INTEGER NOT NULL,
  anchor TEXT NOT NULL,
  person INTEGER NOT NULL,
  fingerprint BLOB,                          -- of the row that was last overlaid; NULL when something else was
  PRIMARY KEY (job, anchor)
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
  upload INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  person INTEGER,
  generation INTEGER,                        -- the state it made; NULL when it made none
  outcome INTEGER NOT NULL,
  by_upload INTEGER,
  by_idx INTEGER,
  code TEXT,
  detail TEXT,
  bulk_id TEXT,
  ended_at INTEGER,
  anchor TEXT,                               -- of whom, where there is no such person (yet)
  PRIMARY KEY (upload, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX operation_person ON operation (person, upload, idx) WHERE person IS NOT NULL;
CREATE INDEX operation_anchor ON operation (anchor) WHERE anchor IS NOT NULL;

-- (person, target): what is known there, and the work that is left. There are no other work rows.
CREATE TABLE link (
  id INTEGER PRIMARY KEY,
  person INTEGER NOT NULL,
  target INTEGER NOT NULL,
  part INTEGER NOT NULL,                     -- 0 account, 1 manager
  directory INTEGER NOT NULL,
  generation INTEGER NOT NULL,               -- to be brought there
  settled INTEGER NOT NULL DEFAULT 0,        -- the last one that ended, in `outcome`
  outcome INTEGER,
  code TEXT,
  detail TEXT,
  situation INTEGER,
  object TEXT,
  known BLOB,
  class INTEGER NOT NULL DEFAULT 1,          -- 0: leavers, first
  due INTEGER,                               -- NULL: nothing to do. While leased: when the lease is surely over
  attempt INTEGER NOT NULL DEFAULT 0,
  look INTEGER NOT NULL DEFAULT 0,
  sequence INTEGER,
  lease TEXT,
  holder TEXT,
  ends INTEGER,
  leased_generation INTEGER,
  outdated INTEGER NOT NULL DEFAULT 0,       -- decided or woken again since it was leased: due when the lease ends
  damage INTEGER NOT NULL DEFAULT 0,         -- what a try that was not reported may have done, as bits
  released INTEGER,                          -- limits are waived for this generation
  manager TEXT,                              -- part 0: the anchor wanted; part 1: the anchor it is about
  written INTEGER NOT NULL DEFAULT 0         -- something was written for this generation already
) STRICT;
CREATE UNIQUE INDEX link_person ON link (person, target, part);
CREATE UNIQUE INDEX link_object ON link (directory, object) WHERE object IS NOT NULL;
CREATE INDEX link_due ON link (target, class, due) WHERE due IS NOT NULL;
CREATE INDEX link_manager ON link (target, manager) WHERE part = 1;
CREATE INDEX link_lease ON link (lease) WHERE lease IS NOT NULL;
CREATE INDEX link_damage ON link (target) WHERE damage <> 0;
CREATE INDEX link_held ON link (target, code) WHERE outcome = 4;

-- What was settled, one row each: the history of promise 2, and the count of promise 6.
CREATE TABLE journal (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  person INTEGER NOT NULL,
  target INTEGER NOT NULL,
  part INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  situation INTEGER,
  kind INTEGER,
  outcome INTEGER NOT NULL,
  code TEXT,
  detail TEXT,
  change BLOB,
  damage INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX journal_person ON journal (person, id);
CREATE INDEX journal_damage ON journal (target, at) WHERE damage <> 0;

CREATE TABLE client (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  secret_hash BLOB NOT NULL,
  roles TEXT NOT NULL,
  targets TEXT NOT NULL,                     -- an agent's; empty for others
  created_at INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE token (hash BLOB PRIMARY KEY, client TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Version 2: what this installation's chance is made from, and the names that are somebody's.
const V2: &str = "
CREATE TABLE installation (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL) STRICT;

-- Values of which only one person may have each, in a namespace that several targets may share.
CREATE TABLE reservation (
  namespace TEXT NOT NULL COLLATE NOCASE,
  folded TEXT NOT NULL,                      -- the value without regard to case
  value TEXT NOT NULL,
  person INTEGER NOT NULL,
  link INTEGER,                              -- offered to this piece of work, which may take it; NULL: taken
  attribute TEXT NOT NULL,                   -- under which it is offered, or was taken
  PRIMARY KEY (namespace, folded)
) STRICT, WITHOUT ROWID;
CREATE INDEX reservation_person ON reservation (person, namespace);
CREATE INDEX reservation_link ON reservation (link) WHERE link IS NOT NULL;
";

/// Version 3: the job file a job last ran with, as it is written; NULL where it ran before this was kept.
const V3: &str = "ALTER TABLE job ADD COLUMN file TEXT;";

/// Version 4: the agents that have asked for work, for people to see.
const V4: &str = "
CREATE TABLE agent (
  client TEXT NOT NULL,                      -- its id
  name TEXT NOT NULL,                        -- what it calls itself
  target TEXT NOT NULL,                      -- it asked for work of
  version TEXT NOT NULL,
  address TEXT NOT NULL,                     -- it asked from
  first_seen_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (client, name, target)
) STRICT, WITHOUT ROWID;
";

/// Version 5: who waits for a name stands in a line; failures and damage are counted without reading their rows.
const V5: &str = "
ALTER TABLE link ADD COLUMN line INTEGER;    -- of those who wait for a name that is offered to other work
ALTER TABLE link ADD COLUMN leads INTEGER;   -- the line that waits for this work
CREATE INDEX link_line ON link (line, id) WHERE line IS NOT NULL;
CREATE INDEX link_failed ON link (target, code) WHERE outcome = 5;
DROP INDEX journal_damage;
CREATE INDEX journal_damage ON journal (target, at, damage) WHERE damage <> 0;
";

/// Version 6: work that is offered through a queue that only transports, and the keys with which it is signed.
const V6: &str = "
ALTER TABLE link ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;   -- leases one after another that ended without a word
CREATE INDEX link_offered ON link (target) WHERE holder = 'queue';
CREATE TABLE signing_key (
  id INTEGER PRIMARY KEY CHECK (id IN (1, 2)), -- 1: signs; 2: will, once all agents know it
  seed BLOB NOT NULL
) STRICT;
";

/// Version 7: memberships, each in a row of its own whose part is 2 and the number of the group's name.
const V7: &str = "
ALTER TABLE link ADD COLUMN member_of TEXT;                 -- the group, as it is called; NULL for other parts
ALTER TABLE link ADD COLUMN wants INTEGER NOT NULL DEFAULT 0; -- whether the account shall be a member, or was last asked to be
ALTER TABLE link ADD COLUMN added INTEGER;                  -- 1: muster made it one; 0: it was one already; NULL: it is none
";

/// Version 8: of which kind an agent's target is by the agent's own file, and whether any job's is of the same.
const V8: &str = "
ALTER TABLE agent ADD COLUMN kind TEXT NOT NULL DEFAULT '';    -- empty where the agent did not say
ALTER TABLE agent ADD COLUMN fits INTEGER NOT NULL DEFAULT 1;  -- 0: it is given no work
";

/// Brings the tables to the current version, or says that they are from a newer muster.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let version: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > MIGRATIONS.len() {
        return Err(StoreError::Newer { found: version, known: MIGRATIONS.len() });
    }
    for (done, step) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", done + 1)?;
        transaction.commit()?;
    }
    make_key(connection)
}

/// The installation's key is made once, and never again: whatever was derived from it must stay as it is.
fn make_key(connection: &Connection) -> Result<(), StoreError> {
    let is_there: bool = connection.query_row("SELECT EXISTS (SELECT 1 FROM installation)", [], |row| row.get(0))?;
    if !is_there {
        let key = chance::bytes::<32>().map_err(|error| StoreError::Broken(error.to_string()))?;
        connection.execute("INSERT INTO installation (id, key) VALUES (1, ?1) ON CONFLICT DO NOTHING", [&key[..]])?;
    }
    Ok(())
}

/// The installation's key.
pub(super) fn key(connection: &Connection) -> Result<InstallationKey, StoreError> {
    let key: [u8; 32] = connection.query_row("SELECT key FROM installation", [], |row| row.get(0))?;
    Ok(InstallationKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_an_earlier_version_is_brought_up_to_date_and_keeps_what_it_has() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(V1).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection.execute("INSERT INTO job (name, rows_last) VALUES ('hr', 7)", []).unwrap();
        migrate(&mut connection).unwrap();
        let (name, rows, file): (String, u32, Option<String>) = connection
            .query_row("SELECT name, rows_last, file FROM job", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        assert_eq!((name.as_str(), rows, file), ("hr", 7, None));
        let made = key(&connection).unwrap();
        migrate(&mut connection).unwrap();
        assert!(key(&connection).unwrap() == made, "an installation has one key, for ever");
    }

    #[test]
    fn a_folder_of_a_later_version_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", MIGRATIONS.len() + 1).unwrap();
        assert!(matches!(migrate(&mut connection), Err(StoreError::Newer { .. })));
    }
}
