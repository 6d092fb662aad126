//! People made in an Active Directory by the writer, beside the bare adds of the same accounts on as many connections.

use std::collections::HashSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ldap3::{LdapConnAsync, LdapConnSettings};
use muster::clock::SystemClock;
use muster::model::{
    Anchor, Desired, Dn, Generation, JobId, LeaseId, MatchKeys, Name, Settlement, TargetId, Task, Timestamp, Value,
    Wanted, WorkItem,
};
use muster::pipeline::carry::carry;
use muster::writer::ldap::{LdapKind, LdapSettings, LdapWriter};
use secrecy::SecretString;

use crate::figure::{Figure, grouped};
use crate::samba::{self, Samba};

const PEOPLE: usize = 4_000;
const CONNECTIONS: usize = 8;
/// Work items carried at once, as an agent does: some wait for a connection, and are looked for together.
const HANDS: usize = 4 * CONNECTIONS;
/// Of the bare adds' pace.
const PERCENT_MIN: f64 = 70.0;
const ADDRESS: &str = "127.0.4.31";
const CONTAINERS: [&str; 2] = ["OU=Bare,DC=example,DC=test", "OU=Carried,DC=example,DC=test"];

/// Nothing where no Samba is installed.
pub(crate) fn figures(size: u32) -> Vec<Figure> {
    let is_installed = Command::new("sh").args(["-c", "PATH=$PATH:/usr/sbin command -v samba"]).output();
    if !is_installed.is_ok_and(|output| output.status.success()) {
        println!("no figure of Active Directory: Samba is not installed here (package `samba`)");
        return Vec::new();
    }
    let people = (PEOPLE * size as usize / 100).max(80);
    let samba = Samba::start(ADDRESS);
    let unit = |dn: &str| format!("dn: {dn}\nchangetype: add\nobjectClass: organizationalUnit\n\n");
    let made = samba.apply(&CONTAINERS.map(unit).concat());
    assert!(made.status.success(), "{made:?}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let bare = runtime.block_on(bare(&samba, people));
    let carried = runtime.block_on(carried(&samba, people));
    let found = samba.search("(&(objectClass=user)(userAccountControl=512)(employeeNumber=*))");
    assert_eq!(found.matches("\nemployeeNumber: ").count(), 2 * people, "somebody is missing, or not enabled");
    let percent = 100.0 * carried / bare;
    vec![Figure {
        work: "people made in an Active Directory (Samba), enabled, with a password",
        reached: format!("{}/s, {percent:.0} %", grouped(carried)),
        must: "70 % of the ceiling",
        ceiling: format!("{}/s: bare adds of the same on {CONNECTIONS} connections", grouped(bare)),
        holds: percent >= PERCENT_MIN,
    }]
}

/// Accounts made in a second by nothing but adds.
async fn bare(samba: &Samba, people: usize) -> f64 {
    let tls = muster_tls(samba);
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    let mut lines = Vec::new();
    for _ in 0..CONNECTIONS {
        let settings = LdapConnSettings::new().set_config(Arc::clone(&tls));
        let (connection, mut ldap) =
            LdapConnAsync::with_settings(settings, &format!("ldaps://{ADDRESS}")).await.unwrap();
        tokio::spawn(async move { connection.drive().await.ok() });
        ldap.simple_bind(samba::ADMINISTRATOR, samba::PASSWORD).await.unwrap().success().unwrap();
        lines.push(ldap);
    }
    let begun = Instant::now();
    for mut ldap in lines {
        let next = Arc::clone(&next);
        tasks.push(tokio::spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= people {
                    return;
                }
                let dn = format!("CN=Bare Person {at},{}", CONTAINERS[0]);
                ldap.add(&dn, account(at)).await.unwrap().success().unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    people as f64 / begun.elapsed().as_secs_f64()
}

fn account(at: usize) -> Vec<(Vec<u8>, HashSet<Vec<u8>>)> {
    let password: Vec<u8> = format!("\"Random.Pass-{at}x\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let classes = ["top", "person", "organizationalPerson", "user"].map(|class| class.as_bytes().to_vec());
    let mut lists = vec![(b"objectClass".to_vec(), HashSet::from(classes))];
    let texts = attributes("bare", at).into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes()));
    let rest = [("userAccountControl".to_owned(), b"512".to_vec()), ("unicodePwd".to_owned(), password)];
    lists.extend(texts.chain(rest).map(|(name, value)| (name.into_bytes(), HashSet::from([value]))));
    lists
}

fn attributes(prefix: &str, at: usize) -> Vec<(&'static str, String)> {
    vec![
        ("sAMAccountName", format!("{prefix}{at}")),
        ("userPrincipalName", format!("{prefix}{at}@example.test")),
        ("employeeNumber", format!("{prefix}-{at}")),
        ("displayName", format!("Person {at}")),
        ("givenName", "Person".to_owned()),
        ("sn", format!("{at}")),
        ("department", "Sales".to_owned()),
    ]
}

/// Accounts made in a second by way of everything muster does: look, reconcile, make, read back.
async fn carried(samba: &Samba, people: usize) -> f64 {
    let settings = LdapSettings {
        kind: LdapKind::ActiveDirectory,
        servers: vec![format!("ldaps://{ADDRESS}").parse().unwrap()],
        extra_ca: Some(std::fs::read(samba.certificate()).unwrap()),
        bind: samba::ADMINISTRATOR.to_owned(),
        password: SecretString::from(samba::PASSWORD),
        base: Dn::parse(samba::BASE).unwrap(),
        global_catalogue: Vec::new(),
        naming: Name::new("CN"),
        containers: vec![Dn::parse(CONTAINERS[1]).unwrap()],
        protected_accounts: Vec::new(),
        protected_groups: Vec::new(),
        password_chars: 24,
        timeout: Duration::from_secs(30),
        connections: CONNECTIONS,
    };
    let writer = Arc::new(LdapWriter::new(settings).unwrap());
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..HANDS {
        let (writer, next) = (Arc::clone(&writer), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= people {
                    return;
                }
                let carried = carry(&*writer, &item(at), &SystemClock).await;
                let settlement = carried.settlement;
                assert!(matches!(settlement, Settlement::Applied { .. }), "{settlement:?}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    people as f64 / begun.elapsed().as_secs_f64()
}

fn item(at: usize) -> WorkItem {
    let texts = attributes("carried", at).into_iter().map(|(name, value)| (Name::new(name), Value::Text(value)));
    let name = (Name::new("cn"), Value::Text(format!("Carried Person {at}")));
    let enabled = (Name::new("accountEnabled"), Value::Boolean(true));
    let desired = Desired {
        attributes: texts.chain([name, enabled]).collect(),
        container: Some(Dn::parse(CONTAINERS[1]).unwrap()),
        keys: MatchKeys(vec![(Name::new("employeeNumber"), format!("carried-{at}"))]),
        ..Desired::default()
    };
    WorkItem {
        job: JobId::new("hr"),
        anchor: Anchor::parse(&at.to_string()).unwrap(),
        target: TargetId::new("hq"),
        generation: Generation(1),
        sequence: 1,
        lease: LeaseId::new("l"),
        ends: Timestamp(i64::MAX / 2),
        attempt: 0,
        task: Task::Account(Wanted::Present(desired)),
        known: None,
        look: false,
    }
}

fn muster_tls(samba: &Samba) -> Arc<rustls::ClientConfig> {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(samba.certificate()).unwrap()).unwrap();
    Arc::new(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
