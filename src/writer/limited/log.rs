//! The log in which an agent counts the damage it is about to do: on the disk before anything is done.
//!
//! A line that was torn off at the end counts for nothing, because what it announces was not begun. Where there is no
//! log, or something else is wrong with it, another is begun, and for an hour nothing is allowed that damages: nobody
//! knows what was done in the hour before. A person may answer for that ([`LimitLog::vouch`]).

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::count::{Count, Counted};
use super::file::{LOG_BYTES_MAX, beside, lock, read, replace, set_aside, unusable};
use super::line::{By, Line, What};
use super::{HOUR, HourLimits};
use crate::clock::Clock;
use crate::model::{Damage, Timestamp};
use crate::writer::{Cause, WriteError};

/// A log that is longer is written anew with the last hour alone; the one before stays beside it.
pub(super) const SHORTEN_BYTES: u64 = LOG_BYTES_MAX / 4;

/// How soon work that waits for an hour to pass is looked at again: a person's word may have come in the meantime.
const LOOK_FOR_WORD: Duration = Duration::from_secs(5 * 60);

/// Nothing can be counted, so nothing that damages is done.
pub(super) const UNLOGGED: &str = "agent_limit_log";

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another agent counts in it.
    #[error("another agent counts in {}; each needs a log of its own", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// It cannot be read, or none can be begun.
    #[error("the log of damage {} cannot be used", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What was found when a person vouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// There was none, or none that could be read; one was begun.
    Anew {
        /// What was the matter.
        why: LogWords,
    },
    /// One stands there that an agent had begun; it need not wait.
    Vouched,
    /// One stands there that needs nobody's word.
    WasGood,
}

/// Words for a person.
pub type LogWords = String;

/// What was counted for one write, and is given back where nothing was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    damage: Damage,
    object: String,
}

/// The log of one target.
pub struct LimitLog {
    path: PathBuf,
    file: File,
    length: u64,
    /// Held while the process lives.
    _lock: File,
    /// For what is written down: another process reads it by the same clock.
    wall: Arc<dyn Clock>,
    /// For what is counted: it is not set, and stands still while the machine sleeps.
    patient: Arc<dyn Clock>,
    count: Count,
    begun: Line,
    is_vouched: bool,
    /// Until when nothing is allowed that damages, by the patient clock, and why.
    closed: Option<(Timestamp, LogWords)>,
}

impl LimitLog {
    /// Opens the log at `path`, or begins one.
    ///
    /// # Errors
    /// [`LogError::InUse`] where another process has it open, [`LogError::Unusable`] where none can be begun.
    pub fn open(path: &Path, wall: Arc<dyn Clock>, patient: Arc<dyn Clock>) -> Result<Self, LogError> {
        let lock = lock(path)?;
        match read(path) {
            Ok((lines, length)) => Self::with(path, lock, lines, length, wall, patient),
            Err(why) => {
                set_aside(path, wall.now()).map_err(|source| unusable(path, source))?;
                tracing::warn!(
                    path = %path.display(), why,
                    "a log of damage is begun; for an hour nothing that damages is done, unless a person runs \
                     `muster agent --begin-log`"
                );
                Self::begin(path, lock, By::Agent, why, wall, patient)
            }
        }
    }

    /// A person answers for the hour before the log: what it has not counted does not count. What it has counted does.
    ///
    /// # Errors
    /// As [`LimitLog::open`].
    pub fn vouch(path: &Path, wall: Arc<dyn Clock>, patient: Arc<dyn Clock>) -> Result<Begun, LogError> {
        let lock = lock(path)?;
        let (lines, length) = match read(path) {
            Ok(read) => read,
            Err(why) => {
                set_aside(path, wall.now()).map_err(|source| unusable(path, source))?;
                Self::begin(path, lock, By::Person, why.clone(), wall, patient)?;
                return Ok(Begun::Anew { why });
            }
        };
        let mut log = Self::with(path, lock, lines, length, wall, patient)?;
        if log.closed.is_none() {
            return Ok(Begun::WasGood);
        }
        let line = Line::new(log.wall.now(), What::Vouched).text();
        log.append(&line).map_err(|source| unusable(path, source))?;
        Ok(Begun::Vouched)
    }

