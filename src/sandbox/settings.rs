//! What a practice tenant is made of, what it shows of its users, and why there is none.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value as Json};

use super::budget::Throttle;

/// What a practice tenant is like.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// The tenant's id; callers may also use one of its domains.
    pub tenant: String,
    /// Its verified domains: user principal names must be in one of them.
    pub domains: Vec<String>,
    /// The application that may ask for tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Users that are there from the start. They may hold what no request can write: `id`, `onPremisesSyncEnabled`.
    pub users: Vec<Map<String, Json>>,
    /// After how many writes it answers 429; never, if not given.
    pub throttle: Option<Throttle>,
    /// How long it takes to answer.
    pub latency: Option<Duration>,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No domain, so that no user could be made.
    #[error("a practice tenant needs a verified domain")]
    NoDomain,
    /// A user to begin with would be refused by Graph, too.
    #[error("user {place} cannot be there from the start: {why}")]
    User {
        /// Its place among the users given, from 1.
        place: usize,
        /// What Graph would say.
        why: String,
    },
    /// Other machines could reach it, and its secret travels in the clear.
    #[error("a practice tenant is for this machine only, and {0} can be reached from others")]
    NotLoopback(SocketAddr),
    /// The file can be neither read nor written.
    #[error("the practice tenant's file {} cannot be read or written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Two tenants would write over each other.
    #[error("another practice tenant keeps its users in {}; end it, or name another file", .0.display())]
    FileInUse(PathBuf),
    /// It was changed by somebody else, or is something else.
    #[error("{} is damaged in line {line}: {why}; put a copy in its place, or name another file", path.display())]
    FileDamaged {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// The operating system refuses the address.
    #[error("the practice tenant cannot listen")]
    Listen(#[source] std::io::Error),
}

/// A user as the tenant holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxUser {
    /// Its object id.
    pub id: String,
    /// All its properties, those that were never said included (null). No password: it is not kept.
    pub properties: Map<String, Json>,
    /// The object id of its manager.
    pub manager: Option<String>,
}
