//! How users are shown: which properties, which page (`facts/graph_users.md` §5).

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};

use super::answer::{Fault, Reply};
use super::directory::{Directory, Stored};
use super::filter::{Filter, no_such_property};
use super::property::{self, PROPERTIES, Property};
use super::tenant::Asked;

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
    fn read(asked: &Asked<'_>) -> Result<Self, Fault> {
        let advanced = asked.eventual && option(asked, "$count") == Some("true");
        for (name, _) in asked.query.iter().filter(|(name, _)| name.starts_with('$')) {
            if !["$filter", "$select", "$top", "$skiptoken", "$count"].contains(&name.as_str()) {
                return Err(Fault::unsupported(format!("Unsupported Query. The practice tenant knows no {name}.")));
            }
        }
        Ok(Self {
            filter: option(asked, "$filter").map(|words| Filter::parse(words, advanced)).transpose()?,
            select: select(asked)?,
            top: top(asked)?,
            after: match option(asked, "$skiptoken") {
                Some(token) => token.parse().map_err(|_| Fault::bad_request("Invalid $skiptoken."))?,
                None => 0,
            },
            count: advanced,
        })
    }
}

/// A page of users.
pub(super) fn list(asked: &Asked<'_>, directory: &Directory) -> Result<Reply, Fault> {
    let listing = Listing::read(asked)?;
    let users = directory.select(listing.filter.as_ref(), listing.after);
    Ok(page(asked, &listing, &users, "users"))
}

/// A page of deleted users.
pub(super) fn bin(asked: &Asked<'_>, directory: &Directory) -> Result<Reply, Fault> {
    let listing = Listing::read(asked)?;
    let holds = |user: &&Stored| listing.filter.as_ref().is_none_or(|filter| filter.holds(&user.properties));
    let users: Vec<&Stored> = directory.bin_users().filter(|user| user.number > listing.after).filter(holds).collect();
    Ok(page(asked, &listing, &users, "directoryObjects"))
}

/// One user.
pub(super) fn one(asked: &Asked<'_>, user: &Stored) -> Result<Reply, Fault> {
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

fn page(asked: &Asked<'_>, listing: &Listing, users: &[&Stored], what: &str) -> Reply {
    let on_page = &users[..users.len().min(listing.top)];
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(format!("{}/$metadata#{what}", asked.base)));
    if listing.count && listing.after == 0 {
        body.insert("@odata.count".to_owned(), json!(users.len()));
    }
    if let Some(last) = on_page.last().filter(|_| users.len() > on_page.len()) {
        body.insert("@odata.nextLink".to_owned(), json!(next_link(asked, last.number)));
    }
    let value = on_page.iter().map(|user| Json::Object(shown(user, listing.select.as_deref()))).collect();
    body.insert("value".to_owned(), value);
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
    let held = |property: &Property| user.properties.get(property.name).cloned().unwrap_or(Json::Null);
    PROPERTIES.iter().filter(|p| is_shown(p)).map(|p| (p.name.to_owned(), held(p))).collect()
}

fn select(asked: &Asked<'_>) -> Result<Option<Vec<&'static Property>>, Fault> {
    let Some(names) = option(asked, "$select") else { return Ok(None) };
    let find = |name: &str| property::find(name.trim()).ok_or_else(|| no_such_property(name));
    names.split(',').map(find).collect::<Result<_, _>>().map(Some)
}

fn top(asked: &Asked<'_>) -> Result<usize, Fault> {
    let Some(text) = option(asked, "$top") else { return Ok(PAGE_DEFAULT) };
    let invalid = || {
        Fault::bad_request(format!(
            "Invalid page size specified: '{text}'. Must be between 1 and {PAGE_MAX} inclusive."
        ))
    };
    text.parse().ok().filter(|top| (1..=PAGE_MAX).contains(top)).ok_or_else(invalid)
}

fn option<'a>(asked: &'a Asked<'_>, name: &str) -> Option<&'a str> {
    asked.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}
