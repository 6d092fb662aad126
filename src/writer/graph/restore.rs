//! Deleted accounts brought back (`facts/graph_users.md` §11).

use reqwest::Method;
use serde_json::{Map, Value as Json};

use super::call::{Answer, Call};
use super::refusal::{may_be_about, refusal, refused, unknown};
use super::{GraphWriter, known, query, shape};
use crate::model::{Change, Found, Known, MatchKeys, Name, ObjectId, Value};
use crate::writer::until::Until;
use crate::writer::{Cause, Search, WriteError, Writer as _};

/// The name under which a deleted account comes back.
const PRINCIPAL_NAME: &str = "userPrincipalName";

impl GraphWriter {
    /// Brings it back, under another name where its own is somebody else's by now and the change gives one. The receipt
    /// is what the account holds of what was asked for, and its name.
    pub(super) async fn restore(
        &self,
        object: &ObjectId,
        change: &Change,
        until: Until,
    ) -> Result<Option<Known>, WriteError> {
        let mut answer = self.post_restore(object, None, until).await?;
        let name = change.set.get(PRINCIPAL_NAME).and_then(Value::as_text).filter(|name| !name.is_empty());
        if let Some(name) = name.filter(|_| may_be_about(&answer, PRINCIPAL_NAME)) {
            answer = self.post_restore(object, Some(name), until).await?;
        }
        match answer.status {
            200..=299 => {}
            // Not in the bin: an earlier try has brought it back, or it is gone for good.
            404 => return self.restored_already(object).await.map(Some),
            _ => {
                let error = refusal(&answer, true, &change.set);
                return Err(comes_back_as_it_was(self.told_who(error, change, until).await, change));
            }
        }
        self.fresh.remember(object);
        let mut wanted: Vec<Name> = vec![Name::new(PRINCIPAL_NAME)];
        wanted.extend(change.before.iter().map(|(name, _)| name.clone()));
        wanted.retain(|name| shape::member_of(&answer.body, shape::property(name)).is_some());
        match known(&answer.body, &wanted) {
            Ok(receipt) if receipt.object.as_str().eq_ignore_ascii_case(object.as_str()) => Ok(Some(receipt)),
            _ => Err(unknown("the account was restored, but the answer does not say which".to_owned())),
        }
    }

    async fn post_restore(&self, object: &ObjectId, name: Option<&str>, until: Until) -> Result<Answer, WriteError> {
        let name = name.map(|name| ("newUserPrincipalName".to_owned(), Json::from(name)));
        // A write without a body is refused in a batch (`facts/graph_users.md` §8).
        let body = Map::from_iter(name);
        self.desk.call(Call::write(Method::POST, query::restore(object), Some(body)), until).await
    }

    async fn restored_already(&self, object: &ObjectId) -> Result<Known, WriteError> {
        let attributes = vec![Name::new(PRINCIPAL_NAME)];
        let search = Search { object: Some(object.clone()), keys: MatchKeys::default(), attributes, again: false };
        match self.find(&search).await? {
            Found::One(known) => Ok(known),
            _ => Err(WriteError::Gone { cause: Cause(format!("{object} is among the deleted accounts no more")) }),
        }
    }
}

/// With a restore Graph renames nothing but the account itself; another name for anything else need not be tried.
fn comes_back_as_it_was(error: WriteError, change: &Change) -> WriteError {
    match error {
        WriteError::Taken { attribute, cause, .. }
            if attribute != *PRINCIPAL_NAME && change.set.get(attribute.as_str()).is_some() =>
        {
            let why = format!(
                "a deleted account comes back with the `{attribute}` it had, which is somebody else's by now; free it, \
                 or restore the account by hand: {cause}"
            );
            refused("taken", why)
        }
        other => other,
    }
}
