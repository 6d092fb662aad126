//! A client that may upload, and its token.

use std::time::Duration;

use muster::api::sha256;
use muster::clock::{Clock as _, SystemClock};
use muster::store::{Client, NewClient, Store};

const ROLE: &str = "SynchronizationData-User.Upload";

pub(crate) fn token(store: &Store) -> String {
    let now = SystemClock.now();
    let client = Client {
        id: "bench".to_owned(),
        name: "bench".to_owned(),
        roles: vec![ROLE.to_owned()],
        targets: Vec::new(),
        created_at: now,
        disabled_at: None,
    };
    assert!(store.add_client(&NewClient { client, secret_hash: [0; 32] }).unwrap());
    let token = muster::chance::token().unwrap();
    store.add_token(sha256(token.as_bytes()), "bench", now, Duration::from_secs(3600)).unwrap();
    token
}
