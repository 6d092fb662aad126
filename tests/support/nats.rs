//! Throwaway NATS servers with JetStream: one, or a cluster of three, gone when they are dropped.
//!
//! Needs what `tests/services/install.sh` installs. Every node writes each message to the disk before it answers
//! (`sync_interval: always`), as three nodes that are killed must.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A node serves within a tenth of a second, a cluster has its leader within a few; machines differ.
const START_SECONDS_MAX: u64 = 60;
const CLIENT_PORT: u16 = 4222;
const ROUTE_PORT: u16 = 6222;

/// Servers that are running, or killed for a while.
pub(crate) struct Nats {
    nodes: Vec<Node>,
    folder: TempDir,
}

struct Node {
    address: String,
    process: Option<Child>,
}

impl Nats {
    /// A single server on a loopback address.
    pub(crate) fn single(address: &str) -> Self {
        Self::start(&[address], "always", "")
    }

    /// A single server with further settings.
    pub(crate) fn demanding(address: &str, settings: &str) -> Self {
        Self::start(&[address], "always", settings)
    }

    /// Three servers on loopback addresses, which have chosen a leader.
    pub(crate) fn cluster(addresses: [&str; 3]) -> Self {
        Self::start(&addresses, "always", "")
    }

    fn start(addresses: &[&str], sync: &str, besides: &str) -> Self {
        let node = |address: &&str| Node { address: (*address).to_owned(), process: None };
        let mut nats = Self { nodes: addresses.iter().map(node).collect(), folder: tempfile::tempdir().unwrap() };
        for at in 0..nats.nodes.len() {
            fs::write(nats.settings(at), nats.settings_text(at, sync) + besides).unwrap();
            nats.restart(at);
        }
        if addresses.len() > 1 {
            nats.wait_for_leader();
        }
        nats
    }

    fn settings(&self, at: usize) -> PathBuf {
        self.folder.path().join(format!("{at}.conf"))
    }

    fn settings_text(&self, at: usize, sync: &str) -> String {
        let address = &self.nodes[at].address;
        let store = self.folder.path().join(format!("store-{at}"));
        let mut text = format!(
            "server_name: n{at}\nlisten: \"{address}:{CLIENT_PORT}\"\n\
             jetstream {{ store_dir: \"{}\", max_mem: 64MB, max_file: 1GB, sync_interval: {sync} }}\n",
            store.display()
        );
        if self.nodes.len() > 1 {
            let routes: Vec<_> =
                self.nodes.iter().map(|node| format!("\"nats://{}:{ROUTE_PORT}\"", node.address)).collect();
            text += &format!(
                "cluster {{ name: muster, listen: \"{address}:{ROUTE_PORT}\", routes: [{}] }}\n",
                routes.join(", ")
            );
        }
        text
    }

    /// Starts a node that is not running, and waits until it takes connections.
    pub(crate) fn restart(&mut self, at: usize) {
        let log = fs::File::options().create(true).append(true).open(self.log(at)).unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/services/bin/nats-server");
        assert!(program.exists(), "there is no {}; tests/services/install.sh gets it", program.display());
        let process = Command::new(program)
            .arg("-c")
            .arg(self.settings(at))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.nodes[at].process = Some(process);
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while TcpStream::connect((self.nodes[at].address.as_str(), CLIENT_PORT)).is_err() {
            let ended = self.nodes[at].process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "nats-server does not serve: {}", self.log_text(at));
            sleep(Duration::from_millis(20));
        }
    }

    /// Ends a node at once.
    pub(crate) fn kill(&mut self, at: usize) {
        let mut process = self.nodes[at].process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    fn wait_for_leader(&self) {
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        let has_one = |at| self.log_text(at).contains("JetStream cluster new metadata leader");
        while !(0..self.nodes.len()).any(has_one) {
            assert!(Instant::now() < until, "the cluster has no leader: {}", self.log_text(0));
            sleep(Duration::from_millis(50));
        }
    }

    fn log(&self, at: usize) -> PathBuf {
        self.folder.path().join(format!("{at}.log"))
    }

    fn log_text(&self, at: usize) -> String {
        fs::read_to_string(self.log(at)).unwrap_or_default()
    }

    /// The servers, as settings name them.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("nats://{}:{CLIENT_PORT}", node.address)).collect()
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        for process in self.nodes.iter_mut().filter_map(|node| node.process.as_mut()) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
