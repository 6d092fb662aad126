//! An agent's own limits: what they count, and that nothing gets round them.

use std::path::Path;

use super::*;
use crate::clock::Deadline;
use crate::model::{Anchor, Attributes, ChangeKind, Dn, Generation, JobId, Name, Part, TargetId, Timestamp, Value};

/// A clock moved by hand.
struct Hand(Mutex<Timestamp>);

impl Hand {
    fn at(now: i64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Timestamp(now))))
    }

    fn go(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(by);
    }

    fn back(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.minus(by);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Answers as it is told, and counts what it is asked.
#[derive(Default)]
struct Inner {
    answer: Mutex<Option<WriteError>>,
    writes: Mutex<usize>,
}

#[async_trait]
impl Writer for Inner {
    async fn find(&self, _: &Search) -> Result<Found, WriteError> {
        Ok(Found::Nobody)
    }

    async fn write(&self, _: &Errand<'_>, _: &Change) -> Result<Option<Known>, WriteError> {
        *self.writes.lock().unwrap() += 1;
        self.answer.lock().unwrap().take().map_or(Ok(None), Err)
    }

    async fn set_manager(&self, _: &Errand<'_>, _: &ObjectId, _: Option<&ObjectId>) -> Result<(), WriteError> {
        Ok(())
    }

    async fn set_member(&self, _: &Errand<'_>, _: &Group, _: &ObjectId, _: bool) -> Result<Membership, WriteError> {
        Ok(Membership::Changed)
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(10)
    }
}

const NOW: i64 = 1_800_000_000_000;
const MINUTE: Duration = Duration::from_secs(60);
const LIMITS: HourLimits = HourLimits { disable: 2, delete: 1, r#move: 1 };

/// An agent at a log, and the machine's clock.
struct Bench {
    inner: Arc<Inner>,
    limited: Limited,
    wall: Arc<Hand>,
    patient: Arc<Hand>,
}

fn open(path: &Path, now: i64) -> Bench {
    let (wall, patient) = (Hand::at(now), Hand::at(now));
    let log = LimitLog::open(path, wall.clone(), patient.clone()).unwrap();
    let inner = Arc::new(Inner::default());
    Bench { limited: Limited::new(inner.clone(), log, LIMITS, wall.clone()), inner, wall, patient }
}

/// At a log that a person has begun.
fn vouched(path: &Path) -> Bench {
    LimitLog::vouch(path, Hand::at(NOW), Hand::at(NOW)).unwrap();
    open(path, NOW)
}

impl Bench {
    async fn write(&self, change: &Change) -> String {
        self.write_by(change, None).await
    }

    async fn write_by(&self, change: &Change, deadline: Option<Deadline>) -> String {
        let (job, anchor, target) = (JobId::new("hr"), Anchor::parse("7").unwrap(), TargetId::new("hq"));
        let errand = Errand {
            job: &job,
            anchor: &anchor,
            target: &target,
            generation: Generation(1),
            sequence: 1,
            part: Part::Account,
            again: false,
            begin_before: deadline,
        };
        match self.limited.write(&errand, change).await {
            Ok(_) => "done".to_owned(),
            Err(WriteError::Withheld { code, after, .. }) => format!("{code} for {} min", after.as_secs().div_ceil(60)),
            Err(error) => error.to_string(),
        }
    }

    fn go(&self, by: Duration) {
        self.wall.go(by);
        self.patient.go(by);
    }
}

fn change(kind: ChangeKind, object: &str, set: &[(&str, Value)]) -> Change {
    Change {
        kind,
        object: Some(ObjectId::new(object)),
        set: set.iter().map(|(name, value)| (Name::new(name), value.clone())).collect(),
        clear: Vec::new(),
        container: None,
        before: Attributes::new(),
        container_before: None,
    }
}

fn disable(object: &str) -> Change {
    change(ChangeKind::Disable, object, &[("accountEnabled", Value::Boolean(false))])
}

#[tokio::test]
async fn no_more_is_done_in_an_hour_than_the_file_says_whatever_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let bench = vouched(&folder.path().join("log"));
    assert_eq!(bench.write(&disable("a")).await, "done");
    bench.go(MINUTE * 10);
    assert_eq!(bench.write(&disable("b")).await, "done");
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 50 min");
    assert_eq!(bench.write(&change(ChangeKind::Update, "c", &[("title", Value::text("x"))])).await, "done");
    assert_eq!(bench.write(&change(ChangeKind::Delete, "c", &[])).await, "done");
    assert_eq!(bench.write(&change(ChangeKind::Delete, "d", &[])).await, "agent_limit_delete for 60 min");
    let to = Change { container: Some(Dn::parse("OU=Gone").unwrap()), ..change(ChangeKind::Move, "e", &[]) };
    assert_eq!(bench.write(&to).await, "done");
    assert_eq!(bench.write(&Change { object: Some(ObjectId::new("f")), ..to }).await, "agent_limit_move for 60 min");
    assert_eq!(*bench.inner.writes.lock().unwrap(), 5, "what is withheld never reaches the directory");
    bench.go(MINUTE * 50);
    assert_eq!(bench.write(&disable("c")).await, "done");
    assert_eq!(bench.write(&disable("d")).await, "agent_limit_disable for 10 min");
}

#[tokio::test]
async fn an_account_counts_once_however_often_it_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let bench = vouched(&folder.path().join("log"));
    for _ in 0..3 {
        *bench.inner.answer.lock().unwrap() = Some(WriteError::Unknown { cause: Cause("reset".into()) });
        assert_ne!(bench.write(&disable("a")).await, "done");
    }
    assert_eq!(bench.write(&disable("b")).await, "done");
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 60 min");
}

