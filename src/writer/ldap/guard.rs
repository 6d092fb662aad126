//! What is never written, whatever a server asks for: outside the agent's containers, and whom it protects.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ldap3::Scope;
use tokio::time::Instant;

use super::answer::{NO_SUCH_OBJECT, Trouble};
use super::held::Held;
use super::read::Entry;
use super::{LdapKind, LdapWriter, refused, words};
use crate::model::Dn;
use crate::writer::{Cause, WriteError};

/// How long the names of protected groups are believed.
const GROUPS_KNOWN: Duration = Duration::from_secs(600);
/// How deep groups within groups are followed where the directory does not do it itself.
const DEPTH_MAX: usize = 8;
/// Groups that are asked for in one search.
const GROUPS_A_SEARCH: usize = 8;

/// Groups of the domain whose members AdminSDHolder protects, by their relative identifiers ([MS-ADTS] 3.1.1.6.1):
/// Domain Admins, Domain Controllers, Schema Admins, Enterprise Admins, Group Policy Creator Owners, Read-only Domain
/// Controllers, Key Admins, Enterprise Key Admins.
const PROTECTED_OF_DOMAIN: [u32; 8] = [512, 516, 518, 519, 520, 521, 526, 527];
/// The same of the built-in groups: Administrators, Account, Server, Print and Backup Operators, Replicator.
const PROTECTED_BUILT_IN: [u32; 6] = [544, 548, 549, 550, 551, 552];
/// Administrator, and the account the domain's own tickets are signed with.
const PROTECTED_ACCOUNTS: [u32; 2] = [500, 502];
/// Follows groups within groups (LDAP_MATCHING_RULE_IN_CHAIN, [MS-ADTS] 3.1.1.3.4.4).
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// The names of protected groups, as they were read.
#[derive(Debug, Default)]
pub(super) struct ProtectedGroups(Mutex<Option<(Instant, Vec<String>)>>);

impl LdapWriter {
    /// Whether something may stand in `container`.
    ///
    /// # Errors
    /// [`WriteError::Refused`] with `outside_containers`.
    pub(super) fn check_container(&self, container: &Dn) -> Result<(), WriteError> {
        if self.settings.containers.iter().any(|allowed| is_within(container, allowed)) {
            return Ok(());
        }
        let allowed: Vec<&str> = self.settings.containers.iter().map(Dn::as_str).collect();
        Err(refused(
            "outside_containers",
            format!(
                "this agent may not write in {container}, only in {} (`containers` of its file)",
                allowed.join("; ")
            ),
        ))
    }

    /// Whether an entry may be written, moved or taken away.
    ///
    /// # Errors
    /// [`WriteError::Refused`] with `outside_containers` or `protected`.
    pub(super) async fn check_entry(&self, held: &mut Held<'_>, entry: &Entry) -> Result<(), WriteError> {
        let container = entry.container().ok_or_else(|| protected(&entry.dn, "it stands in no container"))?;
        self.check_container(&container)?;
        if let Some(why) = self.is_protected_itself(entry) {
            return Err(protected(&entry.dn, why));
        }
        match self.protected_group_of(held, entry).await? {
            Some(group) => Err(protected(&entry.dn, &format!("it is a member of the protected group {group}"))),
            None => Ok(()),
        }
    }

    /// Whether an entry is a person's account, and may be written, moved or taken away.
    ///
    /// # Errors
    /// As [`LdapWriter::check_entry`]; `protected` for groups, containers and whatever else is no account.
    pub(super) async fn check_account(&self, held: &mut Held<'_>, entry: &Entry) -> Result<(), WriteError> {
        let class = self.kind().person_class().as_bytes();
        if !entry.all("objectClass").iter().any(|held| held.eq_ignore_ascii_case(class)) {
            return Err(protected(&entry.dn, "it is no person's account"));
        }
        self.check_entry(held, entry).await
    }

