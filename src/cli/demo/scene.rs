//! Everything the demo runs, joined as `serve`, `sandbox` and `agent` join it.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::person::explain;
use super::props::{agent_for, empty, point_at, practice_tenant, sender_for};
use super::reasons::{Why, reasons};
use crate::api::{self, ApiSettings};
use crate::app::{ActiveJob, App, LeaseTimes};
use crate::cli::explain::Detail;
use crate::cli::jobs::csv_settings;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Connection, JobMeant};
use crate::model::TargetId;
use crate::pipeline::plan::{Plan, plan};
use crate::pipeline::schedule::Shutdown;
use crate::pipeline::send::{Sender, Sent, said_by};
use crate::sandbox::Sandbox;
use crate::source::{Rows, scan};
use crate::store::{Access, Standing, Store};

const JOB: &str = include_str!("../../../samples/contoso/job.toml");
const PEOPLE: &str = include_str!("../../../samples/contoso/people.csv");
const PEOPLE_LATER: &str = include_str!("../../../samples/contoso/people-next-week.csv");
/// How long everything may take to settle. On two slow cores it takes some seconds.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Which of the two sample exports.
#[derive(Debug, Clone, Copy)]
pub(super) enum Export {
    First,
    Later,
}

impl Export {
    fn file(self) -> &'static str {
        match self {
            Self::First => "people.csv",
            Self::Later => "people-next-week.csv",
        }
    }
}

/// How one sending of an export ended.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) file: &'static str,
    pub(super) rows: u64,
    /// Rows of which none can be sent, because they contradict each other.
    pub(super) contradicting: u64,
    pub(super) requests: u64,
    pub(super) outcomes: Vec<(&'static str, u64)>,
    /// Why operations are held or failed.
    pub(super) reasons: Vec<Why>,
    /// Writes the practice tenant saw, those it refused included.
    pub(super) cloud_writes: u64,
    /// Change files that were written.
    pub(super) change_files: usize,
}

/// All that runs.
pub(super) struct Scene {
    folder: PathBuf,
    job: JobMeant,
    app: Arc<App>,
    active: Arc<ActiveJob>,
    sandbox: Sandbox,
    sandbox_url: String,
    sandbox_handle: ServerHandle,
    server_url: String,
    sender: Sender,
    switch: watch::Sender<bool>,
    running: Running,
}

/// What runs until it is told to stop.
pub(super) type Running = Vec<JoinHandle<anyhow::Result<()>>>;

/// Serves on a free port of this machine, and decides what comes; where it is.
pub(super) fn serve(app: &Arc<App>, shutdown: &Shutdown) -> anyhow::Result<(String, Running)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let serving = api::serve(listener, Arc::clone(app), ApiSettings::default(), shutdown.clone())?;
    let url = serving.url.clone();
    let (deciding, until) = (Arc::clone(app), shutdown.clone());
    let deciding = async move {
        deciding.run(until).await;
        Ok(())
    };
    Ok((url, vec![tokio::spawn(async { Ok(serving.run().await?) }), tokio::spawn(deciding)]))
}