#[tokio::test]
async fn what_a_directory_that_is_down_did_not_take_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bench = vouched(&path);
    for object in ["a", "b", "c", "d"] {
        *bench.inner.answer.lock().unwrap() = Some(WriteError::Later { after: None, cause: Cause("down".into()) });
        assert_eq!(bench.write(&disable(object)).await, "the target asks us to come back later");
    }
    assert_eq!(bench.write(&disable("e")).await, "done");
    drop(bench);
    let bench = open(&path, NOW);
    assert_eq!(bench.write(&disable("f")).await, "done");
    assert_eq!(bench.write(&disable("g")).await, "agent_limit_disable for 60 min");
}

#[tokio::test]
async fn what_counted_for_another_write_too_is_not_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bench = vouched(&path);
    // Two are sent for one account at once: the second goes ahead because the first counts, which then is too late.
    let first = {
        let mut log = bench.limited.log.lock().unwrap();
        let first = log.take(&[Damage::Disable], "a", "7", "hq", &LIMITS).unwrap();
        assert_eq!(log.take(&[Damage::Disable], "a", "8", "hq", &LIMITS).unwrap(), []);
        first
    };
    bench.limited.give_back(first).await;
    assert_eq!(bench.write(&disable("b")).await, "done");
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 60 min");
    drop(bench);
    assert_eq!(open(&path, NOW).write(&disable("c")).await, "agent_limit_disable for 60 min");
}

#[tokio::test]
async fn a_restart_gives_no_fresh_hour_and_neither_does_a_clock_that_is_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bench = vouched(&path);
    bench.write(&disable("a")).await;
    bench.write(&disable("b")).await;
    // The clock is set while it runs: forwards or backwards, an hour is an hour.
    bench.wall.go(MINUTE * 600);
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 60 min");
    bench.wall.back(MINUTE * 6_000);
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 60 min");
    drop(bench);
    let bench = open(&path, NOW + 15 * 60_000);
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 45 min");
    drop(bench);
    // What was done in the future was done just now.
    let bench = open(&path, NOW - 86_400_000);
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 60 min");
    bench.go(MINUTE * 60);
    assert_eq!(bench.write(&disable("c")).await, "done");
}

