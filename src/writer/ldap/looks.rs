//! People who are looked for at the same moment are looked for in one search.
//!
//! What people are matched by is seldom indexed (Active Directory indexes neither `employeeID` nor `employeeNumber`), so
//! a search reads everybody who is there; one search for many people reads them once. Nobody waits for others to come:
//! who comes while a search is under way is in the next one.
//!
//! Directories compare by rules of their own, so an answer is shared out only where no rule could have another opinion:
//! plain ASCII, and every entry of the answer belongs to exactly one value. Otherwise each looks alone.

use std::sync::{Mutex, PoisonError};

use ldap3::Scope;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::LdapWriter;
use super::answer::Trouble;
use super::find::asked;
use super::held::Held;
use super::read::Entry;
use crate::model::Name;
use crate::writer::until::Until;

/// People looked for in one search: a filter of a few kilobytes.
const TOGETHER_MAX: usize = 64;

/// Who is to be looked for at one server.
#[derive(Debug, Default)]
pub(super) struct Looks {
    waiting: Mutex<Vec<Look>>,
    /// Whose turn it is to search for all that wait.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Look {
    key: Name,
    value: String,
    attributes: Vec<Name>,
    told: oneshot::Sender<Result<Told, Trouble>>,
}

/// What a search for several people says about one of them.
#[derive(Debug)]
enum Told {
    /// Who stands under the value, at which server.
    Stand(usize, Vec<Entry>),
    /// Nothing for certain: to be looked for alone.
    Alone,
}

impl Looks {
    fn wait(&self, (key, value): &(Name, String), attributes: &[Name]) -> oneshot::Receiver<Result<Told, Trouble>> {
        let (told, answer) = oneshot::channel();
        let look = Look { key: key.clone(), value: value.clone(), attributes: attributes.to_vec(), told };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(look);
        answer
    }

    /// Those that can be asked for in one search with the one who has waited longest.
    fn next(&self) -> Vec<Look> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|look| !look.told.is_closed());
        let Some(first) = waiting.first().map(|look| (look.key.clone(), look.attributes.clone())) else {
            return Vec::new();
        };
        let mut count = 0;
        let fits = |look: &mut Look| {
            let fits = count < TOGETHER_MAX && (&look.key, &look.attributes) == (&first.0, &first.1);
            count += usize::from(fits);
            fits
        };
        waiting.extract_if(.., fits).collect()
    }
}

impl LdapWriter {
    /// Who stands under a key at this server, or at the one that serves; and which server it was.
    ///
    /// # Errors
    /// [`Trouble`] of the search, whosever search it was.
    pub(super) async fn stand_under(
        &self,
        server: Option<usize>,
        key: &(Name, String),
        attributes: &[Name],
        until: Until,
    ) -> Result<(usize, Vec<Entry>), Trouble> {
        let looks = server.and_then(|server| self.looks_at.get(server)).unwrap_or(&self.looks);
        if !is_plain(&key.1) {
            return self.look_alone(server, key, attributes, until).await;
        }
        let mut answer = looks.wait(key, attributes);
        let told = timeout_at(until.end, async {
            // Ends when our own turn has come at the latest: each turn takes those who have waited longest.
            loop {
                tokio::select! {
                    biased;
                    told = &mut answer => return told,
                    _turn = looks.turn.lock() => self.look_for_all(server, looks.next(), until).await,
                }
            }
        });
        match told.await {
            Ok(Ok(Ok(Told::Stand(server, entries)))) => Ok((server, entries)),
            Ok(Ok(Err(trouble))) => Err(trouble),
            // Whoever searched for us was cut off, or cannot say.
            Ok(Ok(Ok(Told::Alone)) | Err(_)) => self.look_alone(server, key, attributes, until).await,
            Err(_) => Err(Trouble::NotSent("the directory did not answer a search in time".to_owned())),
        }
    }

    async fn look_alone(
        &self,
        server: Option<usize>,
        (key, value): &(Name, String),
        attributes: &[Name],
        until: Until,
    ) -> Result<(usize, Vec<Entry>), Trouble> {
        let mut held = self.take_from(server, until).await?;
        let filter = self.filter(key, std::iter::once(value.as_str()));
        let entries = held.search(self.base(), Scope::Subtree, &filter, &asked(attributes)).await?;
        Ok((held.server(), entries))
    }

