//! What an account is known to hold, beside what it holds.

use super::What;
use crate::model::{Desired, Known, Step, Wanted};
use crate::reconcile::reconcile;

/// Where an account is not as it is known. They are compared as everywhere else; what the target does not tell (a
/// password) is taken to be right, and an account that directory synchronisation keeps is its own.
pub fn differences(known: &Known, there: &Known) -> Vec<What> {
    if known.synced || there.synced {
        return Vec::new();
    }
    let told = |name: &str| there.attributes.get(name).is_some();
    let attributes = known.attributes.iter().filter(|(name, _)| told(name.as_str()));
    let desired = Desired {
        attributes: attributes.map(|(name, value)| (name.clone(), value.clone())).collect(),
        container: known.container.clone(),
        ..Desired::default()
    };
    let (_, Step::Write(change)) = reconcile(&Wanted::Present(desired), Some(there), None) else { return Vec::new() };
    let set = change.set.iter().map(|(name, _)| name).chain(&change.clear);
    let mut what: Vec<_> = set
        .map(|name| What::Attribute {
            name: name.clone(),
            known: known.attributes.get(name.as_str()).filter(|value| !value.is_empty()).cloned(),
            there: change.before.get(name.as_str()).cloned(),
        })
        .collect();
    if let (Some(known), Some(there)) = (&change.container, &change.container_before) {
        what.push(What::Container { known: known.to_string(), there: there.to_string() });
    }
    what
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attributes, Dn, Name, ObjectId, Value};

    fn account(values: &[(&str, Value)], container: &str) -> Known {
        let attributes: Attributes = values.iter().map(|(name, value)| (Name::new(name), value.clone())).collect();
        let container = Some(Dn::parse(container).unwrap());
        Known { object: ObjectId::new("a"), attributes, container, synced: false }
    }

    #[test]
    fn what_differs_is_named_and_what_the_target_does_not_tell_is_not() {
        let known = account(
            &[("title", Value::text("Clerk")), ("mail", Value::Null), ("password", Value::text("x"))],
            "OU=a,DC=b",
        );
        assert_eq!(
            differences(&known, &account(&[("title", Value::text("Clerk")), ("mail", Value::Null)], "ou=A,dc=b")),
            []
        );
        let there = account(&[("title", Value::text("Boss")), ("mail", Value::text("m"))], "OU=c,DC=b");
        let words: Vec<_> = differences(&known, &there).iter().map(|what| format!("{what:?}")).collect();
        assert_eq!(
            words,
            [
                r#"Attribute { name: "title", known: Some(Text("Clerk")), there: Some(Text("Boss")) }"#,
                r#"Attribute { name: "mail", known: None, there: Some(Text("m")) }"#,
                r#"Container { known: "OU=a,DC=b", there: "OU=c,DC=b" }"#,
            ]
        );
    }
}
