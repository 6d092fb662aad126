//! Writes to Microsoft Entra ID, through Microsoft Graph (`facts/graph_users.md`).
//!
//! It decides nothing, keeps no password, and never writes more than a change says. What Graph answers is
//! read leniently; what is sent is strict.

mod account;
mod call;
mod fresh;
mod query;
mod refusal;
mod shape;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;
use url::Url;

use self::call::{Answer, Call, Line};
use self::fresh::Fresh;
use self::refusal::{later, refusal, refusal_without_object, refused, unknown};
use super::{Errand, Group, Membership, Search, WriteError, Writer};
use crate::clock::Clock;
use crate::http_client::{self, HttpClientError};
use crate::model::{Attributes, Change, ChangeKind, Found, Known, Name, ObjectId, Value};
use crate::token::TokenSource;

/// How long one verb may take where nothing else is said. Graph answers within a second; under throttling
/// it answers 429 at once.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// Where a tenant is, and who we are there.
#[derive(Debug, Clone)]
pub struct GraphSettings {
    /// Microsoft Graph with its version: `https://graph.microsoft.com/v1.0`.
    pub base_url: Url,
    /// Who gives tokens: `https://login.microsoftonline.com`.
    pub authority: Url,
    /// The tenant's id, or one of its domains.
    pub tenant: String,
    /// The application that muster is, there.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// How long one verb may take in all; [`TIMEOUT_DEFAULT`] suits.
    pub timeout: Duration,
    /// PEM certificates trusted besides the machine's own: of a proxy that reads TLS.
    pub extra_ca: Option<Vec<u8>>,
}

/// Writes to one Entra tenant.
pub struct GraphWriter {
    base: Url,
    line: Line,
    fresh: Fresh,
    timeout: Duration,
}

