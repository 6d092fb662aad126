//! What an agent's own file names and its directory does not have is told: a misspelt name protects nobody.

use muster::model::Dn;
use muster::writer::ldap::{LdapSettings, LdapWriter};
use muster::writer::{Missing, Writer as _};
use serde_json::{Value as Json, json};

use super::commands::Site;
use super::ldap_looks::{JOB, agent_file, told};
use super::ldap_services::{guarded, prepared, slapd_settings};
use super::slapd::{self, Slapd};

/// An account, and a group that it is in.
fn with_vip(address: &'static str) -> Slapd {
    let slapd = Slapd::start(address);
    slapd.apply(
        "dn: uid=vip,ou=people,dc=example,dc=test\nobjectClass: inetOrgPerson\nuid: vip\ncn: V. I. P.\nsn: P\n\n\
         dn: cn=Vault,ou=outside,dc=example,dc=test\nobjectClass: groupOfNames\ncn: Vault\n\
         member: uid=vip,ou=people,dc=example,dc=test\n",
    );
    slapd
}

fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What the directory does not have of what is named.
async fn missing(settings: &LdapSettings) -> Vec<(&'static str, String)> {
    let missing = LdapWriter::new(settings.clone()).unwrap().missing().await.unwrap();
    missing.iter().map(Missing::parts).map(|(setting, name)| (setting, name.to_owned())).collect()
}

#[tokio::test]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
async fn what_open_ldap_does_not_have_is_told() {
    let slapd = with_vip("127.0.8.41");
    let mut settings = slapd_settings(&[&slapd]);
    settings.protected_accounts = owned(&["VIP", "UID=vip, OU=people,dc=example,dc=test"]);
    settings.protected_groups = owned(&["vault", "cn=Vault,ou=outside,dc=example,dc=test"]);
    assert_eq!(missing(&settings).await, []);
    settings.containers.push(dn("ou=poeple,dc=example,dc=test"));
    // Nobody is protected by a common name, nor by a name that could be none.
    settings.protected_accounts = owned(&["V. I. P.", "vip", "uid=wip,ou=people,dc=example,dc=test", "ouu=x,dc=com"]);
    settings.protected_groups = owned(&["Vaultt", "vault", "uid=vip,ou=people,dc=example,dc=test"]);
    let expected = [
        ("containers", "ou=poeple,dc=example,dc=test"),
        ("protected_accounts", "V. I. P."),
        ("protected_accounts", "uid=wip,ou=people,dc=example,dc=test"),
        ("protected_accounts", "ouu=x,dc=com"),
        ("protected_groups", "Vaultt"),
        ("protected_groups", "uid=vip,ou=people,dc=example,dc=test"),
    ];
    assert_eq!(missing(&settings).await, expected.map(|(setting, name)| (setting, name.to_owned())));
}

#[tokio::test]
#[ignore = "needs Samba"]
async fn what_active_directory_does_not_have_is_told() {
    let samba = prepared("127.0.4.14");
    let mut settings = guarded(&samba, &["ldaps://127.0.4.14"]);
    settings.protected_accounts = owned(&["krbtgt", "CN=Administrator,CN=Users,DC=example,DC=test"]);
    assert_eq!(missing(&settings).await, []);
    settings.containers.push(dn("OU=Poeple,DC=example,DC=test"));
    settings.protected_accounts = owned(&["Administrator", "Adminstrator", "CN=Nobody,DC=elsewhere", "CNN=x,DC=test"]);
    settings.protected_groups = owned(&["Vault", "Domain Amdins", "CN=Volt,CN=Users,DC=example,DC=test"]);
    let expected = [
        ("containers", "OU=Poeple,DC=example,DC=test"),
        ("protected_accounts", "Adminstrator"),
        ("protected_accounts", "CN=Nobody,DC=elsewhere"),
        ("protected_accounts", "CNN=x,DC=test"),
        ("protected_groups", "Domain Amdins"),
        ("protected_groups", "CN=Volt,CN=Users,DC=example,DC=test"),
    ];
    assert_eq!(missing(&settings).await, expected.map(|(setting, name)| (setting, name.to_owned())));
}

#[test]
#[ignore = "needs OpenLDAP; tests/all.sh runs it"]
fn a_misspelt_name_is_told_by_check_and_at_the_agents_start_and_a_directory_that_is_down_stops_no_agent() {
    let mut slapd = with_vip("127.0.8.42");
    let site = Site::with(JOB);
    let (agent, secret) = site.client("agent", &["--role", "Muster.Agent", "--target", "hq"]);
    let served = site.serve(&[]);
    for (name, text) in [("client-secret", secret.as_str()), ("ldap-password", slapd::PASSWORD)] {
        std::fs::write(site.path(name), text).unwrap();
    }
    let named = |account: &str| {
        let file = agent_file(&served.url, &agent, &slapd, "hq");
        std::fs::write(site.path("agent.toml"), format!("{file}protected_accounts = [\"{account}\"]\n")).unwrap();
    };
    let check = ["check", "--agent", "agent.toml", "--look"];
    named("vip");
    let (code, said) = told(&site, &check);
    assert!(code == Some(0) && said.contains("hq: the directory has everything that the file names"), "{said}");
    named("wip");
    let (code, said) = told(&site, &check[..3]);
    assert!(code == Some(0) && !said.contains("wip"), "without --look nobody is asked: {said}");
    let why = "`protected_accounts` names wip, who is not found in the directory: nobody is protected by it";
    let (code, said) = told(&site, &check);
    assert!(code == Some(1) && said.contains(&format!("error: agent.toml: hq: {why}")), "{said}");
    let answer: Json = serde_json::from_slice(&site.run(&check).stdout).unwrap();
    let looked =
        json!({ "target": "hq", "missing": [{ "setting": "protected_accounts", "name": "wip" }], "notAsked": null });
    assert_eq!((&answer["ok"], &answer["looked"][0]), (&json!(false), &looked));

    let start = || site.command(&[], &["agent", "--config", "agent.toml", "--once"]).output().unwrap();
    let output = start();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    let line = log.lines().find(|line| line.contains(why)).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(r#""level":"ERROR""#), "{line}");

    slapd.stop();
    let (code, said) = told(&site, &check);
    assert!(code == Some(1) && said.contains("hq: the directory cannot be asked: "), "{said}");
    let output = start();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(0) && log.contains("cannot be asked yet"), "{log}");
    assert_eq!(served.stop().0, Some(0));
}