    fn begin(
        path: &Path,
        lock: File,
        by: By,
        why: LogWords,
        wall: Arc<dyn Clock>,
        patient: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let line = Line::new(wall.now(), What::Begun { by, why });
        replace(path, &line.text()).map_err(|source| unusable(path, source))?;
        let length = line.text().len() as u64;
        Self::with(path, lock, vec![line], length, wall, patient)
    }

    /// The log of these lines, which are what stands in the file up to `length`.
    fn with(
        path: &Path,
        lock: File,
        mut lines: Vec<Line>,
        length: u64,
        wall: Arc<dyn Clock>,
        patient: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let file = OpenOptions::new().append(true).open(path).map_err(|source| unusable(path, source))?;
        // What was torn off at the end goes, or the next line would stand behind it.
        file.set_len(length).and_then(|()| file.sync_all()).map_err(|source| unusable(path, source))?;
        let begun = lines.remove(0);
        let is_vouched = lines.iter().any(|line| line.what == What::Vouched);
        let count = Count::default();
        let mut log = Self {
            path: path.to_owned(),
            file,
            length,
            _lock: lock,
            wall,
            patient,
            count,
            begun,
            is_vouched,
            closed: None,
        };
        log.closed = log.closed_by_its_beginning();
        lines.iter().for_each(|line| log.recount(line));
        log.shorten().map_err(|source| unusable(path, source))?;
        Ok(log)
    }

    /// When a line was written, by the patient clock. A moment that is yet to come, because the clock was set back, is
    /// now: that gives nobody a fresh hour.
    fn patient_time(&self, line: &Line) -> Timestamp {
        let at = line.at().unwrap_or(self.wall.now());
        self.patient.now().minus(self.wall.now().since(at))
    }

    fn closed_by_its_beginning(&self) -> Option<(Timestamp, LogWords)> {
        let What::Begun { by: By::Agent, why } = &self.begun.what else { return None };
        let until = self.patient_time(&self.begun).plus(HOUR);
        (!self.is_vouched && until > self.patient.now()).then(|| (until, why.clone()))
    }

    fn recount(&mut self, line: &Line) {
        match &line.what {
            What::Counted { damage, object, .. } => {
                let at = self.patient_time(line);
                self.count.add(Counted::new(at, (*damage).into(), object));
            }
            What::Returned { damage, object } => self.count.take_out((*damage).into(), object),
            What::Begun { .. } | What::Vouched => {}
        }
    }

    /// Counts these damages of an account, all or none, and has them on the disk.
    ///
    /// # Errors
    /// [`WriteError::Withheld`] where one of them exceeds its limit, or nothing can be counted.
    pub(super) fn take(
        &mut self,
        damages: &[Damage],
        object: &str,
        anchor: &str,
        target: &str,
        limits: &HourLimits,
    ) -> Result<Vec<Taken>, WriteError> {
        let now = self.patient.now();
        self.count.forget_before(now);
        self.check_open(now)?;
        let new: Vec<Damage> = damages.iter().copied().filter(|damage| !self.count.rely_on(*damage, object)).collect();
        for damage in &new {
            self.check_limit(*damage, target, limits, now)?;
        }
        let mut text = String::new();
        for damage in &new {
            let what = What::Counted { damage: (*damage).into(), object: object.to_owned(), anchor: anchor.to_owned() };
            text.push_str(&Line::new(self.wall.now(), what).text());
        }
        self.append(&text).map_err(|error| withheld_without_log(&self.path, &error))?;
        let taken = new.into_iter().map(|damage| {
            self.count.add(Counted::new(now, damage, object));
            Taken { damage, object: object.to_owned() }
        });
        let taken = taken.collect();
        // Only now: a log that is written anew has what is counted.
        self.shorten().map_err(|error| withheld_without_log(&self.path, &error))?;
        Ok(taken)
    }

    fn check_open(&mut self, now: Timestamp) -> Result<(), WriteError> {
        let Some((until, why)) = &self.closed else { return Ok(()) };
        if *until <= now {
            self.closed = None;
            return Ok(());
        }
        let cause = Cause(format!(
            "this agent's log of what it disabled, deleted and moved was begun less than an hour ago ({why}), so nobody \
             knows what it did before; it goes on in {} minutes, or within {} once a person has run `muster agent --begin-log`",
            minutes(until.since(now)),
            minutes(LOOK_FOR_WORD)
        ));
        Err(WriteError::Withheld { code: UNLOGGED, after: until.since(now).min(LOOK_FOR_WORD), cause })
    }

