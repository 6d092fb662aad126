//! A throwaway SCIM service: scim2-server, in memory, on a loopback address, gone when it is dropped.
//!
//! `tests/services/install.sh` puts the server where it is looked for.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What muster proves itself by.
pub(crate) const TOKEN: &str = "a-bearer-token";
/// A second where it was measured; machines differ.
const START_SECONDS_MAX: u64 = 60;

/// A service that is running.
pub(crate) struct Scim2 {
    process: Child,
    folder: TempDir,
    /// `http://`, address and port.
    pub(crate) url: String,
}

impl Scim2 {
    /// Serves on a loopback address. `config` is the service provider configuration it announces and keeps to; the
    /// server's own where nothing is said.
    pub(crate) fn start(address: &str, config: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port();
        let server = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/services/bin/scim2-server");
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(&server);
        command.args(["--hostname", address, "--port", &port.to_string(), "--bearer-token", TOKEN]);
        if let Some(config) = config {
            let file = folder.path().join("config.json");
            fs::write(&file, config).unwrap();
            command.arg("--service-provider-config").arg(file);
        }
        let process = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run tests/services/install.sh", server.display()));
        let mut service = Self { process, folder, url: format!("http://{address}:{port}") };
        service.wait_until_it_serves(address, port);
        service
    }

    fn wait_until_it_serves(&mut self, address: &str, port: u16) {
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while TcpStream::connect((address, port)).is_err() {
            assert!(self.process.try_wait().unwrap().is_none(), "scim2-server ended: {}", self.log());
            assert!(Instant::now() < until, "scim2-server does not serve: {}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// What the server said, one line a request.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Scim2 {
    fn drop(&mut self) {
        // It holds nothing that would be worth a quiet end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
