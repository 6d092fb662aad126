//! Against a directory that tells five values at once and knows nothing else.

use std::sync::Arc;
use std::time::Duration;

use ldap3::{LdapConnAsync, LdapConnSettings};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use super::super::connection::Pool;
use super::super::{LdapKind, LdapSettings};
use super::*;
use crate::model::{Dn, Name};
use crate::writer::until::Until;

const AT_ONCE: usize = 5;
/// The longest an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Type, length and value (ITU-T X.690 §8.1), lengths in two bytes.
fn told(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, value].concat()
}

/// The entry, with the values of `x` from `from` on, and the end of the search (RFC 4511 §4.5.2).
fn answer(id: u8, from: usize, count: usize) -> Vec<u8> {
    let last = (from + AT_ONCE).min(count);
    let name = if last == count { format!("x;range={from}-*") } else { format!("x;Range={from}-{}", last - 1) };
    let values: Vec<u8> = (from..last).flat_map(|value| told(4, value.to_string().as_bytes())).collect();
    // Active Directory names the attribute without its values, too.
    let bare = told(0x30, &[told(4, b"x"), told(0x31, b"")].concat());
    let piece = told(0x30, &[told(4, name.as_bytes()), told(0x31, &values)].concat());
    let entry = told(0x64, &[told(4, b"cn=a"), told(0x30, &[bare, piece].concat())].concat());
    let end = told(0x65, &[told(10, &[0]), told(4, b""), told(4, b"")].concat());
    [entry, end].iter().flat_map(|told_of| told(0x30, &[told(2, &[id]), told_of.clone()].concat())).collect()
}

/// A directory whose one entry has so many values; it answers every search.
async fn directory(count: usize) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 4096];
        let mut id = 0;
        while stream.read(&mut asked).await.is_ok_and(|length| length > 0) {
            // Searches are numbered from one, and each is sent in one piece.
            id += 1;
            let words = String::from_utf8_lossy(&asked).into_owned();
            let from = words.split_once(RANGE).and_then(|(_, range)| range.split_once('-'));
            let from = from.map_or(0, |(from, _)| from.parse().unwrap());
            asked.fill(0);
            stream.write_all(&answer(id, from, count)).await.unwrap();
        }
    });
    url.parse().unwrap()
}

/// What is read of an attribute with so many values.
async fn values_read(count: usize) -> Result<Vec<String>, Trouble> {
    let url = directory(count).await;
    let settings = Arc::new(LdapSettings {
        kind: LdapKind::ActiveDirectory,
        servers: vec![url.clone()],
        extra_ca: None,
        bind: String::new(),
        password: SecretString::from(""),
        base: Dn::parse("DC=example").unwrap(),
        global_catalogue: Vec::new(),
        naming: Name::new("cn"),
        containers: Vec::new(),
        protected_accounts: Vec::new(),
        protected_groups: Vec::new(),
        password_chars: 24,
        timeout: PATIENCE,
        connections: 1,
    });
    let pool = Pool::new(&settings, &settings.servers).unwrap();
    let (driver, ldap) = LdapConnAsync::with_settings(LdapConnSettings::new(), url.as_str()).await.unwrap();
    tokio::spawn(driver.drive());
    let permits = Semaphore::new(1);
    let until = Until { end: Instant::now() + PATIENCE, begin_before: None };
    let mut held = Held::new(ldap, 0, &pool, until, permits.acquire().await.unwrap());
    let found = held.search("cn=a", Scope::Base, "(objectClass=*)", &["x"]).await?;
    assert_eq!(found.len(), 1);
    Ok(found[0].all("X").iter().map(|value| String::from_utf8(value.clone()).unwrap()).collect())
}

#[tokio::test]
async fn an_attribute_is_read_whole_however_many_pieces_it_comes_in() {
    for count in [1, AT_ONCE, AT_ONCE + 1, 4 * AT_ONCE + 2, (PIECES_MAX + 1) * AT_ONCE] {
        let expected: Vec<String> = (0..count).map(|value| value.to_string()).collect();
        assert_eq!(values_read(count).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn more_values_than_are_read_are_no_shorter_list() {
    let trouble = values_read((PIECES_MAX + 1) * AT_ONCE + 1).await.unwrap_err();
    let Trouble::TooMany(why) = &trouble else { panic!("{trouble:?}") };
    assert_eq!(why, "x of cn=a has more values than are read here (105)");
}

#[test]
fn a_piece_is_of_the_attribute_whose_name_it_has() {
    assert_eq!(piece("member;range=0-1499"), ("member", Some(1500)));
    assert_eq!(piece("member;range=1500-*"), ("member", None));
    assert_eq!(piece("member"), ("member", None));
    for other in ["member;binary", "x;range=", "x;range=5", "x;range=a-9", "x;range=9-5", "x;range=0-b"] {
        assert_eq!(piece(other), (other, None));
    }
}