    fn check_limit(&self, damage: Damage, target: &str, limits: &HourLimits, now: Timestamp) -> Result<(), WriteError> {
        let limit = limits.of(damage);
        if self.count.of(damage) < limit {
            return Ok(());
        }
        let code = match damage {
            Damage::Disable => "agent_limit_disable",
            Damage::Delete => "agent_limit_delete",
            Damage::Move => "agent_limit_move",
            Damage::Leave => "agent_limit_leave",
        };
        let after = self.count.room_at(damage, limits).map_or(HOUR, |at| at.since(now));
        let word = damage.word();
        let cause = Cause(if limit == 0 {
            format!("this agent's own file allows no {word} at `{target}`; raise `limits` there if that is wrong")
        } else {
            format!(
                "this agent may {word} {limit} accounts an hour at `{target}` by its own file, and has; it goes on in {} \
                 minutes",
                minutes(after)
            )
        });
        Err(WriteError::Withheld { code, after, cause })
    }

    /// What was taken was not done. Where that cannot be written down, it counts on.
    pub(super) fn give_back(&mut self, mut taken: Vec<Taken>) {
        taken.retain(|taken| self.count.may_be_taken_out(taken.damage, &taken.object));
        let line = |taken: &Taken| {
            let what = What::Returned { damage: taken.damage.into(), object: taken.object.clone() };
            Line::new(self.wall.now(), what).text()
        };
        let text: String = taken.iter().map(line).collect();
        if self.append(&text).is_ok() {
            taken.iter().for_each(|taken| self.count.take_out(taken.damage, &taken.object));
            // A log that cannot be written anew is tried again, and said to be so, with the next line.
            let _ = self.shorten();
        }
    }

    /// Writes lines to the end, and waits until they are on the disk.
    fn append(&mut self, text: &str) -> std::io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.is_still_there()?;
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line must not stand before the next. Where it cannot be taken back, the next start finds it torn,
            // or sets the log aside.
            self.file.set_len(self.length).and_then(|()| self.file.sync_data())?;
            return Err(error);
        }
        self.length += text.len() as u64;
        Ok(())
    }

    /// Whether the file is still the one that was opened: one that was taken away could be written to, and is lost.
    fn is_still_there(&self) -> std::io::Result<()> {
        let (there, ours) = (fs::metadata(&self.path)?, self.file.metadata()?);
        let is_ours = (there.dev(), there.ino(), there.len()) == (ours.dev(), ours.ino(), self.length);
        if is_ours { Ok(()) } else { Err(std::io::Error::other("somebody else has changed it; start the agent again")) }
    }

    /// Writes a log anew that has grown long, with what counts alone.
    fn shorten(&mut self) -> std::io::Result<()> {
        if self.length <= SHORTEN_BYTES {
            return Ok(());
        }
        self.count.forget_before(self.patient.now());
        let mut text = self.begun.text();
        if self.is_vouched {
            text.push_str(&Line::new(self.wall.now(), What::Vouched).text());
        }
        for counted in self.count.iter() {
            let at = self.wall.now().minus(self.patient.now().since(counted.at));
            let (damage, object) = (counted.damage.into(), counted.object.clone());
            text.push_str(&Line::new(at, What::Counted { damage, object, anchor: String::new() }).text());
        }
        let before = beside(&self.path, ".1");
        let _ = fs::remove_file(&before);
        fs::hard_link(&self.path, before)?;
        replace(&self.path, &text)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.length = text.len() as u64;
        Ok(())
    }
}

fn minutes(left: Duration) -> u64 {
    left.as_secs().div_ceil(60)
}

fn withheld_without_log(path: &Path, error: &std::io::Error) -> WriteError {
    let cause = Cause(format!(
        "this agent cannot count what it disables, deletes and moves, so it does none of it: {} cannot be written: {error}",
        path.display()
    ));
    WriteError::Withheld { code: UNLOGGED, after: Duration::from_secs(60), cause }
}
