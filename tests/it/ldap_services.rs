//! The LDAP writer at real directories: Active Directory (Samba) and OpenLDAP.

use std::time::Duration;

use muster::model::{ChangeKind, Dn, Found, Known, Name, ObjectId, Value};
use muster::writer::ldap::{LdapKind, LdapSettings, LdapWriter};
use muster::writer::{Group, Membership, WriteError, Writer as _};
use secrecy::SecretString;

use crate::conformance::{Names, conformance};
use crate::practice::{by_keys, by_object, change, errand};
use crate::samba::{self, Samba};
use crate::slapd::{self, Slapd};

const PEOPLE: &str = "OU=People,DC=example,DC=test";
const LEAVERS: &str = "OU=Leavers,DC=example,DC=test";
const CONTAINERS: &str = "dn: OU=People,DC=example,DC=test
changetype: add
objectClass: organizationalUnit

dn: OU=People2,DC=example,DC=test
changetype: add
objectClass: organizationalUnit

dn: OU=Leavers,DC=example,DC=test
changetype: add
objectClass: organizationalUnit

";

const ACTIVE_DIRECTORY: Names = Names {
    id: "employeeNumber",
    display: "displayName",
    unique: "userPrincipalName",
    department: "department",
    title: "title",
    container: Some(PEOPLE),
    besides: |name| vec![("cn", name.to_owned()), ("sAMAccountName", name.to_owned())],
    group: Some("Everybody"),
};

const OPENLDAP: Names = Names {
    id: "employeeNumber",
    display: "displayName",
    unique: "uid",
    department: "departmentNumber",
    title: "title",
    container: Some("ou=people,dc=example,dc=test"),
    besides: |name| vec![("cn", name.to_owned()), ("sn", name.to_owned())],
    group: Some("everybody"),
};

fn samba_settings(samba: &Samba, servers: &[&str]) -> LdapSettings {
    LdapSettings {
        kind: LdapKind::ActiveDirectory,
        servers: servers.iter().map(|server| server.parse().unwrap()).collect(),
        extra_ca: Some(std::fs::read(samba.certificate()).unwrap()),
        bind: samba::ADMINISTRATOR.to_owned(),
        password: SecretString::from(samba::PASSWORD),
        base: Dn::parse(samba::BASE).unwrap(),
        global_catalogue: Vec::new(),
        naming: Name::new("CN"),
        containers: vec![Dn::parse("ou=people, DC=example,DC=test").unwrap(), Dn::parse(LEAVERS).unwrap()],
        protected_accounts: vec!["vip".to_owned()],
        protected_groups: vec!["Vault".to_owned()],
        password_chars: 24,
        timeout: Duration::from_secs(20),
        connections: 4,
    }
}

