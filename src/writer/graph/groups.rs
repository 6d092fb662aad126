//! Groups: found by id or display name, made where that is wished, and who is in them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::call::{Answer, Call};
use super::desk::Desk;
use super::fresh::REPLICATION;
use super::refusal::{later, refusal, refusal_without_object, refused, unknown};
use super::{pages, query, shape};
use crate::clock::Clock;
use crate::model::{Attributes, ObjectId, Timestamp};
use crate::writer::until::Until;
use crate::writer::{Group, Membership, NO_GROUP, WriteError};

/// How many groups are remembered. A job names a few dozen.
const GROUPS_MAX: usize = 512;

/// How long a group is taken to be what it was: it may be renamed, deleted, or made dynamic.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Longest `mailNickname` of a group (`facts/graph_users.md` §13).
const NICKNAME_CHARS_MAX: usize = 64;

/// What Graph says when the member is there already (`facts/graph_users.md` §7).
const ALREADY: &str = "references already exist";

/// The groups of one tenant.
pub(super) struct Groups {
    clock: Arc<dyn Clock>,
    known: Mutex<VecDeque<Known>>,
    /// Held while a group is looked for or made, so that nobody makes it twice.
    looking: tokio::sync::Mutex<()>,
}

/// A group that was found, made, or may have been made.
#[derive(Debug, Clone)]
struct Known {
    at: Timestamp,
    name: String,
    id: Option<String>,
    is_new: bool,
}