    /// Whether a group may be written.
    ///
    /// # Errors
    /// As [`LdapWriter::check_entry`].
    pub(super) async fn check_group(&self, held: &mut Held<'_>, group: &Entry) -> Result<(), WriteError> {
        let groups = self.protected_groups(held).await?;
        if groups.iter().any(|name| same_entry(name, &group.dn)) {
            return Err(protected(&group.dn, "the group is protected"));
        }
        self.check_entry(held, group).await
    }

    fn is_protected_itself(&self, entry: &Entry) -> Option<&'static str> {
        if self.settings.protected_accounts.iter().any(|name| is_called(entry, name)) {
            return Some("this agent's file lists it among `protected_accounts`");
        }
        if entry.number("adminCount").is_some_and(|count| count > 0) {
            return Some("AdminSDHolder protects it (adminCount is 1)");
        }
        if entry.text("isCriticalSystemObject") == Some("TRUE") {
            return Some("it is a critical system object");
        }
        let rid = entry.all("objectSid").first().and_then(|sid| relative_identifier(sid));
        if rid.is_some_and(|rid| PROTECTED_ACCOUNTS.contains(&rid)) {
            return Some("it is an account of the domain itself");
        }
        let is_group = entry.all("objectClass").iter().any(|class| class.eq_ignore_ascii_case(b"group"));
        let flags = entry.number(words::CONTROL);
        if self.kind() == LdapKind::ActiveDirectory && (rid.is_none() || (flags.is_none() && !is_group)) {
            return Some("its objectSid or userAccountControl cannot be read, so nobody knows what it is");
        }
        let is_user = flags.is_none_or(|flags| flags & words::NORMAL_ACCOUNT != 0);
        (!is_user).then_some("it is no ordinary user account")
    }

    /// The protected group the entry is a member of, directly or through others.
    async fn protected_group_of(&self, held: &mut Held<'_>, entry: &Entry) -> Result<Option<String>, WriteError> {
        let groups = self.protected_groups(held).await?;
        match self.kind() {
            LdapKind::ActiveDirectory => match self.protected_by_primary_group(held, entry, &groups).await? {
                Some(group) => Ok(Some(group)),
                None => self.in_chain(held, &entry.dn, &groups).await,
            },
            LdapKind::Ldap => self.by_walking(held, entry, &groups).await,
        }
    }

    /// The protected group that the account's primary group is, or is a member of. An account is a member of its primary
    /// group, and `memberOf` does not say so ([MS-ADA3] 2.120, [MS-ADA2] 2.45).
    async fn protected_by_primary_group(
        &self,
        held: &mut Held<'_>,
        entry: &Entry,
        groups: &[String],
    ) -> Result<Option<String>, WriteError> {
        let Some(rid) = entry.number("primaryGroupID").and_then(|rid| u32::try_from(rid).ok()) else {
            return Ok(None);
        };
        if PROTECTED_OF_DOMAIN.contains(&rid) {
            return Ok(Some(format!("with the identifier {rid} (its primary group)")));
        }
        let unseen =
            || protected(&entry.dn, &format!("its primary group {rid} cannot be read, which may be a protected one"));
        let sid = entry.all("objectSid").first().and_then(|sid| sid_of_domain(sid)).ok_or_else(unseen)?;
        let found = held.search(self.base(), Scope::Subtree, &format!("(objectSid={sid}-{rid})"), &["cn"]).await;
        let found = found.map_err(Trouble::told)?;
        let primary = found.first().ok_or_else(unseen)?;
        if groups.iter().any(|group| same_entry(group, &primary.dn)) {
            return Ok(Some(format!("{} (its primary group)", primary.dn)));
        }
        let above = self.in_chain(held, &primary.dn, groups).await?;
        Ok(above.map(|above| format!("{above}, through its primary group {}", primary.dn)))
    }

    /// The protected group that `member`, an account or a group, is in, directly or through others.
    async fn in_chain(
        &self,
        held: &mut Held<'_>,
        member: &str,
        groups: &[String],
    ) -> Result<Option<String>, WriteError> {
        for some in groups.chunks(GROUPS_A_SEARCH) {
            if !self.is_in_chain(held, member, some).await? {
                continue;
            }
            // For the words of the refusal, which one it is.
            for group in some {
                if self.is_in_chain(held, member, std::slice::from_ref(group)).await? {
                    return Ok(Some(group.clone()));
                }
            }
            return Ok(Some(format!("that is one of {}", some.join("; "))));
        }
        Ok(None)
    }

    /// Whether an entry is in one of these groups, directly or through others.
    async fn is_in_chain(&self, held: &mut Held<'_>, member: &str, groups: &[String]) -> Result<bool, WriteError> {
        let of = |group: &String| format!("(memberOf:{IN_CHAIN}:={})", words::in_filter(group));
        let filter = format!("(|{})", groups.iter().map(of).collect::<String>());
        match held.search(member, Scope::Base, &filter, &["objectGUID"]).await {
            Ok(found) => Ok(!found.is_empty()),
            Err(trouble) if trouble.code() == Some(NO_SUCH_OBJECT) => Ok(false),
            Err(trouble) => Err(trouble.told()),
        }
    }

    async fn by_walking(
        &self,
        held: &mut Held<'_>,
        entry: &Entry,
        groups: &[String],
    ) -> Result<Option<String>, WriteError> {
        if groups.is_empty() {
            return Ok(None);
        }
        let mut seen = vec![entry.dn.clone()];
        let mut members = vec![entry.dn.clone()];
        for _ in 0..DEPTH_MAX {
            let mut above = Vec::new();
            for member in &members {
                let name = words::in_filter(member);
                let filter = format!("(|(member={name})(uniqueMember={name}))");
                let found = held.search_many(self.base(), &filter, &["cn"]).await.map_err(Trouble::told)?;
                above.extend(found.into_iter().map(|group| group.dn).filter(|dn| !seen.contains(dn)));
            }
            if let Some(group) = above.iter().find(|dn| groups.iter().any(|group| same_entry(group, dn))) {
                return Ok(Some(group.clone()));
            }
            if above.is_empty() {
                return Ok(None);
            }
            seen.extend(above.iter().cloned());
            members = above;
        }
        Ok(Some(format!("or is in groups more than {DEPTH_MAX} deep, which cannot be told")))
    }

    /// The names of all protected groups. One that this agent's file names and that is not there stops everything:
    /// whom it would have protected is not known.
    async fn protected_groups(&self, held: &mut Held<'_>) -> Result<Vec<String>, WriteError> {
        let kept = self.groups.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, names)) = kept.filter(|(read, _)| read.elapsed() < GROUPS_KNOWN) {
            return Ok(names);
        }
        let mut names = match self.kind() {
            LdapKind::ActiveDirectory => self.well_known_groups(held).await?,
            LdapKind::Ldap => Vec::new(),
        };
        for name in &self.settings.protected_groups {
            match self.group_named(held, name).await? {
                found if found.is_empty() => {
                    let why = format!(
                        "the protected group {name} of this agent's file is not in the directory; correct \
                         `protected_groups`, then work goes on"
                    );
                    return Err(WriteError::Later { after: None, cause: Cause(why) });
                }
                found => names.extend(found.into_iter().map(|group| group.dn)),
            }
        }
        *self.groups.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), names.clone()));
        Ok(names)
    }

    async fn well_known_groups(&self, held: &mut Held<'_>) -> Result<Vec<String>, WriteError> {
        let domain = held.search(self.base(), Scope::Base, "(objectClass=*)", &["objectSid"]).await;
        let domain = domain.map_err(Trouble::told)?;
        let sid = domain.first().and_then(|entry| sid_text(entry.all("objectSid").first()?));
        let sid = sid.ok_or_else(|| WriteError::Later {
            after: None,
            cause: Cause(format!("{} does not tell its security identifier; is it the domain's name?", self.base())),
        })?;
        let of_domain = PROTECTED_OF_DOMAIN.iter().map(|rid| format!("(objectSid={sid}-{rid})"));
        let built_in = PROTECTED_BUILT_IN.iter().map(|rid| format!("(objectSid=S-1-5-32-{rid})"));
        let all: Vec<String> = of_domain.chain(built_in).collect();
        let mut names = Vec::new();
        for some in all.chunks(GROUPS_A_SEARCH) {
            let found = held.search(self.base(), Scope::Subtree, &format!("(|{})", some.concat()), &["cn"]).await;
            names.extend(found.map_err(Trouble::told)?.into_iter().map(|group| group.dn));
        }
        Ok(names)
    }
}

