//! A throwaway Active Directory: Samba, provisioned into a folder of its own, gone when it is dropped.
//!
//! Needs the packages that `tests/all.sh` installs, and root: the ports of a directory are fixed below 1024. Several
//! may run at once, each on a loopback address of its own.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Everything in the domain stands in this.
pub(crate) const BASE: &str = "DC=example,DC=test";
pub(crate) const ADMINISTRATOR: &str = "Administrator@EXAMPLE.TEST";
pub(crate) const PASSWORD: &str = "Passw0rd.Test1";
/// Where Debian keeps the server.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Ten seconds at most where it was measured; machines differ.
const START_SECONDS_MAX: u64 = 90;

/// `samba-tool` without setting rights on folders that are never shared, which needs more than a container allows.
const PROVISION: &str = "
import sys, samba.provision
samba.provision.setsysvolacl = lambda *args, **named: None
from samba.netcmd.main import cmd_sambatool
try:
    code = cmd_sambatool()._run('samba-tool', *sys.argv[1:])
except SystemExit as end:
    code = end.code
sys.exit(code)
";

/// A directory that is running.
pub(crate) struct Samba {
    process: Child,
    folder: TempDir,
    address: &'static str,
}

impl Samba {
    /// Provisions the domain `example.test` and serves it on a loopback address.
    pub(crate) fn start(address: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for inner in ["run", "log", "cache", "tls"] {
            fs::create_dir(at.join(inner)).unwrap();
        }
        make_certificates(&at.join("tls"), address);
        provision(at, address);
        fs::write(at.join("etc/smb.conf"), settings(at, address)).unwrap();
        let process = spawn(at);
        let mut samba = Self { process, folder, address };
        samba.wait_until_it_serves();
        samba
    }

    /// Sends it a signal, by name: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        run(command("kill").arg(format!("-{name}")).arg(self.process.id().to_string()));
    }

    /// Kills it, whatever it is doing, and starts it again.
    pub(crate) fn kill_and_start(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = spawn(self.folder.path());
        self.wait_until_it_serves();
    }

    fn wait_until_it_serves(&mut self) {
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while TcpStream::connect((self.address, 636)).is_err() {
            let ended = self.process.try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.path().join("log/stdout")).unwrap_or_default();
            assert!(ended.is_none(), "samba ended; it needs root, and {} to be free: {}", self.address, log());
            assert!(Instant::now() < until, "samba does not serve: {}", log());
            sleep(Duration::from_millis(100));
        }
    }

    /// A command line of ldap-utils, with address, certificate and credentials filled in.
    pub(crate) fn tool(&self, name: &str) -> String {
        let uri = format!("ldaps://{}", self.address);
        format!("LDAPTLS_CACERT={} {name} -H {uri} -x -D {ADMINISTRATOR} -w {PASSWORD}", self.certificate().display())
    }

    /// The certificate of the authority that vouches for the server.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("tls/ca.pem")
    }

    /// Applies LDIF.
    pub(crate) fn apply(&self, ldif: &str) -> Output {
        let mut tool = command("sh")
            .args(["-c", &self.tool("ldapmodify")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut into, ldif) = (tool.stdin.take().unwrap(), ldif.to_owned());
        // What it says is read while it is spoken to, or both would wait for ever. It may leave before the end.
        let spoken = std::thread::spawn(move || drop(into.write_all(ldif.as_bytes())));
        let output = tool.wait_with_output().unwrap();
        spoken.join().unwrap();
        output
    }

    /// What a search gives, as LDIF without folded lines.
    pub(crate) fn search(&self, filter: &str) -> String {
        let tool = self.tool("ldapsearch");
        let output =
            command("sh").args(["-c", &format!("{tool} -LLL -o ldif-wrap=no -b {BASE} '{filter}'")]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        // Asked first, so that it takes its own helpers with it.
        command("kill").arg(self.process.id().to_string()).status().ok();
        let until = Instant::now() + Duration::from_secs(5);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < until {
            sleep(Duration::from_millis(20));
        }
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn spawn(at: &Path) -> Child {
    let log = fs::File::create(at.join("log/stdout")).unwrap();
    let mut samba = command("samba");
    samba.args(["-F", "--no-process-group", "-M", "single", "--debug-stdout", "-d", "1", "-s"]);
    samba.arg(at.join("etc/smb.conf")).stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
    samba.spawn().unwrap()
}

fn command(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", PATH);
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

pub(crate) fn make_certificates(tls: &Path, address: &str) {
    let extensions = format!(
        "subjectAltName=DNS:dc1.example.test,IP:{address}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
    );
    fs::write(tls.join("ext"), extensions).unwrap();
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let openssl = || {
        let mut openssl = command("openssl");
        openssl.current_dir(tls);
        openssl
    };
    run(openssl()
        .args(["req", "-x509", "-days", "2", "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem"])
        .args(["-addext", "keyUsage=critical,keyCertSign"])
        .args(key));
    run(openssl().args(["req", "-subj", "/CN=dc1.example.test", "-keyout", "key.pem", "-out", "req.pem"]).args(key));
    run(openssl()
        .args(["x509", "-req", "-in", "req.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"])
        .args(["-days", "2", "-extfile", "ext", "-out", "cert.pem"]));
    // Samba refuses a key that others may read.
    run(command("chmod").arg("600").arg(tls.join("key.pem")));
}

fn provision(at: &Path, address: &str) {
    run(command("/usr/bin/python3")
        .args(["-c", PROVISION, "domain", "provision", "--quiet", "--realm=EXAMPLE.TEST", "--domain=EXAMPLE"])
        .args(["--server-role=dc", "--dns-backend=NONE", "--host-name=dc1", "--option=ldb:nosync=true"])
        .arg(format!("--adminpass={PASSWORD}"))
        .arg(format!("--targetdir={}", at.display()))
        .arg(format!("--host-ip={address}")));
}

fn settings(at: &Path, address: &str) -> String {
    let at = at.display();
    format!(
        "[global]
netbios name = DC1
realm = EXAMPLE.TEST
workgroup = EXAMPLE
server role = active directory domain controller
server services = ldap
interfaces = {address}/8
bind interfaces only = yes
private dir = {at}/private
state directory = {at}/state
cache directory = {at}/cache
lock directory = {at}/run
pid directory = {at}/run
ncalrpc dir = {at}/run/ncalrpc
winbindd socket directory = {at}/run/winbindd
ntp signd socket directory = {at}/run/ntp
binddns dir = {at}/bind-dns
log file = {at}/log/samba.log
tls enabled = yes
tls keyfile = {at}/tls/key.pem
tls certfile = {at}/tls/cert.pem
tls cafile = {at}/tls/ca.pem
ldap server require strong auth = allow_sasl_over_tls
ldb:nosync = true
"
    )
}
