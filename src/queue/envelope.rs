//! The envelope of a work item that travels through somebody else's hands: signed by the server, checked by the agent.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wire::WorkItemWire;

/// The version of the envelope. One that is not known is refused, never guessed at.
pub const ENVELOPE_VERSION: u32 = 1;
/// Largest envelope in bytes: half of what a NATS server takes as it comes. A person with everything that is known of them
/// is some tens of kilobytes.
pub const ENVELOPE_BYTES_MAX: usize = 512 * 1024;
/// What stands before the item when it is signed, so that the signature says nothing about anything else.
const CONTEXT: &[u8] = b"muster work item, envelope 1\n";
/// What a public key begins with where people copy it.
const KEY_PREFIX: &str = "ed25519:";
/// Characters of a key's id.
const KEY_ID_CHARACTERS: usize = 16;
/// Keys an agent may pin: the one that signs, and the one that will.
const PINNED_MAX: usize = 2;

/// A signed work item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvelopeWire {
    /// [`ENVELOPE_VERSION`].
    pub version: u32,
    /// The id of the key it is signed with.
    pub key: String,
    /// The Ed25519 signature in Base64, over `muster work item, envelope 1`, a line feed, and the bytes of `item`.
    pub signature: String,
    /// The work item: JSON as text, so that exactly what was signed is what is read.
    pub item: String,
}

/// Why a message is not carried.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It was not even looked at.
    #[error("it has {0} bytes, and {ENVELOPE_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// It is none.
    #[error("it is no envelope")]
    NotAnEnvelope(#[source] serde_json::Error),
    /// The other side speaks another version.
    #[error("its version {0} is not known here; server and agent should be of one version")]
    Version(u32),
    /// Signed by somebody else.
    #[error("it is signed with the key {0}, which this agent's file does not name")]
    UnknownKey(String),
    /// The signature is not of these bytes.
    #[error("its signature is not the server's")]
    Forged,
    /// The server signed something that has no meaning here.
    #[error("what the server signed cannot be read; server and agent should be of one version")]
    Item(#[source] serde_json::Error),
}

/// Why a text is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the form that `muster key` prints.
    #[error("a server key is `{KEY_PREFIX}` and 44 characters, as `muster key` on the server prints it")]
    Form,
    /// None, or too many.
    #[error("one server key is pinned, or two while it is changed")]
    Count,
}

/// Signs work items.
pub struct Signer {
    pair: Ed25519KeyPair,
    id: String,
}

impl Signer {
    /// The signer with the key of this seed; `None` where the seed is none.
    pub fn of_seed(seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let id = key_id(pair.public_key().as_ref());
        Some(Self { pair, id })
    }

    /// The public key, as agents' files name it.
    pub fn public_key(&self) -> String {
        format!("{KEY_PREFIX}{}", STANDARD.encode(self.pair.public_key().as_ref()))
    }

    /// The item, signed, ready to be sent.
    ///
    /// # Errors
    /// When the item cannot be written as JSON.
    pub fn seal(&self, item: &WorkItemWire) -> Result<Vec<u8>, serde_json::Error> {
        let item = serde_json::to_string(item)?;
        let signature = STANDARD.encode(self.pair.sign(&signed(&item)).as_ref());
        serde_json::to_vec(&EnvelopeWire { version: ENVELOPE_VERSION, key: self.id.clone(), signature, item })
    }
}

/// The keys an agent believes: of its server, and of nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedKeys(Vec<(String, [u8; 32])>);

