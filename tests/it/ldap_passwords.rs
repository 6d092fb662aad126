//! Passwords of new accounts: in force at the directory, and known to nobody else (OpenLDAP, which tells its
//! administrator what it holds).

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::model::{ChangeKind, Dn};
use muster::writer::Writer as _;
use muster::writer::ldap::LdapWriter;

use super::commands::Site;
use super::ldap_looks::with_people;
use super::ldap_services::slapd_settings;
use super::practice::{change, errand};
use super::slapd::{self, Slapd};

/// The names and passwords of everybody there.
fn passwords(slapd: &Slapd) -> Vec<(String, String)> {
    let found = slapd.search("(userPassword=*)");
    let of_entry = |entry: &str| {
        let dn = entry.lines().find_map(|line| line.strip_prefix("dn: "))?;
        let held = entry.lines().find_map(|line| line.strip_prefix("userPassword:: "))?;
        Some((dn.to_owned(), String::from_utf8(STANDARD.decode(held).unwrap()).unwrap()))
    };
    found.split("\n\n").filter_map(of_entry).collect()
}

/// Everything in a folder, and below it.
fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => all.extend(bytes_below(&entry.path())),
            false => all.extend(fs::read(entry.path()).unwrap()),
        }
    }
    all
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let in_base64 = STANDARD.encode(text);
    [text, in_base64.as_str()].iter().any(|text| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

fn explained(site: &Site, anchor: &str) -> String {
    let output = site.run(&["explain", anchor]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
async fn a_new_password_opens_the_account_and_is_written_down_nowhere() {
    let slapd = Slapd::start("127.0.8.51");
    let (site, logged) = with_people(&slapd).await;
    let explained = ["1", "2", "3", "4", "5"].map(|id| explained(&site, id)).concat();
    let all = passwords(&slapd);
    assert_eq!(all.len(), 5);
    assert!(logged.contains("trace") || logged.contains("TRACE"), "everything was logged that can be");
    let kept = bytes_below(&site.path(""));
    assert!(holds(&kept, slapd::PASSWORD) && explained.contains("hq"), "{explained}");
    for (dn, password) in &all {
        assert_eq!(password.len(), 32);
        assert!(slapd.lets_in(dn, password) && !slapd.lets_in(dn, "another"), "{dn}");
        for (place, bytes) in [("log", logged.as_bytes()), ("explain", explained.as_bytes()), ("data", &kept[..])] {
            assert!(!holds(bytes, password), "the password of {dn} is in the {place}");
        }
    }
    let different: std::collections::HashSet<_> = all.iter().map(|(_, password)| password).collect();
    assert_eq!(different.len(), 5);
}

#[tokio::test]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
async fn no_debug_print_tells_a_password() {
    let slapd = Slapd::start("127.0.8.52");
    let writer = LdapWriter::new(slapd_settings(&[&slapd])).unwrap();
    let mut creation = change(ChangeKind::Create, None, &[("uid", "anna"), ("sn", "Larsen"), ("cn", "Anna")], &[]);
    creation.container = Some(Dn::parse("ou=people,dc=example,dc=test").unwrap());
    let made = writer.write(&errand(), &creation).await.unwrap();
    let again = writer.write(&errand(), &creation).await.unwrap_err();
    let printed = format!("{writer:?} {made:?} {again:?} {again} {:?}", slapd_settings(&[&slapd]));
    let (_, password) = passwords(&slapd).remove(0);
    assert!(!holds(printed.as_bytes(), &password) && !printed.contains("\"secret\""), "{printed}");
}
