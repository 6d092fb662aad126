//! Days in the life of a house, by the throw of a die: people come, move and leave, directories fail, processes die,
//! job files change. Whatever happens, the promises hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use muster::config::{self, SourceMeant};
use muster::decide::{Ask, GroupsAt, Job, decide};
use muster::model::{
    Carried, ChangeKind, Damage, Dn, Manager, ObjectId, OperationId, Outcome, Part, Person, Statement, TargetId,
    Timestamp, UploadId, Value, Wanted, WorkItem,
};
use muster::overlay::{Overlaid, overlay};
use muster::pipeline::plan::plan;
use muster::source::CsvSettings;

use super::hearth::{Hearth, JOB, anchor_of, gone, says, words};
use super::practice::attributes;
use super::witness::Weather;
use crate::people::Dice;

/// Seeds that are run by every test run. A new kind of fault deserves more; a thousand take some minutes.
const SEEDS: u64 = 48;
/// Parts the seeds are run in, side by side.
const PARTS: u64 = 2;
/// Things that happen in one run.
const STEPS: u64 = 150;
/// People there are: few, so that what happens to them meets.
const PEOPLE: u64 = 7;
/// Damage of each kind that a target allows in a day.
const LIMIT: usize = 3;
/// How often the store is looked over while things happen.
const LOOK_EVERY: u64 = 15;
/// Rounds of letting go and settling after which nothing may be held by a limit any more.
const ROUNDS_MAX: usize = 20;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DIRECTORIES: [&str; 3] = ["cloud", "hq", "chat"];
/// The attribute in the first two that holds a name nobody else may have; the directories themselves do not see to that.
const NAMED: [&str; 2] = ["mailNickname", "initials"];
/// Groups that job files speak of, in some lives; and one that none does.
const GROUPS: [&str; 3] = ["Staff", "Bosses", "Anna"];
const OTHERS: &str = "Others";
/// People share their names, and so their candidates; the last is theirs alone.
const NAME: &str = r#"expression = 'SelectUniqueValue([displayName], Join("", [displayName], "2"), Join("-", [displayName], [externalId]))', unique_in = "login""#;

/// An app: who has an account there besides their home, rules say.
const CHAT: &str = r#"
[target.chat]
kind = "scim"
base_url = "https://chat.example/scim"
token = { env = "NO_SUCH_SECRET" }
map = [
  { to = "externalId", direct = "externalId", match = 1 },
  { to = "userName", direct = "userName" },
  { to = "displayName", direct = "displayName" },
  { to = "active", direct = "active" },
  { to = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", direct = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", flow_null = true },
]
"#;

/// Seeds to run instead, to look into one: `MUSTER_SEEDS=17-18`.
const SEEDS_VARIABLE: &str = "MUSTER_SEEDS";

fn run_part(part: u64) {
    for seed in seeds().filter(|seed| seed % PARTS == part) {
        run(seed);
    }
}

#[expect(clippy::disallowed_methods, reason = "a hand on the test, not on the house")]
fn seeds() -> std::ops::Range<u64> {
    let Ok(range) = std::env::var(SEEDS_VARIABLE) else { return 0..SEEDS };
    let (first, end) = range.split_once('-').expect("two numbers with a hyphen");
    first.parse().unwrap()..end.parse().unwrap()
}

fn run(seed: u64) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut life = Life::new(seed);
        for _ in 0..STEPS {
            life.step().await;
        }
        life.come_to_rest().await;
        life.check_at_rest().await;
        life.log()
    })
}

#[test]
fn the_promises_hold_on_even_days() {
    run_part(0);
}

#[test]
fn the_promises_hold_on_odd_days() {
    run_part(1);
}

#[test]
fn the_same_seed_is_the_same_life() {
    assert_eq!(run(1), run(1));
}

