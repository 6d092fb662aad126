//! Writes to an app that speaks SCIM 2.0 (RFC 7643, RFC 7644).
//!
//! It decides nothing, and never writes more than a change says. What the service answers is read leniently; what is
//! sent is strict.

mod address;
mod call;
mod find;
mod group;
mod patch;
mod provider;
mod refusal;
mod resource;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use url::Url;

use self::call::{Answer, Call, Credentials, Line};
use self::patch::Edit;
use self::provider::{Discovery, Provider};
use self::refusal::{is_conflict, is_unsupported, refusal, refusal_without_object, refused, unknown};
use self::resource::{id_of, member, name_schemas, put};
use super::until::Until;
use super::{Cause, Errand, Group, Membership, Room, Search, WriteError, Writer};
use crate::clock::Clock;
use crate::http_client::{self, HttpClientError};
use crate::model::{ACCOUNT_ENABLED, Attributes, Change, ChangeKind, Found, Known, Name, ObjectId, Value};
use crate::scim::target::{ACTIVE, manager};
use crate::token::TokenSource;

/// What is never sent back when a user is written whole: the service sets it itself.
const READ_ONLY: [&str; 2] = ["meta", "groups"];

/// Where a service is, and who we are there.
#[derive(Debug, Clone)]
pub struct ScimSettings {
    /// The address below which it has its `/Users`.
    pub base_url: Url,
    /// How we prove who we are.
    pub login: ScimLogin,
    /// How long one verb may take in all.
    pub timeout: Duration,
    /// PEM certificates trusted besides the machine's own: of a proxy that reads TLS.
    pub extra_ca: Option<Vec<u8>>,
}

/// How we prove to a service who we are.
#[derive(Debug, Clone)]
pub enum ScimLogin {
    /// By a token that lasts.
    Token(SecretString),
    /// By tokens that are fetched (OAuth 2.0 client credentials).
    Client {
        /// Who gives them.
        token_url: Url,
        /// The application that muster is, there.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// What they shall be good for; empty where nobody asks.
        scope: String,
    },
}

/// Writes to one SCIM service.
pub struct ScimWriter {
    base: Url,
    line: Line,
    discovery: Discovery,
    timeout: Duration,
}

