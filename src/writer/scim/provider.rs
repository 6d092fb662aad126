//! What a SCIM service says it can do (RFC 7644 §4), read leniently: what is missing or wrong in it is taken to be as
//! the RFC would have it, and never costs more than itself (`facts/users_ask.md` 18).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::OnceCell;
use url::Url;

use super::address;
use super::call::{Answer, Call, Line};
use super::refusal::refusal_without_object;
use super::resource::Resource;
use crate::clock::Clock;
use crate::model::{Name, Path, Timestamp};
use crate::scim::parse_path;
use crate::scim::schema::{CORE_USER, ENTERPRISE_USER};
use crate::writer::WriteError;
use crate::writer::until::Until;

/// How long it is believed. Services change what they can do with a release, not within a day.
const LIFETIME: Duration = Duration::from_secs(3600);

/// How long what could not be read whole is believed: the service may have been starting.
const LIFETIME_PARTIAL: Duration = Duration::from_secs(300);

/// Users asked for at once. The RFC sets no limit; many services stop at a hundred.
const PAGE_MAX: u64 = 100;

/// Groups whose identifiers are remembered. A job names a few dozen.
const GROUPS_MAX: usize = 1_000;

/// Attributes of a schema that are looked through. The core user has twenty-two.
const ATTRIBUTES_MAX: usize = 1_000;

/// What the RFC calls unique of itself (RFC 7643 §4.1, §3.1), where the service does not say.
const UNIQUE: [&str; 2] = ["userName", "externalId"];

/// A service's abilities, and what was learned of it since they were read.
#[derive(Debug)]
pub(super) struct Provider {
    /// Whether it filters lists.
    pub(super) filter: bool,
    /// Users asked for at once.
    pub(super) page: u64,
    /// Whether it gives its resources versions, and heeds `If-Match`.
    pub(super) etag: bool,
    /// Where its users are.
    pub(super) users: String,
    /// Where its groups are; `None` where it has none.
    pub(super) groups: Option<String>,
    /// Attributes of a user that no two may share, the likeliest first.
    pub(super) unique: Vec<Path>,
    /// Whether a filter on the members of a group tells the truth; asked when it first matters.
    pub(super) tells_members: OnceCell<bool>,
    patch: AtomicBool,
    group_ids: Mutex<BTreeMap<String, String>>,
}

impl Provider {
    /// Whether it takes a PATCH, as far as is known.
    pub(super) fn patches(&self) -> bool {
        self.patch.load(Ordering::Relaxed)
    }

    /// It said it does, and does not.
    pub(super) fn does_not_patch(&self) {
        tracing::warn!(
            users = self.users,
            "the SCIM service refuses PATCH; users are read and written whole from now on"
        );
        self.patch.store(false, Ordering::Relaxed);
    }

    pub(super) fn group_id(&self, name: &str) -> Option<String> {
        self.group_ids().get(name).cloned()
    }

    pub(super) fn remember_group(&self, name: &str, id: &str) {
        let mut ids = self.group_ids();
        if ids.len() >= GROUPS_MAX {
            ids.clear();
        }
        ids.insert(name.to_owned(), id.to_owned());
    }

    pub(super) fn forget_group(&self, name: &str) {
        self.group_ids().remove(name);
    }