/// One run.
struct Life {
    seed: u64,
    dice: Dice,
    house: Hearth,
    /// What happened, for whoever looks into a failure.
    told: String,
    /// Every job file there was, the newest last.
    jobs: Vec<(String, Job)>,
    /// What is held of people by the statements that were accepted, in order.
    people: BTreeMap<String, Person>,
    /// Every state of every person.
    states: BTreeMap<(String, i64), Person>,
    /// The newest statement about each.
    newest: BTreeMap<String, Statement>,
    uploads: Vec<(UploadId, usize)>,
    /// Leased by workers of our own; some of it carried.
    hands: Vec<(WorkItem, Option<Carried>)>,
    /// How operations had ended for good when last looked at.
    ended: BTreeMap<OperationId, String>,
    /// Whose damage somebody let go: directory, anchor, generation.
    released: BTreeSet<(String, String, i64)>,
    /// Accounts that were there before.
    there_before: BTreeSet<String>,
    /// The same, as their directory calls them: they are in a group no job speaks of.
    strangers: BTreeSet<(&'static str, ObjectId)>,
    /// Accounts are deleted by hand: in some lives, because nobody notices until they are written to.
    vanishing: bool,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let (text, job) = any_job(&mut dice, 0);
        let house = Hearth::with(&[&text]);
        let mut life = Self {
            seed,
            dice,
            house,
            told: String::new(),
            jobs: vec![(text, job)],
            people: BTreeMap::new(),
            states: BTreeMap::new(),
            newest: BTreeMap::new(),
            uploads: Vec::new(),
            hands: Vec::new(),
            ended: BTreeMap::new(),
            released: BTreeSet::new(),
            there_before: BTreeSet::new(),
            strangers: BTreeSet::new(),
            vanishing: seed % 4 == 3,
        };
        life.settle_down();
        life.change_weather();
        life
    }

    /// Some accounts are there before anybody says a word.
    fn settle_down(&mut self) {
        for _ in 0..self.dice.below(4) {
            let anchor = self.anybody();
            let directory = self.dice.pick(&DIRECTORIES);
            if self.house.accounts(directory, &anchor).is_empty() {
                let synced = directory == "cloud" && self.dice.chance(30);
                let id = if directory == "chat" { "externalId" } else { "employeeId" };
                let held = attributes(&[(id, &anchor), ("displayName", "Found")]);
                let container = (directory == "hq").then(|| Dn::parse("OU=Old,DC=contoso").unwrap());
                let object = self.house.directory(directory).insert(held, container, synced);
                if self.dice.chance(50) {
                    self.house.directory(directory).add_member(self.dice.pick(&GROUPS), &object);
                }
                self.house.directory(directory).add_member(OTHERS, &object);
                self.strangers.insert((directory, object));
                self.there_before.insert(anchor);
            }
        }
    }

    fn anybody(&mut self) -> String {
        (1 + self.dice.below(PEOPLE)).to_string()
    }

    fn tell(&mut self, what: &str) {
        let now = self.house.now();
        let _ = writeln!(self.told, "{now} {what}");
    }

    async fn step(&mut self) {
        match self.dice.below(100) {
            0..30 => self.say_something(),
            30..42 => {
                self.tell("decide");
                self.house.decide_next();
            }
            42..60 => {
                self.house.deliver_once().await;
                self.tell("deliver");
            }
            60..70 => self.take_work(),
            70..80 => self.do_work().await,
            80..86 => self.pass_time(),
            86..92 => self.die(),
            92..95 if !self.seed.is_multiple_of(4) => self.change_job(),
            95..97 => self.let_go(),
            97 => self.take_away(),
            _ => self.change_weather(),
        }
        self.check_accounts();
        if self.dice.below(LOOK_EVERY) == 0 {
            self.check_store();
        }
    }

    fn say_something(&mut self) {
        let count = 1 + self.dice.below(4);
        let statements: Vec<_> = (0..count).map(|_| self.any_statement()).collect();
        let upload = self.house.upload(&statements);
        self.tell(&format!("upload {upload}: {statements:?}"));
        self.uploads.push((upload, statements.len()));
        for statement in statements {
            let anchor = statement.anchor().to_string();
            let job = &self.jobs.last().unwrap().1;
            let before = self.people.get(&anchor);
            self.newest.insert(anchor.clone(), statement.clone());
            if let Overlaid::Changed(person) = overlay(before, statement, &job.null_flow, Timestamp(0)) {
                self.states.insert((anchor.clone(), person.generation.0), person.clone());
                self.people.insert(anchor, person);
            }
        }
    }

