//! Clients and their tokens. Only hashes of secrets are kept.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Store, StoreError};
use crate::model::Timestamp;

/// Somebody who may speak to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub roles: Vec<String>,
    /// The targets an agent may work at; empty for others.
    pub targets: Vec<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was disabled, if it was.
    pub disabled_at: Option<Timestamp>,
}

/// A client to be added.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// As in [`Client`].
    pub client: Client,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
}

impl Store {
    /// Adds a client. Gives `false`, and changes nothing, when the name is taken.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn add_client(&self, new: &NewClient) -> Result<bool, StoreError> {
        let client = &new.client;
        self.write(|on| {
            let added = on.execute(
                "INSERT INTO client (id, name, secret_hash, roles, targets, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
                params![
                    client.id,
                    client.name,
                    &new.secret_hash[..],
                    client.roles.join(" "),
                    client.targets.join(" "),
                    client.created_at.0
                ],
            )?;
            Ok(added == 1)
        })
    }

    /// Disables the client of that name, and ends its tokens at once. Gives `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn disable_client(&self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.write(|on| {
            on.execute("DELETE FROM token WHERE client = (SELECT id FROM client WHERE name = ?1)", [name])?;
            let done = on.execute(
                "UPDATE client SET disabled_at = coalesce(disabled_at, ?2) WHERE name = ?1",
                params![name, now.0],
            )?;
            Ok(done == 1)
        })
    }

    /// All clients, by name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare(&format!("SELECT {COLUMNS} FROM client ORDER BY name"))?;
            let clients = statement.query_map([], |row| client(row, 0))?;
            Ok(clients.collect::<Result<_, _>>()?)
        })
    }

    /// The client with that id and the hash of its secret, if it is enabled.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn client_with_secret(&self, id: &str) -> Result<Option<(Client, Vec<u8>)>, StoreError> {
        self.read(|on| {
            Ok(on
                .prepare_cached(&format!(
                    "SELECT secret_hash, {COLUMNS} FROM client WHERE id = ?1 AND disabled_at IS NULL"
                ))?
                .query_row([id], |row| Ok((client(row, 1)?, row.get(0)?)))
                .optional()?)
        })
    }

    /// Keeps the hash of a token that was given to a client, and forgets those that have run out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn add_token(&self, hash: [u8; 32], client: &str, now: Timestamp, lasts: Duration) -> Result<(), StoreError> {
        self.write(|on| {
            on.prepare_cached("DELETE FROM token WHERE expires_at <= ?1")?.execute([now.0])?;
            on.prepare_cached("INSERT INTO token (hash, client, expires_at) VALUES (?1, ?2, ?3)")?.execute(params![
                &hash[..],
                client,
                now.plus(lasts).0
            ])?;
            Ok(())
        })
    }

    /// Whose token this is: `None` when it is nobody's, has run out, or its client is disabled.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn client_of_token(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<Client>, StoreError> {
        self.read(|on| {
            Ok(on
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM token JOIN client ON client.id = token.client
                     WHERE token.hash = ?1 AND token.expires_at > ?2 AND client.disabled_at IS NULL"
                ))?
                .query_row(params![&hash[..], now.0], |row| client(row, 0))
                .optional()?)
        })
    }
}

const COLUMNS: &str = "client.id, client.name, client.roles, client.targets, client.created_at, client.disabled_at";

fn client(row: &Row<'_>, from: usize) -> rusqlite::Result<Client> {
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect();
    Ok(Client {
        id: row.get(from)?,
        name: row.get(from + 1)?,
        roles: words(row.get(from + 2)?),
        targets: words(row.get(from + 3)?),
        created_at: Timestamp(row.get(from + 4)?),
        disabled_at: row.get::<_, Option<i64>>(from + 5)?.map(Timestamp),
    })
}
