//! Changes to accounts, each as the calls it takes: create, update, delete, and the reference to the manager.

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::call::{Answer, Call};
use super::refusal::{may_be_about, refusal, refusal_without_object, unknown};
use super::{GraphWriter, account, later, query, shape};
use crate::model::{Attributes, Change, ChangeKind, Known, Name, ObjectId, Value};
use crate::writer::until::Until;
use crate::writer::{Cause, Errand, WriteError};

/// Refused together with other properties, taken alone (`facts/graph_users.md` §4.3).
const HIRE_DATE: &str = "employeeHireDate";

impl GraphWriter {
    pub(super) async fn create(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        let body = account::new_account(&change.set)?;
        let name = shape::member_of(&body, "userPrincipalName").and_then(Json::as_str).unwrap_or_default().to_owned();
        if errand.again
            && let Some(left) = self.fresh.unseen_for(errand, &name)
        {
            let why = "an earlier try may have made the account under another name, and it cannot be seen yet";
            return Err(later(Some(left), why.to_owned()));
        }
        let enabled = shape::member_of(&body, "accountEnabled").and_then(Json::as_bool);
        let until = self.until_for(errand);
        self.fresh.try_begins(errand, &name);
        let made = self.make(body, change, until).await;
        if matches!(&made, Err(error) if !matches!(error, WriteError::Unknown { .. })) {
            self.fresh.try_failed(errand, &name);
        }
        let object = match made {
            Ok(object) => object,
            Err(error) => return Err(self.told_who(error, change, until).await),
        };
        self.fresh.remember(&object);
        let mut receipt = receipt(object, change);
        if let Some(enabled) = enabled {
            receipt.attributes.set(Name::new("accountEnabled"), Value::Boolean(enabled));
        }
        Ok(Some(receipt))
    }

    async fn make(&self, body: Map<String, Json>, change: &Change, until: Until) -> Result<ObjectId, WriteError> {
        let call = Call::write(Method::POST, query::USERS.to_owned(), Some(body));
        let answer = self.desk.call(call, until).await?;
        if !(200..300).contains(&answer.status) {
            return Err(refusal_without_object(&answer, true, &change.set));
        }
        let id = answer.body.get("id").and_then(Json::as_str).map(ObjectId::new);
        id.ok_or_else(|| unknown("the account was made, but the answer does not say what it is called".to_owned()))
    }

    pub(super) async fn update(
        &self,
        object: &ObjectId,
        change: &Change,
        until: Until,
    ) -> Result<Option<Known>, WriteError> {
        let mut body = shape::body(&change.set, &change.clear);
        if body.is_empty() {
            return Ok(Some(receipt(object.clone(), change)));
        }
        self.complete_org_data(object, &mut body, until).await?;
        let urgent = change.kind == ChangeKind::Disable;
        let answer = self.patch(object, body.clone(), urgent, until).await?;
        let done = match take_alone(&mut body, HIRE_DATE) {
            Some(alone) if may_be_about(&answer, HIRE_DATE) => {
                self.update_apart(object, change, body, alone, until).await
            }
            _ => self.expect_done(&answer, object, &change.set),
        };
        match done {
            Ok(()) => Ok(Some(receipt(object.clone(), change))),
            Err(error) => Err(self.told_who(error, change, until).await),
        }
    }

    async fn patch(
        &self,
        object: &ObjectId,
        body: Map<String, Json>,
        urgent: bool,
        until: Until,
    ) -> Result<Answer, WriteError> {
        self.desk.call(Call::write(Method::PATCH, query::user(object), Some(body)).urgent(urgent), until).await
    }

    /// What was refused together is written apart: first all the rest, then what may not stand beside it.
    async fn update_apart(
        &self,
        object: &ObjectId,
        change: &Change,
        rest: Map<String, Json>,
        alone: Map<String, Json>,
        until: Until,
    ) -> Result<(), WriteError> {
        let urgent = change.kind == ChangeKind::Disable;
        let answer = self.patch(object, rest, urgent, until).await?;
        self.expect_done(&answer, object, &change.set)?;
        let answer = self.patch(object, alone, urgent, until).await?;
        self.expect_done(&answer, object, &change.set).map_err(|error| match error {
            WriteError::Refused { code, cause } => {
                let why = format!("all was written but `{HIRE_DATE}`, which Entra refuses: {cause}");
                WriteError::Refused { code, cause: Cause(why) }
            }
            other => other,
        })
    }