    fn any_statement(&mut self) -> Statement {
        let anchor = self.anybody();
        if self.dice.chance(12) {
            return gone(&anchor);
        }
        let user_name = format!("u{anchor}");
        let mut values = vec![("userName", user_name.as_str())];
        let is_new = !self.people.contains_key(&anchor);
        let types = ["Employee", "Employee", "Employee", "Contractor", "Contractor", "Board", "Robot", "Alumni"];
        if is_new || self.dice.chance(35) {
            values.push(("userType", self.dice.pick(&types)));
        }
        if self.dice.chance(40) {
            values.push(("active", self.dice.pick(&["true", "true", "false", "null"])));
        }
        if is_new || self.dice.chance(50) {
            values.push(("displayName", self.dice.pick(&["Anna", "Ben", "Cem", "null"])));
        }
        if self.dice.chance(40) {
            values.push(("title", self.dice.pick(&["Clerk", "Boss", "null"])));
        }
        if self.dice.chance(40) {
            values.push(("manager", self.dice.pick(&["1", "2", "3", "4", "99", "null"])));
        }
        if self.dice.chance(20) {
            values.push(("nickName", self.dice.pick(&["a", "b", "c"])));
        }
        says(&anchor, &values)
    }

    fn take_work(&mut self) {
        let target = self.dice.pick(&DIRECTORIES);
        let count = 1 + self.dice.below(3) as usize;
        let items = self.house.lease_some(target, count);
        let taken: Vec<_> = items.iter().map(|item| format!("{} {:?}", item.anchor, item.task)).collect();
        self.tell(&format!("lease at {target}: {taken:?}"));
        self.hands.extend(items.into_iter().map(|item| (item, None)));
    }

    /// A worker goes on with what it has: it carries, or reports, or is never heard of again.
    async fn do_work(&mut self) {
        if self.hands.is_empty() {
            return;
        }
        let at = self.dice.below(self.hands.len() as u64) as usize;
        let (item, carried) = self.hands.swap_remove(at);
        let anchor = item.anchor.clone();
        match carried {
            _ if self.dice.chance(15) => self.tell(&format!("the worker with {anchor} is gone")),
            None => {
                let carried = self.house.carry(&item).await;
                self.tell(&format!("carried {anchor} at {}: {:?}", item.target, carried.settlement));
                self.hands.push((item, Some(carried)));
            }
            Some(carried) => {
                let settled = self.house.report(&item.lease, carried);
                self.tell(&format!("reported {anchor} at {}: {settled:?}", item.target));
            }
        }
    }

    fn pass_time(&mut self) {
        let seconds = match self.dice.below(4) {
            0 => self.dice.below(5),
            1 => self.dice.below(200),
            2 => self.dice.below(10_000),
            _ => self.dice.below(100_000),
        };
        self.house.clock.pass(Duration::from_secs(seconds));
        self.tell("time passed");
    }

    fn die(&mut self) {
        self.house.restart();
        self.tell("the process died");
    }

    fn change_job(&mut self) {
        let (text, job) = any_job(&mut self.dice, self.jobs.len());
        self.house.restart_with(&text);
        self.tell(&format!("the job file changed: {:?}", job.policy));
        self.jobs.push((text, job));
    }

    fn let_go(&mut self) {
        let whom = self.dice.chance(70).then(|| self.anybody());
        self.remember_released(whom.as_deref());
        let released = self.house.release(whom.as_deref());
        self.tell(&format!("released {whom:?}: {released:?}"));
    }

    /// Somebody deletes an account by hand.
    fn take_away(&mut self) {
        let directory = self.dice.pick(&DIRECTORIES);
        let accounts = self.house.directory(directory).accounts();
        if !accounts.is_empty() && self.vanishing {
            let object = &accounts[self.dice.below(accounts.len() as u64) as usize].object;
            self.house.directory(directory).remove(object);
            self.tell(&format!("{object} vanished from {directory}"));
        }
    }

    fn remember_released(&mut self, whom: Option<&str>) {
        for anchor in self.known_anchors() {
            if whom.is_some_and(|whom| whom != anchor) {
                continue;
            }
            for link in self.house.person(&anchor).links {
                if link.outcome.is_some_and(|outcome| words(&outcome).starts_with("held limit_")) {
                    self.released.insert((link.target.to_string(), anchor.clone(), link.generation.0));
                }
            }
        }
    }

    fn known_anchors(&self) -> Vec<String> {
        let state = &self.house.job().state;
        let is_known = |anchor: &&String| self.house.store().stored(state, anchor).unwrap().is_some();
        self.people.keys().filter(is_known).cloned().collect()
    }