    fn group_ids(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.group_ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stands in the three documents; each may be anything, or missing.
    fn read(base: &Url, config: Option<&Json>, types: Option<&Json>, schemas: Option<&Json>) -> Self {
        let config = config.unwrap_or(&Json::Null);
        let supports = |what: &str| config.get(what).and_then(|part| truth(part.get("supported")?));
        let most = config.get("filter").and_then(|filter| filter.get("maxResults")).and_then(Json::as_u64);
        let types = types.map(list).filter(|types| !types.is_empty());
        let endpoint = |name: &str, usual: &str| match &types {
            None => Some(address::endpoint(base, usual)),
            Some(types) => {
                resource_type(types, name).map(|endpoint| address::endpoint(base, endpoint.unwrap_or(usual)))
            }
        };
        Self {
            patch: AtomicBool::new(supports("patch").unwrap_or(true)),
            filter: supports("filter").unwrap_or(true),
            page: most.filter(|most| *most > 0).unwrap_or(PAGE_MAX).min(PAGE_MAX),
            etag: supports("etag").unwrap_or(false),
            users: endpoint("User", "/Users").unwrap_or_else(|| address::endpoint(base, "/Users")),
            groups: endpoint("Group", "/Groups"),
            unique: unique(schemas),
            tells_members: OnceCell::new(),
            group_ids: Mutex::default(),
        }
    }
}

/// Where resources of this name are, where the service has any: its own word, if that can be one.
fn resource_type<'a>(types: &[&'a Json], name: &str) -> Option<Option<&'a str>> {
    let text = |json: &'a Json, member: &str| json.get(member).and_then(Json::as_str);
    let found = types.iter().find(|held| {
        [text(held, "name"), text(held, "id")].into_iter().flatten().any(|held| held.eq_ignore_ascii_case(name))
    })?;
    let is_path =
        |endpoint: &&str| endpoint.starts_with('/') && !endpoint.contains("..") && !endpoint.contains(['?', '#']);
    Some(text(found, "endpoint").filter(is_path))
}

fn unique(schemas: Option<&Json>) -> Vec<Path> {
    let mut unique: Vec<Path> = UNIQUE.into_iter().map(Path::simple).collect();
    for schema in schemas.map(list).unwrap_or_default() {
        let Some(urn) = schema.get("id").and_then(Json::as_str) else { continue };
        let is_of_users = urn.eq_ignore_ascii_case(CORE_USER) || urn.eq_ignore_ascii_case(ENTERPRISE_USER);
        let attributes = schema.get("attributes").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        for attribute in attributes.iter().take(ATTRIBUTES_MAX).filter(|_| is_of_users) {
            let is_unique = attribute.get("uniqueness").and_then(Json::as_str).is_some_and(|word| word != "none");
            let name = attribute.get("name").and_then(Json::as_str).filter(|name| is_unique && *name != "id");
            let path = name.and_then(|name| parse_path(&format!("{urn}:{name}")).ok());
            unique.extend(path.filter(|path| !unique.contains(path)));
        }
    }
    unique
}

/// The resources of a list, whether it stands in a list response or alone.
fn list(json: &Json) -> Vec<&Json> {
    let resources = json.get("Resources").unwrap_or(json);
    resources.as_array().map(|resources| resources.iter().collect()).unwrap_or_default()
}

fn truth(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(truth) => Some(*truth),
        Json::String(word) => word.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// What is known of a service, read anew when it has grown old.
pub(super) struct Discovery {
    clock: Arc<dyn Clock>,
    held: tokio::sync::Mutex<Option<(Timestamp, Arc<Provider>)>>,
}

impl Discovery {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, held: tokio::sync::Mutex::new(None) }
    }

    /// What the service can do; asked once, however many want to know.
    pub(super) async fn provider(&self, base: &Url, line: &Line, until: Until) -> Result<Arc<Provider>, WriteError> {
        let mut held = self.held.lock().await;
        if let Some((ends, provider)) = &*held
            && self.clock.now() < *ends
        {
            return Ok(Arc::clone(provider));
        }
        let config = ask(base, line, "/ServiceProviderConfig", until).await?;
        let types = ask(base, line, "/ResourceTypes", until).await?;
        let schemas = ask(base, line, "/Schemas", until).await?;
        let is_whole = [&config, &types, &schemas].into_iter().all(Option::is_some);
        let provider = Arc::new(Provider::read(base, config.as_ref(), types.as_ref(), schemas.as_ref()));
        let lifetime = if is_whole { LIFETIME } else { LIFETIME_PARTIAL };
        *held = Some((self.clock.now().plus(lifetime), Arc::clone(&provider)));
        tracing::info!(
            patch = provider.patches(),
            filter = provider.filter,
            etag = provider.etag,
            whole = is_whole,
            "what the SCIM service can do"
        );
        Ok(provider)
    }
}

