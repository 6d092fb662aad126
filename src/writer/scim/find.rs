//! Looking for people at a SCIM service: by identifier, by filter, and, where it has none, through its list.

use serde_json::Value as Json;

use super::ScimWriter;
use super::address;
use super::call::{Answer, Call};
use super::provider::{Provider, resources, unique_among};
use super::refusal::{later, refusal_without_object, refused};
use super::resource::{Resource, holds, id_of, known, member, path_of};
use crate::model::{Attributes, Found, Name, ObjectId, Path, Value};
use crate::writer::until::Until;
use crate::writer::{Search, WriteError};

/// Pages that are read of one list: with a hundred to a page, ten thousand accounts. Whoever has more needs filters;
/// reading them all for every person would end nowhere.
const PAGES_MAX: u64 = 100;

/// Accounts that are kept of a search: one is the person's, and of the others a few are named.
const KEPT_MAX: usize = 5;

/// A resource, and the version it has.
pub(super) struct Read {
    pub(super) resource: Resource,
    pub(super) etag: Option<String>,
}

impl ScimWriter {
    pub(super) async fn find_object(
        &self,
        provider: &Provider,
        object: &ObjectId,
        search: &Search,
        until: Until,
    ) -> Result<Found, WriteError> {
        match self.read(provider, object, until).await? {
            Some(read) => Ok(Found::One(known(&read.resource, &search.attributes)?)),
            None => Ok(Found::Nobody),
        }
    }

    pub(super) async fn find_by_key(
        &self,
        provider: &Provider,
        key: (&Name, &str),
        search: &Search,
        until: Until,
    ) -> Result<Found, WriteError> {
        let path = path_of(key.0)?;
        let found = self.holders(provider, &path, key.1, until).await?;
        let known = found.iter().map(|resource| known(resource, &search.attributes));
        let mut known = known.collect::<Result<Vec<_>, _>>()?;
        match known.len() {
            0 => Ok(Found::Nobody),
            1 => Ok(Found::One(known.remove(0))),
            _ => Ok(Found::Several(known.into_iter().map(|known| known.object).collect())),
        }
    }

    /// One user; `None` where there is none.
    pub(super) async fn read(
        &self,
        provider: &Provider,
        object: &ObjectId,
        until: Until,
    ) -> Result<Option<Read>, WriteError> {
        let url = address::resource(&provider.users, object.as_str())?;
        let answer = self.line.call(&Call::get(url), until).await?;
        match (answer.status, answer.body) {
            (200, Json::Object(resource)) => Ok(Some(Read { resource, etag: answer.etag })),
            (200, _) => Err(later(None, "the service answers something that is no user".to_owned())),
            (404 | 410, _) => Ok(None),
            // Entra's own SCIM service says so of an identifier it does not know.
            (400, _) if !self.is_listed(provider, object, until).await? => Ok(None),
            (status, body) => Err(refusal_without_object(&Answer { status, body, ..answer }, false)),
        }
    }

    /// Whether a user of this identifier is there; where that cannot be told, there may be.
    pub(super) async fn is_there(&self, provider: &Provider, object: &ObjectId, until: Until) -> bool {
        !matches!(self.read(provider, object, until).await, Ok(None))
    }