    async fn look_for_all(&self, server: Option<usize>, looks: Vec<Look>, until: Until) {
        let told = match looks.as_slice() {
            [] => return,
            [only] => {
                let key = (only.key.clone(), only.value.clone());
                let found = self.look_alone(server, &key, &only.attributes, until).await;
                vec![found.map(|(server, entries)| Told::Stand(server, entries))]
            }
            [first, ..] => self.look_together(server, first, &looks, until).await,
        };
        looks.into_iter().zip(told).for_each(|(look, told)| drop(look.told.send(told)));
    }

    /// What one search for all of them, who ask as the first does, says of each.
    async fn look_together(
        &self,
        server: Option<usize>,
        first: &Look,
        looks: &[Look],
        until: Until,
    ) -> Vec<Result<Told, Trouble>> {
        shared(self.search_for_all(server, first, looks, until).await, &first.key, looks)
    }

    async fn search_for_all(
        &self,
        server: Option<usize>,
        first: &Look,
        looks: &[Look],
        until: Until,
    ) -> Result<(usize, Vec<Entry>), Trouble> {
        let mut held = self.take_from(server, until).await?;
        let filter = self.filter(&first.key, looks.iter().map(|look| look.value.as_str()));
        let mut wanted = asked(&first.attributes);
        if !wanted.iter().any(|name| name.eq_ignore_ascii_case(first.key.as_str())) {
            wanted.push(first.key.as_str());
        }
        let entries = held.search_many(self.base(), &filter, &wanted).await?;
        Ok((held.server(), entries))
    }

    /// A connection to that server, or to the one that serves.
    async fn take_from(&self, server: Option<usize>, until: Until) -> Result<Held<'_>, Trouble> {
        match server {
            Some(server) => self.domain.take_at(server, until).await,
            None => self.domain.take(until).await,
        }
    }
}

/// What the answer of a search for all of them says of each.
fn shared(found: Result<(usize, Vec<Entry>), Trouble>, key: &Name, looks: &[Look]) -> Vec<Result<Told, Trouble>> {
    let alone = || looks.iter().map(|_| Ok(Told::Alone)).collect();
    match found {
        Ok((server, entries)) => match share_out(&entries, key, looks) {
            Some(shares) => shares.into_iter().map(|share| Ok(Told::Stand(server, share))).collect(),
            None => alone(),
        },
        // The directory would not answer this search, or somebody's entry is more than is read: whoever has nothing to
        // do with that shall not suffer from it.
        Err(Trouble::Answered(_) | Trouble::TooMany(_)) => alone(),
        Err(trouble) => looks.iter().map(|_| Err(trouble.clone())).collect(),
    }
}

/// To each the entries under their value; `None` where it cannot be said for certain whose an entry is.
fn share_out(entries: &[Entry], key: &Name, looks: &[Look]) -> Option<Vec<Vec<Entry>>> {
    let mut shares: Vec<Vec<Entry>> = looks.iter().map(|_| Vec::new()).collect();
    for entry in entries {
        // Values under an option (`cn;lang-en`) are found by a search, too, and are not among those under the bare name.
        if entry.has_options_of(key.as_str()) {
            return None;
        }
        let held: Vec<&str> =
            entry.all(key.as_str()).iter().map(|value| std::str::from_utf8(value).ok()).collect::<Option<_>>()?;
        if !held.iter().all(|value| is_plain(value)) {
            return None;
        }
        let held: Vec<String> = held.into_iter().map(folded).collect();
        let stands = |look: &Look| held.contains(&folded(&look.value));
        let whose: Vec<usize> = (0..looks.len()).filter(|at| looks.get(*at).is_some_and(stands)).collect();
        let value = &looks.get(*whose.first()?)?.value;
        // Where values hardly differ, only the directory knows whether that counts.
        if whose.iter().any(|at| looks.get(*at).is_none_or(|look| look.value != *value)) {
            return None;
        }
        for at in whose {
            shares.get_mut(at)?.push(entry.clone());
        }
    }
    Some(shares)
}

