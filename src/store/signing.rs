//! The keys with which work is signed that travels through a queue. Made once, and kept where nobody else reads.

use rusqlite::{OptionalExtension as _, Transaction};

use super::{Store, StoreError};
use crate::chance;

/// The one that signs.
const CURRENT: i64 = 1;
/// The one that will, once all agents know it.
const NEXT: i64 = 2;

/// Seeds of Ed25519 keys (32 bytes each).
pub struct SigningSeeds {
    /// Of the key that signs.
    pub current: [u8; 32],
    /// Of the key that will, where one was made.
    pub next: Option<[u8; 32]>,
}

impl Store {
    /// The keys with which work is signed; the first is made when it is first asked for.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn signing_seeds(&self) -> Result<SigningSeeds, StoreError> {
        if let Some(seeds) = self.read(seeds)? {
            return Ok(seeds);
        }
        self.write(|on| {
            make(on, CURRENT)?;
            seeds(on)?.ok_or_else(|| StoreError::Broken("there is no signing key".to_owned()))
        })
    }

    /// Makes the key that will sign next, unless there is one.
    ///
    /// # Errors
    /// As [`Store::signing_seeds`].
    pub fn prepare_signing_key(&self) -> Result<(), StoreError> {
        self.write(|on| {
            make(on, CURRENT)?;
            make(on, NEXT)
        })
    }

    /// From now on the next key signs, and the one before is forgotten; `false`, and nothing changes, where none was
    /// prepared.
    ///
    /// # Errors
    /// As [`Store::signing_seeds`].
    pub fn rotate_signing_key(&self) -> Result<bool, StoreError> {
        self.write(|on| {
            if seed(on, NEXT)?.is_none() {
                return Ok(false);
            }
            on.execute("DELETE FROM signing_key WHERE id = ?1", [CURRENT])?;
            on.execute("UPDATE signing_key SET id = ?1 WHERE id = ?2", [CURRENT, NEXT])?;
            Ok(true)
        })
    }
}

fn make(on: &Transaction<'_>, id: i64) -> Result<(), StoreError> {
    let seed = chance::bytes::<32>().map_err(|error| StoreError::Broken(error.to_string()))?;
    on.execute("INSERT INTO signing_key (id, seed) VALUES (?1, ?2) ON CONFLICT DO NOTHING", (id, &seed[..]))?;
    Ok(())
}

fn seed(on: &Transaction<'_>, id: i64) -> Result<Option<[u8; 32]>, StoreError> {
    let mut statement = on.prepare_cached("SELECT seed FROM signing_key WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?)
}

fn seeds(on: &Transaction<'_>) -> Result<Option<SigningSeeds>, StoreError> {
    let Some(current) = seed(on, CURRENT)? else { return Ok(None) };
    Ok(Some(SigningSeeds { current, next: seed(on, NEXT)? }))
}
