//! How the HTTP doors are set: limits, addresses, encryption.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::JobId;

/// Operations Microsoft takes in one request (`facts/entra.md` §1.4): the limit in strict mode.
pub const STRICT_OPERATIONS_MAX: usize = 50;

const MIB: usize = 1024 * 1024;

/// So many requests at once, and so many anew in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests in a period; all of them may come at once.
    pub requests: NonZeroU32,
    /// The period.
    pub per: Duration,
}

impl Rate {
    /// So many requests in a period; at least one.
    pub const fn new(requests: u32, per: Duration) -> Self {
        let requests = match NonZeroU32::new(requests) {
            Some(requests) => requests,
            None => NonZeroU32::MIN,
        };
        Self { requests, per }
    }
}

/// Where the certificate for TLS and its key are: PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that lead to its authority.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What one upload for a job may bring, and how much may wait: its job file's `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLimits {
    /// Operations in one bulk request.
    pub operations_max: usize,
    /// Bytes of its body, after inflation.
    pub body_bytes_max: usize,
    /// Operations that may wait to be decided, of all jobs together.
    pub staged_operations_max: u64,
}

/// How the HTTP doors are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSettings {
    /// Operations in one bulk request. Default 10 000, two hundred times what Microsoft takes.
    pub operations_max: usize,
    /// Behave as Microsoft's service where muster is more lenient: [`STRICT_OPERATIONS_MAX`]. Default off.
    pub strict: bool,
    /// Bytes of one body, after inflation. Default 32 MiB: 10 000 users of 3 KiB.
    pub body_bytes_max: usize,
    /// Bytes of all bodies that are being read and checked. Default 256 MiB: a bound on memory, whoever sends.
    pub in_flight_bytes_max: usize,
    /// How long a body may take to arrive. Default 60 s: the largest one over 5 Mbit/s.
    pub body_read_max: Duration,
    /// How long a body waits for room among the others. Default 3 s; then its sender is asked to come back.
    pub room_wait_max: Duration,
    /// Operations that may wait to be decided. Default 2 000 000: two for each of a million people.
    pub staged_operations_max: u64,
    /// Bytes of bodies that may wait to be decided. Default 2 GiB, before compression.
    pub staged_bytes_max: u64,
    /// How often a client may call. Default 40 in 5 s, as Microsoft has it; `None` is without limit.
    pub rate: Option<Rate>,
    /// How often an agent may call: it leases and settles piece by piece. Default 5 000 in 5 s, more than a disk that
    /// syncs each of its files can keep up with; `None` is without limit.
    pub agent_rate: Option<Rate>,
    /// How often an address may ask for a token. Default 20 a minute: enough for many clients behind one proxy,
    /// and hopeless for guessing a secret of 256 bits. `None` is without limit.
    pub token_rate: Option<Rate>,
    /// How others reach this server, without a slash at the end. Default: by the address it listens on.
    pub public_base_url: Option<String>,
    /// Jobs that say something else of `operations_max`, `body_bytes_max` and `staged_operations_max`.
    pub jobs: BTreeMap<JobId, JobLimits>,
    /// TLS; without it the server is for this machine only.
    pub tls: Option<TlsFiles>,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            operations_max: 10_000,
            strict: false,
            body_bytes_max: 32 * MIB,
            in_flight_bytes_max: 256 * MIB,
            body_read_max: Duration::from_secs(60),
            room_wait_max: Duration::from_secs(3),
            staged_operations_max: 2_000_000,
            staged_bytes_max: 2048 * MIB as u64,
            rate: Some(Rate::new(40, Duration::from_secs(5))),
            agent_rate: Some(Rate::new(5_000, Duration::from_secs(5))),
            token_rate: Some(Rate::new(20, Duration::from_secs(60))),
            public_base_url: None,
            jobs: BTreeMap::new(),
            tls: None,
        }
    }
}

impl ApiSettings {
    /// The limits of a job: its own, or those of all; strict or not.
    pub fn limits_of(&self, job: &JobId) -> JobLimits {
        let all = JobLimits {
            operations_max: self.operations_max,
            body_bytes_max: self.body_bytes_max,
            staged_operations_max: self.staged_operations_max,
        };
        let limits = self.jobs.get(job).copied().unwrap_or(all);
        let strictly = if self.strict { STRICT_OPERATIONS_MAX } else { usize::MAX };
        JobLimits { operations_max: limits.operations_max.min(strictly), ..limits }
    }
}