impl fmt::Debug for GraphWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphWriter")
            .field("base", &self.base.as_str())
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl GraphWriter {
    /// A writer for the tenant. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`HttpClientError`] when an address or the certificate is wrong.
    pub fn new(settings: &GraphSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpClientError> {
        let client = |url: &Url| http_client::build(url, settings.timeout, settings.extra_ca.as_deref());
        let mut token_url = settings.authority.clone();
        token_url
            .path_segments_mut()
            .map_err(|()| HttpClientError::NoWebAddress(settings.authority.scheme().to_owned()))?
            .pop_if_empty()
            .extend([settings.tenant.as_str(), "oauth2", "v2.0", "token"]);
        let scope = format!("{}/.default", settings.base_url.origin().ascii_serialization());
        let tokens = TokenSource::new(
            &token_url,
            &settings.client_id,
            &settings.client_secret,
            &scope,
            client(&token_url)?,
            clock.clone(),
        );
        let line = Line { http: client(&settings.base_url)?, tokens };
        Ok(Self { base: settings.base_url.clone(), line, fresh: Fresh::new(clock), timeout: settings.timeout })
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    async fn find_object(&self, object: &ObjectId, search: &Search) -> Result<Found, WriteError> {
        let call = Call::get(query::one(&self.base, object, &search.attributes));
        let answer = self.line.call(&call, self.deadline()).await?;
        match answer.status {
            200 => Ok(Found::One(known(&answer.body, &search.attributes)?)),
            404 if self.fresh.has(object) => Err(self.not_seen_yet(object)),
            404 => Ok(Found::Nobody),
            _ => Err(refusal_without_object(&answer, false, &Attributes::new())),
        }
    }

    async fn find_by_key(&self, key: &Name, value: &str, search: &Search, until: Instant) -> Result<Found, WriteError> {
        let call = Call::get(query::by_key(&self.base, key, value, &search.attributes));
        let answer = self.line.call(&call, until).await?;
        if answer.status != 200 {
            return Err(refusal_without_object(&answer, false, &Attributes::new()));
        }
        let Some(Json::Array(users)) = answer.body.get("value") else {
            return Err(later(None, "the list that Graph answers has no `value`".to_owned()));
        };
        let found = users.iter().filter_map(Json::as_object).map(|user| known(user, &search.attributes));
        let mut found = found.collect::<Result<Vec<_>, _>>()?;
        match found.len() {
            0 => Ok(Found::Nobody),
            1 => Ok(Found::One(found.remove(0))),
            _ => Ok(Found::Several(found.into_iter().map(|known| known.object).collect())),
        }
    }

    async fn create(&self, change: &Change) -> Result<Option<Known>, WriteError> {
        let body = account::new_account(&change.set)?;
        let enabled = shape::member_of(&body, "accountEnabled").and_then(Json::as_bool);
        let call = Call::write(Method::POST, query::users(&self.base), Some(body));
        let answer = self.line.call(&call, self.deadline()).await?;
        if !(200..300).contains(&answer.status) {
            return Err(refusal_without_object(&answer, true, &change.set));
        }
        let Some(id) = answer.body.get("id").and_then(Json::as_str) else {
            return Err(unknown("the account was made, but the answer does not say what it is called".to_owned()));
        };
        let object = ObjectId::new(id);
        self.fresh.remember(&object);
        let mut receipt = receipt(object, change);
        if let Some(enabled) = enabled {
            receipt.attributes.set(Name::new("accountEnabled"), Value::Boolean(enabled));
        }
        Ok(Some(receipt))
    }

    async fn update(&self, object: &ObjectId, change: &Change) -> Result<Option<Known>, WriteError> {
        let until = self.deadline();
        let mut body = shape::body(&change.set, &change.clear);
        if !body.is_empty() {
            self.complete_org_data(object, &mut body, until).await?;
            let call = Call::write(Method::PATCH, query::user(&self.base, object), Some(body));
            let answer = self.line.call(&call, until).await?;
            self.expect_done(&answer, object, &change.set)?;
        }
        Ok(Some(receipt(object.clone(), change)))
    }

    /// Graph replaces `employeeOrgData` whole: where one member is to be written, the other is read and sent with it.
    async fn complete_org_data(
        &self,
        object: &ObjectId,
        body: &mut Map<String, Json>,
        until: Instant,
    ) -> Result<(), WriteError> {
        let key = body.keys().find(|key| key.eq_ignore_ascii_case(shape::ORG_DATA)).cloned();
        let Some(Json::Object(members)) = key.and_then(|key| body.get_mut(&key)) else { return Ok(()) };
        let absent = shape::ORG_DATA_MEMBERS.iter().find(|name| shape::member_of(members, name).is_none());
        let Some(absent) = absent else { return Ok(()) };

        let call = Call::get(query::one(&self.base, object, &[Name::new(shape::ORG_DATA)]));
        let answer = self.line.call(&call, until).await?;
        if answer.status != 200 {
            return Err(self.refusal_of(object, &answer, false, &Attributes::new()));
        }
        let held = shape::member_of(&answer.body, shape::ORG_DATA).and_then(Json::as_object);
        let other = held.and_then(|held| shape::member_of(held, absent)).unwrap_or(&Json::Null);
        members.insert((*absent).to_owned(), other.clone());
        Ok(())
    }

    async fn delete(&self, object: &ObjectId) -> Result<Option<Known>, WriteError> {
        let call = Call::write(Method::DELETE, query::user(&self.base, object), None);
        let answer = self.line.call(&call, self.deadline()).await?;
        if answer.status != 404 || self.fresh.has(object) {
            self.expect_done(&answer, object, &Attributes::new())?;
        }
        self.fresh.forget(object);
        Ok(None)
    }

    fn expect_done(&self, answer: &Answer, object: &ObjectId, set: &Attributes) -> Result<(), WriteError> {
        if (200..300).contains(&answer.status) { Ok(()) } else { Err(self.refusal_of(object, answer, true, set)) }
    }

    /// As [`refusal`], but an account that was made a moment ago is not gone.
    fn refusal_of(&self, object: &ObjectId, answer: &Answer, writes: bool, set: &Attributes) -> WriteError {
        match refusal(answer, writes, set) {
            WriteError::Gone { .. } if self.fresh.has(object) => self.not_seen_yet(object),
            other => other,
        }
    }

    fn not_seen_yet(&self, object: &ObjectId) -> WriteError {
        later(None, format!("the new account {object} cannot be seen yet"))
    }

    /// Which of the two a manager reference could not be written for: only the message says it.
    fn who_is_missing(&self, object: &ObjectId, manager: &ObjectId, answer: &Answer) -> WriteError {
        match refusal(answer, true, &Attributes::new()) {
            WriteError::Gone { cause } if cause.0.contains(manager.as_str()) => {
                if self.fresh.has(manager) {
                    return self.not_seen_yet(manager);
                }
                WriteError::Refused { code: "manager_gone".to_owned(), cause }
            }
            _ => self.refusal_of(object, answer, true, &Attributes::new()),
        }
    }
}

#[async_trait]
impl Writer for GraphWriter {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        if let Some(object) = &search.object {
            return self.find_object(object, search).await;
        }
        let until = self.deadline();
        for (key, value) in search.keys.0.iter().filter(|(_, value)| !value.is_empty()) {
            match self.find_by_key(key, value, search, until).await? {
                Found::Nobody => {}
                found => return Ok(found),
            }
        }
        Ok(Found::Nobody)
    }

    async fn write(&self, _: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        if change.kind == ChangeKind::Move || change.container.is_some() {
            return Err(refused("no_containers", "the cloud has no containers to move an account between".to_owned()));
        }
        match (change.kind, &change.object) {
            (ChangeKind::Create, _) => self.create(change).await,
            (_, None) => Err(refused("no_object", "the change does not say which account".to_owned())),
            (ChangeKind::Delete, Some(object)) => self.delete(object).await,
            (_, Some(object)) => self.update(object, change).await,
        }
    }

    async fn set_manager(
        &self,
        _: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        let reference = query::manager(&self.base, object);
        let (method, body) = match manager {
            Some(manager) => {
                let body = json!({ "@odata.id": query::user(&self.base, manager) });
                (Method::PUT, body.as_object().cloned())
            }
            None => (Method::DELETE, None),
        };
        let answer = self.line.call(&Call::write(method, reference, body), self.deadline()).await?;
        match (answer.status, manager) {
            // There was no manager to take away.
            (404, None) => Ok(()),
            (404, Some(manager)) => Err(self.who_is_missing(object, manager, &answer)),
            _ => self.expect_done(&answer, object, &Attributes::new()),
        }
    }

    async fn set_member(
        &self,
        _errand: &Errand<'_>,
        group: &Group,
        _object: &ObjectId,
        _is_member: bool,
    ) -> Result<Membership, WriteError> {
        Err(refused("no_groups", format!("memberships of {} are not written here yet", group.name)))
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

fn known(user: &Map<String, Json>, wanted: &[Name]) -> Result<Known, WriteError> {
    let Some(id) = shape::member_of(user, "id").and_then(Json::as_str) else {
        return Err(later(None, "Graph answers a user without an id".to_owned()));
    };
    Ok(Known {
        object: ObjectId::new(id),
        attributes: shape::attributes(user, wanted),
        container: None,
        synced: shape::member_of(user, "onPremisesSyncEnabled") == Some(&Json::Bool(true)),
    })
}

/// What the target holds now: what it held before, overlaid by what was written. A password is not remembered.
fn receipt(object: ObjectId, change: &Change) -> Known {
    let mut attributes = change.before.clone();
    for (name, value) in change.set.iter() {
        attributes.set(name.clone(), value.clone());
    }
    for name in &change.clear {
        attributes.set(name.clone(), Value::Null);
    }
    let attributes = attributes.into_iter().filter(|(name, _)| !shape::is_password(name)).collect();
    Known { object, attributes, container: None, synced: false }
}