impl Groups {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Mutex::default(), looking: tokio::sync::Mutex::default() }
    }

    /// Makes `object` a member, or ends that.
    pub(super) async fn set(
        &self,
        desk: &Desk,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
        until: Until,
    ) -> Result<Membership, WriteError> {
        let id = match self.id(desk, &group.name, until).await? {
            Some(id) => id,
            // Nobody is in a group that is not there.
            None if !is_member => return Ok(Membership::WasSo),
            None => self.make_if_wished(desk, group, until).await?,
        };
        let call = if is_member {
            let reference = format!("{}/directoryObjects/{object}", desk.base());
            let body = Map::from_iter([("@odata.id".to_owned(), Json::String(reference))]);
            Call::write(Method::POST, query::members(&id), Some(body))
        } else {
            Call::write(Method::DELETE, query::member(&id, object), None)
        };
        let answer = desk.call(call, until).await?;
        self.membership(group, &id, object, is_member, &answer)
    }

    fn membership(
        &self,
        group: &Group,
        id: &str,
        object: &ObjectId,
        is_member: bool,
        answer: &Answer,
    ) -> Result<Membership, WriteError> {
        if (200..300).contains(&answer.status) {
            return Ok(Membership::Changed);
        }
        match refusal(answer, true, &Attributes::new()) {
            WriteError::Refused { cause, .. } if is_member && cause.0.contains(ALREADY) => Ok(Membership::WasSo),
            WriteError::Gone { .. } if !is_member => Ok(Membership::WasSo),
            // Only the message says which of the two is missing.
            WriteError::Gone { cause } if !cause.0.contains(object.as_str()) || cause.0.contains(id) => {
                let is_new = self.recall(&group.name).is_some_and(|known| known.is_new);
                if !is_new {
                    self.forget(&group.name);
                }
                Err(later(None, format!("the group {} cannot be seen now: {cause}", group.name)))
            }
            other => Err(other),
        }
    }

    /// The group, remembered or looked for.
    async fn id(&self, desk: &Desk, name: &str, until: Until) -> Result<Option<String>, WriteError> {
        if let Some(id) = self.recall(name).and_then(|known| known.id) {
            return Ok(Some(id));
        }
        let _one_at_a_time = self.one_at_a_time(until).await?;
        let known = self.recall(name);
        if let Some(id) = known.as_ref().and_then(|known| known.id.clone()) {
            return Ok(Some(id));
        }
        match self.look(desk, name, until).await? {
            Some(id) => {
                self.remember(name, Some(&id), false);
                Ok(Some(id))
            }
            None if known.is_some() => {
                Err(later(None, format!("the group {name} may have been made, and cannot be seen yet")))
            }
            None => Ok(None),
        }
    }

    async fn make_if_wished(&self, desk: &Desk, group: &Group, until: Until) -> Result<String, WriteError> {
        if !group.create {
            let why = format!(
                "there is no group `{}` at Entra; make it, write its name as it is there, or say `create = true`",
                group.name
            );
            return Err(refused(NO_GROUP, why));
        }
        let _one_at_a_time = self.one_at_a_time(until).await?;
        match self.recall(&group.name) {
            Some(Known { id: Some(id), .. }) => Ok(id),
            Some(_) => Err(later(None, format!("the group {} may have been made, and cannot be seen yet", group.name))),
            None => self.make(desk, &group.name, until).await,
        }
    }

    async fn one_at_a_time(&self, until: Until) -> Result<tokio::sync::MutexGuard<'_, ()>, WriteError> {
        let guard = tokio::time::timeout_at(until.end, self.looking.lock()).await;
        guard.map_err(|_| later(None, "other groups are being looked for".to_owned()))
    }

    async fn look(&self, desk: &Desk, name: &str, until: Until) -> Result<Option<String>, WriteError> {
        if is_guid(name) {
            let answer = desk.call(Call::get(query::group(name)), until).await?;
            match answer.status {
                200 => return usable(name, &answer.body).map(Some),
                404 => {}
                _ => return Err(refusal_without_object(&answer, false, &Attributes::new())),
            }
        }
        let first = desk.call(Call::get(query::groups_named(name)), until).await?;
        let answer = pages::whole(desk, false, first, query::FOUND_MAX, until).await;
        let answer = answer.map_err(|lost| lost.meant_for(false))?;
        if answer.status != 200 {
            return Err(refusal_without_object(&answer, false, &Attributes::new()));
        }
        let Some(Json::Array(groups)) = answer.body.get("value") else {
            return Err(later(None, "the list that Graph answers has no `value`".to_owned()));
        };
        match groups.iter().filter_map(Json::as_object).collect::<Vec<_>>().as_slice() {
            [] => Ok(None),
            [group] => usable(name, group).map(Some),
            _ => Err(refused(
                "several_groups",
                format!("several groups at Entra are called `{name}`; name the one by its object id"),
            )),
        }
    }

    /// A security group without mail. What may have been made is waited for, and not made again.
    async fn make(&self, desk: &Desk, name: &str, until: Until) -> Result<String, WriteError> {
        let body = json!({ "displayName": name, "mailEnabled": false, "mailNickname": nickname(name),
            "securityEnabled": true });
        self.remember(name, None, true);
        let call = Call::write(Method::POST, query::GROUPS.to_owned(), body.as_object().cloned());
        let answer = match desk.call(call, until).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer),
            Ok(answer) => Err(refusal_without_object(&answer, true, &Attributes::new())),
            Err(error) => Err(error),
        };
        if matches!(&answer, Err(error) if !matches!(error, WriteError::Unknown { .. })) {
            self.forget(name);
        }
        let answer = answer?;
        let Some(id) = answer.body.get("id").and_then(Json::as_str) else {
            return Err(unknown(format!("the group {name} was made, but the answer does not say what it is called")));
        };
        self.remember(name, Some(id), true);
        Ok(id.to_owned())
    }

    fn recall(&self, name: &str) -> Option<Known> {
        let now = self.clock.now();
        let mut known = self.known();
        // What is not visible yet is remembered as long as it may be so, what was seen a little longer.
        known.retain(|known| known.at >= now.minus(if known.id.is_some() { REMEMBERED } else { REPLICATION }));
        known.iter().find(|known| known.name == name).cloned()
    }

    fn remember(&self, name: &str, id: Option<&str>, is_new: bool) {
        let at = self.clock.now();
        let mut known = self.known();
        known.retain(|known| known.name != name);
        if known.len() >= GROUPS_MAX {
            known.pop_front();
        }
        known.push_back(Known { at, name: name.to_owned(), id: id.map(str::to_owned), is_new });
    }

    fn forget(&self, name: &str) {
        self.known().retain(|known| known.name != name);
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Its id, if it takes members from us.
fn usable(name: &str, group: &Map<String, Json>) -> Result<String, WriteError> {
    let Some(id) = shape::member_of(group, "id").and_then(Json::as_str) else {
        return Err(later(None, "Graph answers a group without an id".to_owned()));
    };
    let is = |property: &str| shape::member_of(group, property) == Some(&Json::Bool(true));
    let types = shape::member_of(group, "groupTypes").and_then(Json::as_array);
    let has = |kind: &str| types.into_iter().flatten().any(|given| given.as_str() == Some(kind));
    if has("DynamicMembership") {
        return Err(refused(
            "dynamic_group",
            format!("the members of `{name}` follow a rule at Entra; change the rule, or name another group"),
        ));
    }
    if is("onPremisesSyncEnabled") {
        return Err(refused(
            "synced_group",
            format!("`{name}` is carried to Entra by directory synchronisation; change its members on the premises"),
        ));
    }
    if is("mailEnabled") && !has("Unified") {
        return Err(refused(
            "mail_group",
            format!("`{name}` is a group of Exchange, whose members Graph does not change; name another group"),
        ));
    }
    Ok(id.to_owned())
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// What is left of the name without what a nickname may not have, told apart by the name's fingerprint.
fn nickname(name: &str) -> String {
    let digest = blake3::hash(name.as_bytes()).to_hex();
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let mut nickname: String = plain.chars().take(NICKNAME_CHARS_MAX - 9).collect();
    nickname.push('-');
    nickname.push_str(&digest[..8]);
    nickname
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_has_nothing_that_graph_refuses() {
        for name in ["All Staff (Ulm)", "営業部", &"x".repeat(300), "a@b"] {
            let nickname = nickname(name);
            assert!(nickname.len() <= NICKNAME_CHARS_MAX && !nickname.contains(['@', '(', ' ']), "{nickname}");
        }
        assert_ne!(nickname("営業部"), nickname("経理部"));
    }

    #[test]
    fn groups_whose_members_are_not_ours_to_change_are_refused_with_words() {
        let code = |group: Json| match usable("Staff", group.as_object().unwrap()) {
            Ok(id) => id,
            Err(WriteError::Refused { code, cause }) if cause.0.contains("`Staff`") || cause.0.contains("members") => {
                code
            }
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(code(json!({ "id": "g", "groupTypes": [], "mailEnabled": false })), "g");
        assert_eq!(code(json!({ "id": "g", "groupTypes": ["Unified"], "mailEnabled": true })), "g");
        assert_eq!(code(json!({ "id": "g", "groupTypes": ["DynamicMembership"] })), "dynamic_group");
        assert_eq!(code(json!({ "id": "g", "onPremisesSyncEnabled": true })), "synced_group");
        assert_eq!(code(json!({ "id": "g", "mailEnabled": true })), "mail_group");
    }
}
