//! A practice tenant: what a request to Graph does to it, and what it answers. No HTTP, no waiting.

use serde_json::{Map, Value as Json, json};

use super::answer::{Fault, Reply};
use super::directory::{Directory, Stored};
use super::property::{self, PROPERTIES};
use super::view;
use crate::model::Timestamp;

/// A request, read as far as every kind of request needs.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// The path behind the version, decoded: `users`, `{id}`.
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    /// Whether `ConsistencyLevel: eventual` was sent.
    pub(super) eventual: bool,
    /// The body, where it was JSON by its content type.
    pub(super) body: Option<&'a [u8]>,
    /// The address with its version, as the caller wrote it: `http://127.0.0.1:8080/v1.0`.
    pub(super) base: String,
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    /// The body as a JSON object.
    pub(super) fn object(&self) -> Result<Map<String, Json>, Fault> {
        self.body.and_then(|body| serde_json::from_slice(body).ok()).ok_or_else(Fault::payload)
    }
}

/// The tenant.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) id: String,
    /// Verified domains; the first is the one users are made in by default.
    pub(super) domains: Vec<String>,
    pub(super) directory: Directory,
}

impl Tenant {
    /// Does what was asked.
    pub(super) fn answer(&mut self, asked: &Asked<'_>) -> Result<Reply, Fault> {
        self.directory.empty_bin(asked.now);
        let segments: Vec<&str> = asked.segments.iter().map(String::as_str).collect();
        match (segments.as_slice(), asked.method) {
            (["users"], "GET") => view::list(asked, &self.directory),
            (["users"], "POST") => self.create(asked),
            (["users", name], "GET") => view::one(asked, self.user(name)?),
            (["users", name], "PATCH") => self.update(asked, name),
            (["users", name], "DELETE") => self.delete(asked, name),
            (["users", name, "manager"], "GET") => view::one(asked, self.manager(name)?),
            (["users", name, "manager", "$ref"], "GET") => {
                Ok(Reply::with(200, json!({ "@odata.id": format!("{}/users/{}", asked.base, self.manager(name)?.id) })))
            }
            (["users", name, "manager", "$ref"], "PUT") => self.put_manager(asked, name),
            (["users", name, "manager", "$ref"], "DELETE") => self.clear_manager(name),
            (["directory", "deletedItems", "microsoft.graph.user" | "graph.user"], "GET") => {
                view::bin(asked, &self.directory)
            }
            (["directory", "deletedItems", id], "GET") => view::one(asked, self.binned(id)?),
            // Users are purged by people, never by applications (`facts/graph_users.md` §2.1).
            (["directory", "deletedItems", id], "DELETE") => self.binned(id).and(Err(Fault::denied())),
            (["directory", "deletedItems", id, "restore"], "POST") => self.restore(asked, id),
            (["organization"], "GET") => Ok(self.organization(asked)),
            (segments, _) => Err(no_such_request(segments)),
        }
    }

    /// Puts a user there as if it had always been: with properties that no request may write.
    pub(super) fn seed(&mut self, given: &Map<String, Json>, now: Timestamp) -> Result<String, Fault> {
        let mut user = self.blank(now);
        user.properties.insert("accountEnabled".to_owned(), json!(true));
        for (name, value) in given {
            let property = property::find(name).ok_or_else(|| Fault::unknown_property(name))?;
            let value = property::take(property, value, user.properties.get(property.name))?;
            user.properties.insert(property.name.to_owned(), value);
        }
        if let Some(id) = user.properties.get("id").and_then(Json::as_str) {
            user.id = id.to_ascii_lowercase();
        }
        if !is_guid(&user.id) {
            return Err(Fault::bad_identifier(&user.id));
        }
        if user.properties.get("userPrincipalName") == Some(&Json::Null) {
            return Err(Fault::required("userPrincipalName"));
        }
        self.check_domain(&user.properties)?;
        self.check_unique(&user.id, &user.properties)?;
        follow_mail(&mut user.properties);
        let id = user.id.clone();
        self.directory.put(user);
        Ok(id)
    }

    fn create(&mut self, asked: &Asked<'_>) -> Result<Reply, Fault> {
        let body = asked.object()?;
        let mut user = self.blank(asked.now);
        let said = take_all(&body, &user)?;
        for name in ["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"] {
            if !said.contains_key(name) {
                return Err(Fault::required(name));
            }
        }
        self.check_domain(&said)?;
        self.check_unique(&user.id, &said)?;
        user.properties.extend(said);
        follow_mail(&mut user.properties);
        let location = format!("{}/users/{}", asked.base, user.id);
        let body = view::entity(asked, &user, None);
        self.directory.put(user);
        Ok(Reply { status: 201, body: Some(body), location: Some(location) })
    }