/// One of the documents; `None` where the service has none that can be read.
async fn ask(base: &Url, line: &Line, document: &str, until: Until) -> Result<Option<Json>, WriteError> {
    let answer: Answer = line.call(&Call::get(address::endpoint(base, document)), until).await?;
    match answer.status {
        200 if answer.body.is_object() || answer.body.is_array() => Ok(Some(answer.body)),
        401 | 408 | 429 | 503 => Err(refusal_without_object(&answer, false)),
        status => {
            tracing::warn!(
                document,
                status,
                "the SCIM service does not tell what it can do; taken to be as the RFC has it"
            );
            Ok(None)
        }
    }
}

/// The names the core has for what is unique, with what a change gives them.
pub(super) fn unique_among<'a>(
    provider: &'a Provider,
    given: &'a [(Name, Path, String)],
) -> impl Iterator<Item = &'a (Name, Path, String)> {
    provider.unique.iter().filter_map(|path| given.iter().find(|(_, held, _)| held == path))
}

/// The resources of a list response that are objects.
pub(super) fn resources(body: Json) -> Vec<Resource> {
    let list = match body {
        Json::Object(mut members) => {
            let held = members.keys().find(|name| name.eq_ignore_ascii_case("Resources")).cloned();
            held.and_then(|name| members.remove(&name)).unwrap_or_default()
        }
        other => other,
    };
    let Json::Array(list) = list else { return Vec::new() };
    let object = |json| match json {
        Json::Object(resource) => Some(resource),
        _ => None,
    };
    list.into_iter().filter_map(object).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(config: Json, types: Json, schemas: Json) -> Provider {
        let base = Url::parse("https://app.example/scim").unwrap();
        Provider::read(&base, Some(&config), Some(&types), Some(&schemas))
    }

    #[test]
    fn what_is_missing_in_a_configuration_costs_nothing_but_itself() {
        let bulk_without_numbers =
            json!({ "bulk": { "supported": false }, "filter": {}, "etag": { "supported": true } });
        let provider = read(bulk_without_numbers, json!({}), json!({}));
        assert!(provider.patches() && provider.filter && provider.etag);
        assert_eq!(provider.page, PAGE_MAX);
        for nonsense in [json!(null), json!([]), json!({ "patch": 7, "filter": "yes", "etag": { "supported": null } })]
        {
            let provider = read(nonsense.clone(), nonsense.clone(), nonsense);
            assert!(provider.patches() && provider.filter && !provider.etag);
            assert_eq!(provider.groups.as_deref(), Some("https://app.example/scim/Groups"));
        }
    }

    #[test]
    fn what_is_said_is_believed() {
        let config = json!({ "patch": { "supported": "False" }, "filter": { "supported": false, "maxResults": 20 } });
        let types = json!([{ "name": "user", "endpoint": "/People" }]);
        let schemas = json!({ "Resources": [
            { "id": CORE_USER, "attributes": [
                { "name": "displayName", "uniqueness": "global" }, { "name": "title", "uniqueness": "none" }] },
            { "id": "urn:x:Group", "attributes": [{ "name": "displayName", "uniqueness": "server" }] },
        ] });
        let provider = read(config, types, schemas);
        assert!(!provider.patches() && !provider.filter);
        assert_eq!(provider.page, 20);
        assert_eq!(provider.users, "https://app.example/scim/People");
        assert_eq!(provider.groups, None);
        let unique: Vec<String> = provider.unique.iter().map(Path::to_string).collect();
        assert_eq!(unique, ["userName", "externalId", "displayName"]);
    }

    #[test]
    fn an_endpoint_that_leads_elsewhere_is_not_followed() {
        for endpoint in ["https://evil.example/Users", "/../Users", "/Users?x", ""] {
            let provider = read(json!({}), json!({ "Resources": [{ "id": "User", "endpoint": endpoint }] }), json!({}));
            assert_eq!(provider.users, "https://app.example/scim/Users");
        }
    }
}