impl fmt::Debug for ScimWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScimWriter")
            .field("base", &self.base.as_str())
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl ScimWriter {
    /// A writer for the service. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`HttpClientError`] when an address or the certificate is wrong.
    pub fn new(settings: &ScimSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpClientError> {
        let client = |url: &Url| http_client::build(url, settings.timeout, settings.extra_ca.as_deref());
        let credentials = match &settings.login {
            ScimLogin::Token(token) => Credentials::Token(token.clone()),
            ScimLogin::Client { token_url, client_id, client_secret, scope } => {
                let http = client(token_url)?;
                let tokens = TokenSource::new(token_url, client_id, client_secret, scope, http, Arc::clone(&clock));
                Credentials::Fetched(Box::new(tokens))
            }
        };
        let line = Line::new(client(&settings.base_url)?, credentials);
        let discovery = Discovery::new(clock);
        Ok(Self { base: settings.base_url.clone(), line, discovery, timeout: settings.timeout })
    }

    fn until(&self) -> Until {
        Until::at(Instant::now() + self.timeout)
    }

    /// No write of it is begun that the errand's lease may not outlive.
    fn until_for(&self, errand: &Errand<'_>) -> Until {
        Until::of(errand, Instant::now() + self.timeout)
    }

    async fn provider(&self, until: Until) -> Result<Arc<Provider>, WriteError> {
        self.discovery.provider(&self.base, &self.line, until).await
    }

    async fn create(&self, change: &Change, until: Until) -> Result<Option<Known>, WriteError> {
        let body = resource::new_user(&change.set)?;
        let provider = self.provider(until).await?;
        let call = Call::write(Method::POST, provider.users.clone(), Some(body));
        let answer = self.line.call(&call, until).await?;
        if is_conflict(&answer) {
            return Err(self.conflict(&provider, &answer, &change.set, None, until).await);
        }
        if !answer.is_good() {
            return Err(refusal_without_object(&answer, true));
        }
        let Some(id) = made(&answer) else {
            return Err(unknown("the account was made, but the answer does not say what it is called".to_owned()));
        };
        let mut receipt = receipt(ObjectId::new(&id), change);
        if let Some(active) = answer.body.get(ACTIVE).and_then(Json::as_bool)
            && receipt.attributes.get(ACCOUNT_ENABLED).is_none()
        {
            receipt.attributes.set(Name::new(ACCOUNT_ENABLED), Value::Boolean(active));
        }
        Ok(Some(receipt))
    }

    async fn update(&self, object: &ObjectId, change: &Change, until: Until) -> Result<Option<Known>, WriteError> {
        let provider = self.provider(until).await?;
        let edits = patch::edits(change)?;
        let answer = self.edit(&provider, object, &edits, until).await?;
        match answer {
            Some(answer) if is_conflict(&answer) => {
                Err(self.conflict(&provider, &answer, &change.set, Some(object), until).await)
            }
            Some(answer) if !answer.is_good() => Err(self.refusal_of(&provider, object, &answer, until).await),
            _ => Ok(Some(receipt(object.clone(), change))),
        }
    }

    /// Makes edits to a user; `None` where there was nothing to do.
    async fn edit(
        &self,
        provider: &Provider,
        object: &ObjectId,
        edits: &[Edit],
        until: Until,
    ) -> Result<Option<Answer>, WriteError> {
        if provider.patches() {
            match self.patch(provider, object, edits, until).await? {
                Some(answer) if is_unsupported(&answer) => provider.does_not_patch(),
                answer => return Ok(answer),
            }
        }
        self.replace(provider, object, edits, until).await
    }

    async fn patch(
        &self,
        provider: &Provider,
        object: &ObjectId,
        edits: &[Edit],
        until: Until,
    ) -> Result<Option<Answer>, WriteError> {
        let there = match patch::needs_to_look(edits) {
            true => Some(self.read(provider, object, until).await?.ok_or_else(|| gone(object))?),
            false => None,
        };
        let Some(body) = patch::body(edits, there.as_ref().map(|read| &read.resource)) else { return Ok(None) };
        let version = there.and_then(|read| read.etag).filter(|_| provider.etag);
        let url = address::resource(&provider.users, object.as_str())?;
        self.line.call(&Call::write(Method::PATCH, url, Some(body)).only_if(version), until).await.map(Some)
    }

    /// Writes a user whole, as it was read, with the edits made to it: what we do not own stays as it is.
    async fn replace(
        &self,
        provider: &Provider,
        object: &ObjectId,
        edits: &[Edit],
        until: Until,
    ) -> Result<Option<Answer>, WriteError> {
        let read = self.read(provider, object, until).await?.ok_or_else(|| gone(object))?;
        let mut user = read.resource.clone();
        edits.iter().for_each(|(path, value)| put(&mut user, path, value.clone()));
        if user == read.resource {
            return Ok(None);
        }
        user.retain(|name, _| !READ_ONLY.iter().any(|held| name.eq_ignore_ascii_case(held)));
        name_schemas(&mut user);
        let version = read.etag.filter(|_| provider.etag);
        let url = address::resource(&provider.users, object.as_str())?;
        self.line.call(&Call::write(Method::PUT, url, Some(user)).only_if(version), until).await.map(Some)
    }

    async fn delete(&self, object: &ObjectId, until: Until) -> Result<Option<Known>, WriteError> {
        let provider = self.provider(until).await?;
        let url = address::resource(&provider.users, object.as_str())?;
        let answer = self.line.call(&Call::write(Method::DELETE, url, None), until).await?;
        if answer.is_good() {
            return Ok(None);
        }
        match self.refusal_of(&provider, object, &answer, until).await {
            WriteError::Gone { .. } => Ok(None),
            error => Err(error),
        }
    }

    async fn refer(&self, object: &ObjectId, to: Option<&ObjectId>, until: Until) -> Result<(), WriteError> {
        let provider = self.provider(until).await?;
        let edits = [(manager(), to.map(|to| json!({ "value": to.as_str() })))];
        let answer = match self.edit(&provider, object, &edits, until).await? {
            Some(answer) if !answer.is_good() => answer,
            _ => return Ok(()),
        };
        match (self.refusal_of(&provider, object, &answer, until).await, to) {
            (WriteError::Refused { cause, .. }, Some(to)) if !self.is_there(&provider, to, until).await => {
                Err(WriteError::Refused { code: "manager_gone".to_owned(), cause })
            }
            (error, _) => Err(error),
        }
    }

    /// As [`refusal`], but 400 may say of an identifier that it is not known: Entra's own SCIM service does.
    async fn refusal_of(&self, provider: &Provider, object: &ObjectId, answer: &Answer, until: Until) -> WriteError {
        match refusal(answer, true) {
            WriteError::Refused { cause, .. }
                if answer.status == 400 && !self.is_there(provider, object, until).await =>
            {
                WriteError::Gone { cause }
            }
            error => error,
        }
    }

    async fn conflict(
        &self,
        provider: &Provider,
        answer: &Answer,
        set: &Attributes,
        whose: Option<&ObjectId>,
        until: Until,
    ) -> WriteError {
        let cause = Cause(refusal::words(answer));
        match self.taken(provider, set, whose, until).await {
            Some((attribute, holder)) => WriteError::Taken { attribute, holder, cause },
            None => WriteError::Refused { code: "uniqueness".to_owned(), cause },
        }
    }
}

#[async_trait]
impl Writer for ScimWriter {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        let until = self.until();
        let provider = self.provider(until).await?;
        if let Some(object) = &search.object {
            return self.find_object(&provider, object, search, until).await;
        }
        for (key, value) in search.keys.0.iter().filter(|(_, value)| !value.is_empty()) {
            match self.find_by_key(&provider, (key, value), search, until).await? {
                Found::Nobody => {}
                found => return Ok(found),
            }
        }
        Ok(Found::Nobody)
    }

    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        if change.kind == ChangeKind::Move || change.container.is_some() {
            return Err(refused("no_containers", "an app has no containers to move an account between".to_owned()));
        }
        let until = self.until_for(errand);
        match (change.kind, &change.object) {
            (ChangeKind::Create, _) => self.create(change, until).await,
            (_, None) => Err(refused("no_object", "the change does not say which account".to_owned())),
            (ChangeKind::Restore, _) => {
                Err(refused("no_restore", "SCIM has no way to bring a deleted account back".to_owned()))
            }
            (ChangeKind::Delete, Some(object)) => self.delete(object, until).await,
            (_, Some(object)) => self.update(object, change, until).await,
        }
    }

    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        self.refer(object, manager, self.until_for(errand)).await
    }

    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        self.be_member(group, object, is_member, self.until_for(errand)).await
    }

    fn room(&self) -> Room {
        self.line.closed_for().map_or(Room::Open(usize::MAX), Room::ClosedFor)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// What a new resource is called: its id, or the end of its address.
fn made(answer: &Answer) -> Option<String> {
    if let Some(id) = answer.body.as_object().and_then(id_of) {
        return Some(id.to_owned());
    }
    let location = answer.location.as_deref().or_else(|| {
        let meta = answer.body.as_object().and_then(|body| member(body, "meta"))?;
        meta.get("location")?.as_str()
    })?;
    let last = location.trim_end_matches('/').rsplit('/').next()?;
    let id = percent_encoding::percent_decode_str(last).decode_utf8().ok()?;
    (!id.is_empty()).then(|| id.into_owned())
}

fn gone(object: &ObjectId) -> WriteError {
    WriteError::Gone { cause: Cause(format!("the service knows no user {object}")) }
}

/// What the service holds now: what it held before, overlaid by what was written.
fn receipt(object: ObjectId, change: &Change) -> Known {
    let mut attributes = change.before.clone();
    for (name, value) in change.set.iter() {
        attributes.set(name.clone(), value.clone());
    }
    for name in &change.clear {
        attributes.set(name.clone(), Value::Null);
    }
    Known { object, attributes, container: None, synced: false }
}