    fn change_weather(&mut self) {
        let storms = [
            Weather::default(),
            Weather { later: 20, lost_before: 10, lost_after: 20, refused: 0, taken: 0 },
            Weather { later: 5, lost_before: 5, lost_after: 40, refused: 5, taken: 5 },
            Weather { later: 10, lost_before: 0, lost_after: 0, refused: 30, taken: 10 },
        ];
        let weather = storms[self.dice.below(storms.len() as u64) as usize];
        for directory in DIRECTORIES {
            let dice = Dice::new(self.dice.roll());
            self.house.witness(directory).set_weather(weather, dice);
        }
        self.tell(&format!("{weather:?}"));
    }

    /// All faults are mended, what failed is tried again, whatever a limit holds is let go.
    async fn come_to_rest(&mut self) {
        self.hands.clear();
        for directory in DIRECTORIES {
            self.house.witness(directory).set_weather(Weather::default(), Dice::new(0));
        }
        self.tell("all is calm");
        self.house.settle().await;
        self.check_store();
        if self.jobs.len() > 1 && self.dice.chance(50) {
            let (text, job) = self.jobs.last().unwrap().clone();
            self.house.restart_with(&format!("{text}\n# The same, once more.\n"));
            self.jobs.push((text, job));
        } else {
            let statements: Vec<_> = self.newest.values().cloned().collect();
            self.uploads.push((self.house.upload(&statements), statements.len()));
        }
        for _ in 0..ROUNDS_MAX {
            self.house.settle().await;
            self.remember_released(None);
            let released = self.house.release(None);
            self.tell(&format!("released: {released:?}"));
            if released.limits + released.missing == 0 {
                return;
            }
        }
        self.fail("work is held again and again");
    }

