//! Whom nobody may write, whatever the server asks: kept here, at the last hand before the directory.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap3::Scope;
use tokio::time::Instant;

use super::account::{CONTROL, in_filter};
use super::answer::{later, refused};
use super::settings::{LdapKind, LdapSettings};
use super::talk::{Entry, Talk};
use crate::model::Dn;
use crate::writer::WriteError;

/// How long it is remembered which groups are protected. A group that is nested into one is noticed after that.
const REMEMBER_SECONDS: u64 = 60;
/// Groups that may be nested into protected ones; with more, nobody is written.
const GROUPS_MAX: i32 = 10_000;
/// Members of protected groups outside Active Directory, nested ones included; with more, nobody is written.
const MEMBERS_MAX: usize = 100_000;

/// Groups of the domain that AdminSDHolder protects, or that give as much power, by the last part of their SIDs: Domain
/// Admins, Domain Controllers, Schema Admins, Enterprise Admins, Group Policy Creator Owners, read-only controllers, Key
/// Admins.
const DOMAIN_RIDS: [u32; 8] = [512, 516, 518, 519, 520, 521, 526, 527];
/// The same among the built-in groups: Administrators, Account, Server, Print and Backup Operators, Replicator.
const BUILTIN_RIDS: [u32; 6] = [544, 548, 549, 550, 551, 552];
/// Administrator and krbtgt.
const ACCOUNT_RIDS: [u32; 2] = [500, 502];
/// Accounts of computers and of other domains: no person's.
const MACHINE_FLAGS: i64 = 0x800 | 0x1000 | 0x2000;

/// What the guard must read of an entry that is to be written.
pub(super) const READ: [&str; 11] = [
    "objectClass",
    "objectSid",
    "primaryGroupID",
    "adminCount",
    "isCriticalSystemObject",
    "memberOf",
    "sAMAccountName",
    "userPrincipalName",
    "uid",
    "cn",
    CONTROL,
];

/// Refuses what may not be written.
pub(super) struct Guard {
    kind: LdapKind,
    base: Dn,
    containers: Vec<Dn>,
    accounts: Vec<String>,
    groups: Vec<String>,
    remembered: Mutex<Option<(Instant, Arc<Protected>)>>,
}

/// Protected groups, nested ones included; and their members, where members do not know their groups.
#[derive(Debug, Default)]
struct Protected {
    groups: HashSet<String>,
    rids: HashSet<u32>,
    members: HashSet<String>,
}

impl Guard {
    pub(super) fn new(settings: &LdapSettings) -> Self {
        Self {
            kind: settings.kind,
            base: settings.base.clone(),
            containers: settings.containers.clone(),
            accounts: settings.protected_accounts.clone(),
            groups: settings.protected_groups.clone(),
            remembered: Mutex::new(None),
        }
    }

    /// Whether entries may be made in, or moved to, `container`.
    pub(super) fn check_container(&self, container: &Dn) -> Result<(), WriteError> {
        let may = |allowed: &Dn| container.names_same_entry(allowed) || container.stands_in(allowed);
        if self.containers.iter().any(may) {
            return Ok(());
        }
        let why = format!("{container} is in none of the containers that the agent's file lets it write");
        Err(refused("outside_containers", why))
    }

    /// Whether this account may be written. It has been read with [`READ`].
    pub(super) async fn check_account(&self, talk: &mut Talk<'_>, entry: &Entry) -> Result<(), WriteError> {
        let dn = entry.parsed_dn()?;
        if !self.containers.iter().any(|container| dn.stands_in(container)) {
            let why = format!("{dn} is in none of the containers that the agent's file lets it write");
            return Err(refused("outside_containers", why));
        }
        if let Some(rule) = self.rule_of_its_own(entry, &dn) {
            return Err(protected(&dn, &rule));
        }
        let protected_now = self.protected(talk).await?;
        match protected_now.rule(entry, &dn) {
            Some(rule) => Err(protected(&dn, &rule)),
            None => Ok(()),
        }
    }

    /// Whether the members of this group may be changed. It has been read with [`READ`].
    pub(super) async fn check_group(&self, talk: &mut Talk<'_>, entry: &Entry) -> Result<(), WriteError> {
        let dn = entry.parsed_dn()?;
        if !self.containers.iter().any(|container| dn.stands_in(container)) {
            let why = format!("the group {dn} is in none of the containers that the agent's file lets it write");
            return Err(refused("outside_containers", why));
        }
        if entry.number("adminCount").unwrap_or(0) > 0 || is_critical(entry) {
            return Err(protected(&dn, "the directory itself protects the group"));
        }
        if self.protected(talk).await?.groups.contains(&dn.folded()) {
            return Err(protected(&dn, "it is a protected group, or nested in one"));
        }
        Ok(())
    }