    fn update(&mut self, asked: &Asked<'_>, name: &str) -> Result<Reply, Fault> {
        let body = asked.object()?;
        let user = self.user(name)?;
        let said = take_all(&body, user)?;
        let is_owned = |name: &String| !property::find(name).is_some_and(|property| property.cloud);
        if is_synced(user) && said.keys().any(is_owned) {
            return Err(Fault::synced());
        }
        self.check_domain(&said)?;
        self.check_unique(&user.id, &said)?;
        let id = user.id.clone();
        self.directory.change(&id, |user| {
            user.properties.extend(said);
            follow_mail(&mut user.properties);
        });
        Ok(Reply::empty())
    }

    fn delete(&mut self, asked: &Asked<'_>, name: &str) -> Result<Reply, Fault> {
        let user = self.user(name)?;
        if is_synced(user) {
            return Err(Fault::synced());
        }
        let id = user.id.clone();
        self.directory.bin(&id, asked.now);
        Ok(Reply::empty())
    }

    fn restore(&mut self, asked: &Asked<'_>, id: &str) -> Result<Reply, Fault> {
        let body = match asked.body {
            None | Some([]) => Map::new(),
            Some(_) => asked.object()?,
        };
        self.binned(id)?;
        let Some(mut user) = self.directory.unbin(&id.to_ascii_lowercase()) else { return Err(Fault::not_found(id)) };
        let at = asked.now;
        match self.rename(&mut user, &body) {
            Ok(()) => {
                let reply = Reply::with(200, view::entity(asked, &user, None));
                self.directory.put(user);
                Ok(reply)
            }
            Err(fault) => {
                let id = user.id.clone();
                self.directory.put(user);
                self.directory.bin(&id, at);
                Err(fault)
            }
        }
    }

    /// Gives a user that comes back the new name it was asked to have, and looks whether its values are still free.
    fn rename(&self, user: &mut Stored, body: &Map<String, Json>) -> Result<(), Fault> {
        if let Some(name) = body.get("newUserPrincipalName").filter(|name| !name.is_null()) {
            let said = Map::from_iter([("userPrincipalName".to_owned(), name.clone())]);
            let said = take_all(&said, user)?;
            self.check_domain(&said)?;
            user.properties.extend(said);
        }
        self.check_unique(&user.id, &user.properties)
    }

    fn put_manager(&mut self, asked: &Asked<'_>, name: &str) -> Result<Reply, Fault> {
        let body = asked.object()?;
        let reference = body.get("@odata.id").and_then(Json::as_str);
        let reference = reference.ok_or_else(|| Fault::bad_request("Entity reference link is missing."))?;
        let mut parts = reference.rsplit('/');
        let (manager, collection) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if !["users", "directoryObjects"].contains(&collection) {
            return Err(Fault::bad_request("Invalid entity reference link."));
        }
        let user = self.writable(name)?.id.clone();
        let manager = self.user(manager)?.id.clone();
        self.directory.change(&user, |user| user.manager = Some(manager));
        Ok(Reply::empty())
    }

    fn clear_manager(&mut self, name: &str) -> Result<Reply, Fault> {
        let user = self.writable(name)?.id.clone();
        self.manager(name)?;
        self.directory.change(&user, |user| user.manager = None);
        Ok(Reply::empty())
    }

    fn user(&self, name: &str) -> Result<&Stored, Fault> {
        if !is_guid(name) && !name.contains('@') {
            return Err(Fault::bad_identifier(name));
        }
        self.directory.named(name).ok_or_else(|| Fault::not_found(name))
    }

    fn writable(&self, name: &str) -> Result<&Stored, Fault> {
        self.user(name).and_then(|user| if is_synced(user) { Err(Fault::synced()) } else { Ok(user) })
    }

    /// A deleted manager is not shown (`facts/graph_users.md` §11).
    fn manager(&self, name: &str) -> Result<&Stored, Fault> {
        let user = self.user(name)?;
        let manager = user.manager.as_ref().and_then(|id| self.directory.get(id));
        manager.ok_or_else(|| Fault::not_found("manager"))
    }