#[tokio::test]
async fn without_a_log_nothing_is_damaged_for_an_hour_unless_a_person_vouches() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bench = open(&path, NOW);
    assert_eq!(bench.write(&disable("a")).await, "agent_limit_log for 5 min");
    assert_eq!(bench.write(&change(ChangeKind::Create, "b", &[])).await, "done", "what damages nobody goes on");
    drop(bench);
    // Another start does not begin the hour anew, nor end it.
    let bench = open(&path, NOW + 20 * 60_000);
    assert_eq!(bench.write(&disable("a")).await, "agent_limit_log for 5 min", "a person's word may come any time");
    bench.go(MINUTE * 38);
    assert_eq!(bench.write(&disable("a")).await, "agent_limit_log for 2 min");
    bench.go(MINUTE * 2);
    assert_eq!(bench.write(&disable("a")).await, "done");
    drop(bench);

    std::fs::remove_file(&path).unwrap();
    let bench = open(&path, NOW);
    assert_eq!(bench.write(&disable("a")).await, "agent_limit_log for 5 min");
    drop(bench);
    let vouch = || LimitLog::vouch(&path, Hand::at(NOW), Hand::at(NOW)).unwrap();
    assert_eq!((vouch(), vouch()), (Begun::Vouched, Begun::WasGood));
    let bench = open(&path, NOW);
    assert_eq!(bench.write(&disable("a")).await, "done");
    bench.write(&disable("b")).await;
    drop(bench);
    // Whoever vouches answers for what is not known; what is known counts on.
    assert_eq!(vouch(), Begun::WasGood);
    assert_eq!(open(&path, NOW).write(&disable("c")).await, "agent_limit_disable for 60 min");
}

#[tokio::test]
async fn half_a_line_at_the_end_is_forgiven_and_anything_else_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bench = vouched(&path);
    bench.write(&disable("a")).await;
    drop(bench);
    let whole = std::fs::read_to_string(&path).unwrap();
    for torn in [r#"{"version":1,"at":"20"#, "\0\0\0\0", r#"{"version":1}"#] {
        std::fs::write(&path, format!("{whole}{torn}")).unwrap();
        let bench = open(&path, NOW);
        assert_eq!(bench.write(&disable("b")).await, "done", "{torn}");
        assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 60 min", "{torn}");
        drop(bench);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3, "{torn}");
    }
    let [first, second] = whole.lines().collect::<Vec<_>>()[..] else { panic!("{whole}") };
    for damaged in [
        String::new(),
        format!("{second}\n"),
        format!("{first}\nx\n"),
        format!("{first}\n{}\n", second.replace(":1,", ":2,")),
        format!("{first}\n\0\0\n{second}\n"),
        format!("{first}\n{first}\n"),
    ] {
        std::fs::write(&path, &damaged).unwrap();
        assert_eq!(open(&path, NOW).write(&disable("z")).await, "agent_limit_log for 5 min", "{damaged:?}");
    }
    let aside = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".broken-"));
    assert!(aside.count() > 0, "a person can look at what was there");
}

#[tokio::test]
async fn a_log_that_is_taken_away_or_changed_under_way_allows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bench = vouched(&path);
    bench.write(&disable("a")).await;
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(bench.write(&disable("b")).await, "agent_limit_log for 1 min");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(bench.write(&disable("b")).await, "agent_limit_log for 1 min");
}

#[test]
fn a_folder_is_no_log_and_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs");
    std::fs::create_dir(&path).unwrap();
    let opened = LimitLog::open(&path, Hand::at(NOW), Hand::at(NOW));
    assert!(matches!(opened.map(drop), Err(LogError::Unusable { .. })));
    assert!(matches!(LimitLog::vouch(&path, Hand::at(NOW), Hand::at(NOW)), Err(LogError::Unusable { .. })));
    assert!(path.is_dir());
}

#[tokio::test]
async fn two_agents_do_not_count_in_one_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let bench = vouched(&path);
    let second = LimitLog::open(&path, Hand::at(NOW), Hand::at(NOW));
    assert!(matches!(second.map(drop), Err(LogError::InUse { .. })));
    drop(bench);
    open(&path, NOW);
}