/// Whether a value is printable ASCII without spaces, of which rules of comparison may pass over some (RFC 4518).
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What is left of a plain value where a rule of comparison counts as little as any does: neither case, nor marks
/// (telephone numbers), nor zeros in front (whole numbers).
fn folded(value: &str) -> String {
    let kept = value.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    kept.skip_while(|c| *c == '0').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(values: &[&str]) -> Vec<Look> {
        let look = |value: &&str| Look {
            key: Name::new("employeeID"),
            value: (*value).to_owned(),
            attributes: Vec::new(),
            told: oneshot::channel().0,
        };
        values.iter().map(look).collect()
    }

    /// To whom the entries with these values go; `None` where nobody can say.
    fn shares(values: &[&str], entries: &[&[&str]]) -> Option<Vec<usize>> {
        let entries: Vec<Entry> = entries.iter().map(|held| Entry::with("employeeID", held)).collect();
        let shares = share_out(&entries, &Name::new("employeeID"), &looks(values))?;
        Some(shares.iter().map(Vec::len).collect())
    }

    #[test]
    fn each_gets_who_stands_under_their_own_value() {
        assert_eq!(shares(&["1", "2", "3"], &[&["2"], &["1"], &["2"]]), Some(vec![1, 2, 0]));
        assert_eq!(shares(&["Ab", "2"], &[&["aB"]]), Some(vec![1, 0]));
        assert_eq!(shares(&["1", "1"], &[&["1"]]), Some(vec![1, 1]));
        assert_eq!(shares(&["1", "2"], &[]), Some(vec![0, 0]));
    }

    #[test]
    fn where_a_rule_of_comparison_could_have_another_opinion_each_looks_alone() {
        // Nobody asked for what came: the directory compares otherwise than we do.
        assert_eq!(shares(&["jose", "2"], &[&["josé"]]), None);
        assert_eq!(shares(&["1", "2"], &[&[]]), None);
        // A second value may be somebody's by a rule that passes over accents or spaces.
        assert_eq!(shares(&["1", "jose"], &[&["1", "josé"]]), None);
        assert_eq!(shares(&["1", "2"], &[&["1", "2 "]]), None);
        // Two who differ in case, in marks or in zeros only.
        assert_eq!(shares(&["ab", "AB"], &[&["AB"]]), None);
        assert_eq!(shares(&["1-2", "12"], &[&["12"]]), None);
        assert_eq!(shares(&["007", "7"], &[&["7"]]), None);
        // One who is both.
        assert_eq!(shares(&["1", "2"], &[&["1", "2"]]), None);
    }

    #[test]
    fn an_entry_with_values_under_an_option_is_shared_out_to_nobody() {
        let entry = Entry::with("cn", &["1"]).and("cn;lang-en", &["2"]);
        let mut looks = looks(&["1", "2"]);
        looks.iter_mut().for_each(|look| look.key = Name::new("cn"));
        let key = Name::new("cn");
        assert!(share_out(&[entry], &key, &looks).is_none());
        assert!(share_out(&[Entry::with("cn", &["1"]).and("cnx", &["2"])], &key, &looks).is_some());
    }

    #[test]
    fn what_is_wrong_with_ones_entry_is_no_others_trouble() {
        let shared = |trouble| shared(Err(trouble), &Name::new("employeeID"), &looks(&["1", "2"]));
        let alone = shared(Trouble::TooMany("memberOf of 1".to_owned()));
        assert!(alone.len() == 2 && alone.iter().all(|told| matches!(told, Ok(Told::Alone))), "{alone:?}");
        let failed = shared(Trouble::NotSent("no server".to_owned()));
        assert!(failed.len() == 2 && failed.iter().all(Result::is_err), "{failed:?}");
    }

    #[test]
    fn who_asks_for_something_else_waits_for_another_turn_and_who_has_left_is_forgotten() {
        let waiting = Looks::default();
        let key = |name: &str, value: &str| (Name::new(name), value.to_owned());
        let name = [Name::new("displayName")];
        let first = waiting.wait(&key("employeeID", "1"), &[]);
        let left = waiting.wait(&key("employeeID", "2"), &[]);
        let others = [waiting.wait(&key("mail", "1"), &[]), waiting.wait(&key("employeeID", "3"), &name)];
        let many: Vec<_> = (0..TOGETHER_MAX).map(|n| waiting.wait(&key("employeeID", &n.to_string()), &[])).collect();
        drop(left);
        let values = || waiting.next().into_iter().map(|look| look.value).collect::<Vec<_>>();
        assert_eq!((values().len(), values()), (TOGETHER_MAX, vec!["1".to_owned()]));
        assert_eq!((values(), values().len(), values().len()), (vec!["3".to_owned()], 1, 0));
        drop((first, others, many));
    }
}
