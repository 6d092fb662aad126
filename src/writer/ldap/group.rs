//! Who is in a group: asked of the group itself by a filter, so that large ones need not be read.

use std::collections::HashSet;

use ldap3::{Mod, Scope};

use super::account::in_filter;
use super::answer::{after_a_write, refusal, refused, said};
use super::guard::{self, find_groups};
use super::settings::LdapKind;
use super::talk::{Bytes, Entry, Lists, Talk};
use super::{LdapWriter, gone};
use crate::model::{Dn, ObjectId};
use crate::writer::{Errand, Group, Membership, NO_GROUP, WriteError};

/// A security group of the whole domain (MS-ADTS 2.2.12: GLOBAL and SECURITY_ENABLED).
const GLOBAL_SECURITY: &str = "-2147483646";

impl LdapWriter {
    pub(super) async fn member(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        let account = self.guarded(talk, object, &[]).await?.ok_or_else(|| gone(object))?;
        let mut found = find_groups(talk, self.settings.kind, &self.settings.base, &group.name, &guard::READ).await?;
        let entry = match found.len() {
            0 if group.create && is_member => return self.found(talk, errand, group, &account).await,
            0 if group.create => return Ok(Membership::WasSo),
            0 => return Err(refused(NO_GROUP, format!("there is no group {} in the directory", group.name))),
            1 => found.remove(0),
            _ => {
                return Err(refused(
                    "several_groups",
                    format!("several groups are called {}; name it by its DN", group.name),
                ));
            }
        };
        self.guard.check_group(talk, &entry).await?;
        let attribute = member_attribute(&entry);
        let filter = format!("({attribute}={})", in_filter(&account.dn));
        let is_one = !talk.search(&entry.dn, Scope::Base, &filter, &["cn"]).await?.is_empty();
        if is_one == is_member {
            return Ok(Membership::WasSo);
        }
        self.change_members(talk, errand, &entry, &account, is_member).await
    }

    async fn change_members(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        group: &Entry,
        account: &Entry,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        let attribute = || member_attribute(group).as_bytes().to_vec();
        let this = || HashSet::from([account.dn.clone().into_bytes()]);
        let mods = |is_member: bool| match is_member {
            true => vec![Mod::Add(attribute(), this())],
            false => vec![Mod::Delete(attribute(), this())],
        };
        let answer = talk.modify(errand, &group.dn, mods(is_member)).await?;
        match (answer.rc, is_member) {
            (0, _) => Ok(Membership::Changed),
            (20 | 68, true) | (16, false) => Ok(Membership::WasSo),
            (53, false) if self.settings.kind == LdapKind::ActiveDirectory => Ok(Membership::WasSo),
            // A groupOfNames is never empty (RFC 4519 §3.5): nobody, written as a name of no parts, takes the last place.
            (65, false) => {
                let nobody = HashSet::from([Bytes::new()]);
                let mods = vec![Mod::Add(attribute(), nobody), Mod::Delete(attribute(), this())];
                let answer = talk.modify(errand, &group.dn, mods).await.map_err(after_a_write)?;
                if answer.rc == 0 { Ok(Membership::Changed) } else { Err(refusal(&answer)) }
            }
            (32, _) => Err(refused(NO_GROUP, format!("the group {} is not there any more", group.dn))),
            _ => Err(refusal(&answer)),
        }
    }

    /// Makes the group in the first of the containers, or where its name says, with this member.
    async fn found(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        group: &Group,
        account: &Entry,
    ) -> Result<Membership, WriteError> {
        let (dn, name) = self.place_of_group(&group.name)?;
        let one = |value: &str| HashSet::from([value.as_bytes().to_vec()]);
        let mut lists: Lists = vec![("cn".into(), one(&name)), ("member".into(), one(&account.dn))];
        match self.settings.kind {
            LdapKind::ActiveDirectory => {
                lists.push(("objectClass".into(), HashSet::from([b"top".to_vec(), b"group".to_vec()])));
                lists.push(("groupType".into(), one(GLOBAL_SECURITY)));
                lists.push(("sAMAccountName".into(), one(&name)));
            }
            LdapKind::Ldap => {
                lists.push(("objectClass".into(), HashSet::from([b"top".to_vec(), b"groupOfNames".to_vec()])));
            }
        }
        let answer = talk.add(errand, dn.as_str(), lists).await?;
        match answer.rc {
            0 => Ok(Membership::Changed),
            32 => {
                Err(refused("no_container", format!("the container of the group {dn} is not there: {}", said(&answer))))
            }
            _ => Err(refusal(&answer)),
        }
    }

    fn place_of_group(&self, name: &str) -> Result<(Dn, String), WriteError> {
        if let Ok(dn) = Dn::parse(name)
            && let Some((_, above)) = dn.split_first()
            && let Some(value) = dn.value_at(0)
        {
            self.guard.check_container(&above)?;
            return Ok((dn, value));
        }
        let nowhere = || refused("outside_containers", "the agent's file lets it write no container");
        let above = self.settings.containers.first().ok_or_else(nowhere)?;
        Ok((above.child("CN", name), name.to_owned()))
    }
}

fn member_attribute(group: &Entry) -> &'static str {
    let unique = group.texts("objectClass").any(|class| class.eq_ignore_ascii_case("groupOfUniqueNames"));
    if unique { "uniqueMember" } else { "member" }
}