    async fn is_listed(&self, provider: &Provider, object: &ObjectId, until: Until) -> Result<bool, WriteError> {
        if !provider.filter {
            return Ok(true);
        }
        let is_it = |resource: &Resource| id_of(resource) == Some(object.as_str());
        let filter = address::filter(&Path::simple("id"), object.as_str());
        match self.list(provider, &provider.users, Some(&filter), &is_it, until).await {
            Ok(found) => Ok(!found.is_empty()),
            // It does not filter by identifiers; then the refusal stands as it is.
            Err(WriteError::Refused { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Who holds `value` at `path`.
    async fn holders(
        &self,
        provider: &Provider,
        path: &Path,
        value: &str,
        until: Until,
    ) -> Result<Vec<Resource>, WriteError> {
        if provider.filter {
            let filter = address::filter(path, value);
            // Looked at again, because there are services that pass over a filter and answer everybody.
            let keep = |resource: &Resource| holds(resource, path, value).unwrap_or(true);
            match self.list(provider, &provider.users, Some(&filter), &keep, until).await {
                // It filters, but not by this: then everybody is looked through.
                Err(WriteError::Refused { code, .. }) if code == "invalidFilter" || code == "not_implemented" => {}
                answered => return answered,
            }
        }
        let keep = |resource: &Resource| holds(resource, path, value).unwrap_or(false);
        self.list(provider, &provider.users, None, &keep, until).await
    }

    /// The resources of a list that `keep` keeps; no more than [`KEPT_MAX`].
    pub(super) async fn list(
        &self,
        provider: &Provider,
        endpoint: &str,
        filter: Option<&str>,
        keep: &(dyn Fn(&Resource) -> bool + Sync),
        until: Until,
    ) -> Result<Vec<Resource>, WriteError> {
        let mut kept: Vec<Resource> = Vec::new();
        let mut start = 1;
        for _ in 0..PAGES_MAX {
            let (total, page) = self.page(provider, endpoint, filter, start, until).await?;
            start += page.len() as u64;
            let is_last = page.is_empty() || start > total;
            // A service that passes over `startIndex` answers the same page again.
            let is_new = |kept: &[Resource], one: &Resource| kept.iter().all(|held| id_of(held) != id_of(one));
            for resource in page.into_iter().filter(|resource| keep(resource)) {
                if is_new(&kept, &resource) {
                    kept.push(resource);
                }
            }
            if is_last || kept.len() >= KEPT_MAX {
                return Ok(kept);
            }
        }
        let most = PAGES_MAX * provider.page;
        let why = format!(
            "the service does not filter its list, and has more than {most} entries in it; nobody can be recognised there"
        );
        Err(refused("cannot_look", why))
    }

    async fn page(
        &self,
        provider: &Provider,
        endpoint: &str,
        filter: Option<&str>,
        start: u64,
        until: Until,
    ) -> Result<(u64, Vec<Resource>), WriteError> {
        let (start, count) = (start.to_string(), provider.page.to_string());
        let mut query: Vec<(&str, &str)> = Vec::new();
        query.extend(filter.map(|filter| ("filter", filter)));
        // A first page is asked for plainly: that is all the simplest services understand of a filter.
        if filter.is_none() || start != "1" {
            query.extend([("startIndex", start.as_str()), ("count", count.as_str())]);
        }
        // Groups may have more members than anybody wants to read.
        query.extend((Some(endpoint) == provider.groups.as_deref()).then_some(("excludedAttributes", "members")));
        let url = if query.is_empty() { endpoint.to_owned() } else { address::with_query(endpoint, &query) };
        let answer = self.line.call(&Call::get(url), until).await?;
        if answer.status != 200 {
            return Err(refusal_without_object(&answer, false));
        }
        let total = answer.body.as_object().and_then(|body| member(body, "totalResults")).and_then(Json::as_u64);
        let page = resources(answer.body);
        Ok((total.unwrap_or(page.len() as u64), page))
    }

    /// The attribute of `set` whose value somebody else holds, and who: found out, because services seldom say.
    pub(super) async fn taken(
        &self,
        provider: &Provider,
        set: &Attributes,
        whose: Option<&ObjectId>,
        until: Until,
    ) -> Option<(Name, Option<ObjectId>)> {
        let text =
            |(name, value): (&Name, &Value)| Some((name.clone(), path_of(name).ok()?, value.as_text()?.to_owned()));
        let given: Vec<(Name, Path, String)> = set.iter().filter_map(text).collect();
        for (name, path, value) in unique_among(provider, &given) {
            let holders = self.holders(provider, path, value, until).await.unwrap_or_default();
            let is_other = |held: &Resource| whose.is_none_or(|own| id_of(held) != Some(own.as_str()));
            if let Some(other) = holders.iter().find(|held| is_other(held)) {
                return Some((name.clone(), id_of(other).map(ObjectId::new)));
            }
        }
        // Held by somebody we may not see. Of all attributes, the name is the one that every service keeps unique.
        given.into_iter().map(|(name, ..)| name).find(|name| *name == *"userName").map(|name| (name, None))
    }
}
