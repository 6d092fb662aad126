//! Groups of a SCIM service: who is in them, one by one, so that a large one is never read for the sake of one.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::ScimWriter;
use super::address;
use super::call::{Answer, Call};
use super::patch;
use super::provider::Provider;
use super::refusal::{is_unsupported, later, refusal, refusal_without_object, refused};
use super::resource::{Resource, id_of, member};
use crate::model::{ObjectId, Path};
use crate::writer::until::Until;
use crate::writer::{Cause, Group, Membership, NO_GROUP, WriteError};

/// The core group's schema (RFC 7643 §4.2).
const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Nobody is called so. Whoever answers that this is a member passes over filters.
const NOBODY: &str = "muster-asks-whether-filters-are-heeded";

/// Whether somebody is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    In,
    Out,
    /// The service does not tell.
    Unknown,
}

impl ScimWriter {
    pub(super) async fn be_member(
        &self,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
        until: Until,
    ) -> Result<Membership, WriteError> {
        let provider = self.provider(until).await?;
        let Some(groups) = provider.groups.clone() else {
            return Err(refused("no_groups", "the service has no groups".to_owned()));
        };
        let id = self.group_id(&provider, &groups, group, until).await?;
        let url = address::resource(&groups, &id)?;
        let standing = self.standing(&provider, &url, &id, object, until).await?;
        if (standing, is_member) == (Standing::In, true) || (standing, is_member) == (Standing::Out, false) {
            return Ok(Membership::WasSo);
        }
        let answer = self.write_member(&provider, &url, object, is_member, until).await?;
        if answer.is_good() {
            // Where it cannot be told who was in it, nobody is later taken out on our account.
            let is_ours = standing != Standing::Unknown || !is_member;
            return Ok(if is_ours { Membership::Changed } else { Membership::WasSo });
        }
        Err(self.refusal_of_group(&provider, group, &url, object, &answer, until).await)
    }

    /// What the service calls the group: found by its name, then by its identifier, or made.
    async fn group_id(
        &self,
        provider: &Provider,
        groups: &str,
        group: &Group,
        until: Until,
    ) -> Result<String, WriteError> {
        if let Some(id) = provider.group_id(&group.name) {
            return Ok(id);
        }
        let id = match self.look_for_group(provider, groups, &group.name, until).await? {
            Some(id) => id,
            None if group.create => self.make_group(provider, groups, &group.name, until).await?,
            None => {
                let why = format!("there is no group `{}`; make it, or set `create = true`", group.name);
                return Err(refused(NO_GROUP, why));
            }
        };
        provider.remember_group(&group.name, &id);
        Ok(id)
    }

    async fn look_for_group(
        &self,
        provider: &Provider,
        groups: &str,
        name: &str,
        until: Until,
    ) -> Result<Option<String>, WriteError> {
        let is_it = |resource: &Resource| member(resource, "displayName").and_then(Json::as_str) == Some(name);
        let filter = provider.filter.then(|| address::filter(&Path::simple("displayName"), name));
        let found = self.list(provider, groups, filter.as_deref(), &is_it, until).await?;
        match found.as_slice() {
            [one] => Ok(id_of(one).map(str::to_owned)),
            [] => self.group_of_id(groups, name, until).await,
            _ => {
                let why = format!("several groups are called `{name}`; name it by its id");
                Err(refused("ambiguous_group", why))
            }
        }
    }

    async fn group_of_id(&self, groups: &str, id: &str, until: Until) -> Result<Option<String>, WriteError> {
        let Ok(url) = address::resource(groups, id) else { return Ok(None) };
        let url = address::with_query(&url, &[("excludedAttributes", "members")]);
        let answer = self.line.call(&Call::get(url), until).await?;
        match answer.status {
            200 => Ok(answer.body.as_object().and_then(id_of).map(str::to_owned)),
            400 | 404 | 410 => Ok(None),
            _ => Err(refusal_without_object(&answer, false)),
        }
    }

    async fn make_group(
        &self,
        provider: &Provider,
        groups: &str,
        name: &str,
        until: Until,
    ) -> Result<String, WriteError> {
        let body = json!({ "schemas": [CORE_GROUP], "displayName": name });
        let call = Call::write(Method::POST, groups.to_owned(), body.as_object().cloned());
        let answer = self.line.call(&call, until).await?;
        if answer.status == 409 {
            // Another worker was quicker.
            let found = self.look_for_group(provider, groups, name, until).await?;
            return found.ok_or_else(|| refusal_without_object(&answer, true));
        }
        if !answer.is_good() {
            return Err(refusal_without_object(&answer, true));
        }
        super::made(&answer).ok_or_else(|| later(None, "the group was made, but not what it is called".to_owned()))
    }