    // --- What must hold at any time ---------------------------------------------------------------------------------

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let people: String = self.known_anchors().iter().map(|anchor| self.house.tell(anchor)).collect();
        let mut written = String::new();
        for directory in DIRECTORIES {
            for wrote in self.house.written(directory) {
                let _ = writeln!(written, "{} {directory} {wrote:?}", wrote.at);
            }
        }
        panic!("seed {}: {what}\n{}\n{people}\n{written}", self.seed, self.told);
    }

    #[track_caller]
    fn check(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fail(&what());
        }
    }

    /// One account per person and directory.
    fn check_accounts(&self) {
        for directory in DIRECTORIES {
            for number in 1..=PEOPLE {
                let accounts = self.house.accounts(directory, &number.to_string());
                self.check(accounts.len() < 2, || format!("{accounts:?}"));
            }
        }
        self.check_names();
    }

    /// Nobody has the name of somebody else, in whichever directory. Who was brought back has the name they had, which
    /// may be somebody else's by now: a real directory refuses that, and these do not see to it.
    fn check_names(&self) {
        let mut whose: BTreeMap<String, String> = BTreeMap::new();
        for (directory, attribute) in DIRECTORIES.iter().zip(NAMED) {
            for account in self.house.directory(directory).accounts() {
                let text = |name| account.attributes.get(name).and_then(Value::as_text).map(str::to_owned);
                let (Some(name), Some(anchor)) = (text(attribute), text("employeeId")) else { continue };
                let written = self.house.written(directory);
                if written.iter().any(|wrote| wrote.kind == ChangeKind::Restore && wrote.anchor == anchor) {
                    continue;
                }
                let first = whose.entry(name.to_lowercase()).or_insert_with(|| anchor.clone());
                self.check(*first == anchor, || format!("{first} and {anchor} are both called {name}"));
            }
        }
    }

    fn check_store(&mut self) {
        let faults = self.house.store().fsck().unwrap();
        self.check(faults.is_empty(), || format!("{faults:?}"));
        self.check_endings();
        self.check_writes();
    }

    /// What has ended for good stays as it ended.
    fn check_endings(&mut self) {
        for (upload, _) in self.uploads.clone() {
            for operation in self.house.store().operations(upload, 0, 100).unwrap() {
                let Some(outcome) = operation.outcome else {
                    self.check(!self.ended.contains_key(&operation.id), || format!("{} is open again", operation.id));
                    continue;
                };
                if let Some(before) = self.ended.get(&operation.id) {
                    self.check(*before == words(&outcome), || format!("{} was {before}", operation.id));
                }
                if !matches!(outcome, Outcome::Held(_) | Outcome::Failed(_)) {
                    self.ended.insert(operation.id, words(&outcome));
                }
            }
        }
    }

    fn check_writes(&self) {
        for directory in DIRECTORIES {
            let written = self.house.written(directory);
            let mut newest: BTreeMap<(&str, Part, &str), i64> = BTreeMap::new();
            for wrote in &written {
                let held = newest.entry((&wrote.anchor, wrote.part, &wrote.group)).or_default();
                self.check(wrote.generation >= *held, || format!("an older state came after a newer one: {wrote:?}"));
                *held = wrote.generation;
                let leaves = matches!(wrote.kind, ChangeKind::Disable | ChangeKind::Delete | ChangeKind::Leave);
                let lives_there = leaves || self.may_live_at(directory, &wrote.anchor, wrote.generation);
                self.check(lives_there, || format!("they do not live at {directory}: {wrote:?}"));
            }
            self.check_damage(directory);
        }
    }

    /// Whether any of the job files would place the person there, in that state.
    fn may_live_at(&self, directory: &str, anchor: &str, generation: i64) -> bool {
        let person = &self.states[&(anchor.to_owned(), generation)];
        self.jobs.iter().any(|(text, job)| {
            let keeps = text.contains("placement_change = \"keep\"");
            let verdict = job.ruleset.place(&person.attributes);
            let home = verdict.placement.home().map(ToString::to_string);
            let also = verdict.also.iter().any(|app| app.as_str() == directory);
            !person.deleted
                && job.scope.refuses(&person.attributes).is_none()
                && (keeps || also || home.as_deref() == Some(directory))
        })
    }

    /// In no day more accounts are damaged than is allowed, but for those that somebody let go.
    fn check_damage(&self, directory: &str) {
        for damage in Damage::ALL {
            let counts = |wrote: &&super::witness::Wrote| {
                let key = (directory.to_owned(), wrote.anchor.clone(), wrote.generation);
                wrote.damages.contains(&damage) && !self.released.contains(&key)
            };
            let written = self.house.written(directory);
            let damaging: Vec<_> = written.iter().filter(counts).collect();
            for (at, first) in damaging.iter().enumerate() {
                let day = damaging[at..].iter().take_while(|wrote| wrote.at.since(first.at) < DAY);
                let accounts: BTreeSet<&str> = day.map(|wrote| wrote.anchor.as_str()).collect();
                self.check(accounts.len() <= LIMIT, || format!("{damage:?} of {accounts:?} at {directory} in a day"));
            }
        }
    }

    // --- What must hold in the end ----------------------------------------------------------------------------------

    async fn check_at_rest(&mut self) {
        self.check_store();
        self.check_outcomes();
        for anchor in self.people.keys().cloned().collect::<Vec<_>>() {
            self.check_person(&anchor);
        }
        self.check_orphans();
        self.check_strangers();
        self.check_plan();
        if !self.vanishing {
            self.check_replay().await;
        }
    }

    /// Every operation that was accepted has ended, in one outcome, and has not claimed what was not done.
    fn check_outcomes(&self) {
        let mut applied: BTreeMap<String, usize> = BTreeMap::new();
        for (upload, count) in &self.uploads {
            let operations = self.house.store().operations(*upload, 0, 100).unwrap();
            self.check(operations.len() == *count, || format!("upload {upload} has {} operations", operations.len()));
            for operation in operations {
                let outcome = operation.outcome.as_ref().map(words);
                self.check(outcome.is_some(), || format!("{} has not ended", operation.id));
                let (anchor, outcome) = (operation.anchor.unwrap(), outcome.unwrap());
                let nothing_was = outcome.starts_with("skipped") || outcome == "unchanged";
                let is_false =
                    operation.generation.is_some_and(|state| nothing_was && self.was_written(&anchor, state.0));
                self.check(!is_false, || format!("{} is {outcome}", operation.id));
                *applied.entry(anchor).or_default() += usize::from(outcome == "applied");
            }
        }
        for (anchor, applied) in applied {
            let written: usize = DIRECTORIES
                .iter()
                .map(|directory| self.house.written(directory).iter().filter(|wrote| wrote.anchor == anchor).count())
                .sum();
            let linked = usize::from(self.there_before.contains(&anchor)) * DIRECTORIES.len();
            let noticed_late = self.vanishing;
            self.check(noticed_late || applied <= written + linked, || {
                format!("{anchor}: {applied} applied, {written} written")
            });
        }
    }

    /// Whether an account was written for this state of the person, by the only job file there was.
    fn was_written(&self, anchor: &str, generation: i64) -> bool {
        let is_it = |wrote: &super::witness::Wrote| {
            wrote.anchor == anchor && wrote.part == Part::Account && wrote.generation == generation
        };
        self.jobs.len() == 1 && DIRECTORIES.iter().any(|directory| self.house.written(directory).iter().any(is_it))
    }

    /// The person is what was said of them, and their accounts are what that asks for.
    fn check_person(&self, anchor: &str) {
        let (house, expected) = (&self.house, &self.people[anchor]);
        let stored = house.store().stored(&house.job().state, anchor).unwrap().unwrap();
        let held = (&stored.person.attributes, stored.person.deleted, stored.person.generation);
        self.check(held == (&expected.attributes, expected.deleted, expected.generation), || {
            format!("{anchor} is {held:?} and not {expected:?}")
        });
        let decision = decide(&house.job().core, &stored.person, &stored.links);
        decision.groups.iter().for_each(|at| self.check_groups(anchor, at));
        for at in decision.targets {
            let directory = at.target.as_str();
            if self.has_vanished(directory, anchor) {
                continue;
            }
            let synced = house.accounts(directory, anchor).iter().any(|account| account.synced);
            match at.ask {
                _ if synced => {}
                Ask::Bring(Wanted::Deleted) => self.check(house.accounts(directory, anchor).is_empty(), || {
                    format!("{anchor} is still at {directory}")
                }),
                Ask::Bring(Wanted::Disabled) => self
                    .check(house.holds(directory, anchor, "accountEnabled") == "false", || {
                        format!("{anchor} is still let in at {directory}")
                    }),
                Ask::Bring(Wanted::Present(desired)) => self.check_account(anchor, &at.target, &desired),
                Ask::Hold(_) | Ask::Skip(_) => {}
                Ask::Fail(reason) => self.fail(&format!("{anchor}: {reason}")),
            }
        }
    }

    /// The person's account is in the groups it shall be in, and in no others but those somebody else put it into.
    fn check_groups(&self, anchor: &str, at: &GroupsAt) {
        let directory = at.target.as_str();
        let accounts = self.house.accounts(directory, anchor);
        let [account] = accounts.as_slice() else { return };
        if account.synced || self.has_vanished(directory, anchor) {
            return;
        }
        let was_there = self.strangers.iter().any(|(_, object)| *object == account.object);
        let groups = self.house.directory(directory).groups();
        for joining in &at.groups {
            let is_in = groups.iter().any(|(name, held)| joining.is(name) && held.contains(&account.object));
            self.check(is_in, || format!("{anchor} is not in {} at {directory}", joining.group));
        }
        for (name, _) in groups.iter().filter(|(name, held)| *name != OTHERS && held.contains(&account.object)) {
            let is_wanted = at.groups.iter().any(|joining| joining.is(name));
            self.check(is_wanted || was_there, || format!("{anchor} is still in {name} at {directory}"));
        }
    }

    /// Nobody is taken out of a group that no job speaks of.
    fn check_strangers(&self) {
        for (directory, object) in &self.strangers {
            let accounts = self.house.directory(directory).accounts();
            let Some(account) = accounts.iter().find(|account| account.object == *object) else { continue };
            let written = self.house.written(directory);
            // Whoever was deleted and came back is in no group: this directory forgets that.
            let came_back = written.iter().any(|wrote| {
                wrote.kind == ChangeKind::Restore && anchor_of(account).is_some_and(|anchor| wrote.anchor == anchor)
            });
            let groups = self.house.directory(directory).groups();
            self.check(came_back || groups[OTHERS].contains(object), || format!("{object} was taken out of {OTHERS}"));
        }
    }

    /// Whatever was made for somebody is known to be theirs.
    fn check_orphans(&self) {
        for directory in DIRECTORIES {
            for account in self.house.directory(directory).accounts() {
                let Some(anchor) = anchor_of(&account) else { continue };
                let stored = self.house.store().stored(&self.house.job().state, anchor).unwrap();
                let known = stored.as_ref().and_then(|stored| stored.known_at(&TargetId::new(directory)));
                let is_theirs = known.is_some_and(|known| known.object == account.object);
                let is_ours = !self.there_before.contains(anchor) && !self.vanishing;
                self.check(is_theirs || !is_ours, || format!("{} at {directory} is nobody's", account.object));
            }
        }
    }

    /// Whether somebody deleted the account by hand, and nobody has noticed.
    fn has_vanished(&self, directory: &str, anchor: &str) -> bool {
        let stored = self.house.store().stored(&self.house.job().state, anchor).unwrap();
        let object = stored.and_then(|stored| Some(stored.known_at(&TargetId::new(directory))?.object.clone()));
        let accounts = self.house.directory(directory).accounts();
        self.vanishing && object.is_some_and(|object| accounts.iter().all(|account| account.object != object))
    }

    fn check_account(&self, anchor: &str, target: &TargetId, desired: &muster::model::Desired) {
        let accounts = self.house.accounts(target.as_str(), anchor);
        let [account] = accounts.as_slice() else { self.fail(&format!("{anchor} has no account at {target}")) };
        for (name, wanted) in desired.attributes.iter() {
            let held = account.attributes.get(name.as_str()).unwrap_or(&Value::Null);
            self.check(held == wanted, || format!("{anchor} at {target}: {name} is {held:?} and not {wanted:?}"));
        }
        self.check(desired.container.is_none() || account.container == desired.container, || {
            format!("{anchor} at {target} is in {:?}", account.container)
        });
        let manager = match &desired.manager {
            Some(Manager::Is(manager)) if manager.as_str() != anchor => manager,
            Some(Manager::Nobody) => {
                return self.check(account.manager.is_none(), || format!("{anchor} has a manager"));
            }
            _ => return,
        };
        let stored = self.house.store().stored(&self.house.job().state, manager.as_str()).unwrap();
        let link = stored.as_ref().and_then(|stored| stored.known_at(target));
        if let Some(link) = link.filter(|_| !self.has_vanished(target.as_str(), manager.as_str())) {
            self.check(account.manager.as_ref() == Some(&link.object), || {
                format!("{anchor} at {target} reports to {:?} and not to {manager}", account.manager)
            });
        }
    }

    /// The same input, job and known state: the same plan, whoever asks and when.
    fn check_plan(&mut self) {
        let path = self.house.folder().join("plan.csv");
        let mut rows = "id,user,name,type,title\n".to_owned();
        for number in 1..PEOPLE + 3 {
            let (kind, title) =
                (self.dice.pick(&["Employee", "Contractor", "Alumni"]), self.dice.pick(&["Clerk", "Boss", ""]));
            let _ = writeln!(rows, "{number},u{number},Planned,{kind},{title}");
        }
        std::fs::write(&path, rows).unwrap();
        let settings = csv();
        let first = self.planned(&path, &settings);
        self.house.restart();
        self.house.clock.pass(Duration::from_secs(60));
        let second = self.planned(&path, &settings);
        self.check(first == second, || format!("{first}\nand then\n{second}"));
    }

    fn planned(&self, path: &std::path::Path, settings: &CsvSettings) -> String {
        let (store, job) = (self.house.store(), self.house.job());
        let mut told = String::new();
        let known = Some((store, &*job.state));
        let planned = plan(&job.core, known, true, (path, settings), self.house.now(), &mut |planned| {
            let _ = writeln!(told, "{planned:?}");
        });
        let _ = write!(told, "{:?}", planned.unwrap().groups);
        told
    }

    /// What was said last of everybody, said again, changes nothing.
    async fn check_replay(&mut self) {
        let written = DIRECTORIES.map(|directory| self.house.written(directory).len());
        let statements: Vec<_> = self.newest.values().cloned().collect();
        let upload = self.house.upload(&statements);
        self.house.settle().await;
        let outcomes = self.house.outcomes(upload);
        self.check(outcomes.iter().all(|outcome| outcome == "unchanged"), || format!("{outcomes:?}"));
        let now = DIRECTORIES.map(|directory| self.house.written(directory).len());
        self.check(written == now, || "saying it again wrote something".to_owned());
    }

    fn log(&self) -> String {
        let written = DIRECTORIES.map(|directory| self.house.written(directory));
        format!("{}{written:?}", self.told)
    }
}