impl Scene {
    pub(super) async fn open(folder: &Path) -> anyhow::Result<Self> {
        empty(folder)?;
        fs::create_dir(folder.join("ldif"))?;
        for (name, text) in [("job.toml", JOB), (Export::First.file(), PEOPLE), (Export::Later.file(), PEOPLE_LATER)] {
            fs::write(folder.join(name), text)?;
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut job = config::load(&folder.join("job.toml")).map_err(|report| anyhow::anyhow!("{report}"))?;
        let (sandbox, secret) = practice_tenant(&job, &clock)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sandbox_url = format!("http://{}", listener.local_addr()?);
        let (sandbox_server, sandbox_handle) = sandbox.serve(listener)?;
        point_at(&mut job, folder, &sandbox_url, &secret)?;

        let store = Arc::new(Store::open(&folder.join("data"), Access::Alone)?);
        let mut app = App::new(store, Arc::clone(&clock), LeaseTimes::default());
        let active = app.activate(&job, true)?;
        let app = Arc::new(app);
        let (switch, shutdown) = Shutdown::new();
        let (server_url, mut running) = serve(&app, &shutdown)?;
        running.push(tokio::spawn(async { Ok(sandbox_server.await?) }));
        running.push(agent_for(&app, &job, &server_url, &clock, shutdown)?);
        let sender = sender_for(&app, &job, &server_url, &clock)?;
        let folder = folder.to_owned();
        Ok(Self { folder, job, app, active, sandbox, sandbox_url, sandbox_handle, server_url, sender, switch, running })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(super) fn places(&self) -> String {
        format!("   practice tenant  {}\n   muster           {}", self.sandbox_url, self.server_url)
    }

    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let path = self.folder.join(Export::First.file());
        let file = (path.as_path(), csv_settings(&self.job)?);
        Ok(plan(
            &self.job.job,
            Some((&self.app.store, &self.active.state)),
            true,
            file,
            self.app.clock.now(),
            &mut |_| {},
        )?)
    }

    /// Sends an export as bulk uploads, and waits until every operation has ended.
    pub(super) async fn send(&self, export: Export) -> anyhow::Result<Told> {
        let path = self.folder.join(export.file());
        let looked = scan(&path, csv_settings(&self.job)?, &mut |_| {})?;
        let mut rows = Rows::open(&path, &looked)?;
        let (cloud_before, files_before) = (self.cloud_writes(), self.change_files()?);
        let mut sent = Sent::default();
        self.sender.send(said_by(&mut rows, &looked), &mut sent, &mut |_| {}).await?;
        self.settle(&sent).await?;
        let mut outcomes: BTreeMap<&'static str, u64> = BTreeMap::new();
        for upload in &sent.uploads {
            for (word, count) in self.app.store.outcomes(upload.id)? {
                *outcomes.entry(word).or_default() += count;
            }
        }
        Ok(Told {
            file: export.file(),
            rows: looked.total_rows,
            contradicting: looked.duplicates.iter().map(|duplicate| duplicate.lines.len() as u64).sum(),
            requests: sent.requests,
            outcomes: outcomes.into_iter().collect(),
            reasons: reasons(&self.app.store, &self.active.state, &sent)?,
            cloud_writes: self.cloud_writes() - cloud_before,
            change_files: self.change_files()? - files_before,
        })
    }

    /// Waits until all is decided, and no work is due or carried.
    async fn settle(&self, sent: &Sent) -> anyhow::Result<()> {
        let began = tokio::time::Instant::now();
        loop {
            let waiting = self.waiting()?;
            let decided = self.app.store.backlog()?.uploads == 0;
            if decided && waiting == 0 {
                return Ok(());
            }
            anyhow::ensure!(
                began.elapsed() < SETTLE_MAX,
                "{waiting} pieces of work of {} uploads are still waiting after {} s",
                sent.uploads.len(),
                SETTLE_MAX.as_secs()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn waiting(&self) -> anyhow::Result<u64> {
        let targets = self.active.state.targets.iter();
        targets.map(|(id, key)| Ok(self.app.store.target_state(id, *key)?.waiting)).sum()
    }

    pub(super) fn standings(&self) -> anyhow::Result<Vec<(Standing, Option<String>, u64)>> {
        Ok(self.app.store.standings(&self.active.state)?)
    }

    pub(super) fn explain(&self, anchor: &str, who: &str) -> anyhow::Result<()> {
        explain(&self.app, &self.active, anchor, who, Detail::Short)
    }

    /// What is not as it must be.
    pub(super) fn check(&self, told: &[Told]) -> anyhow::Result<Vec<String>> {
        let mut faults: Vec<String> = self
            .app
            .store
            .fsck()?
            .into_iter()
            .map(|fault| format!("{}: {}", fault.rule, fault.examples.join(", ")))
            .collect();
        for (told, expected) in told.iter().zip(super::tables::EXPECTED) {
            faults.extend(expected.differences(told));
        }
        for (id, key) in &self.active.state.targets {
            let linked = self.app.store.target_state(id, *key)?.people;
            let there = self.sandbox.user_count() as u64;
            if self.is_cloud(id) && linked != there {
                faults.push(format!("{linked} accounts are linked at {id}, and {there} are there"));
            }
        }
        Ok(faults)
    }

    fn is_cloud(&self, target: &TargetId) -> bool {
        self.job.connections.iter().any(|(id, connection)| id == target && matches!(connection, Connection::Graph(_)))
    }

    pub(super) fn files(&self) -> String {
        let folder = self.folder.display();
        format!(
            "   {folder}/job.toml    the job\n   {folder}/data        what muster knows: muster explain ANCHOR --data {folder}/data\n   \
             {folder}/ldif        {} change files: cat {folder}/ldif/*.ldif | ldapmodify …",
            self.change_files().unwrap_or(0)
        )
    }

    fn cloud_writes(&self) -> u64 {
        let requests = self.sandbox.requests();
        let writes = requests.by_method.iter().filter(|(method, _)| !matches!(method.as_str(), "GET"));
        writes.map(|(_, count)| *count).sum()
    }

    fn change_files(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(self.folder.join("ldif"))?.count())
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.switch.send_replace(true);
        self.sandbox_handle.stop(true).await;
        for running in self.running {
            running.await??;
        }
        Ok(())
    }
}