/// Whether the agent's file means this account by that name.
pub(super) fn is_called(entry: &Entry, name: &str) -> bool {
    let mut called = ["sAMAccountName", "uid"].iter().filter_map(|attribute| entry.text(attribute));
    called.any(|text| text.eq_ignore_ascii_case(name)) || same_entry(name, &entry.dn)
}

fn protected(dn: &str, why: &str) -> WriteError {
    refused("protected", format!("{dn} is never written by this agent: {why}"))
}

/// Whether `inner` is `outer`, or stands anywhere below it.
fn is_within(inner: &Dn, outer: &Dn) -> bool {
    let mut at = Some(inner.clone());
    while let Some(dn) = at {
        if dn.names_same_entry(outer) {
            return true;
        }
        at = dn.split_first().map(|(_, above)| above);
    }
    false
}

fn same_entry(left: &str, right: &str) -> bool {
    match (Dn::parse(left), Dn::parse(right)) {
        (Ok(left), Ok(right)) => left.names_same_entry(&right),
        _ => left.eq_ignore_ascii_case(right),
    }
}

/// The last part of a security identifier ([MS-DTYP] 2.4.2.2).
fn relative_identifier(sid: &[u8]) -> Option<u32> {
    let last = sid.len().checked_sub(4).filter(|at| *at >= 8)?;
    Some(u32::from_le_bytes(sid[last..].try_into().ok()?))
}

