//! A practice tenant: what a request to Graph does to it, and what it answers. No HTTP, no waiting.

use serde_json::{Map, Value as Json, json};

use super::answer::{Refusal, Reply};
use super::asked::Asked;
use super::directory::{Directory, name_before};
use super::groups::Groups;
use super::keep::Entry;
use super::property;
use super::user::{Properties, Said, Stored};
use super::view;
use crate::model::Timestamp;

/// What Entra keeps unique, and the property it names when somebody else has it; it does not look at `employeeId`.
const UNIQUE: [(&str, &str); 3] = [
    ("userPrincipalName", "userPrincipalName"),
    ("mail", "proxyAddresses"),
    ("onPremisesImmutableId", "onPremisesImmutableId"),
];

/// The tenant.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) id: String,
    /// Verified domains; the first is the one users are made in by default.
    pub(super) domains: Vec<String>,
    pub(super) directory: Directory,
    pub(super) groups: Groups,
    /// What has changed since somebody last looked, where it is kept.
    pub(super) changes: Option<Vec<Entry>>,
}

impl Tenant {
    /// Does what was asked.
    pub(super) fn answer(&mut self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        self.directory.tick(asked.now);
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
            (["directory", "deletedItems", id], "DELETE") => self.binned(id).and(Err(Refusal::denied())),
            (["directory", "deletedItems", id, "restore"], "POST") => self.restore(asked, id),
            (["organization"], "GET") => Ok(self.organization(asked)),
            (["groups", ..], _) | (["users", _, "memberOf"], "GET") => self.answer_on_groups(asked, &segments),
            (segments, _) => Err(no_such_request(segments)),
        }
    }

    /// Notes a change, where what changes is kept.
    pub(super) fn changed(&mut self, entry: Entry) {
        if let Some(changes) = &mut self.changes {
            changes.push(entry);
        }
    }

    /// Puts a user there as if it had always been: with properties that no request may write.
    pub(super) fn seed(&mut self, given: &Map<String, Json>, now: Timestamp) -> Result<String, Refusal> {
        let mut user = self.blank(now);
        user.properties.put("accountEnabled", json!(true));
        for (name, value) in given {
            let property = property::find(name).ok_or_else(|| Refusal::unknown_property(name))?;
            let value = property::take(property, value, user.properties.get(property.name))?;
            user.properties.set(property, value);
        }
        if let Some(id) = user.properties.text("id") {
            user.id = id.to_ascii_lowercase();
        }
        if !is_guid(&user.id) {
            return Err(Refusal::bad_identifier(&user.id));
        }
        let name = user.properties.text("userPrincipalName");
        let name = name.ok_or_else(|| Refusal::required("userPrincipalName"))?;
        self.check_domain(name)?;
        for (name, shown) in UNIQUE {
            self.check_free(name, shown, user.properties.text(name), &user.id)?;
        }
        follow_mail(&mut user.properties);
        let (id, number) = (user.id.clone(), user.number);
        self.directory.put(user);
        self.changed(Entry::User(number));
        Ok(id)
    }

    fn create(&mut self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        let body = asked.object()?;
        let mut user = self.blank(asked.now);
        let said = take_all(&body, &user)?;
        for name in ["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"] {
            if !said.iter().any(|(property, _)| property.name == name) {
                return Err(Refusal::required(name));
            }
        }
        self.check_said(&user.id, &said)?;
        for (property, value) in said {
            user.properties.set(property, value);
        }
        follow_mail(&mut user.properties);
        let location = format!("{}/users/{}", asked.base, user.id);
        let body = view::entity(asked, &user, None);
        let number = user.number;
        self.directory.put(user);
        self.changed(Entry::User(number));
        if let Some(lag) = asked.lag {
            self.directory.hide(number, asked.now.plus(lag));
        }
        Ok(Reply { status: 201, body: Some(body), location: Some(location) })
    }

    fn update(&mut self, asked: &Asked<'_>, name: &str) -> Result<Reply, Refusal> {
        let body = asked.object()?;
        let user = self.user(name)?;
        let mut said = take_all(&body, user)?;
        if is_synced(user) && said.iter().any(|(property, _)| !property.cloud) {
            return Err(Refusal::synced());
        }
        self.check_said(&user.id, &said)?;
        let number = user.number;
        said.extend(addresses(&said));
        self.directory.update(number, said);
        self.changed(Entry::User(number));
        Ok(Reply::empty())
    }

    fn delete(&mut self, asked: &Asked<'_>, name: &str) -> Result<Reply, Refusal> {
        let user = self.user(name)?;
        if is_synced(user) {
            return Err(Refusal::synced());
        }
        let number = user.number;
        self.directory.bin(number, asked.now);
        self.changed(Entry::User(number));
        Ok(Reply::empty())
    }

    /// Brings a user back under the name it had, or under the one it is given now.
    fn restore(&mut self, asked: &Asked<'_>, id: &str) -> Result<Reply, Refusal> {
        let body = asked.object_if_any()?;
        let binned = self.binned(id)?;
        let new_name = body.get("newUserPrincipalName").filter(|name| !name.is_null());
        let name = match new_name {
            Some(name) => {
                let said = Map::from_iter([("userPrincipalName".to_owned(), name.clone())]);
                let said = take_all(&said, binned)?;
                said.into_iter().find_map(|(_, name)| name.as_str().map(str::to_owned)).unwrap_or_default()
            }
            None => name_before(binned),
        };
        self.check_domain(&name)?;
        for (property, shown) in UNIQUE {
            let is_name = property == "userPrincipalName";
            let text = if is_name { Some(name.as_str()) } else { binned.properties.text(property) };
            self.check_free(property, shown, text, &binned.id)?;
        }
        let number = binned.number;
        let Some(mut user) = self.directory.take_from_bin(number) else { return Err(Refusal::not_found(id)) };
        user.properties.put("userPrincipalName", json!(name));
        user.properties.put("deletedDateTime", Json::Null);
        let reply = Reply::with(200, view::entity(asked, &user, None));
        self.directory.put(user);
        self.changed(Entry::User(number));
        Ok(reply)
    }

    fn put_manager(&mut self, asked: &Asked<'_>, name: &str) -> Result<Reply, Refusal> {
        let body = asked.object()?;
        let manager = reference(body.get("@odata.id"))?;
        let number = self.writable(name)?.number;
        let manager = self.user(&manager)?.id.clone();
        self.directory.set_manager(number, Some(manager));
        self.changed(Entry::User(number));
        Ok(Reply::empty())
    }

    fn clear_manager(&mut self, name: &str) -> Result<Reply, Refusal> {
        let number = self.writable(name)?.number;
        self.manager(name)?;
        self.directory.set_manager(number, None);
        self.changed(Entry::User(number));
        Ok(Reply::empty())
    }

    pub(super) fn user(&self, name: &str) -> Result<&Stored, Refusal> {
        if !is_guid(name) && !name.contains('@') {
            return Err(Refusal::bad_identifier(name));
        }
        self.directory.named(name).ok_or_else(|| Refusal::not_found(name))
    }

    fn writable(&self, name: &str) -> Result<&Stored, Refusal> {
        self.user(name).and_then(|user| if is_synced(user) { Err(Refusal::synced()) } else { Ok(user) })
    }

    /// A deleted manager is not shown (`facts/graph_users.md` §11).
    fn manager(&self, name: &str) -> Result<&Stored, Refusal> {
        let user = self.user(name)?;
        let manager = user.manager.as_ref().and_then(|id| self.directory.get(id));
        manager.ok_or_else(|| Refusal::not_found("manager"))
    }

    fn binned(&self, id: &str) -> Result<&Stored, Refusal> {
        if !is_guid(id) {
            return Err(Refusal::bad_identifier(id));
        }
        self.directory.binned(id).ok_or_else(|| Refusal::not_found(id))
    }

    fn blank(&mut self, now: Timestamp) -> Stored {
        let number = self.directory.next_number();
        let id = super::guid(&self.id, "user", number);
        let mut properties = Properties::default();
        properties.put("id", json!(id));
        properties.put("createdDateTime", json!(super::moment(now)));
        properties.put("userType", json!("Member"));
        Stored { number, id, properties, manager: None }
    }

    fn check_said(&self, id: &str, said: &Said) -> Result<(), Refusal> {
        let text =
            |name: &str| said.iter().find(|(property, _)| property.name == name).and_then(|(_, value)| value.as_str());
        text("userPrincipalName").map_or(Ok(()), |name| self.check_domain(name))?;
        UNIQUE.iter().try_for_each(|(name, shown)| self.check_free(name, shown, text(name), id))
    }

    fn check_domain(&self, name: &str) -> Result<(), Refusal> {
        let domain = name.split_once('@').map(|(_, domain)| domain).unwrap_or_default();
        let is_verified = self.domains.iter().any(|verified| verified.eq_ignore_ascii_case(domain));
        if is_verified { Ok(()) } else { Err(Refusal::unverified_domain()) }
    }

    fn check_free(&self, name: &'static str, shown: &str, text: Option<&str>, id: &str) -> Result<(), Refusal> {
        let holder = text.and_then(|text| self.directory.holder(name, text));
        match holder.filter(|other| other.id != id) {
            Some(other) => Err(Refusal::conflict(shown, &other.id)),
            None => Ok(()),
        }
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
fn no_such_request(segments: &[&str]) -> Refusal {
    match segments {
        ["users"]
        | ["users", _]
        | ["users", _, "manager"]
        | ["users", _, "manager", "$ref"]
        | ["organization"]
        | ["$batch"] => Refusal::method(),
        ["directory", "deletedItems", _] | ["directory", "deletedItems", _, "restore"] => Refusal::method(),
        ["directory", "deletedItems"] => Refusal::bad_request("Resource collection must be cast to a type."),
        ["users", _, "manager", rest, ..] | ["users", _, rest, ..] => Refusal::segment(rest),
        ["directory", rest, ..] => Refusal::segment(rest),
        [first, ..] => Refusal::segment(first),
        [] => Refusal::segment(""),
    }
}

/// Every property a body speaks of, under its own name, its value checked. All of it, or nothing.
fn take_all(body: &Map<String, Json>, user: &Stored) -> Result<Said, Refusal> {
    let mut taken = Said::new();
    for (given, value) in body.iter().filter(|(given, _)| !given.starts_with("@odata.")) {
        let property = property::find(given).ok_or_else(|| Refusal::unknown_property(given))?;
        if property.read_only {
            return Err(Refusal::read_only(property.name));
        }
        let value = property::take(property, value, user.properties.get(property.name))?;
        taken.push((property, value));
    }
    Ok(taken)
}

/// The id or name at the end of a reference to a user (`facts/graph_users.md` §6).
pub(super) fn reference(given: Option<&Json>) -> Result<String, Refusal> {
    let reference = given.and_then(Json::as_str);
    let reference = reference.ok_or_else(|| Refusal::bad_request("Entity reference link is missing."))?;
    let mut parts = reference.rsplit('/');
    let (name, collection) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if !["users", "directoryObjects"].contains(&collection) {
        return Err(Refusal::bad_request("Invalid entity reference link."));
    }
    let name = percent_encoding::percent_decode_str(name).decode_utf8();
    name.map(std::borrow::Cow::into_owned).map_err(|_| Refusal::bad_request("Invalid entity reference link."))
}

/// The address stands among the proxy addresses, too.
fn follow_mail(properties: &mut Properties) {
    if let Some(mail) = properties.text("mail") {
        let addresses = json!([format!("SMTP:{mail}")]);
        properties.put("proxyAddresses", addresses);
    }
}

fn addresses(said: &Said) -> Option<(&'static property::Property, Json)> {
    let mail = said.iter().find(|(property, _)| property.name == "mail").and_then(|(_, value)| value.as_str())?;
    Some((property::find("proxyAddresses")?, json!([format!("SMTP:{mail}")])))
}

fn is_synced(user: &Stored) -> bool {
    user.properties.get("onPremisesSyncEnabled") == Some(&Json::Bool(true))
}

pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}
