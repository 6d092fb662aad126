//! Why NATS does not let muster in, in words that say what to do; once in a while for as long as it lasts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::Server;
use tokio::time::Instant;

/// How often the same is said of a server. It is tried every few seconds.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Longest cause that is told.
const CAUSE_CHARACTERS_MAX: usize = 300;

/// What was said of servers that cannot be connected to.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<String, (String, Instant)>>);

impl Refusals {
    /// Says why the servers could not be connected to, where that is new or was said a while ago.
    pub(super) fn tell(&self, servers: &[Server]) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for server in servers {
            let name = format!("{}:{}", server.addr.host(), server.addr.port());
            let Some(why) = &server.last_error else {
                told.remove(&name);
                continue;
            };
            let is_told = told.get(&name).is_some_and(|(said, at)| said == why && at.elapsed() < TELL_EVERY);
            if !is_told {
                let shown: String = why.chars().filter(|c| !c.is_control()).take(CAUSE_CHARACTERS_MAX).collect();
                tracing::warn!(server = name, why = shown, "NATS cannot be connected to; {}", hint(why));
                told.insert(name, (why.clone(), Instant::now()));
            }
        }
    }
}

/// What to do about it.
fn hint(why: &str) -> &'static str {
    let why = why.to_ascii_lowercase();
    let says = |marks: &[&str]| marks.iter().any(|mark| why.contains(mark));
    if says(&["authorization violation", "signing nonce"]) {
        "it does not know who this is: look whether `credentials`, `nkey`, `token`, or `user` and `password` in the \
         queue's settings are those of a user that NATS has"
    } else if says(&["certificaterequired", "unknownca", "badcertificate"]) {
        "it asks for a certificate: look whether `client_certificate` and `client_key` in the queue's settings are of an \
         authority that NATS trusts"
    } else if says(&["certificate"]) {
        "its certificate is not trusted: look whether `ca` in the queue's settings is its authority, and whether the \
         certificate has the name in `servers`"
    } else if says(&["corrupt message", "tls"]) {
        "it does not speak TLS, which is always asked for beyond this machine: set up TLS at NATS"
    } else {
        "look whether it runs, and is reached by the addresses in `servers`"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_where_to_look() {
        for (why, place) in [
            ("authorization violation", "`credentials`"),
            ("failed signing nonce", "`nkey`"),
            ("IO error: invalid peer certificate: UnknownIssuer", "`ca`"),
            ("IO error: received fatal alert: CertificateRequired", "`client_certificate`"),
            ("IO error: received corrupt message of type InvalidContentType", "set up TLS"),
            ("IO error: Connection refused (os error 111)", "`servers`"),
        ] {
            assert!(hint(why).contains(place), "{why}: {}", hint(why));
        }
    }
}
