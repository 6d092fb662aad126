//! What runs between HR's export and the domain: a server, and an agent by its own file, joined as the commands do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::domain::{AGENT, BASE, Domain, PEOPLE};
use crate::api::Role;
use crate::app::{ActiveJob, App, LeaseTimes, agent_of_file, vouch};
use crate::cli::client::add_client;
use crate::cli::demo::props::{sender_for, write_private};
use crate::cli::demo::reasons::{Why, reasons};
use crate::cli::demo::scene::{Running, serve};
use crate::cli::jobs::csv_settings;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, JobMeant};
use crate::model::AGENT_LIMIT;
use crate::pipeline::schedule::Shutdown;
use crate::pipeline::send::{Sender, Sent, said_by};
use crate::source::{Rows, scan};
use crate::store::{Access, PutOff, Store, TargetWork};

const JOB: &str = include_str!("../../../../samples/active-directory/job.toml");
/// How many accounts the agent disables within an hour, whatever it is asked for.
pub(super) const DISABLE_MAX: u64 = 10;
/// How long everything may take to settle. On two slow cores it takes some seconds.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How one sending of an export ended.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    pub(super) file: String,
    pub(super) rows: u64,
    pub(super) requests: u64,
    pub(super) outcomes: BTreeMap<&'static str, u64>,
    /// Why operations are held or failed.
    pub(super) reasons: Vec<Why>,
    /// What waits, and why.
    pub(super) waits: Vec<PutOff>,
}

/// All that runs but the domain.
pub(super) struct Stage {
    folder: PathBuf,
    job: JobMeant,
    pub(super) app: Arc<App>,
    pub(super) active: Arc<ActiveJob>,
    pub(super) server_url: String,
    sender: Sender,
    switch: watch::Sender<bool>,
    running: Running,
}

impl Stage {
    pub(super) fn open(folder: &Path, domain: &Domain) -> anyhow::Result<Self> {
        fs::write(folder.join("job.toml"), JOB)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let job = config::load(&folder.join("job.toml")).map_err(|report| anyhow::anyhow!("{report}"))?;
        let store = Arc::new(Store::open(&folder.join("data"), Access::Alone)?);
        let mut app = App::new(store, Arc::clone(&clock), LeaseTimes::default());
        let active = app.activate(&job, true)?;
        let app = Arc::new(app);
        let (switch, shutdown) = Shutdown::new();
        let (server_url, mut running) = serve(&app, &shutdown)?;
        running.push(agent(&app, folder, domain, &server_url, shutdown)?);
        let sender = sender_for(&app, &job, &server_url, &clock)?;
        Ok(Self { folder: folder.to_owned(), job, app, active, server_url, sender, switch, running })
    }

    /// Sends an export of the folder as bulk uploads, and waits until nothing is left to do but what must wait.
    pub(super) async fn send(&self, file: &str, domain: &mut Domain) -> anyhow::Result<Sending> {
        let path = self.folder.join(file);
        let looked = scan(&path, csv_settings(&self.job)?, &mut |_| {})?;
        let mut rows = Rows::open(&path, &looked)?;
        let mut sent = Sent::default();
        self.sender.send(said_by(&mut rows, &looked), &mut sent, &mut |_| {}).await?;
        let work = self.settle(domain).await?;
        let mut outcomes: BTreeMap<&'static str, u64> = BTreeMap::new();
        for upload in &sent.uploads {
            for (word, count) in self.app.store.outcomes(upload.id)? {
                *outcomes.entry(word).or_default() += count;
            }
        }
        Ok(Sending {
            file: file.to_owned(),
            rows: looked.total_rows,
            requests: sent.requests,
            outcomes,
            reasons: reasons(&self.app.store, &self.active.state, &sent)?,
            waits: work.put_off,
        })
    }

    /// Waits until all is decided, and no work is left but what the agent's own limits put off.
    async fn settle(&self, domain: &mut Domain) -> anyhow::Result<TargetWork> {
        let began = Instant::now();
        loop {
            domain.must_serve()?;
            let is_decided = self.app.store.backlog()?.uploads == 0;
            let work = self.work()?;
            let waits_for_other = work.put_off.iter().any(|put_off| !put_off.why.starts_with(AGENT_LIMIT));
            if is_decided && work.due == 0 && work.under_way == 0 && !waits_for_other {
                return Ok(work);
            }
            anyhow::ensure!(began.elapsed() < SETTLE_MAX, not_settled(&work));
            sleep(LOOK_EVERY).await;
        }
    }

    fn work(&self) -> anyhow::Result<TargetWork> {
        let (_, key) = self.active.state.targets.first().context("the job has no target")?;
        Ok(self.app.store.target_work(*key, self.app.clock.now())?)
    }

    /// How many accounts muster has linked.
    pub(super) fn linked(&self) -> anyhow::Result<u64> {
        Ok(self.work()?.linked)
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.switch.send_replace(true);
        for running in self.running {
            running.await??;
        }
        Ok(())
    }
}

/// What is left after all the time there was.
fn not_settled(work: &TargetWork) -> String {
    let waits = work.put_off.iter().map(|put_off| format!("{} because of {}", put_off.count, put_off.why));
    let left = [format!("{} due", work.due), format!("{} under way", work.under_way)];
    let left: Vec<String> = left.into_iter().chain(waits).collect();
    format!("after {} s, work for the domain is left: {}", SETTLE_MAX.as_secs(), left.join(", "))
}

/// Writes an agent's file, answers for the hour before it, and runs the agent as `muster agent --config` does.
fn agent(
    app: &App,
    folder: &Path,
    domain: &Domain,
    server: &str,
    mut shutdown: Shutdown,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let (client_id, secret) = add_client(&app.store, "demo-agent", &[Role::Agent], &["hq".to_owned()])?;
    write_private(&folder.join("agent-secret"), secret.expose_secret())?;
    let file = folder.join("agent.toml");
    fs::write(&file, agent_file(domain, server, &client_id))?;
    let meant = config::load_agent(&file).map_err(|report| anyhow::anyhow!("{report}"))?;
    for target in &meant.targets {
        vouch(target)?;
    }
    let agent = Arc::new(agent_of_file(&meant, "demo".to_owned(), None, false)?);
    Ok(tokio::spawn(async move {
        agent.run(async move { shutdown.asked().await }).await?;
        Ok(())
    }))
}

fn agent_file(domain: &Domain, server: &str, client_id: &str) -> String {
    let directory = domain.url();
    format!(
        "# The agent of the demo: what it may do in the domain, whatever a server asks for.

server = \"{server}\"
client_id = \"{client_id}\"
client_secret = {{ file = \"agent-secret\" }}

[target.hq]
kind = \"active-directory\"
servers = [\"{directory}\"]
ca = \"domain/tls/ca.pem\"
bind = \"{AGENT}\"
password = {{ file = \"domain/agent-password\" }}
base = \"{BASE}\"

containers = [\"{PEOPLE}\"]
protected_groups = [\"Domain Admins\"]
limits = {{ disable = {DISABLE_MAX}, delete = 0, move = {DISABLE_MAX} }}    # accounts within an hour
log = \"hq.log\"
"
    )
}
