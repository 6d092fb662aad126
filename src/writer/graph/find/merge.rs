//! Which questions the looks of many people make together. Pure.

use std::collections::{BTreeSet, HashSet};

use crate::model::{Name, UniqueName};
use crate::writer::Search;
use crate::writer::graph::query::{IN_MAX, Place};
use crate::writer::graph::shape;

/// The name of an account; of a deleted one Graph has changed it (`facts/graph_users.md` §11).
const PRINCIPAL_NAME: &str = "userPrincipalName";

/// One question: who holds one of these values under this key?
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) place: Place,
    pub(super) key: Name,
    pub(super) values: Vec<String>,
}

/// All that must be read of whoever is found, so that every look gets what it asked for.
pub(super) fn attributes(searches: &[&Search]) -> Vec<Name> {
    let mut wanted: BTreeSet<Name> = BTreeSet::new();
    for search in searches {
        wanted.extend(search.attributes.iter().cloned());
        wanted.extend(search.keys.0.iter().map(|(key, _)| key.clone()));
    }
    wanted.into_iter().collect()
}

/// The questions, each as large as may be. The keys in `one_by_one`, and collections, are asked value by value.
pub(super) fn asks(searches: &[&Search], one_by_one: &BTreeSet<Name>) -> Vec<Ask> {
    let keys: BTreeSet<&Name> = searches.iter().flat_map(|search| &search.keys.0).map(|(key, _)| key).collect();
    let mut asks = Vec::new();
    for key in keys {
        let is_single = one_by_one.contains(key) || shape::is_collection(key.as_str());
        let values = values(searches, key);
        let groups = if is_single { values.into_iter().map(|value| vec![value]).collect() } else { grouped(values) };
        let places: &[Place] = if *key == *PRINCIPAL_NAME { &[Place::Living] } else { &[Place::Living, Place::Bin] };
        for place in places {
            asks.extend(groups.iter().map(|values| Ask { place: *place, key: key.clone(), values: values.clone() }));
        }
    }
    asks
}

fn values(searches: &[&Search], key: &Name) -> Vec<String> {
    let mut seen = HashSet::new();
    let held = searches.iter().flat_map(|search| &search.keys.0).filter(|(of, value)| of == key && !value.is_empty());
    held.filter(|(_, value)| seen.insert(value)).map(|(_, value)| value.clone()).collect()
}

/// Values that a directory might take for one another never stand in one question: its answer could not be told apart.
fn grouped(values: Vec<String>) -> Vec<Vec<String>> {
    let mut groups: Vec<(Vec<String>, HashSet<String>)> = Vec::new();
    for value in values {
        let folded = fold(&value);
        let place = groups.iter_mut().find(|(values, folds)| values.len() < IN_MAX && !folds.contains(&folded));
        match place {
            Some((values, folds)) => {
                values.push(value);
                folds.insert(folded);
            }
            None => groups.push((vec![value], HashSet::from([folded]))),
        }
    }
    groups.into_iter().map(|(values, _)| values).collect()
}

/// A value as loosely as any directory might compare it.
pub(super) fn fold(value: &str) -> String {
    UniqueName::folded(value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MatchKeys;

    fn search(keys: &[(&str, &str)]) -> Search {
        let keys = keys.iter().map(|(key, value)| (Name::new(key), (*value).to_owned())).collect();
        Search { object: None, keys: MatchKeys(keys), attributes: Vec::new(), again: false }
    }

    fn shown(searches: &[Search], one_by_one: &[&str]) -> Vec<String> {
        let one_by_one = one_by_one.iter().map(|key| Name::new(key)).collect();
        let asks = asks(&searches.iter().collect::<Vec<_>>(), &one_by_one);
        asks.iter().map(|ask| format!("{:?} {} {}", ask.place, ask.key, ask.values.join(","))).collect()
    }

    #[test]
    fn all_keys_of_all_people_are_asked_together_and_the_bin_beside_them() {
        let searches: Vec<Search> = (0..20)
            .map(|at| search(&[("employeeId", &format!("e{at}")), ("userPrincipalName", &format!("u{at}@x"))]))
            .collect();
        let shown = shown(&searches, &[]);
        let counts: Vec<(&str, usize)> =
            shown.iter().map(|ask| (ask.split(' ').next().unwrap(), ask.split(',').count())).collect();
        assert_eq!(counts, [("Living", 15), ("Living", 5), ("Bin", 15), ("Bin", 5), ("Living", 15), ("Living", 5)]);
    }

    #[test]
    fn values_that_might_be_taken_for_each_other_are_asked_apart() {
        let searches: Vec<Search> =
            ["a1", "A1", "b", "a1", "straße", "STRASSE", " b "].map(|v| search(&[("city", v)])).into();
        let living: Vec<String> = shown(&searches, &[]).into_iter().filter(|ask| ask.starts_with("Living")).collect();
        assert_eq!(living, ["Living city a1,b,straße", "Living city A1,STRASSE, b "]);
    }

    #[test]
    fn collections_and_what_refuses_in_are_asked_value_by_value_and_empty_values_not_at_all() {
        let searches =
            [search(&[("otherMails", "a@x"), ("mail", "")]), search(&[("otherMails", "b@x"), ("mail", "c")])];
        let living = |one_by_one: &[&str]| -> Vec<String> {
            shown(&searches, one_by_one).into_iter().filter(|ask| ask.starts_with("Living")).collect()
        };
        assert_eq!(living(&[]), ["Living mail c", "Living otherMails a@x", "Living otherMails b@x"]);
        let searches = [search(&[("mail", "b")]), search(&[("mail", "c")])];
        let shown = shown(&searches, &["MAIL"]);
        assert_eq!(shown, ["Living mail b", "Living mail c", "Bin mail b", "Bin mail c"]);
    }
}