    fn binned(&self, id: &str) -> Result<&Stored, Fault> {
        if !is_guid(id) {
            return Err(Fault::bad_identifier(id));
        }
        self.directory.binned(id).ok_or_else(|| Fault::not_found(id))
    }

    fn blank(&mut self, now: Timestamp) -> Stored {
        let number = self.directory.next_number();
        let id = super::guid(&self.id, "user", number);
        let mut properties: Map<String, Json> =
            PROPERTIES.iter().map(|property| (property.name.to_owned(), property::unsaid(property))).collect();
        properties.insert("id".to_owned(), json!(id));
        properties.insert("createdDateTime".to_owned(), json!(super::moment(now)));
        properties.insert("userType".to_owned(), json!("Member"));
        Stored { number, id, properties, manager: None }
    }

    fn check_domain(&self, said: &Map<String, Json>) -> Result<(), Fault> {
        let Some(name) = said.get("userPrincipalName").and_then(Json::as_str) else { return Ok(()) };
        let domain = name.split_once('@').map(|(_, domain)| domain).unwrap_or_default();
        let is_verified = self.domains.iter().any(|verified| verified.eq_ignore_ascii_case(domain));
        if is_verified { Ok(()) } else { Err(Fault::unverified_domain()) }
    }

    /// Entra keeps names, addresses and immutable ids unique; it does not look at `employeeId`.
    fn check_unique(&self, id: &str, said: &Map<String, Json>) -> Result<(), Fault> {
        for (name, shown) in [
            ("userPrincipalName", "userPrincipalName"),
            ("mail", "proxyAddresses"),
            ("onPremisesImmutableId", "onPremisesImmutableId"),
        ] {
            let holder = said.get(name).and_then(Json::as_str).and_then(|text| self.directory.holder(name, text));
            if let Some(other) = holder.filter(|other| other.id != id) {
                return Err(Fault::conflict(shown, &other.id));
            }
        }
        Ok(())
    }

    fn organization(&self, asked: &Asked<'_>) -> Reply {
        let domain = |(at, name): (usize, &String)| json!({ "name": name, "isDefault": at == 0, "isInitial": at == 0 });
        let domains: Vec<Json> = self.domains.iter().enumerate().map(domain).collect();
        let organization = json!({ "id": self.id, "displayName": "Practice tenant", "verifiedDomains": domains });
        let context = format!("{}/$metadata#organization", asked.base);
        Reply::with(200, json!({ "@odata.context": context, "value": [organization] }))
    }
}

/// Whether anything can be asked at such a path decides between a wrong method and a wrong path.
fn no_such_request(segments: &[&str]) -> Fault {
    match segments {
        ["users"] | ["users", _] | ["users", _, "manager"] | ["users", _, "manager", "$ref"] | ["organization"] => {
            Fault::method()
        }
        ["directory", "deletedItems", _] | ["directory", "deletedItems", _, "restore"] => Fault::method(),
        ["directory", "deletedItems"] => Fault::bad_request("Resource collection must be cast to a type."),
        ["users", _, "manager", rest, ..] | ["users", _, rest, ..] => Fault::segment(rest),
        ["directory", rest, ..] => Fault::segment(rest),
        [first, ..] => Fault::segment(first),
        [] => Fault::segment(""),
    }
}

/// Every property a body speaks of, under its own name, its value checked. All of it, or nothing.
fn take_all(body: &Map<String, Json>, user: &Stored) -> Result<Map<String, Json>, Fault> {
    let mut taken = Map::new();
    for (given, value) in body.iter().filter(|(given, _)| !given.starts_with("@odata.")) {
        let property = property::find(given).ok_or_else(|| Fault::unknown_property(given))?;
        if property.read_only {
            return Err(Fault::read_only(property.name));
        }
        let value = property::take(property, value, user.properties.get(property.name))?;
        taken.insert(property.name.to_owned(), value);
    }
    Ok(taken)
}

/// The address stands among the proxy addresses, too.
fn follow_mail(properties: &mut Map<String, Json>) {
    if let Some(mail) = properties.get("mail").and_then(Json::as_str) {
        let addresses = json!([format!("SMTP:{mail}")]);
        properties.insert("proxyAddresses".to_owned(), addresses);
    }
}

fn is_synced(user: &Stored) -> bool {
    user.properties.get("onPremisesSyncEnabled") == Some(&Json::Bool(true))
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}
