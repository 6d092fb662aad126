//! The LDAP writer against real directories: Samba as Active Directory, and OpenLDAP.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::clock::Deadline;
use muster::model::{ChangeKind, Dn, Found, Known, Name, ObjectId, Value};
use muster::writer::ldap::{LdapKind, LdapSettings, LdapWriter};
use muster::writer::{Errand, Group, Membership, WriteError, Writer as _};
use secrecy::SecretString;
use url::Url;

use crate::conformance::{GRAPH, Names, conformance};
use crate::practice::{by_keys, by_object, change, errand};
use crate::samba::{self, Samba};
use crate::slapd::{self, Slapd};

const PEOPLE: &str = "OU=People,DC=example,DC=test";

fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap()
}

pub(crate) fn samba_settings(samba: &Samba, address: &str) -> LdapSettings {
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
    conformance(&LdapWriter::new(slapd_settings(&[&slapd])).unwrap(), &PERSON).await;
}

/// OpenLDAPs, as an agent's file names them.
pub(crate) fn slapd_settings(servers: &[&Slapd]) -> LdapSettings {
    let address = |slapd: &&Slapd| Url::parse(&format!("ldaps://{}:6360", slapd.address())).unwrap();
    let authority = |slapd: &&Slapd| std::fs::read(slapd.certificate()).unwrap();
    LdapSettings {
        kind: LdapKind::Ldap,
        servers: servers.iter().map(address).collect(),
        extra_ca: Some(servers.iter().flat_map(authority).collect()),
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
    }
}

const LEAVERS: &str = "OU=Leavers,DC=example,DC=test";
const VAULT: &str = "CN=Vault,CN=Users,DC=example,DC=test";

/// A domain with containers, and the protected group `Vault` with `Inner` nested in it.
pub(crate) fn prepared(address: &'static str) -> Samba {
    let samba = Samba::start(address);
    let unit =
        |name: &str| format!("dn: OU={name},DC=example,DC=test\nchangetype: add\nobjectClass: organizationalUnit\n\n");
    let group = |name: &str, above: &str| {
        format!(
            "dn: CN={name},{above},DC=example,DC=test\nchangetype: add\nobjectClass: group\nsAMAccountName: {name}\n\n"
        )
    };
    let units: String = ["People", "People2", "Leavers"].into_iter().map(unit).collect();
    let groups = format!("{}{}", group("Vault", "CN=Users"), group("Inner", "OU=People"));
    applied(&samba, &format!("{units}{groups}"));
    applied(&samba, &joins("CN=Inner,OU=People,DC=example,DC=test", VAULT));
    samba
}

pub(crate) fn applied(samba: &Samba, ldif: &str) {
    let output = samba.apply(ldif);
    assert!(output.status.success(), "{output:?}");
}

fn joins(member: &str, group: &str) -> String {
    format!("dn: {group}\nchangetype: modify\nadd: member\nmember: {member}\n-\n\n")
}

/// An agent's file with two containers, a protected account and a protected group.
pub(crate) fn guarded(samba: &Samba, servers: &[&str]) -> LdapSettings {
    LdapSettings {
        servers: servers.iter().map(|server| Url::parse(server).unwrap()).collect(),
        containers: vec![dn("ou=people, DC=example,DC=test"), dn(LEAVERS)],
        protected_accounts: vec!["VIP".to_owned()],
        protected_groups: vec!["Vault".to_owned()],
        timeout: Duration::from_secs(20),
        ..samba_settings(samba, "127.0.4.13")
    }
}

/// What the directory calls the one entry that a filter finds.
pub(crate) fn object_of(samba: &Samba, filter: &str) -> ObjectId {
    let found = samba.search(filter);
    let encoded = found.lines().find_map(|line| line.strip_prefix("objectGUID:: ")).unwrap();
    let bytes: [u8; 16] = STANDARD.decode(encoded).unwrap().try_into().unwrap();
    ObjectId::new(&uuid::Uuid::from_bytes_le(bytes).to_string())
}

