//! Groups of a practice tenant and who is in them (`facts/graph_users.md` §13).
//!
//! A member is kept by number and shown while there: who is deleted is in no group, and is back in all of them when
//! restored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use super::answer::{Refusal, Reply};
use super::asked::Asked;
use super::filter::{Filter, Resource};
use super::keep::Entry;
use super::tenant::{Tenant, is_guid, reference};
use super::user::Stored;
use super::view;
use crate::model::Timestamp;

/// Most members that one PATCH adds.
const BIND_MAX: usize = 20;

/// Groups on a page where the caller does not say, and at most.
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 999;

/// Bounds of texts.
const DISPLAY_NAME_CHARS_MAX: usize = 256;
const MAIL_NICKNAME_CHARS_MAX: usize = 64;

/// What a mail nickname must not hold.
const NICKNAME_SIGNS: &str = "@()\\[]\";:.<>, ";

/// What groups may be filtered by.
pub(super) const FILTERED: [&str; 6] = ["id", "displayName", "mailNickname", "mail", "mailEnabled", "securityEnabled"];

/// What a group holds, and whether a request may say it.
const PROPERTIES: [(&str, bool); 12] = [
    ("id", false),
    ("createdDateTime", false),
    ("description", true),
    ("displayName", true),
    ("groupTypes", true),
    ("mail", false),
    ("mailEnabled", true),
    ("mailNickname", true),
    ("membershipRule", true),
    ("onPremisesSyncEnabled", false),
    ("securityEnabled", true),
    ("visibility", true),
];

/// A group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) properties: Map<String, Json>,
    pub(super) members: BTreeSet<u64>,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<u64, Group>,
    numbers: HashMap<String, u64>,
    made: u64,
}

impl Groups {
    fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn put(&mut self, group: Group) {
        self.made = self.made.max(group.number);
        self.numbers.insert(group.id.clone(), group.number);
        self.groups.insert(group.number, group);
    }

