//! Keys and tokens of NATS, made as `nsc` makes them: nkeys are Ed25519 keys in Base32 with a mark and a checksum
//! (NATS ADR-1), JWTs are signed by them (ADR-14).

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

/// What a key is for; the number is its mark.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    Account = 0,
    Operator = 14 << 3,
    User = 20 << 3,
}

const SEED: u8 = 18 << 3;

/// A key.
pub(crate) struct Nkey {
    pair: Ed25519KeyPair,
    secret: [u8; 32],
    of: Of,
}

impl Nkey {
    /// The key of this seed.
    pub(crate) fn new(of: Of, secret: u8) -> Self {
        let secret = [secret; 32];
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&secret).unwrap(), secret, of }
    }

    /// Its public half.
    pub(crate) fn public(&self) -> String {
        checked([&[self.of as u8][..], self.pair.public_key().as_ref()].concat())
    }

    /// Its seed.
    pub(crate) fn seed(&self) -> String {
        let of = self.of as u8;
        checked([&[SEED | (of >> 5), (of & 31) << 3][..], &self.secret].concat())
    }

    /// What it says of another.
    pub(crate) fn vouch(&self, of: &Self, kind: &str, mut claims: Json) -> String {
        claims["type"] = json!(kind);
        claims["version"] = json!(2);
        let said = json!({
            "jti": "muster-test", "iat": 1_700_000_000, "iss": self.public(), "name": kind, "sub": of.public(),
            "nats": claims,
        });
        let text = |value: Json| URL_SAFE_NO_PAD.encode(value.to_string());
        let body = format!("{}.{}", text(json!({ "typ": "JWT", "alg": "ed25519-nkey" })), text(said));
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(body.as_bytes()).as_ref()))
    }
}

/// An operator's server: its settings, and the credentials file of a user.
pub(crate) fn operated() -> (String, String) {
    let (operator, system) = (Nkey::new(Of::Operator, 1), Nkey::new(Of::Account, 2));
    let (account, user) = (Nkey::new(Of::Account, 3), Nkey::new(Of::User, 4));
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let without = json!({ "limits": { "subs": -1, "data": -1, "payload": -1, "conn": -1, "leaf": -1 } });
    let settings = format!(
        "operator: \"{}\"\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: \"{}\", {}: \"{}\" }}\n",
        operator.vouch(&operator, "operator", json!({})),
        system.public(),
        system.public(),
        operator.vouch(&system, "account", without),
        account.public(),
        operator.vouch(&account, "account", json!({ "limits": limits })),
    );
    let token = account.vouch(&user, "user", json!({ "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {} }));
    (settings, credentials(&token, &user))
}

/// A credentials file.
pub(crate) fn credentials(token: &str, user: &Nkey) -> String {
    format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        user.seed()
    )
}

/// Base32 (RFC 4648 §6) of the bytes and their CRC-16 (XMODEM).
fn checked(mut bytes: Vec<u8>) -> String {
    let sum = bytes.iter().fold(0_u16, |sum, byte| {
        (0..8).fold(
            sum ^ (u16::from(*byte) << 8),
            |sum, _| if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 },
        )
    });
    bytes.extend(sum.to_le_bytes());
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letter = |five: &[u8]| {
        let five = format!("{:0<5}", std::str::from_utf8(five).unwrap());
        char::from(letters[usize::from_str_radix(&five, 2).unwrap()])
    };
    bits.as_bytes().chunks(5).map(letter).collect()
}