    async fn standing(
        &self,
        provider: &Provider,
        url: &str,
        id: &str,
        object: &ObjectId,
        until: Until,
    ) -> Result<Standing, WriteError> {
        if provider.filter && self.tells_members(provider, id, until).await? {
            let is_in = self.is_in(provider, id, object.as_str(), until).await?;
            return Ok(if is_in { Standing::In } else { Standing::Out });
        }
        let answer = self.line.call(&Call::get(url.to_owned()), until).await;
        let answer = match answer {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) if answer.status == 404 => return Ok(Standing::Unknown),
            Ok(answer) => return Err(refusal_without_object(&answer, false)),
            Err(error) => return Err(error),
        };
        let Some(group) = answer.body.as_object() else { return Ok(Standing::Unknown) };
        let members = member(group, "members").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        Ok(if members.iter().any(|held| is_called(held, object.as_str())) { Standing::In } else { Standing::Out })
    }

    /// Whether the service filters groups by their members, and heeds that.
    async fn tells_members(&self, provider: &Provider, id: &str, until: Until) -> Result<bool, WriteError> {
        let ask = || async {
            match self.is_in(provider, id, NOBODY, until).await {
                Ok(is_in) => Ok(!is_in),
                Err(WriteError::Refused { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        };
        provider.tells_members.get_or_try_init(ask).await.copied()
    }

    async fn is_in(&self, provider: &Provider, id: &str, whom: &str, until: Until) -> Result<bool, WriteError> {
        let Some(groups) = &provider.groups else { return Ok(false) };
        let member = Path { sub: Some(crate::model::Name::new("value")), ..Path::simple("members") };
        let both = format!("{} and {}", address::filter(&Path::simple("id"), id), address::filter(&member, whom));
        let is_it = |resource: &Resource| id_of(resource) == Some(id);
        let found = self.list(provider, groups, Some(&both), &is_it, until).await?;
        Ok(!found.is_empty())
    }

    async fn write_member(
        &self,
        provider: &Provider,
        url: &str,
        object: &ObjectId,
        is_member: bool,
        until: Until,
    ) -> Result<Answer, WriteError> {
        if provider.patches() {
            let operation = match is_member {
                true => json!({ "op": "add", "path": "members", "value": [{ "value": object.as_str() }] }),
                false => {
                    let whom = address::literal(object.as_str());
                    json!({ "op": "remove", "path": format!("members[value eq {whom}]") })
                }
            };
            let call = Call::write(Method::PATCH, url.to_owned(), Some(patch::body_of(vec![operation])));
            let answer = self.line.call(&call, until).await?;
            if !is_unsupported(&answer) {
                return Ok(answer);
            }
            provider.does_not_patch();
        }
        self.replace_members(provider, url, object, is_member, until).await
    }

    /// Writes the group whole, as it was read, with or without the member.
    async fn replace_members(
        &self,
        provider: &Provider,
        url: &str,
        object: &ObjectId,
        is_member: bool,
        until: Until,
    ) -> Result<Answer, WriteError> {
        let read = self.line.call(&Call::get(url.to_owned()), until).await?;
        let Json::Object(mut group) = read.body else { return Ok(Answer { body: Json::Null, ..read }) };
        if read.status != 200 {
            return Ok(Answer { body: Json::Object(group), ..read });
        }
        let mut members = member(&group, "members").and_then(Json::as_array).cloned().unwrap_or_default();
        members.retain(|held| !is_called(held, object.as_str()));
        members.extend(is_member.then(|| json!({ "value": object.as_str() })));
        group.retain(|name, _| !name.eq_ignore_ascii_case("members") && !name.eq_ignore_ascii_case("meta"));
        group.insert("members".to_owned(), members.into());
        let version = read.etag.filter(|_| provider.etag);
        self.line.call(&Call::write(Method::PUT, url.to_owned(), Some(group)).only_if(version), until).await
    }

    /// Which of the two is not there, where one is not.
    async fn refusal_of_group(
        &self,
        provider: &Provider,
        group: &Group,
        url: &str,
        object: &ObjectId,
        answer: &Answer,
        until: Until,
    ) -> WriteError {
        let error = refusal(answer, true);
        let (WriteError::Gone { cause } | WriteError::Refused { cause, .. }) = &error else { return error };
        if !self.is_there(provider, object, until).await {
            return WriteError::Gone { cause: Cause(cause.0.clone()) };
        }
        if answer.status != 404 {
            return error;
        }
        // It was there a while ago; whoever tries again looks for it anew.
        provider.forget_group(&group.name);
        later(None, format!("the group {url} is not there any more: {cause}"))
    }
}

fn is_called(member: &Json, id: &str) -> bool {
    member.as_object().and_then(|parts| super::member(parts, "value")).and_then(Json::as_str) == Some(id)
}