fn any_job(dice: &mut Dice, number: usize) -> (String, Job) {
    let leaver = ["hold", "disable", "delete"];
    let limits = format!(
        "limits = {{ disable = {{ count = {LIMIT}, percent = 0 }}, delete = {{ count = {LIMIT}, percent = 0 }}, move = {{ count = {LIMIT}, percent = 0 }}, leave = {{ count = {LIMIT}, percent = 0 }} }}"
    );
    let mut text = JOB
        .replace("out_of_scope = \"hold\"", &format!("out_of_scope = \"{}\"", dice.pick(&leaver)))
        .replace("nowhere = \"hold\"", &format!("nowhere = \"{}\"", dice.pick(&leaver)))
        .replace(
            "placement_change = \"hold\"",
            &format!("placement_change = \"{}\"", dice.pick(&["hold", "migrate", "migrate", "keep"])),
        );
    text.push_str(CHAT);
    for (id, percent) in [("employees", 80), ("contractors", 40)] {
        if dice.chance(percent) {
            text = text.replace(&format!("id = \"{id}\""), &format!("id = \"{id}\"\nalso = [\"chat\"]"));
        }
    }
    for kind in ["kind = \"graph\"", "kind = \"ldif\"", "kind = \"scim\""] {
        text = text.replace(kind, &format!("{kind}\non_delete = \"{}\"\n{limits}", dice.pick(&leaver)));
    }
    text = text
        .replace(
            r#"{ to = "mailNickname", direct = "userName", apply = "create" },"#,
            &format!("{{ to = \"{}\", {NAME} }},", NAMED[0]),
        )
        .replace(
            r#"{ to = "sAMAccountName", direct = "userName" },"#,
            &format!("{{ to = \"{}\", {NAME} }},", NAMED[1]),
        );
    if dice.chance(30) {
        text = text.replace("userType eq \"Board\"", "userType eq \"Board\" or userType eq \"Robot\"");
    }
    if dice.chance(30) {
        text = text.replace("direct = \"displayName\"", "direct = \"userName\"");
    }
    if dice.chance(20) {
        text = text.replace("\"Boss\", \"OU=Bosses", "\"Clerk\", \"OU=Clerks");
    }
    let text = format!("{text}\n{}# Job file {number}.\n", any_memberships(dice));
    let job = config::check_text("job.toml", &text).unwrap_or_else(|report| panic!("{}", report.render(false))).job;
    (text, job)
}

