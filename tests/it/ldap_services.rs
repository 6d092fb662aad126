//! The LDAP writer against real directories: Samba as Active Directory, and OpenLDAP.

use std::time::Duration;

use muster::model::{Dn, Name};
use muster::writer::ldap::{LdapKind, LdapSettings, LdapWriter};
use secrecy::SecretString;
use url::Url;

use crate::conformance::{GRAPH, Names, conformance};
use crate::samba::{self, Samba};
use crate::slapd::{self, Slapd};

const PEOPLE: &str = "OU=People,DC=example,DC=test";

fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap()
}

fn samba_settings(samba: &Samba, address: &str) -> LdapSettings {
    LdapSettings {
        kind: LdapKind::ActiveDirectory,
        servers: vec![Url::parse(&format!("ldaps://{address}")).unwrap()],
        extra_ca: Some(std::fs::read(samba.certificate()).unwrap()),
        bind: "Administrator@EXAMPLE.TEST".to_owned(),
        password: SecretString::from("Passw0rd.Test1"),
        base: dn(samba::BASE),
        global_catalogue: Vec::new(),
        naming: Name::new("CN"),
        containers: vec![dn(PEOPLE)],
        protected_accounts: Vec::new(),
        protected_groups: Vec::new(),
        password_chars: 24,
        timeout: Duration::from_secs(10),
        connections: 4,
    }
}

/// As Active Directory calls them.
const ACTIVE_DIRECTORY: Names = Names {
    id: "employeeID",
    title: "title",
    container: Some(PEOPLE),
    besides: |name| vec![("sAMAccountName", name.to_owned()), ("cn", name.to_owned())],
    group: Some("Everybody Here"),
    ..GRAPH
};

/// As `inetOrgPerson` has them.
const PERSON: Names = Names {
    id: "employeeNumber",
    unique: "mail",
    department: "departmentNumber",
    title: "title",
    container: Some("ou=people,dc=example,dc=test"),
    besides: |name| vec![("uid", name.to_lowercase())],
    group: Some("Everybody Here"),
    ..GRAPH
};

#[tokio::test]
#[ignore = "needs Samba"]
async fn active_directory_has_what_every_writer_owes() {
    let samba = Samba::start("127.0.4.11");
    let made = samba.apply(&format!("dn: {PEOPLE}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    assert!(made.status.success(), "{made:?}");
    let writer = LdapWriter::new(samba_settings(&samba, "127.0.4.11")).unwrap();
    conformance(&writer, &ACTIVE_DIRECTORY).await;
}

#[tokio::test]
#[ignore = "needs OpenLDAP"]
async fn open_ldap_has_what_every_writer_owes() {
    let slapd = Slapd::start("127.0.4.12");
    let settings = LdapSettings {
        kind: LdapKind::Ldap,
        servers: vec![Url::parse("ldaps://127.0.4.12:6360").unwrap()],
        extra_ca: Some(std::fs::read(slapd.certificate()).unwrap()),
        bind: slapd::ADMIN.to_owned(),
        password: SecretString::from(slapd::PASSWORD),
        base: dn(slapd::BASE),
        global_catalogue: Vec::new(),
        naming: Name::new("uid"),
        containers: vec![dn("ou=people,dc=example,dc=test")],
        protected_accounts: Vec::new(),
        protected_groups: Vec::new(),
        password_chars: 24,
        timeout: Duration::from_secs(10),
        connections: 4,
    };
    conformance(&LdapWriter::new(settings).unwrap(), &PERSON).await;
}
