//! What an administrator of the domain sees and does, over LDAP and past muster: so what is shown is no hearsay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry, SearchOptions};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret as _;

use super::domain::{ADMINISTRATOR, Domain, PEOPLE};

/// How long the directory may take for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// More accounts than the demo makes.
const ACCOUNTS_MAX: i32 = 1_000;
/// The bit of `userAccountControl` that locks an account's owner out.
const DISABLED: u32 = 0x2;
/// People's accounts, as Active Directory tells them from computers'.
const ACCOUNTS: &str = "(&(objectCategory=person)(objectClass=user))";
const READ: [&str; 7] = ["employeeID", "sAMAccountName", "cn", "title", "userAccountControl", "pwdLastSet", "manager"];

/// An account as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) dn: String,
    pub(super) login: String,
    pub(super) title: String,
    pub(super) is_enabled: bool,
    /// When its password was last set is not zero.
    pub(super) has_password: bool,
    /// The manager's distinguished name.
    pub(super) manager: Option<String>,
}

/// An administrator, connected.
pub(super) struct Administrator(Ldap);

impl Administrator {
    pub(super) async fn connect(domain: &Domain) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(domain.authority())? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = Arc::new(tls.with_root_certificates(roots).with_no_client_auth());
        let settings = LdapConnSettings::new().set_conn_timeout(ANSWER_MAX).set_config(tls);
        let (driver, mut ldap) = LdapConnAsync::with_settings(settings, &domain.url()).await?;
        tokio::spawn(async move {
            // What goes wrong here, the next question to the directory tells.
            let _ = driver.drive().await;
        });
        let password = domain.administrator_password().expose_secret();
        ldap.with_timeout(ANSWER_MAX).simple_bind(ADMINISTRATOR, password).await?.success()?;
        Ok(Self(ldap))
    }

    /// All accounts below the container of people, by the number HR knows them by.
    pub(super) async fn accounts(&mut self) -> anyhow::Result<BTreeMap<String, Account>> {
        let options = SearchOptions::new().sizelimit(ACCOUNTS_MAX);
        let searching = self.0.with_timeout(ANSWER_MAX).with_search_options(options);
        let found = searching.search(PEOPLE, Scope::Subtree, ACCOUNTS, READ.to_vec()).await;
        let (entries, _) = found.and_then(|found| found.success()).context("the directory cannot be read")?;
        Ok(entries.into_iter().map(SearchEntry::construct).map(account).collect())
    }

    /// Makes somebody a member of a group.
    pub(super) async fn join(&mut self, member: &str, group: &str) -> anyhow::Result<()> {
        let adds = vec![Mod::Add("member", [member].into())];
        self.0.with_timeout(ANSWER_MAX).modify(group, adds).await?.success()?;
        Ok(())
    }
}

fn account(entry: SearchEntry) -> (String, Account) {
    let text = |name: &str| entry.attrs.get(name).and_then(|values| values.first()).cloned().unwrap_or_default();
    let flags: u32 = text("userAccountControl").parse().unwrap_or(DISABLED);
    let account = Account {
        login: text("sAMAccountName"),
        title: text("title"),
        is_enabled: flags & DISABLED == 0,
        has_password: !matches!(text("pwdLastSet").as_str(), "" | "0"),
        manager: Some(text("manager")).filter(|manager| !manager.is_empty()),
        dn: entry.dn.clone(),
    };
    (text("employeeID"), account)
}