    fn rule_of_its_own(&self, entry: &Entry, dn: &Dn) -> Option<String> {
        if self.accounts.iter().any(|account| is_called(entry, dn, account)) {
            return Some("it is one of the agent's `protected_accounts`".to_owned());
        }
        if self.kind == LdapKind::Ldap {
            return None;
        }
        let classes: Vec<String> = entry.texts("objectClass").map(|class| class.to_lowercase()).collect();
        let is = |class: &str| classes.iter().any(|held| held == class);
        let flags = entry.number(CONTROL).unwrap_or(0);
        let rid = rid(entry);
        if !is("user") || is("computer") || is("group") || flags & MACHINE_FLAGS != 0 {
            return Some("it is not the account of a person".to_owned());
        }
        if rid.is_none() {
            return Some("its objectSid cannot be read, so nobody knows whom it belongs to".to_owned());
        }
        if rid.is_some_and(|rid| ACCOUNT_RIDS.contains(&rid)) || is_critical(entry) {
            return Some("it belongs to the domain itself".to_owned());
        }
        (entry.number("adminCount").unwrap_or(0) > 0).then(|| "AdminSDHolder protects it (adminCount)".to_owned())
    }

    async fn protected(&self, talk: &mut Talk<'_>) -> Result<Arc<Protected>, WriteError> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, protected)) = remembered
            && since.elapsed() < Duration::from_secs(REMEMBER_SECONDS)
        {
            return Ok(protected);
        }
        let protected = Arc::new(match self.kind {
            LdapKind::ActiveDirectory => self.read_domain(talk).await?,
            LdapKind::Ldap => self.walk(talk).await?,
        });
        *self.remembered.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), Arc::clone(&protected)));
        Ok(protected)
    }

    async fn read_domain(&self, talk: &mut Talk<'_>) -> Result<Protected, WriteError> {
        let domain = talk.search(self.base.as_str(), Scope::Base, "(objectClass=*)", &["objectSid"]).await?;
        let sid = domain.first().and_then(|entry| entry.values("objectSid").first()).and_then(|sid| sid_text(sid));
        let sid = sid.ok_or_else(|| {
            refused("no_domain", format!("{} is not a domain whose objectSid can be read", self.base))
        })?;
        let sids = DOMAIN_RIDS.iter().map(|rid| format!("(objectSid={sid}-{rid})"));
        let sids = sids.chain(BUILTIN_RIDS.iter().map(|rid| format!("(objectSid=S-1-5-32-{rid})")));
        let filter = format!("(|{})", sids.collect::<String>());
        let mut roots = self.search_groups(talk, &filter).await?;
        for name in &self.groups {
            roots.push(self.named_group(talk, name).await?);
        }
        let chain = |root: &Entry| format!("(memberOf:1.2.840.113556.1.4.1941:={})", in_filter(&root.dn));
        let nested = format!("(&(objectClass=group)(|{}))", roots.iter().map(chain).collect::<String>());
        let mut protected = Protected::default();
        let nested = self.search_groups(talk, &nested).await?;
        for group in roots.iter().chain(&nested) {
            protected.groups.insert(group.parsed_dn()?.folded());
            protected.rids.extend(rid(group));
        }
        Ok(protected)
    }

    async fn search_groups(&self, talk: &mut Talk<'_>, filter: &str) -> Result<Vec<Entry>, WriteError> {
        let groups =
            talk.search_up_to(GROUPS_MAX, self.base.as_str(), Scope::Subtree, filter, &["objectSid", "cn"]).await?;
        if groups.len() >= usize::try_from(GROUPS_MAX).unwrap_or(usize::MAX) {
            return Err(later("too many groups are nested in protected ones"));
        }
        Ok(groups)
    }

    /// A group of the agent's file. One that is not there is a slip of the pen that would leave somebody unprotected.
    async fn named_group(&self, talk: &mut Talk<'_>, name: &str) -> Result<Entry, WriteError> {
        let mut found =
            find_groups(talk, self.kind, &self.base, name, &["objectSid", "member", "uniqueMember"]).await?;
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(refused(
                "protected",
                format!("the protected group {name} of the agent's file is not there; correct it"),
            )),
            _ => {
                Err(refused("protected", format!("several groups are called {name}; name the protected one by its DN")))
            }
        }
    }

    async fn walk(&self, talk: &mut Talk<'_>) -> Result<Protected, WriteError> {
        let mut protected = Protected::default();
        let mut left = VecDeque::new();
        for name in &self.groups {
            left.push_back(self.named_group(talk, name).await?);
        }
        while let Some(group) = left.pop_front() {
            if !protected.groups.insert(group.parsed_dn()?.folded()) {
                continue;
            }
            let members: BTreeSet<String> = group.texts("member").chain(group.texts("uniqueMember")).collect();
            for member in members.iter().filter_map(|member| Dn::parse(member).ok()) {
                if !protected.members.insert(member.folded()) {
                    continue;
                }
                if protected.members.len() > MEMBERS_MAX {
                    return Err(later("too many members are in protected groups"));
                }
                let is_group = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))";
                let read = ["member", "uniqueMember"];
                left.extend(talk.search(member.as_str(), Scope::Base, is_group, &read).await?);
            }
        }
        Ok(protected)
    }
}