fn code(error: &WriteError) -> &str {
    match error {
        WriteError::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

fn prepared(address: &'static str) -> Samba {
    let samba = Samba::start(address);
    let groups = "dn: CN=Vault,CN=Users,DC=example,DC=test
changetype: add
objectClass: group
sAMAccountName: Vault

dn: CN=Inner,OU=People,DC=example,DC=test
changetype: add
objectClass: group
sAMAccountName: Inner

dn: CN=Vault,CN=Users,DC=example,DC=test
changetype: modify
add: member
member: CN=Inner,OU=People,DC=example,DC=test
-

";
    let output = samba.apply(&format!("{CONTAINERS}{groups}"));
    assert!(output.status.success(), "{output:?}");
    samba
}

async fn make(writer: &LdapWriter, name: &str, enabled: bool) -> Result<Known, WriteError> {
    let account: String = name.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let mut creation = change(ChangeKind::Create, None, &[("cn", name), ("sAMAccountName", &account)], &[]);
    creation.set.set(Name::new("accountEnabled"), Value::Boolean(enabled));
    creation.container = Some(Dn::parse(PEOPLE).unwrap());
    writer.write(&errand(), &creation).await.map(|known| known.unwrap())
}

async fn update(writer: &LdapWriter, object: &ObjectId) -> Result<Option<Known>, WriteError> {
    writer.write(&errand(), &change(ChangeKind::Update, Some(object), &[("title", "x")], &[])).await
}

async fn object_of(writer: &LdapWriter, account: &str) -> ObjectId {
    match writer.find(&by_keys(&[("sAMAccountName", account)], &["cn"])).await.unwrap() {
        Found::One(known) => known.object,
        other => panic!("{account}: {other:?}"),
    }
}

#[tokio::test]
#[ignore = "starts Samba"]
async fn an_active_directory_gets_what_every_writer_owes() {
    let samba = prepared("127.0.4.1");
    let writer = LdapWriter::new(samba_settings(&samba, &["ldaps://127.0.4.1"])).unwrap();
    conformance(&writer, &ACTIVE_DIRECTORY).await;
}

#[tokio::test]
#[ignore = "starts slapd"]
async fn an_openldap_gets_what_every_writer_owes() {
    let slapd = Slapd::start("127.0.4.2");
    let settings = LdapSettings {
        kind: LdapKind::Ldap,
        servers: vec![format!("ldap://127.0.4.2:{}", slapd::PORT).parse().unwrap()],
        extra_ca: Some(std::fs::read(slapd.certificate()).unwrap()),
        bind: slapd::WRITER.to_owned(),
        password: SecretString::from(slapd::PASSWORD),
        base: Dn::parse(slapd::BASE).unwrap(),
        global_catalogue: Vec::new(),
        naming: Name::new("uid"),
        containers: vec![Dn::parse("ou=people,dc=example,dc=test").unwrap()],
        protected_accounts: Vec::new(),
        protected_groups: Vec::new(),
        password_chars: 24,
        timeout: Duration::from_secs(20),
        connections: 4,
    };
    let writer = LdapWriter::new(settings).unwrap();
    conformance(&writer, &OPENLDAP).await;
}

#[tokio::test]
#[ignore = "starts Samba"]
async fn whom_the_agents_file_or_the_domain_protects_is_never_written() {
    let samba = prepared("127.0.4.3");
    // The first server is dead, the second speaks StartTLS.
    let servers = ["ldaps://127.0.4.199", "ldap://127.0.4.3"];
    let writer = LdapWriter::new(samba_settings(&samba, &servers)).unwrap();

    for outside in ["OU=People2,DC=example,DC=test", "CN=Users,DC=example,DC=test", "DC=example,DC=test"] {
        let mut creation = change(ChangeKind::Create, None, &[("cn", "x")], &[]);
        creation.container = Some(Dn::parse(outside).unwrap());
        assert_eq!(code(&writer.write(&errand(), &creation).await.unwrap_err()), "outside_containers");
    }
    for account in ["Administrator", "krbtgt", "Guest", "DC1$"] {
        let object = object_of(&writer, account).await;
        assert_eq!(code(&update(&writer, &object).await.unwrap_err()), "outside_containers", "{account}");
    }

    for name in ["vip", "direct", "nested", "marked", "plain"] {
        make(&writer, name, true).await.unwrap();
    }
    let output = samba.apply(
        "dn: CN=Vault,CN=Users,DC=example,DC=test\nchangetype: modify\nadd: member\n\
         member: CN=direct,OU=People,DC=example,DC=test\n-\n\n\
         dn: CN=Inner,OU=People,DC=example,DC=test\nchangetype: modify\nadd: member\n\
         member: CN=nested,OU=People,DC=example,DC=test\n-\n\n\
         dn: CN=marked,OU=People,DC=example,DC=test\nchangetype: modify\nreplace: adminCount\nadminCount: 1\n-\n\n",
    );
    assert!(output.status.success(), "{output:?}");
    for name in ["vip", "direct", "nested", "marked"] {
        let object = object_of(&writer, name).await;
        assert_eq!(code(&update(&writer, &object).await.unwrap_err()), "protected", "{name}");
        let deletion = change(ChangeKind::Delete, Some(&object), &[], &[]);
        assert_eq!(code(&writer.write(&errand(), &deletion).await.unwrap_err()), "protected", "{name}");
    }
    let plain = object_of(&writer, "plain").await;
    update(&writer, &plain).await.unwrap();
    for (group, why) in [("Inner", "protected"), ("Domain Admins", "outside_containers")] {
        let group = Group { name: group.to_owned(), create: true };
        assert_eq!(code(&writer.set_member(&errand(), &group, &plain, true).await.unwrap_err()), why);
    }
    let mut moves = change(ChangeKind::Move, Some(&plain), &[], &[]);
    moves.container = Some(Dn::parse("OU=People2,DC=example,DC=test").unwrap());
    assert_eq!(code(&writer.write(&errand(), &moves).await.unwrap_err()), "outside_containers");
}

#[tokio::test]
#[ignore = "starts Samba"]
async fn accounts_live_in_an_active_directory_as_they_should() {
    let samba = prepared("127.0.4.4");
    let settings = samba_settings(&samba, &["ldaps://127.0.4.4"]);
    let writer = LdapWriter::new(settings.clone()).unwrap();
    for name in ["Żółć, Ł.", "#hash", "a+b=c;d<e>f", "back\\slash", "star*(paren)", "山田 太郎", "CN=Eve,OU=Admins"]
    {
        let mut creation = change(ChangeKind::Create, None, &[("cn", name)], &[]);
        creation.container = Some(Dn::parse(PEOPLE).unwrap());
        let made = writer.write(&errand(), &creation).await.unwrap().unwrap();
        let Found::One(found) = writer.find(&by_keys(&[("cn", name)], &["cn"])).await.unwrap() else {
            panic!("{name}")
        };
        assert_eq!((&found.object, found.attributes.get("cn")), (&made.object, Some(&Value::text(name))));
        assert_eq!(found.container, Some(Dn::parse(PEOPLE).unwrap()));
    }

    // Renamed, moved and locked at once; the other bits stay.
    let anna = make(&writer, "Anna", true).await.unwrap().object;
    assert!(samba.search("(&(cn=Anna)(userAccountControl=512))").contains("dn: "));
    let output = samba.apply(
        "dn: CN=Anna,OU=People,DC=example,DC=test\nchangetype: modify\nreplace: userAccountControl\n\
         userAccountControl: 66080\n-\n\n",
    );
    assert!(output.status.success(), "{output:?}");
    let mut leaves = change(ChangeKind::Disable, Some(&anna), &[("cn", "Anna Larsen"), ("title", "gone")], &[]);
    leaves.set.set(Name::new("accountEnabled"), Value::Boolean(false));
    leaves.set.set(Name::new("accountExpires"), Value::text("2026-12-31T00:00:00Z"));
    leaves.container = Some(Dn::parse(LEAVERS).unwrap());
    for _ in 0..2 {
        writer.write(&errand(), &leaves).await.unwrap();
    }
    let read = by_object(&anna, &["cn", "accountEnabled", "userAccountControl", "accountExpires", "title"]);
    let Found::One(held) = writer.find(&read).await.unwrap() else { panic!("nobody") };
    assert_eq!(held.container, Some(Dn::parse(LEAVERS).unwrap()));
    assert_eq!(held.attributes.get("cn"), Some(&Value::text("Anna Larsen")));
    assert_eq!(held.attributes.get("accountEnabled"), Some(&Value::Boolean(false)));
    assert_eq!(held.attributes.get("accountExpires"), Some(&Value::text("2026-12-31T00:00:00Z")));
    assert!(samba.search("(&(cn=Anna Larsen)(userAccountControl=66082))").contains("dn: "));

    // Who has it, is told.
    let error = make(&writer, "star*(paren)", true).await.unwrap_err();
    assert!(matches!(&error, WriteError::Taken { attribute, .. } if *attribute == *"CN"), "{error:?}");
    let mut nowhere = change(ChangeKind::Create, None, &[("cn", "x")], &[]);
    nowhere.container = Some(Dn::parse("OU=Nowhere,OU=People,DC=example,DC=test").unwrap());
    assert_eq!(code(&writer.write(&errand(), &nowhere).await.unwrap_err()), "no_container");
    let group = Group { name: "Sales".to_owned(), create: true };
    assert_eq!(writer.set_member(&errand(), &group, &anna, true).await.unwrap(), Membership::Changed);

    // Nobody is believed, and nobody's password is tried, without a certificate that is vouched for.
    let stranger = LdapWriter::new(LdapSettings { extra_ca: None, ..settings.clone() }).unwrap();
    let error = stranger.find(&read).await.unwrap_err();
    assert!(matches!(&error, WriteError::Later { cause, .. } if cause.0.contains("ertificate")), "{error:?}");
    let wrong = LdapWriter::new(LdapSettings { password: SecretString::from("wrong"), ..settings }).unwrap();
    let error = wrong.find(&read).await.unwrap_err();
    assert!(matches!(&error, WriteError::Later { cause, .. } if cause.0.contains("password is wrong")), "{error:?}");
}