    pub(super) fn take(&mut self, number: u64) {
        if let Some(group) = self.groups.remove(&number) {
            self.numbers.remove(&group.id);
        }
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Group> {
        self.groups.get_mut(&number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// A group by id.
    pub(super) fn named(&self, id: &str) -> Option<&Group> {
        self.groups.get(self.numbers.get(&id.to_ascii_lowercase())?)
    }
}

impl Group {
    fn is(&self, property: &str) -> bool {
        self.properties.get(property) == Some(&Json::Bool(true))
    }

    fn is_dynamic(&self) -> bool {
        let kinds = self.properties.get("groupTypes").and_then(Json::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "DynamicMembership"))
    }

    fn shown(&self, asked: &Asked<'_>) -> Json {
        let select: Option<Vec<&str>> = asked.option("$select").map(|names| names.split(',').map(str::trim).collect());
        let is_shown = |name: &str| {
            select.as_ref().is_none_or(|select| select.iter().any(|selected| selected.eq_ignore_ascii_case(name)))
        };
        let shown = PROPERTIES.iter().filter(|(name, _)| is_shown(name));
        shown
            .map(|(name, _)| ((*name).to_owned(), self.properties.get(*name).cloned().unwrap_or(Json::Null)))
            .collect::<Map<_, _>>()
            .into()
    }
}

impl Tenant {
    /// What is asked of groups.
    pub(super) fn answer_on_groups(&mut self, asked: &Asked<'_>, segments: &[&str]) -> Result<Reply, Refusal> {
        match (segments, asked.method) {
            (["groups"], "GET") => self.list_groups(asked),
            (["groups"], "POST") => self.create_group(asked),
            (["groups", id], "GET") => {
                let mut entity = self.group(id)?.shown(asked);
                entity["@odata.context"] = json!(format!("{}/$metadata#groups/$entity", asked.base));
                Ok(Reply::with(200, entity))
            }
            (["groups", id], "PATCH") => self.update_group(asked, id),
            (["groups", id], "DELETE") => self.delete_group(id),
            (["groups", id, "members"] | ["groups", id, "members", "microsoft.graph.user" | "graph.user"], "GET") => {
                let group = self.group(id)?;
                view::members(asked, |after| self.members(group, after))
            }
            (["groups", id, "members", "$ref"], "POST") => self.add_member(asked, id),
            (["groups", id, "members", member, "$ref"], "DELETE") => self.remove_member(id, member),
            (["users", name, "memberOf"], "GET") => self.groups_of(asked, name),
            (["groups"] | ["groups", _] | ["groups", _, "members"] | ["groups", _, "members", .., "$ref"], _) => {
                Err(Refusal::method())
            }
            (segments, _) => Err(Refusal::segment(segments.get(2).unwrap_or(&"groups"))),
        }
    }

    /// Puts a group there as if it had always been: with properties that no request may write.
    pub(super) fn seed_group(&mut self, given: &Map<String, Json>, now: Timestamp) -> Result<String, Refusal> {
        let mut said = Map::new();
        for (name, value) in given {
            said.insert(known(name)?.0.to_owned(), value.clone());
        }
        for (name, usual) in [("mailEnabled", json!(false)), ("securityEnabled", json!(true))] {
            said.entry(name).or_insert(usual);
        }
        let nickname = said.get("displayName").cloned().unwrap_or(Json::Null);
        said.entry("mailNickname").or_insert(nickname);
        Ok(self.put_group(said, now))
    }

    pub(super) fn group(&self, id: &str) -> Result<&Group, Refusal> {
        if !is_guid(id) {
            return Err(Refusal::bad_identifier(id));
        }
        self.groups.named(id).ok_or_else(|| Refusal::not_found(id))
    }

    /// Those who are in a group and are there, after a number.
    pub(super) fn members<'a>(&'a self, group: &'a Group, after: u64) -> Box<dyn Iterator<Item = &'a Stored> + 'a> {
        let later = group.members.range((Bound::Excluded(after), Bound::Unbounded));
        Box::new(later.filter_map(|number| self.directory.numbered(*number)))
    }

    /// A group whose members may be written: neither synchronised nor dynamic. Of the dynamic, the words are ours.
    fn assigned(&self, id: &str) -> Result<&Group, Refusal> {
        let group = self.group(id)?;
        if group.is("onPremisesSyncEnabled") {
            return Err(Refusal::synced());
        }
        if group.is_dynamic() {
            let words = "Members of a group with dynamic membership cannot be added or removed.";
            return Err(Refusal::bad_request(words));
        }
        Ok(group)
    }

    fn list_groups(&self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        let filter = asked.option("$filter").map(|words| Filter::parse(words, asked.eventual, Resource::Group));
        let filter = filter.transpose()?;
        let top = match asked.option("$top") {
            Some(text) => {
                text.parse().ok().filter(|top| (1..=PAGE_MAX).contains(top)).ok_or_else(|| Refusal::page(text))?
            }
            None => PAGE_DEFAULT,
        };
        let after = asked
            .option("$skiptoken")
            .map_or(Ok(0), |token| token.parse::<u64>().map_err(|_| Refusal::bad_request("Invalid $skiptoken.")))?;
        let holds = |group: &&Group| match &filter {
            Some(filter) => group.number > after && filter.holds(&|name| group.properties.get(name)),
            None => group.number > after,
        };
        let mut groups = self.groups.iter().filter(holds);
        let page: Vec<&Group> = groups.by_ref().take(top).collect();
        let value: Vec<Json> = page.iter().map(|group| group.shown(asked)).collect();
        let mut body = json!({ "@odata.context": format!("{}/$metadata#groups", asked.base), "value": value });
        if let (Some(last), Some(_)) = (page.last(), groups.next()) {
            let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let kept = asked.query.iter().filter(|(name, _)| name != "$skiptoken");
            let kept: String = kept.map(|(name, value)| format!("{name}={}&", encoded(value))).collect();
            body["@odata.nextLink"] = json!(format!("{}/groups?{kept}$skiptoken={}", asked.base, last.number));
        }
        Ok(Reply::with(200, body))
    }

    fn create_group(&mut self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        let (said, bound) = take_all(&asked.object()?)?;
        for name in ["displayName", "mailEnabled", "mailNickname", "securityEnabled"] {
            if !said.contains_key(name) {
                return Err(Refusal::required(name));
            }
        }
        let members = self.references(&bound)?;
        let id = self.put_group(said, asked.now);
        let group = self.group(&id)?;
        let (number, mut entity) = (group.number, group.shown(asked));
        self.bind(number, members);
        entity["@odata.context"] = json!(format!("{}/$metadata#groups/$entity", asked.base));
        let location = Some(format!("{}/groups/{id}", asked.base));
        Ok(Reply { status: 201, body: Some(entity), location })
    }

    fn put_group(&mut self, mut properties: Map<String, Json>, now: Timestamp) -> String {
        let number = self.groups.next_number();
        let id = super::guid(&self.id, "group", number);
        properties.insert("id".to_owned(), json!(id));
        properties.insert("createdDateTime".to_owned(), json!(super::moment(now)));
        properties.entry("groupTypes").or_insert_with(|| json!([]));
        self.groups.put(Group { number, id: id.clone(), properties, members: BTreeSet::new() });
        self.changed(Entry::Group(number));
        id
    }

    /// Members are added all or none, and with the properties or not at all.
    fn update_group(&mut self, asked: &Asked<'_>, id: &str) -> Result<Reply, Refusal> {
        let (said, bound) = take_all(&asked.object()?)?;
        let group = if bound.is_empty() { self.group(id)? } else { self.assigned(id)? };
        if group.is("onPremisesSyncEnabled") {
            return Err(Refusal::synced());
        }
        let members = self.references(&bound)?;
        let is_twice = members.iter().any(|member| group.members.contains(member));
        if is_twice || members.iter().collect::<BTreeSet<_>>().len() < members.len() {
            return Err(Refusal::already_a_member());
        }
        let number = group.number;
        if !said.is_empty() {
            if let Some(group) = self.groups.get_mut(number) {
                group.properties.extend(said);
            }
            self.changed(Entry::Group(number));
        }
        self.bind(number, members);
        Ok(Reply::empty())
    }

    fn delete_group(&mut self, id: &str) -> Result<Reply, Refusal> {
        let group = self.group(id)?;
        if group.is("onPremisesSyncEnabled") {
            return Err(Refusal::synced());
        }
        let number = group.number;
        self.groups.take(number);
        self.changed(Entry::NoGroup(number));
        Ok(Reply::empty())
    }

    fn add_member(&mut self, asked: &Asked<'_>, id: &str) -> Result<Reply, Refusal> {
        let member = reference(asked.object()?.get("@odata.id"))?;
        let group = self.assigned(id)?;
        let member = self.user(&member)?.number;
        if group.members.contains(&member) {
            return Err(Refusal::already_a_member());
        }
        let number = group.number;
        self.bind(number, vec![member]);
        Ok(Reply::empty())
    }

    fn remove_member(&mut self, id: &str, member: &str) -> Result<Reply, Refusal> {
        let group = self.assigned(id)?;
        let user = self.user(member)?.number;
        if !group.members.contains(&user) {
            return Err(Refusal::not_found(member));
        }
        let number = group.number;
        if let Some(group) = self.groups.get_mut(number) {
            group.members.remove(&user);
        }
        self.changed(Entry::Member { group: number, user, is_in: false });
        Ok(Reply::empty())
    }

    fn groups_of(&self, asked: &Asked<'_>, name: &str) -> Result<Reply, Refusal> {
        let user = self.user(name)?.number;
        let groups = self.groups.iter().filter(|group| group.members.contains(&user));
        let typed = groups.map(|group| {
            let mut shown = group.shown(asked);
            shown["@odata.type"] = json!("#microsoft.graph.group");
            shown
        });
        let value: Vec<Json> = typed.collect();
        let context = format!("{}/$metadata#directoryObjects", asked.base);
        Ok(Reply::with(200, json!({ "@odata.context": context, "value": value })))
    }

    fn references(&self, bound: &[Json]) -> Result<Vec<u64>, Refusal> {
        bound.iter().map(|given| Ok(self.user(&reference(Some(given))?)?.number)).collect()
    }

    fn bind(&mut self, number: u64, members: Vec<u64>) {
        for user in members {
            if let Some(group) = self.groups.get_mut(number) {
                group.members.insert(user);
            }
            self.changed(Entry::Member { group: number, user, is_in: true });
        }
    }
}

/// What a body says of a group, and the members it binds.
fn take_all(body: &Map<String, Json>) -> Result<(Map<String, Json>, Vec<Json>), Refusal> {
    let (mut said, mut bound) = (Map::new(), Vec::new());
    for (given, value) in body {
        if given == "members@odata.bind" {
            value.as_array().ok_or_else(|| Refusal::invalid_of("Group", "members"))?.clone_into(&mut bound);
        } else if !given.starts_with("@odata.") {
            let (name, is_writable) = known(given)?;
            if !is_writable {
                return Err(Refusal::read_only(name));
            }
            check(name, value)?;
            said.insert(name.to_owned(), value.clone());
        }
    }
    if bound.len() > BIND_MAX {
        // The limit is Microsoft's, the words are ours.
        let words = format!("'members@odata.bind' holds {} references; at most {BIND_MAX} are allowed.", bound.len());
        return Err(Refusal::bad_request(words));
    }
    Ok((said, bound))
}

fn known(given: &str) -> Result<(&'static str, bool), Refusal> {
    let known = PROPERTIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(given));
    known
        .copied()
        .ok_or_else(|| Refusal::bad_request(format!("Property '{given}' does not exist on resource 'Group'.")))
}

fn check(name: &'static str, value: &Json) -> Result<(), Refusal> {
    let is_text = |most: usize| value.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= most);
    let is_good = match name {
        "displayName" => is_text(DISPLAY_NAME_CHARS_MAX),
        "mailNickname" => {
            is_text(MAIL_NICKNAME_CHARS_MAX)
                && value.as_str().is_some_and(|text| !text.contains(|c| NICKNAME_SIGNS.contains(c)))
        }
        "mailEnabled" | "securityEnabled" => value.is_boolean(),
        "groupTypes" => value.is_array(),
        _ => value.is_string() || value.is_null(),
    };
    if is_good { Ok(()) } else { Err(Refusal::invalid_of("Group", name)) }
}