/// Groups of either directory, by filter and by name; in some job files none.
fn any_memberships(dice: &mut Dice) -> String {
    let all = [
        "when = 'active eq true'\ntarget = \"cloud\"\ngroup = \"Staff\"",
        "when = 'title eq \"Boss\"'\ntarget = \"cloud\"\ngroup = \"Bosses\"",
        "target = \"cloud\"\nexpression = '[displayName]'",
        "target = \"hq\"\nexpression = '[displayName]'",
        "when = 'title eq \"Boss\"'\ntarget = \"hq\"\ngroup = \"CN=Bosses,DC=contoso\"",
    ];
    let chosen = all.iter().filter(|_| dice.chance(60));
    chosen.map(|text| format!("[[membership]]\n{text}\ncreate = true\n")).collect()
}

/// How an export is read for a plan.
fn csv() -> CsvSettings {
    let columns = "[source]\nkind = \"csv\"\n[source.columns]\nid = \"externalId\"\nuser = \"userName\"\nname = \"displayName\"\n\
                   type = \"userType\"\ntitle = \"title\"\n";
    let api = JOB.lines().find(|line| line.starts_with("source =")).unwrap();
    let unfilled = ["active", "preferredLanguage", "manager"];
    let job: Vec<&str> =
        JOB.lines().filter(|line| !unfilled.iter().any(|word| line.contains(word) && *line != api)).collect();
    match config::check_text("job.toml", &job.join("\n").replace(api, columns)).map(|meant| meant.source) {
        Ok(SourceMeant::Csv(settings)) => settings,
        Ok(SourceMeant::Api) => panic!("no CSV"),
        Err(report) => panic!("{}", report.render(false)),
    }
}
