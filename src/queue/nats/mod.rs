//! Work through NATS JetStream: how it is connected to, and what things are called there.

mod connect;
mod distrust;
mod messages;
pub mod publish;
mod refused;
pub mod work;

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::model::TargetId;

pub use connect::ConnectError;

/// How long a NATS server may take to answer. It answers within milliseconds; choosing a new leader takes seconds.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Where NATS is, and who muster is there.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// Its servers, `tls://host:4222` or `nats://host:4222`. Beyond this machine TLS is always asked for.
    pub servers: Vec<Url>,
    /// PEM certificates that are trusted in place of the machine's own.
    pub ca: Option<PathBuf>,
    /// A client certificate and its key, in PEM.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Who muster is.
    pub login: NatsLogin,
    /// The stream; subjects begin with its name.
    pub stream: String,
}

/// Who muster is to NATS.
#[derive(Debug, Clone)]
pub enum NatsLogin {
    /// Nobody: the servers ask for nothing, or for a client certificate only.
    Nobody,
    /// A file with a JWT and the seed of its key, as `nsc` makes it.
    Credentials(PathBuf),
    /// The seed of an nkey.
    Nkey(SecretString),
    /// A token.
    Token(SecretString),
    /// A user and a password.
    User(String, SecretString),
}

/// Which of a target's work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Leavers, who go first.
    Leavers,
    /// Everybody else.
    Others,
}

impl Class {
    /// Both, in the order in which they go.
    pub const ALL: [Self; 2] = [Self::Leavers, Self::Others];

    fn word(self) -> &'static str {
        match self {
            Self::Leavers => "leavers",
            Self::Others => "others",
        }
    }
}

/// The subject of a target's work.
pub fn subject(stream: &str, target: &TargetId, class: Class) -> String {
    format!("{stream}.work.{}.{}", token(target.as_str()), class.word())
}

/// The durable consumer of a target's work.
pub fn consumer(target: &TargetId, class: Class) -> String {
    format!("{}-{}", token(target.as_str()), class.word())
}

/// A target's name as one word of a subject: letters and digits as they are, every other byte as `_` and two hex digits.
fn token(name: &str) -> String {
    let mut token = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            token.push(char::from(byte));
        } else {
            token.push_str(&format!("_{byte:02x}"));
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_keep_apart_whatever_they_are_called() {
        let subject = |name: &str| subject("muster", &TargetId::new(name), Class::Others);
        assert_eq!(subject("hq"), "muster.work.hq.others");
        assert_eq!(subject("h.*>"), "muster.work.h_2e_2a_3e.others");
        assert_ne!(subject("a_2e"), subject("a."));
        assert_eq!(consumer(&TargetId::new("h q"), Class::Leavers), "h_20q-leavers");
    }
}
