//! Who holds a value that must be one account's: told by name, so that a person can act.

use serde_json::{Map, Value as Json};

use super::call::Call;
use super::query::{self, Place};
use super::{GraphWriter, pages, shape};
use crate::model::{Change, Name, ObjectId, Value};
use crate::writer::until::Until;
use crate::writer::{Cause, WriteError};

/// What a person knows an account by.
const SHOWN: &str = "userPrincipalName";

impl GraphWriter {
    /// Completes a refusal that somebody else holds a value by who that is, where it can be found out. Graph's own word
    /// is proof that the account is there, though it may not be seen yet.
    pub(super) async fn told_who(&self, error: WriteError, change: &Change, until: Until) -> WriteError {
        let WriteError::Taken { attribute, holder, cause } = error else { return error };
        let (holder, shown) = match holder {
            Some(holder) => {
                let shown = self.name_of(&holder, until).await;
                if shown.is_none() && !self.fresh.has(&holder) {
                    self.fresh.remember(&holder);
                }
                (Some(holder), shown)
            }
            None => match self.holder_of(&attribute, change, until).await {
                Some((holder, shown)) => (Some(holder), shown),
                None => (None, None),
            },
        };
        let cause = match (&holder, shown) {
            (Some(holder), Some(shown)) => Cause(format!("{shown} ({holder}) has it: {cause}")),
            (Some(holder), None) => Cause(format!("{holder} has it: {cause}")),
            (None, _) => cause,
        };
        WriteError::Taken { attribute, holder, cause }
    }

    async fn name_of(&self, holder: &ObjectId, until: Until) -> Option<String> {
        let call = Call::get(query::one(holder, &[Name::new(SHOWN)]));
        let answer = self.desk.call(call, until).await.ok().filter(|answer| answer.status == 200)?;
        name(&answer.body)
    }

    /// The one account that a search finds under the value; none where it finds several.
    async fn holder_of(&self, attribute: &Name, change: &Change, until: Until) -> Option<(ObjectId, Option<String>)> {
        let value = change.set.get(attribute.as_str()).and_then(Value::as_text)?;
        let call = Call::get(query::by_key(Place::Living, attribute, &[value], &[Name::new(SHOWN)]));
        let advanced = call.advanced;
        let first = self.desk.call(call, until).await.ok()?;
        let answer = pages::whole(&self.desk, advanced, first, query::FOUND_MAX, until).await.ok()?;
        let users = answer.body.get("value").and_then(Json::as_array)?;
        let [Json::Object(user)] = users.as_slice() else { return None };
        let id = shape::member_of(user, "id").and_then(Json::as_str)?;
        Some((ObjectId::new(id), name(user)))
    }
}

fn name(user: &Map<String, Json>) -> Option<String> {
    shape::member_of(user, SHOWN).and_then(Json::as_str).map(str::to_owned)
}
