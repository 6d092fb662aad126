//! Operations, people and work as JSON. No secret and no password is among what the store holds of them (promise 8).

use serde_json::{Map, Value as Json, json};

use crate::model::{Change, Outcome, Reason};
use crate::scim::json::{attributes_to_json, value_to_json};
use crate::store::{HistoryEntry, LinkState, OperationState, PersonState, Standing};

/// The word for what has not ended.
pub(super) const PENDING: &str = "pending";

/// An operation and how it ended.
pub(super) fn operation(operation: &OperationState) -> Json {
    let mut json = json!({
        "upload": operation.id.upload.0,
        "index": operation.id.index,
        "bulkId": operation.bulk_id,
        "externalId": operation.anchor,
        "generation": operation.generation.map(|generation| generation.0),
        "endedAt": operation.ended_at.map(|at| at.to_string()),
    });
    put_outcome(&mut json, operation.outcome.as_ref());
    json
}

/// An operation that nobody has looked at yet.
pub(super) fn undecided(upload: i64, index: u32) -> Json {
    json!({ "upload": upload, "index": index, "outcome": PENDING })
}

/// Where a person stands, and why.
pub(super) fn person(state: &PersonState) -> Json {
    let person = &state.stored.person;
    let (standing, target) = standing(&state.standing);
    json!({
        "externalId": person.anchor.as_str(),
        "standing": standing,
        "target": target,
        "rule": state.rule,
        "generation": person.generation.0,
        "acceptedAt": person.accepted_at.to_string(),
        "deleted": person.deleted,
        "attributes": attributes_to_json(&person.attributes),
        "accounts": state.links.iter().map(|link| account(state, link)).collect::<Vec<_>>(),
        "operations": state.operations.iter().map(operation).collect::<Vec<_>>(),
        "history": state.history.iter().map(history).collect::<Vec<_>>(),
        "lastSeen": state.last_seen.map(|(upload, at)| json!({ "upload": upload.0, "at": at.to_string() })),
    })
}

fn standing(standing: &Standing) -> (&'static str, Option<&str>) {
    match standing {
        Standing::At(target) => ("placed", Some(target.as_str())),
        Standing::Nowhere => ("nowhere", None),
        Standing::Held => ("held", None),
        Standing::OutOfScope => ("out-of-scope", None),
        Standing::Deleted => ("deleted", None),
    }
}

fn account(state: &PersonState, link: &LinkState) -> Json {
    let known = state.stored.known_at(&link.target);
    let mut json = json!({
        "target": link.target.as_str(),
        "part": link.part.word(),
        "situation": link.situation.map(crate::model::Situation::word),
        "generation": link.generation.0,
        "settledGeneration": link.settled.0,
        "objectId": known.map(|known| known.object.as_str()),
        "dueAt": link.due.map(|due| due.to_string()),
        "holder": link.holder,
        "manager": link.manager,
    });
    if let Some(member) = &link.member {
        json["member"] = json!({ "group": member.group, "wanted": member.is_wanted, "addedByMuster": member.is_ours });
    }
    put_outcome(&mut json, link.outcome.as_ref());
    if let Some(why) = &link.waits {
        json["reason"] = reason(why);
    }
    json
}

fn history(entry: &HistoryEntry) -> Json {
    let mut json = json!({
        "at": entry.at.to_string(),
        "target": entry.target.as_str(),
        "part": entry.part.word(),
        "generation": entry.generation.0,
        "situation": entry.situation.map(crate::model::Situation::word),
        "change": entry.change.as_ref().map(change),
    });
    match (&entry.outcome, &entry.why) {
        (None, Some(why)) => {
            json["outcome"] = json!("again");
            json["reason"] = reason(why);
        }
        (outcome, _) => put_outcome(&mut json, outcome.as_ref()),
    }
    json
}

fn change(change: &Change) -> Json {
    let before = |name: &str| change.before.get(name).map(value_to_json);
    let set = change.set.iter().map(|(name, value)| {
        json!({ "displayName": name.as_str(), "oldValue": before(name.as_str()), "newValue": value_to_json(value) })
    });
    let cleared = change
        .clear
        .iter()
        .map(|name| json!({ "displayName": name.as_str(), "oldValue": before(name.as_str()), "newValue": null }));
    json!({
        "kind": change.kind.word(),
        "container": change.container.as_ref().map(ToString::to_string),
        "containerBefore": change.container_before.as_ref().map(ToString::to_string),
        "modifiedProperties": set.chain(cleared).collect::<Vec<_>>(),
    })
}

fn put_outcome(json: &mut Json, outcome: Option<&Outcome>) {
    json["outcome"] = json!(outcome.map_or(PENDING, Outcome::word));
    match outcome {
        Some(Outcome::Superseded { by }) => {
            json["supersededBy"] = json!({ "upload": by.upload.0, "index": by.index });
        }
        Some(outcome) => {
            if let Some(why) = outcome.reason() {
                json["reason"] = reason(why);
            }
        }
        None => {}
    }
}

fn reason(reason: &Reason) -> Json {
    json!({ "code": reason.code, "message": reason.detail })
}

/// Counts by word, in the order given.
pub(super) fn counts(counts: &[(&'static str, u64)]) -> Json {
    Json::Object(counts.iter().map(|(word, count)| ((*word).to_owned(), json!(count))).collect::<Map<_, _>>())
}
