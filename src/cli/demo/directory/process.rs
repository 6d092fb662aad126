//! Processes the demo starts: each leads a group of its own, and the group ends when the demo lets go of it.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How often it is looked whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a group that was asked to end may take before it is ended.
const END_MAX: Duration = Duration::from_secs(5);
/// The end of a process's log that is shown when it failed.
const LOG_LINES_SHOWN: usize = 6;

/// A process and all it starts. Dropping this ends all of them, whatever became of the demo meanwhile.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    /// Held open: who reads it learns that we are gone, however we went.
    stdin: Option<ChildStdin>,
    has_ended: bool,
}

impl Group {
    /// Starts a program; what it says goes to `log`.
    pub(super) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let outputs = (file.try_clone()?, file);
        command.stdin(Stdio::piped()).stdout(outputs.0).stderr(outputs.1).process_group(0);
        let named = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().with_context(|| format!("{named} cannot be started"))?;
        let stdin = child.stdin.take();
        Ok(Self { child, stdin, has_ended: false })
    }

    /// Its number, which is its group's too.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Says something to it, and that there is no more.
    pub(super) fn tell(&mut self, text: &str) -> io::Result<()> {
        self.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()))
    }

    /// How it ended, if it has; whom it left behind is ended then, too.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        if status.is_some() && !self.has_ended {
            self.has_ended = true;
            self.signal("KILL");
        }
        Ok(status)
    }

    /// Waits for its end.
    pub(super) async fn finish(&mut self, longest: Duration) -> anyhow::Result<ExitStatus> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            anyhow::ensure!(began.elapsed() < longest, "it has not ended after {} s", longest.as_secs());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The group is signalled by the shell, which every machine has.
    fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} -- -{}", self.child.id());
        let _ = Command::new("/bin/sh").args(["-c", &kill]).stderr(Stdio::null()).status();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        self.stdin.take();
        self.signal("TERM");
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < END_MAX {
            sleep(LOOK_EVERY);
        }
        self.signal("KILL");
        let _ = self.child.wait();
    }
}

/// Runs a program to its end, which must be a good one.
pub(super) async fn run(command: &mut Command, told: &str, log: &Path, longest: Duration) -> anyhow::Result<()> {
    let mut group = Group::start(command, log)?;
    let named = command.get_program().to_string_lossy().into_owned();
    group.tell(told).with_context(|| format!("{named} does not listen"))?;
    let status = group.finish(longest).await.with_context(|| named.clone())?;
    anyhow::ensure!(status.success(), "{named} failed ({status}): {}", last_lines(log));
    Ok(())
}

/// What a process said last, on one line.
pub(super) fn last_lines(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join(" | ");
    if last.is_empty() { "it said nothing".to_owned() } else { last }
}