    /// Graph replaces `employeeOrgData` whole: where one member is to be written, the other is read and sent with it.
    async fn complete_org_data(
        &self,
        object: &ObjectId,
        body: &mut Map<String, Json>,
        until: Until,
    ) -> Result<(), WriteError> {
        let key = body.keys().find(|key| key.eq_ignore_ascii_case(shape::ORG_DATA)).cloned();
        let Some(Json::Object(members)) = key.and_then(|key| body.get_mut(&key)) else { return Ok(()) };
        let absent = shape::ORG_DATA_MEMBERS.iter().find(|name| shape::member_of(members, name).is_none());
        let Some(absent) = absent else { return Ok(()) };

        let call = Call::get(query::one(object, &[Name::new(shape::ORG_DATA)]));
        let answer = self.desk.call(call, until).await?;
        if answer.status != 200 {
            return Err(self.refusal_of(object, &answer, false, &Attributes::new()));
        }
        let held = shape::member_of(&answer.body, shape::ORG_DATA).and_then(Json::as_object);
        let other = held.and_then(|held| shape::member_of(held, absent)).unwrap_or(&Json::Null);
        members.insert((*absent).to_owned(), other.clone());
        Ok(())
    }

    pub(super) async fn delete(&self, object: &ObjectId, until: Until) -> Result<Option<Known>, WriteError> {
        let call = Call::write(Method::DELETE, query::user(object), None).urgent(true);
        let answer = self.desk.call(call, until).await?;
        if answer.status != 404 || self.fresh.has(object) {
            self.expect_done(&answer, object, &Attributes::new())?;
        }
        self.fresh.forget(object);
        Ok(None)
    }

    pub(super) async fn point_at_manager(
        &self,
        object: &ObjectId,
        manager: Option<&ObjectId>,
        until: Until,
    ) -> Result<(), WriteError> {
        let (method, body) = match manager {
            Some(manager) => {
                let body = json!({ "@odata.id": format!("{}{}", self.desk.base(), query::user(manager)) });
                (Method::PUT, body.as_object().cloned())
            }
            None => (Method::DELETE, None),
        };
        let answer = self.desk.call(Call::write(method, query::manager(object), body), until).await?;
        match (answer.status, manager) {
            // There was no manager to take away.
            (404, None) => Ok(()),
            (404, Some(manager)) => Err(self.who_is_missing(object, manager, &answer)),
            _ => self.expect_done(&answer, object, &Attributes::new()),
        }
    }

    pub(super) fn expect_done(&self, answer: &Answer, object: &ObjectId, set: &Attributes) -> Result<(), WriteError> {
        if (200..300).contains(&answer.status) { Ok(()) } else { Err(self.refusal_of(object, answer, true, set)) }
    }

    /// As [`refusal`], but an account that was made a moment ago is not gone.
    pub(super) fn refusal_of(&self, object: &ObjectId, answer: &Answer, writes: bool, set: &Attributes) -> WriteError {
        match refusal(answer, writes, set) {
            WriteError::Gone { .. } if self.fresh.has(object) => self.not_seen_yet(object),
            other => other,
        }
    }

    /// Which of the two a manager reference could not be written for: only the message says it.
    fn who_is_missing(&self, object: &ObjectId, manager: &ObjectId, answer: &Answer) -> WriteError {
        match refusal(answer, true, &Attributes::new()) {
            WriteError::Gone { cause } if cause.0.contains(manager.as_str()) => {
                if self.fresh.has(manager) {
                    return self.not_seen_yet(manager);
                }
                WriteError::Refused { code: "manager_gone".to_owned(), cause }
            }
            _ => self.refusal_of(object, answer, true, &Attributes::new()),
        }
    }
}

/// The property on its own, taken out of a body in which it stands beside others.
fn take_alone(body: &mut Map<String, Json>, property: &str) -> Option<Map<String, Json>> {
    let key = body.keys().find(|key| key.eq_ignore_ascii_case(property)).cloned().filter(|_| body.len() > 1)?;
    let value = body.shift_remove(&key)?;
    Some(Map::from_iter([(key, value)]))
}

/// What the target holds now: what it held before, overlaid by what was written. A password is not remembered.
pub(super) fn receipt(object: ObjectId, change: &Change) -> Known {
    let mut attributes = change.before.clone();
    for (name, value) in change.set.iter() {
        attributes.set(name.clone(), value.clone());
    }
    for name in &change.clear {
        attributes.set(name.clone(), Value::Null);
    }
    let attributes = attributes.into_iter().filter(|(name, _)| !shape::is_password(name)).collect();
    Known { object, attributes, container: None, synced: false }
}