impl PinnedKeys {
    /// The keys as `muster key` prints them.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, KeyError> {
        let parse = |key: &str| {
            let bytes = STANDARD.decode(key.trim().strip_prefix(KEY_PREFIX)?).ok()?;
            let key: [u8; 32] = bytes.try_into().ok()?;
            Some((key_id(&key), key))
        };
        let keys: Option<Vec<_>> = keys.into_iter().map(parse).collect();
        let keys = keys.ok_or(KeyError::Form)?;
        if (1..=PINNED_MAX).contains(&keys.len()) { Ok(Self(keys)) } else { Err(KeyError::Count) }
    }

    /// The work item in an envelope: its size is looked at first, then its signature, and only then what is in it.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn open(&self, bytes: &[u8]) -> Result<WorkItemWire, EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLarge(bytes.len()));
        }
        let envelope: EnvelopeWire = serde_json::from_slice(bytes).map_err(EnvelopeError::NotAnEnvelope)?;
        if envelope.version != ENVELOPE_VERSION {
            return Err(EnvelopeError::Version(envelope.version));
        }
        let Some((_, key)) = self.0.iter().find(|(id, _)| *id == envelope.key) else {
            let key = envelope.key.escape_debug().take(KEY_ID_CHARACTERS).collect();
            return Err(EnvelopeError::UnknownKey(key));
        };
        let signature = STANDARD.decode(&envelope.signature).map_err(|_| EnvelopeError::Forged)?;
        UnparsedPublicKey::new(&ED25519, key)
            .verify(&signed(&envelope.item), &signature)
            .map_err(|_| EnvelopeError::Forged)?;
        serde_json::from_str(&envelope.item).map_err(EnvelopeError::Item)
    }
}

fn signed(item: &str) -> Vec<u8> {
    [CONTEXT, item.as_bytes()].concat()
}

/// Tells keys apart: the first bytes of the SHA-256 of the public key.
fn key_id(public: &[u8]) -> String {
    let hash = digest(&SHA256, public);
    hash.as_ref().iter().take(KEY_ID_CHARACTERS / 2).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 32] = [7; 32];

    fn item() -> WorkItemWire {
        let answer = include_str!("../../tests/cases/queue/lease-answer-1.json");
        let answer: super::super::wire::LeaseAnswerWire = serde_json::from_str(answer).unwrap();
        answer.items.into_iter().next().unwrap()
    }

    #[test]
    fn what_the_server_signs_its_agents_read_for_ever() {
        let signer = Signer::of_seed(&SEED).unwrap();
        let keys = PinnedKeys::parse([signer.public_key().as_str()]).unwrap();
        assert_eq!(keys.open(&signer.seal(&item()).unwrap()).unwrap(), item());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/queue/envelope-1.json");
        if std::env::var_os("MUSTER_BLESS").is_some() {
            std::fs::write(path, [signer.seal(&item()).unwrap(), b"\n".to_vec()].concat()).unwrap();
        }
        assert_eq!(keys.open(std::fs::read(path).unwrap().trim_ascii()).unwrap(), item());
    }

    #[test]
    fn a_key_is_changed_while_agents_know_both() {
        let (old, new) = (Signer::of_seed(&SEED).unwrap(), Signer::of_seed(&[8; 32]).unwrap());
        let keys = PinnedKeys::parse([old.public_key().as_str(), &new.public_key()]).unwrap();
        assert!(keys.open(&old.seal(&item()).unwrap()).is_ok() && keys.open(&new.seal(&item()).unwrap()).is_ok());
        let keys = PinnedKeys::parse([new.public_key().as_str()]).unwrap();
        assert!(matches!(keys.open(&old.seal(&item()).unwrap()), Err(EnvelopeError::UnknownKey(_))));
    }

    #[test]
    fn what_was_touched_is_not_believed() {
        let signer = Signer::of_seed(&SEED).unwrap();
        let keys = PinnedKeys::parse([signer.public_key().as_str()]).unwrap();
        let sealed = String::from_utf8(signer.seal(&item()).unwrap()).unwrap();
        let touched = sealed.replacen("701984", "701985", 1);
        assert_ne!(sealed, touched);
        assert!(matches!(keys.open(touched.as_bytes()), Err(EnvelopeError::Forged)));
        let mut other: EnvelopeWire = serde_json::from_str(&sealed).unwrap();
        other.version = 2;
        let other = serde_json::to_vec(&other).unwrap();
        assert!(matches!(keys.open(&other), Err(EnvelopeError::Version(2))));
        assert!(matches!(keys.open(&vec![b' '; ENVELOPE_BYTES_MAX + 1]), Err(EnvelopeError::TooLarge(_))));
        assert!(matches!(keys.open(b"garbage"), Err(EnvelopeError::NotAnEnvelope(_))));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(PinnedKeys::parse(["ed25519:AAAA"]), Err(KeyError::Form));
        assert_eq!(PinnedKeys::parse([]), Err(KeyError::Count));
    }
}