#[tokio::test]
async fn a_log_that_has_grown_long_is_made_short_and_counts_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    drop(vouched(&path));
    let first = std::fs::read_to_string(&path).unwrap();
    let old = r#"{"version":1,"at":"2020-01-01T00:00:00Z","what":{"counted":{"damage":"disable","object":"o","anchor":"a"}}}"#;
    std::fs::write(&path, format!("{first}{}", format!("{old}\n").repeat(15_000))).unwrap();
    let bench = open(&path, NOW);
    assert_eq!(bench.write(&disable("a")).await, "done");
    assert!(std::fs::metadata(&path).unwrap().len() < 1_000);
    drop(bench);
    let bench = open(&path, NOW);
    assert_eq!(bench.write(&disable("b")).await, "done");
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 60 min");
}

#[tokio::test]
async fn a_log_that_grows_too_long_while_it_counts_keeps_what_it_has_just_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    drop(vouched(&path));
    let first = std::fs::read_to_string(&path).unwrap();
    let old = r#"{"version":1,"at":"2020-01-01T00:00:00Z","what":{"counted":{"damage":"disable","object":"o","anchor":"a"}}}"#;
    let old = format!("{old}\n");
    let lines = (log::SHORTEN_BYTES as usize - first.len()) / old.len();
    std::fs::write(&path, format!("{first}{}", old.repeat(lines))).unwrap();
    let bench = open(&path, NOW);
    assert_eq!(bench.write(&disable("a")).await, "done");
    assert!(std::fs::metadata(&path).unwrap().len() < 1_000, "it was written anew");
    drop(bench);
    let bench = open(&path, NOW);
    assert_eq!(bench.write(&disable("b")).await, "done");
    assert_eq!(bench.write(&disable("c")).await, "agent_limit_disable for 60 min");
}

#[tokio::test]
async fn whoever_is_locked_out_by_other_means_is_locked_out() {
    let folder = tempfile::tempdir().unwrap();
    let update = |name: &str, value: Value| change(ChangeKind::Update, "a", &[(name, value)]);
    let text = |text: &str| Value::text(text);
    let ahead = |hours: u32| Value::text(Timestamp(NOW).plus(HOUR * hours).to_string());
    for (name, value, counts) in [
        ("userAccountControl", text("514"), true),
        ("USERACCOUNTCONTROL", Value::Integer(2), true),
        ("logonHours", text("AAAA"), true),
        ("pwdEndTime", text("20200101000000Z"), true),
        ("accountExpires", text("1"), true),
        ("accountExpires", text("0"), false),
        ("accountExpires", text("9223372036854775807"), false),
        ("accountExpires", Value::Integer(134_774_784_000_000_000), false),
        ("accountExpires", text("2020-01-01T00:00:00Z"), true),
        ("accountExpires", text("2030-01-01"), false),
        ("accountExpires", text("2020-01-01"), true),
        ("accountExpires", text("soon"), true),
        ("accountExpires", ahead(1), true),
        ("accountExpires", ahead(25), false),
        ("accountExpires", Value::Null, false),
        ("title", text("x"), false),
        ("accountEnabled", text("false"), true),
        ("accountEnabled", text("no"), true),
        ("accountEnabled", text("TRUE"), false),
        ("1.2.840.113556.1.4.8", text("514"), true),
        ("parentDistinguishedName", text("OU=Left,DC=example,DC=test"), true),
    ] {
        let damages = damages_of(&update(name, value.clone()), Timestamp(NOW));
        assert_eq!(!damages.is_empty(), counts, "{name} {value:?}");
    }
    // Nor does it matter what the server says the account was: what is not known to be off is switched off.
    assert_eq!(damages_of(&disable("a"), Timestamp(NOW)), [Damage::Disable]);
    let bench = open(&folder.path().join("log"), NOW);
    assert_eq!(bench.write(&update("userAccountControl", text("514"))).await, "agent_limit_log for 5 min");
}

#[tokio::test]
async fn what_would_be_written_after_its_time_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let bench = vouched(&folder.path().join("log"));
    let passed = Deadline::within(Duration::ZERO);
    assert_eq!(bench.write_by(&disable("a"), Some(passed)).await, "the target asks us to come back later");
    assert_eq!(*bench.inner.writes.lock().unwrap(), 0);
    let ahead = Deadline::within(MINUTE);
    assert_eq!(bench.write_by(&disable("b"), Some(ahead)).await, "done");
    assert_eq!(bench.write_by(&disable("c"), Some(ahead)).await, "done");
}
