//! Members of groups: one at a time, and never by reading all of them.

use std::collections::HashSet;

use ldap3::{Mod, Scope};

use super::answer::{
    CLASS_VIOLATION, ENTRY_EXISTS, NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, Trouble, UNWILLING, VALUE_EXISTS,
};
use super::held::{Held, Values};
use super::lately::Whom;
use super::read::Entry;
use super::{LdapKind, LdapWriter, refused, words};
use crate::model::{Dn, ObjectId};
use crate::writer::until::Until;
use crate::writer::{Cause, Group, Membership, NO_GROUP, WriteError};

/// A global security group (`groupType`, [MS-ADTS] 2.2.12).
const GLOBAL_SECURITY_GROUP: &str = "-2147483646";

impl LdapWriter {
    /// Makes an account a member of a group, or ends that.
    ///
    /// # Errors
    /// As [`Writer::set_member`](crate::writer::Writer::set_member).
    pub(super) async fn put_member(
        &self,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
        until: Until,
    ) -> Result<Membership, WriteError> {
        let (mut held, member) = self.reach_to_write(object, &[], until).await?;
        let mut found = self.group_named(&mut held, &group.name).await?;
        if found.is_empty() {
            let name = format!("the group {}", group.name);
            self.must_be_here(&Whom::Group(group.name.clone()), &held, &name)?;
        }
        let of = match found.len() {
            1 => found.remove(0),
            0 if !group.create || !is_member => {
                let why = format!(
                    "there is no group {}; correct the membership's `group`, or let it be made with `create = true`",
                    group.name
                );
                return if is_member { Err(refused(NO_GROUP, why)) } else { Ok(Membership::WasSo) };
            }
            0 => return self.make_group(&mut held, group, &member).await,
            _ => {
                let names: Vec<&str> = found.iter().map(|group| group.dn.as_str()).collect();
                let why =
                    format!("several groups are called {}: {}; name the one by its DN", group.name, names.join("; "));
                return Err(refused("several_groups", why));
            }
        };
        self.check_group(&mut held, &of).await?;
        let filter = format!("(member={})", words::in_filter(&member.dn));
        let is_in = held.search(&of.dn, Scope::Base, &filter, &["cn"]).await.map_err(Trouble::told)?;
        if is_in.is_empty() != is_member {
            return Ok(Membership::WasSo);
        }
        let value = HashSet::from([member.dn.into_bytes()]);
        let name = b"member".to_vec();
        let change = if is_member { Mod::Add(name.clone(), value) } else { Mod::Delete(name.clone(), value) };
        match held.modify(&of.dn, vec![change.clone()]).await {
            Ok(()) => Ok(Membership::Changed),
            // `groupOfNames` may not be without a member (RFC 4519 §3.5); nobody at all is one.
            Err(trouble) if !is_member && trouble.code() == Some(CLASS_VIOLATION) => {
                let nobody = Mod::Add(name, HashSet::from([Vec::new()]));
                held.modify(&of.dn, vec![nobody, change]).await.map_err(Trouble::told)?;
                Ok(Membership::Changed)
            }
            // Somebody was faster.
            Err(trouble) if is_member && matches!(trouble.code(), Some(VALUE_EXISTS | ENTRY_EXISTS)) => {
                Ok(Membership::WasSo)
            }
            // So answers Samba where there is no such member, and any server that will not write now: only a look tells.
            Err(trouble) if !is_member && matches!(trouble.code(), Some(NO_SUCH_ATTRIBUTE | UNWILLING)) => {
                let still = held.search(&of.dn, Scope::Base, &filter, &["cn"]).await.map_err(Trouble::told)?;
                if still.is_empty() { Ok(Membership::WasSo) } else { Err(trouble.told()) }
            }
            Err(trouble) => Err(trouble.told()),
        }
    }

    /// The groups of a name: a distinguished name, `sAMAccountName` or `cn`.
    pub(super) async fn group_named(&self, held: &mut Held<'_>, name: &str) -> Result<Vec<Entry>, WriteError> {
        let asked = super::find::asked(&[]);
        if name.contains('=') && Dn::parse(name).is_ok() {
            let filter = format!("(|{})", self.group_classes());
            return match held.search(name, Scope::Base, &filter, &asked).await {
                Ok(found) => Ok(found),
                Err(trouble) if trouble.code() == Some(NO_SUCH_OBJECT) => Ok(Vec::new()),
                Err(trouble) => Err(trouble.told()),
            };
        }
        let value = words::in_filter(name);
        let names = match self.kind() {
            LdapKind::ActiveDirectory => format!("(sAMAccountName={value})(cn={value})"),
            LdapKind::Ldap => format!("(cn={value})"),
        };
        let filter = format!("(&(|{})(|{names}))", self.group_classes());
        held.search(self.base(), Scope::Subtree, &filter, &asked).await.map_err(Trouble::told)
    }

    pub(super) fn group_classes(&self) -> &'static str {
        match self.kind() {
            LdapKind::ActiveDirectory => "(objectClass=group)",
            LdapKind::Ldap => "(objectClass=groupOfNames)",
        }
    }

    /// Makes the group with its first member: by its distinguished name, or in the first of the agent's containers.
    async fn make_group(&self, held: &mut Held<'_>, group: &Group, member: &Entry) -> Result<Membership, WriteError> {
        let named = Dn::parse(&group.name).ok().filter(|_| group.name.contains('='));
        let first = || self.settings.containers.first().map(|container| container.child("CN", &group.name));
        let dn =
            named.or_else(first).ok_or_else(|| refused("no_container", "no container may be written".to_owned()))?;
        if let Some((_, container)) = dn.split_first() {
            self.check_container(&container)?;
        }
        let name = dn.value_at(0).unwrap_or_default();
        let one = |value: &str| HashSet::from([value.as_bytes().to_vec()]);
        let mut values: Values = vec![(b"member".to_vec(), one(&member.dn))];
        match self.kind() {
            LdapKind::ActiveDirectory => {
                values.push((b"objectClass".to_vec(), one("group")));
                values.push((b"groupType".to_vec(), one(GLOBAL_SECURITY_GROUP)));
                values.push((b"sAMAccountName".to_vec(), one(&name)));
            }
            LdapKind::Ldap => values.push((b"objectClass".to_vec(), one("groupOfNames"))),
        }
        let added = held.add(dn.as_str(), values).await;
        if matches!(added, Ok(()) | Err(Trouble::Lost(_))) {
            self.lately.remember(Whom::Group(group.name.clone()), held.server());
        }
        match added {
            Ok(()) => Ok(Membership::Changed),
            Err(trouble) if trouble.code() == Some(NO_SUCH_OBJECT) => {
                Err(refused("no_container", format!("there is no container for the group {dn}")))
            }
            // Somebody else's first member was faster; where something else stands there, that is told.
            Err(trouble) if trouble.code() == Some(ENTRY_EXISTS) => {
                match self.group_named(held, &group.name).await?.is_empty() {
                    true => Err(trouble.told()),
                    false => Err(WriteError::Later { after: None, cause: Cause(format!("{dn} was made meanwhile")) }),
                }
            }
            Err(trouble) => Err(trouble.told()),
        }
    }
}
