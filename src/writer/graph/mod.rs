//! Writes to Microsoft Entra ID, through Microsoft Graph (`facts/graph_users.md`).
//!
//! It decides nothing, keeps no password, and never writes more than a change says. What Graph answers is
//! read leniently; what is sent is strict.

mod account;
mod batch;
mod call;
mod desk;
mod find;
mod fresh;
mod groups;
mod holder;
mod limits;
mod pace;
mod pages;
mod query;
mod refusal;
mod restore;
mod shape;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value as Json};
use tokio::time::Instant;
use url::Url;

use self::call::{Call, Line};
use self::desk::Desk;
use self::find::Finder;
use self::fresh::Fresh;
use self::groups::Groups;
pub use self::pace::{Tenants, WriteBudget};
use self::refusal::{later, refusal_without_object, refused};
use super::until::Until;
use super::{Errand, Group, Membership, Pace, Room, Search, WriteError, Writer};
use crate::clock::Clock;
use crate::http_client::{self, HttpClientError};
use crate::model::{Attributes, Change, ChangeKind, Found, Known, Name, ObjectId};
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
    /// How many writes the tenant takes of this application; the default is Microsoft's.
    pub budget: WriteBudget,
}

/// Writes to one Entra tenant.
pub struct GraphWriter {
    desk: Arc<Desk>,
    finder: Finder,
    fresh: Fresh,
    groups: Groups,
    timeout: Duration,
}

impl fmt::Debug for GraphWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphWriter").field("base", &self.desk.base()).finish_non_exhaustive()
    }
}

impl GraphWriter {
    /// A writer for the tenant, with a pace of its own. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`HttpClientError`] when an address or the certificate is wrong.
    pub fn new(settings: &GraphSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpClientError> {
        Self::among(&Tenants::default(), settings, clock)
    }

    /// The same, with one pace for all writers among `tenants` that write to the same tenant as the same application.
    ///
    /// # Errors
    /// As [`GraphWriter::new`].
    pub fn among(tenants: &Tenants, settings: &GraphSettings, clock: Arc<dyn Clock>) -> Result<Self, HttpClientError> {
        let base = settings.base_url.as_str().trim_end_matches('/').to_owned();
        let whose = format!("{base} {} {}", settings.tenant, settings.client_id).to_lowercase();
        let line =
            Line { http: client(&settings.base_url, settings)?, tokens: tokens(settings, Arc::clone(&clock))?, base };
        let desk = Arc::new(Desk::new(line, tenants.pacer(&whose, settings.budget)));
        Ok(Self {
            finder: Finder::new(Arc::clone(&desk)),
            desk,
            fresh: Fresh::new(Arc::clone(&clock)),
            groups: Groups::new(clock),
            timeout: settings.timeout,
        })
    }

    fn until(&self) -> Until {
        Until::at(Instant::now() + self.timeout)
    }

    /// No write of it is begun that the errand's lease may not outlive.
    fn until_for(&self, errand: &Errand<'_>) -> Until {
        Until::of(errand, Instant::now() + self.timeout)
    }

    async fn find_object(&self, object: &ObjectId, search: &Search) -> Result<Found, WriteError> {
        let call = Call::get(query::one(object, &search.attributes));
        let answer = self.desk.call(call, self.until()).await?;
        match answer.status {
            200 => Ok(Found::One(known(&answer.body, &search.attributes)?)),
            404 if self.fresh.has(object) => Err(self.not_seen_yet(object)),
            404 => Ok(Found::Nobody),
            _ => Err(refusal_without_object(&answer, false, &Attributes::new())),
        }
    }

    fn not_seen_yet(&self, object: &ObjectId) -> WriteError {
        later(None, format!("the account {object} is there, and cannot be seen yet"))
    }
}

fn client(url: &Url, settings: &GraphSettings) -> Result<reqwest::Client, HttpClientError> {
    http_client::build(url, settings.timeout, settings.extra_ca.as_deref())
}

fn tokens(settings: &GraphSettings, clock: Arc<dyn Clock>) -> Result<TokenSource, HttpClientError> {
    let mut url = settings.authority.clone();
    url.path_segments_mut()
        .map_err(|()| HttpClientError::NoWebAddress(settings.authority.scheme().to_owned()))?
        .pop_if_empty()
        .extend([settings.tenant.as_str(), "oauth2", "v2.0", "token"]);
    let scope = format!("{}/.default", settings.base_url.origin().ascii_serialization());
    let http = client(&url, settings)?;
    Ok(TokenSource::new(&url, &settings.client_id, &settings.client_secret, &scope, http, clock))
}

#[async_trait]
impl Writer for GraphWriter {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        match &search.object {
            Some(object) => self.find_object(object, search).await,
            None if search.keys.0.iter().all(|(_, value)| value.is_empty()) => Ok(Found::Nobody),
            None => self.finder.find(search, self.until().end).await,
        }
    }

    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        // A deleted account has no container to come back to here.
        if change.kind == ChangeKind::Move || (change.container.is_some() && change.kind != ChangeKind::Restore) {
            return Err(refused("no_containers", "the cloud has no containers to move an account between".to_owned()));
        }
        limits::check(change, errand.anchor)?;
        match (change.kind, &change.object) {
            (ChangeKind::Create, _) => self.create(errand, change).await,
            (_, None) => Err(refused("no_object", "the change does not say which account".to_owned())),
            (ChangeKind::Delete, Some(object)) => self.delete(object, self.until_for(errand)).await,
            (ChangeKind::Restore, Some(object)) => self.restore(object, change, self.until_for(errand)).await,
            (_, Some(object)) => self.update(object, change, self.until_for(errand)).await,
        }
    }

    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        self.point_at_manager(object, manager, self.until_for(errand)).await
    }

    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        match self.groups.set(&self.desk, group, object, is_member, self.until_for(errand)).await {
            Err(WriteError::Gone { .. }) if self.fresh.has(object) => Err(self.not_seen_yet(object)),
            set => set,
        }
    }

    fn room(&self) -> Room {
        self.desk.pacer().room(self.desk.inside(), Instant::now())
    }

    fn pace(&self) -> Option<Pace> {
        Some(self.desk.pacer().pace(Instant::now()))
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