/// The domain's part of the security identifier of an account in it, as it is written.
fn sid_of_domain(sid: &[u8]) -> Option<String> {
    let text = sid_text(sid)?;
    let (domain, _) = text.rsplit_once('-').filter(|_| relative_identifier(sid).is_some())?;
    Some(domain.to_owned())
}

/// A security identifier as it is written ([MS-DTYP] 2.4.2.1).
fn sid_text(sid: &[u8]) -> Option<String> {
    let (head, parts) = (sid.get(..8)?, sid.get(8..)?);
    let authority = head[2..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let parts = parts.chunks_exact(4).map(|part| part.try_into().map(u32::from_le_bytes));
    let parts: Vec<String> =
        parts.map(|part| part.map(|number| format!("-{number}"))).collect::<Result<_, _>>().ok()?;
    Some(format!("S-{}-{authority}{}", head[0], parts.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(inner: &str, outer: &str) -> bool {
        is_within(&Dn::parse(inner).unwrap(), &Dn::parse(outer).unwrap())
    }

    #[test]
    fn a_container_is_compared_part_by_part_and_not_by_its_text() {
        assert!(within("OU=People,DC=example,DC=test", "ou=people, dc=Example, dc=test"));
        assert!(within("OU=Deep,OU=People,DC=example,DC=test", "OU=People,DC=example,DC=test"));
        assert!(!within("OU=XOU=People,DC=example,DC=test", "OU=People,DC=example,DC=test"));
        assert!(!within("OU=People2,DC=example,DC=test", "OU=People,DC=example,DC=test"));
        assert!(!within("OU=a\\,OU=People,DC=example,DC=test", "OU=People,DC=example,DC=test"));
        assert!(!within("DC=example,DC=test", "OU=People,DC=example,DC=test"));
    }

    #[test]
    fn security_identifiers_are_read() {
        let sid = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0];
        assert_eq!(sid_text(&sid).as_deref(), Some("S-1-5-21-1-2-3-512"));
        assert_eq!(relative_identifier(&sid), Some(512));
        assert_eq!(sid_of_domain(&sid).as_deref(), Some("S-1-5-21-1-2-3"));
        assert_eq!((sid_text(&[1, 2]), relative_identifier(&[])), (None, None));
    }
}