impl Protected {
    fn rule(&self, entry: &Entry, dn: &Dn) -> Option<String> {
        if self.members.contains(&dn.folded()) {
            return Some("it is in a protected group, or in one nested there".to_owned());
        }
        if entry.is_cut("memberOf") {
            return Some("it is in more groups than can be looked through".to_owned());
        }
        let group = entry.texts("memberOf").find(|group| match Dn::parse(group) {
            Ok(group) => self.groups.contains(&group.folded()),
            Err(_) => true,
        });
        if let Some(group) = group {
            return Some(format!("it is in the protected group {group}, or that is nested in one"));
        }
        let primary = entry.number("primaryGroupID").and_then(|rid| u32::try_from(rid).ok())?;
        self.rids.contains(&primary).then(|| format!("its primary group ({primary}) is protected"))
    }
}

/// The groups that `name` means: a distinguished name, `sAMAccountName` or `cn`.
pub(super) async fn find_groups(
    talk: &mut Talk<'_>,
    kind: LdapKind,
    base: &Dn,
    name: &str,
    read: &[&str],
) -> Result<Vec<Entry>, WriteError> {
    let class = match kind {
        LdapKind::ActiveDirectory => "(objectClass=group)",
        LdapKind::Ldap => "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
    };
    if let Ok(dn) = Dn::parse(name) {
        return talk.search(dn.as_str(), Scope::Base, class, read).await;
    }
    let value = in_filter(name);
    let names: &[&str] = if kind == LdapKind::ActiveDirectory { &["sAMAccountName", "cn"] } else { &["cn"] };
    for attribute in names {
        let found =
            talk.search(base.as_str(), Scope::Subtree, &format!("(&{class}({attribute}={value}))"), read).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn is_called(entry: &Entry, dn: &Dn, account: &str) -> bool {
    if let Ok(other) = Dn::parse(account)
        && other.names_same_entry(dn)
    {
        return true;
    }
    let names = ["sAMAccountName", "userPrincipalName", "uid"];
    names.iter().any(|name| entry.texts(name).any(|held| held.to_lowercase() == account.to_lowercase()))
}

fn is_critical(entry: &Entry) -> bool {
    entry.text("isCriticalSystemObject").is_some_and(|value| value == "TRUE")
}

fn protected(dn: &Dn, rule: &str) -> WriteError {
    refused("protected", format!("{dn} is protected: {rule}"))
}

fn rid(entry: &Entry) -> Option<u32> {
    let sid = entry.values("objectSid").first()?;
    let last = sid.get(sid.len().checked_sub(4)?..)?;
    Some(u32::from_le_bytes(last.try_into().ok()?))
}

/// A SID as text (MS-DTYP 2.4.2.1).
fn sid_text(sid: &[u8]) -> Option<String> {
    let (revision, rest) = sid.split_first()?;
    let authority = rest.get(1..7)?.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let mut text = format!("S-{revision}-{authority}");
    for part in rest.get(7..)?.chunks_exact(4) {
        text.push_str(&format!("-{}", u32::from_le_bytes(part.try_into().ok()?)));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_is_read_as_it_is_written() {
        let mut sid = vec![1, 2, 0, 0, 0, 0, 0, 5];
        sid.extend(32_u32.to_le_bytes());
        sid.extend(544_u32.to_le_bytes());
        assert_eq!(sid_text(&sid).as_deref(), Some("S-1-5-32-544"));
    }
}
