//! How users are shown: which properties, which page (`facts/graph_users.md` §5).

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use super::answer::{Refusal, Reply};
use super::asked::Asked;
use super::directory::Directory;
use super::filter::{Filter, Resource, no_such_property};
use super::property::{self, PROPERTIES, Property};
use super::user::Stored;

/// Users on a page where the caller does not say.
const PAGE_DEFAULT: usize = 100;

/// Most users on a page.
const PAGE_MAX: usize = 999;

/// What a list was asked for.
struct Listing {
    filter: Option<Filter>,
    select: Option<Vec<&'static Property>>,
    top: usize,
    after: u64,
    count: bool,
}

impl Listing {
    fn read(asked: &Asked<'_>) -> Result<Self, Refusal> {
        let advanced = asked.eventual && asked.option("$count") == Some("true");
        for (name, _) in asked.query.iter().filter(|(name, _)| name.starts_with('$')) {
            if !["$filter", "$select", "$top", "$skiptoken", "$count"].contains(&name.as_str()) {
                return Err(Refusal::unsupported(format!("Unsupported Query. The practice tenant knows no {name}.")));
            }
        }
        Ok(Self {
            filter: asked.option("$filter").map(|words| Filter::parse(words, advanced, Resource::User)).transpose()?,
            select: select(asked)?,
            top: top(asked)?,
            after: match asked.option("$skiptoken") {
                Some(token) => token.parse().map_err(|_| Refusal::bad_request("Invalid $skiptoken."))?,
                None => 0,
            },
            count: advanced,
        })
    }
}

/// A page of users.
pub(super) fn list(asked: &Asked<'_>, directory: &Directory) -> Result<Reply, Refusal> {
    let listing = Listing::read(asked)?;
    Ok(page(asked, &listing, directory.select(listing.filter.as_ref(), listing.after), "users"))
}

/// A page of deleted users.
pub(super) fn bin(asked: &Asked<'_>, directory: &Directory) -> Result<Reply, Refusal> {
    let listing = Listing::read(asked)?;
    Ok(page(asked, &listing, directory.select_bin(listing.filter.as_ref(), listing.after), "directoryObjects"))
}

/// A page of those who are in a group: of `numbers`, in their order.
pub(super) fn members<'a>(
    asked: &Asked<'_>,
    users: impl Fn(u64) -> Box<dyn Iterator<Item = &'a Stored> + 'a>,
) -> Result<Reply, Refusal> {
    let listing = Listing::read(asked)?;
    let holds = |user: &&Stored| match &listing.filter {
        Some(filter) => filter.holds(&|name| user.properties.get(name)),
        None => true,
    };
    Ok(page(asked, &listing, users(listing.after).filter(holds), "directoryObjects"))
}

/// One user.
pub(super) fn one(asked: &Asked<'_>, user: &Stored) -> Result<Reply, Refusal> {
    let select = select(asked)?;
    Ok(Reply::with(200, entity(asked, user, select.as_deref())))
}

/// A user with its context, as it is answered alone.
pub(super) fn entity(asked: &Asked<'_>, user: &Stored, select: Option<&[&'static Property]>) -> Json {
    let context = format!("{}/$metadata#users/$entity", asked.base);
    let mut entity = Map::from_iter([("@odata.context".to_owned(), json!(context))]);
    entity.extend(shown(user, select));
    Json::Object(entity)
}

fn page<'a>(asked: &Asked<'_>, listing: &Listing, mut users: impl Iterator<Item = &'a Stored>, what: &str) -> Reply {
    let on_page: Vec<&Stored> = users.by_ref().take(listing.top).collect();
    let next = users.next();
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(format!("{}/$metadata#{what}", asked.base)));
    if listing.count && listing.after == 0 {
        let count = on_page.len() + usize::from(next.is_some()) + users.count();
        body.insert("@odata.count".to_owned(), json!(count));
    }
    if let Some(last) = on_page.last().filter(|_| next.is_some()) {
        body.insert("@odata.nextLink".to_owned(), json!(next_link(asked, last.number)));
    }
    let typed = what == "directoryObjects";
    let value = on_page.iter().map(|user| {
        let mut entity = Map::new();
        if typed {
            entity.insert("@odata.type".to_owned(), json!("#microsoft.graph.user"));
        }
        entity.extend(shown(user, listing.select.as_deref()));
        Json::Object(entity)
    });
    body.insert("value".to_owned(), value.collect());
    Reply::with(200, Json::Object(body))
}

fn next_link(asked: &Asked<'_>, last: u64) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let kept = asked.query.iter().filter(|(name, _)| name != "$skiptoken");
    let kept: String = kept.map(|(name, value)| format!("{name}={}&", encoded(value))).collect();
    format!("{}/{}?{kept}$skiptoken={last}", asked.base, asked.segments.join("/"))
}

/// The properties shown: those asked for, or the eleven that Graph shows by default.
fn shown(user: &Stored, select: Option<&[&'static Property]>) -> Map<String, Json> {
    let is_shown = |property: &Property| match select {
        Some(select) => select.iter().any(|selected| selected.name == property.name),
        None => property.default,
    };
    PROPERTIES.iter().filter(|p| is_shown(p)).map(|p| (p.name.to_owned(), user.properties.shown(p))).collect()
}

fn select(asked: &Asked<'_>) -> Result<Option<Vec<&'static Property>>, Refusal> {
    let Some(names) = asked.option("$select") else { return Ok(None) };
    let find = |name: &str| property::find(name.trim()).ok_or_else(|| no_such_property(name));
    names.split(',').map(find).collect::<Result<_, _>>().map(Some)
}

fn top(asked: &Asked<'_>) -> Result<usize, Refusal> {
    let Some(text) = asked.option("$top") else { return Ok(PAGE_DEFAULT) };
    text.parse().ok().filter(|top| (1..=PAGE_MAX).contains(top)).ok_or_else(|| Refusal::page(text))
}