pub(crate) fn code(error: &WriteError) -> &str {
    match error {
        WriteError::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

/// Makes a group somebody's primary group: `memberOf` does not tell of it then.
fn becomes_primary_group(samba: &Samba, name: &str, group: &str) {
    let account = format!("CN={name},{PEOPLE}");
    applied(samba, &joins(&account, group));
    let found = samba.search(&format!("(distinguishedName={group})"));
    let sid = found.lines().find_map(|line| line.strip_prefix("objectSid:: ")).unwrap();
    let sid = STANDARD.decode(sid).unwrap();
    let rid = u32::from_le_bytes(sid[sid.len() - 4..].try_into().unwrap());
    applied(samba, &format!("dn: {account}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: {rid}\n-\n"));
    let found = samba.search(&format!("(cn={name})"));
    assert!(!found.to_lowercase().contains(&format!("memberof: {}", group.to_lowercase())), "{found}");
}

async fn make(writer: &LdapWriter, name: &str) -> Result<Known, WriteError> {
    let mut creation = change(ChangeKind::Create, None, &[("cn", name)], &[]);
    if name.chars().all(|c| c.is_ascii_alphanumeric()) {
        creation.set.set(Name::new("sAMAccountName"), Value::text(name));
    }
    creation.set.set(Name::new("accountEnabled"), Value::Boolean(true));
    creation.container = Some(dn(PEOPLE));
    writer.write(&errand(), &creation).await.map(|known| known.unwrap())
}

async fn update(writer: &LdapWriter, object: &ObjectId) -> Result<Option<Known>, WriteError> {
    writer.write(&errand(), &change(ChangeKind::Update, Some(object), &[("title", "x")], &[])).await
}

#[tokio::test]
#[ignore = "needs Samba"]
async fn whom_the_agents_file_or_the_domain_protects_is_never_written() {
    let samba = prepared("127.0.4.13");
    // The first server is dead; the second begins in the clear, and is made safe before the bind.
    let writer = LdapWriter::new(guarded(&samba, &["ldaps://127.0.4.199", "ldap://127.0.4.13"])).unwrap();
    for outside in ["OU=People2,DC=example,DC=test", "CN=Users,DC=example,DC=test", "DC=example,DC=test"] {
        let mut creation = change(ChangeKind::Create, None, &[("cn", "x")], &[]);
        creation.container = Some(dn(outside));
        assert_eq!(code(&writer.write(&errand(), &creation).await.unwrap_err()), "outside_containers");
    }
    let of_domain = writer.find(&by_keys(&[("sAMAccountName", "Administrator")], &["cn"])).await.unwrap();
    let Found::One(administrator) = of_domain else { panic!("{of_domain:?}") };
    assert_eq!(code(&update(&writer, &administrator.object).await.unwrap_err()), "outside_containers");

    let mut made = Vec::new();
    for name in ["vip", "direct", "nested", "admin", "marked", "primary", "primary2", "plain"] {
        made.push(make(&writer, name).await.unwrap().object);
    }
    applied(&samba, &joins("CN=direct,OU=People,DC=example,DC=test", VAULT));
    applied(&samba, &joins("CN=nested,OU=People,DC=example,DC=test", "CN=Inner,OU=People,DC=example,DC=test"));
    applied(&samba, &joins("CN=admin,OU=People,DC=example,DC=test", "CN=Domain Admins,CN=Users,DC=example,DC=test"));
    let marked =
        "dn: CN=marked,OU=People,DC=example,DC=test\nchangetype: modify\nreplace: adminCount\nadminCount: 1\n-\n";
    applied(&samba, marked);
    becomes_primary_group(&samba, "primary", VAULT);
    becomes_primary_group(&samba, "primary2", "CN=Inner,OU=People,DC=example,DC=test");
    let plain = made.pop().unwrap();
    for object in &made {
        assert_eq!(code(&update(&writer, object).await.expect_err(object.as_str())), "protected");
        let deletion = change(ChangeKind::Delete, Some(object), &[], &[]);
        assert_eq!(code(&writer.write(&errand(), &deletion).await.unwrap_err()), "protected");
        assert_eq!(code(&writer.set_manager(&errand(), object, None).await.unwrap_err()), "protected");
    }
    // The refusal names the group, and that one only.
    let admins = "CN=Domain Admins,CN=Users,DC=example,DC=test";
    for (object, group) in made[1..4].iter().zip([VAULT, VAULT, admins]) {
        let error = update(&writer, object).await.unwrap_err();
        let WriteError::Refused { cause, .. } = error else { panic!("{error:?}") };
        assert!(cause.0.ends_with(&format!("it is a member of the protected group {group}")), "{cause:?}");
    }
    update(&writer, &plain).await.unwrap();
    for group in ["Inner", "Vault", "Domain Admins", "Administrators"] {
        let group = Group { name: group.to_owned(), create: true };
        let error = writer.set_member(&errand(), &group, &plain, true).await.unwrap_err();
        assert!(matches!(code(&error), "protected" | "outside_containers"), "{error:?}");
    }
    let mut moves = change(ChangeKind::Move, Some(&plain), &[], &[]);
    moves.container = Some(dn("OU=People2,DC=example,DC=test"));
    assert_eq!(code(&writer.write(&errand(), &moves).await.unwrap_err()), "outside_containers");
    let mut trusted = change(ChangeKind::Update, Some(&plain), &[], &[]);
    trusted.set.set(Name::new("userAccountControl"), Value::Integer(0x8_0200));
    assert_eq!(code(&writer.write(&errand(), &trusted).await.unwrap_err()), "user_account_control");
    // A group is no account, whatever the server calls it; and an attribute has one name.
    applied(&samba, "dn: CN=Free,OU=People,DC=example,DC=test\nchangetype: add\nobjectClass: group\n\n");
    let free = object_of(&samba, "(cn=Free)");
    for kind in [ChangeKind::Update, ChangeKind::Delete] {
        let error = writer.write(&errand(), &change(kind, Some(&free), &[("title", "x")], &[])).await.unwrap_err();
        assert_eq!(code(&error), "protected");
    }
    let by_number = change(ChangeKind::Update, Some(&plain), &[("1.2.840.113556.1.4.8", "524800")], &[]);
    assert_eq!(code(&writer.write(&errand(), &by_number).await.unwrap_err()), "attribute_name");
    // What cannot end within its lease is not begun.
    let late = Errand { begin_before: Some(Deadline::within(Duration::ZERO)), ..errand() };
    let error = writer.write(&late, &change(ChangeKind::Delete, Some(&plain), &[], &[])).await.unwrap_err();
    assert!(matches!(error, WriteError::Later { .. }), "{error:?}");
    update(&writer, &plain).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Samba"]
async fn accounts_are_named_renamed_moved_and_locked_as_they_should_be() {
    let samba = prepared("127.0.4.14");
    let settings = guarded(&samba, &["ldaps://127.0.4.14"]);
    let writer = LdapWriter::new(settings.clone()).unwrap();
    for name in ["Żółć, Ł.", "#hash", "a+b=c;d<e>f", "back\\slash", "star*(paren)", "山田 太郎", "CN=Eve,OU=Admins"]
    {
        let made = make(&writer, name).await.unwrap();
        let found = writer.find(&by_keys(&[("cn", name)], &["cn"])).await.unwrap();
        let Found::One(found) = found else { panic!("{name}: {found:?}") };
        assert_eq!((&found.object, found.attributes.get("cn")), (&made.object, Some(&Value::text(name))));
        assert_eq!(found.container, Some(dn(PEOPLE)));
        let error = make(&writer, name).await.unwrap_err();
        assert!(matches!(&error, WriteError::Taken { attribute, .. } if *attribute == *"cn"), "{error:?}");
    }

    let anna = make(&writer, "Anna").await.unwrap().object;
    // She is let in, and her password is in force: only the right one is missing.
    assert!(samba.search("(&(cn=Anna)(userAccountControl=512)(pwdLastSet>=1))").contains("dn: "));
    let as_anna = LdapSettings {
        bind: "CN=Anna,OU=People,DC=example,DC=test".to_owned(),
        password: SecretString::from("not hers"),
        ..settings.clone()
    };
    let error = LdapWriter::new(as_anna).unwrap().find(&by_object(&anna, &[])).await.unwrap_err();
    assert!(matches!(&error, WriteError::Later { cause, .. } if cause.0.contains("password is wrong")), "{error:?}");
    // An administrator's bits: the password never expires, and none is required.
    applied(
        &samba,
        "dn: CN=Anna,OU=People,DC=example,DC=test\nchangetype: modify\nreplace: userAccountControl\n\
         userAccountControl: 66080\n-\n",
    );
    let mut leaves = change(ChangeKind::Disable, Some(&anna), &[("cn", "Anna Larsen"), ("title", "gone")], &[]);
    leaves.set.set(Name::new("accountEnabled"), Value::Boolean(false));
    leaves.set.set(Name::new("accountExpires"), Value::text("2026-12-31T00:00:00Z"));
    leaves.container = Some(dn(LEAVERS));
    for _ in 0..2 {
        writer.write(&errand(), &leaves).await.unwrap();
    }
    let read = by_object(&anna, &["cn", "accountEnabled", "accountExpires"]);
    let found = writer.find(&read).await.unwrap();
    let Found::One(held) = found else { panic!("{found:?}") };
    assert_eq!(held.container, Some(dn(LEAVERS)));
    assert_eq!(held.attributes.get("cn"), Some(&Value::text("Anna Larsen")));
    assert_eq!(held.attributes.get("accountEnabled"), Some(&Value::Boolean(false)));
    assert_eq!(held.attributes.get("accountExpires"), Some(&Value::text("2026-12-31T00:00:00Z")));
    assert!(samba.search("(&(cn=Anna Larsen)(userAccountControl=66082))").contains("dn: "));

    let mut nowhere = change(ChangeKind::Create, None, &[("cn", "x")], &[]);
    nowhere.container = Some(dn("OU=Nowhere,OU=People,DC=example,DC=test"));
    assert_eq!(code(&writer.write(&errand(), &nowhere).await.unwrap_err()), "no_container");
    let unheard = change(ChangeKind::Update, Some(&anna), &[("noSuchThing", "x")], &[]);
    assert!(matches!(writer.write(&errand(), &unheard).await, Err(WriteError::Refused { .. })));
    let group = Group { name: "Sales".to_owned(), create: true };
    assert_eq!(writer.set_member(&errand(), &group, &anna, true).await.unwrap(), Membership::Changed);

    // Without a certificate that is vouched for, nobody is believed and no password is said.
    let stranger = LdapWriter::new(LdapSettings { extra_ca: None, ..settings.clone() }).unwrap();
    let error = stranger.find(&read).await.unwrap_err();
    assert!(matches!(&error, WriteError::Later { cause, .. } if cause.0.contains("ertificate")), "{error:?}");
    // A wrong password is said once, and not again and again until the account is locked.
    let policy = "dn: DC=example,DC=test\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: 5\n-\n";
    applied(&samba, policy);
    make(&writer, "Bert").await.unwrap();
    let servers = ["ldaps://127.0.4.14", "ldap://127.0.4.14"].map(|server| Url::parse(server).unwrap());
    let bind = "CN=Bert,OU=People,DC=example,DC=test".to_owned();
    let wrong = LdapSettings { bind, password: SecretString::from("wrong"), servers: servers.into(), ..settings };
    let wrong = LdapWriter::new(wrong).unwrap();
    for _ in 0..20 {
        let error = wrong.find(&read).await.unwrap_err();
        assert!(
            matches!(&error, WriteError::Later { cause, .. } if cause.0.contains("password is wrong")),
            "{error:?}"
        );
    }
    assert!(samba.search("(&(cn=Bert)(badPwdCount=1))").contains("dn: "), "it was tried more than once");
}

/// More members than Active Directory tells of in one answer (MaxValRange, 1500). Samba tells of all; the writer reads none.
const MANY: usize = 1_600;

#[tokio::test]
#[ignore = "needs Samba; tests/all.sh runs it"]
async fn a_group_with_more_members_than_are_told_at_once_gains_and_loses_one() {
    let samba = prepared("127.0.8.15");
    let writer = LdapWriter::new(guarded(&samba, &["ldaps://127.0.8.15"])).unwrap();
    let contact = |number: usize| format!("CN=c{number},OU=People2,DC=example,DC=test");
    let contacts = (0..MANY).map(|at| format!("dn: {}\nchangetype: add\nobjectClass: contact\n\n", contact(at)));
    let members: String = (0..MANY).map(|at| format!("member: {}\n", contact(at))).collect();
    let group = "dn: CN=Crowd,OU=People,DC=example,DC=test\nchangetype: add\nobjectClass: group\n\
                 sAMAccountName: Crowd\n";
    applied(&samba, &format!("{}{group}{members}\n", contacts.collect::<String>()));
    let anna = make(&writer, "Anna").await.unwrap().object;
    let crowd = Group { name: "Crowd".to_owned(), create: false };
    for (is_member, expected) in [
        (false, Membership::WasSo),
        (true, Membership::Changed),
        (true, Membership::WasSo),
        (false, Membership::Changed),
        (false, Membership::WasSo),
    ] {
        assert_eq!(writer.set_member(&errand(), &crowd, &anna, is_member).await.unwrap(), expected);
        let found = samba.search("(&(cn=Crowd)(member=CN=Anna,OU=People,DC=example,DC=test))");
        assert_eq!(found.contains("dn: CN=Crowd"), is_member);
    }
    let held = samba.search("(cn=Crowd)").lines().filter(|line| line.starts_with("member: ")).count();
    assert_eq!(held, MANY, "nobody else was touched");
}
