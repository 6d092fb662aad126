//! What the agent's own file names, and the directory does not have: a misspelt name protects nobody.

use ldap3::Scope;

use super::answer::{INVALID_NAME, NO_SUCH_OBJECT, REFERRAL, Trouble};
use super::guard::is_called;
use super::held::Held;
use super::{LdapWriter, find, words};
use crate::model::Dn;
use crate::writer::{Missing, WriteError};

/// Finds whatever is looked at.
const ANYTHING: &str = "(objectClass=*)";

impl LdapWriter {
    /// Containers, protected accounts and protected groups that are not found, in the order of the settings.
    ///
    /// # Errors
    /// [`WriteError`] where the directory cannot be asked.
    pub(super) async fn not_found(&self) -> Result<Vec<Missing>, WriteError> {
        let mut missing = Vec::new();
        for container in &self.settings.containers {
            if !self.is_there(&mut self.a_connection().await?, container.as_str(), ANYTHING).await? {
                missing.push(Missing::Container(container.as_str().to_owned()));
            }
        }
        for name in &self.settings.protected_accounts {
            if !self.has_account(&mut self.a_connection().await?, name).await? {
                missing.push(Missing::ProtectedAccount(name.clone()));
            }
        }
        for name in &self.settings.protected_groups {
            if !self.has_group(&mut self.a_connection().await?, name).await? {
                missing.push(Missing::ProtectedGroup(name.clone()));
            }
        }
        Ok(missing)
    }

    /// One for each name: there may be many of them, and each is given the time of one call.
    async fn a_connection(&self) -> Result<Held<'_>, WriteError> {
        self.domain.take(self.until()).await.map_err(Trouble::told)
    }

    /// By the same rule by which an account is protected.
    async fn has_account(&self, held: &mut Held<'_>, name: &str) -> Result<bool, WriteError> {
        if is_name(name) && self.is_there(held, name, ANYTHING).await? {
            return Ok(true);
        }
        let value = words::in_filter(name);
        let filter = format!("(|(sAMAccountName={value})(uid={value}))");
        let found = held.search(self.base(), Scope::Subtree, &filter, &find::asked(&[])).await;
        Ok(found.map_err(Trouble::told)?.iter().any(|entry| is_called(entry, name)))
    }

    async fn has_group(&self, held: &mut Held<'_>, name: &str) -> Result<bool, WriteError> {
        if is_name(name) {
            return self.is_there(held, name, self.group_classes()).await;
        }
        Ok(!self.group_named(held, name).await?.is_empty())
    }

    async fn is_there(&self, held: &mut Held<'_>, dn: &str, filter: &str) -> Result<bool, WriteError> {
        match held.search(dn, Scope::Base, filter, &["objectClass"]).await {
            Ok(found) => Ok(!found.is_empty()),
            // What another server has, or no server could have, is not in this directory.
            Err(trouble) if matches!(trouble.code(), Some(NO_SUCH_OBJECT | INVALID_NAME | REFERRAL)) => Ok(false),
            Err(trouble) => Err(trouble.told()),
        }
    }
}

/// Whether it is a distinguished name.
fn is_name(name: &str) -> bool {
    name.contains('=') && Dn::parse(name).is_ok()
}
