//! A throwaway OpenLDAP in a folder of its own, gone when it is dropped. Needs the packages that `tests/all.sh` installs.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Everything stands in this.
pub(crate) const BASE: &str = "dc=example,dc=test";
/// Who may do everything there.
pub(crate) const ADMIN: &str = "cn=admin,dc=example,dc=test";
/// Their password.
pub(crate) const PASSWORD: &str = "secret";
/// A quarter of a second where it was measured; machines differ.
const START_SECONDS_MAX: u64 = 30;

/// An OpenLDAP that is running.
pub(crate) struct Slapd {
    process: Child,
    folder: TempDir,
    address: &'static str,
}

impl Slapd {
    /// Serves `ldap` on 3890 and `ldaps` on 6360 of a loopback address, with people and groups as containers.
    pub(crate) fn start(address: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir(at.join("db")).unwrap();
        super::samba::make_certificates(at, address);
        fs::write(at.join("slapd.conf"), settings(at)).unwrap();
        let process = serve(at, address);
        let mut slapd = Self { process, folder, address };
        slapd.wait_until_it_serves();
        slapd.apply(&format!(
            "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n\
             dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n\
             dn: ou=left,ou=people,{BASE}\nobjectClass: organizationalUnit\nou: left\n\n\
             dn: ou=outside,{BASE}\nobjectClass: organizationalUnit\nou: outside\n"
        ));
        slapd
    }

    fn wait_until_it_serves(&mut self) {
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while TcpStream::connect((self.address, 6360)).is_err() {
            let ended = self.process.try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none(), "slapd ended: {}", log());
            assert!(Instant::now() < until, "slapd does not serve: {}", log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Stops serving. What was written stays.
    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Serves again what was written.
    pub(crate) fn start_again(&mut self) {
        self.process = serve(self.folder.path(), self.address);
        self.wait_until_it_serves();
    }

    /// What a search gives, as LDIF without folded lines.
    pub(crate) fn search(&self, filter: &str) -> String {
        self.searched(filter, "*")
    }

    /// The same with what the server itself keeps of an entry.
    pub(crate) fn search_all(&self, filter: &str) -> String {
        self.searched(filter, "entryUUID")
    }

    fn searched(&self, filter: &str, also: &str) -> String {
        let output = Command::new("ldapsearch")
            .args(["-x", "-H", &format!("ldap://{}:3890", self.address), "-D", ADMIN, "-w", PASSWORD])
            .args(["-LLL", "-o", "ldif-wrap=no", "-b", BASE, filter, "*", also])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The loopback address it serves on.
    pub(crate) fn address(&self) -> &'static str {
        self.address
    }

    /// The certificate of the authority that vouches for the server.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Adds entries.
    pub(crate) fn apply(&self, ldif: &str) {
        self.modify(ldif, &["-a"]);
    }

    /// Applies changes.
    pub(crate) fn change(&self, ldif: &str) {
        self.modify(ldif, &[]);
    }

    /// Adds an entry with what another server keeps of it, as replication would.
    pub(crate) fn copy_of(&self, ldif: &str) {
        self.modify(ldif, &["-a", "-e", "!relax"]);
    }

    /// Whether somebody is let in with this password.
    pub(crate) fn lets_in(&self, dn: &str, password: &str) -> bool {
        let mut tool = Command::new("ldapwhoami");
        tool.args(["-x", "-H", &format!("ldap://{}:3890", self.address), "-D", dn, "-w", password]);
        tool.output().unwrap().status.success()
    }

    fn modify(&self, ldif: &str, options: &[&str]) {
        use std::io::Write as _;
        let mut tool = Command::new("ldapmodify")
            .args(options)
            .args(["-x", "-H", &format!("ldap://{}:3890", self.address), "-D", ADMIN, "-w", PASSWORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        tool.stdin.take().unwrap().write_all(ldif.as_bytes()).unwrap();
        assert!(tool.wait().unwrap().success());
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn serve(at: &Path, address: &str) -> Child {
    let urls = format!("ldap://{address}:3890 ldaps://{address}:6360");
    let log = fs::File::create(at.join("log")).unwrap();
    Command::new("/usr/sbin/slapd")
        .args(["-d", "0", "-h", &urls, "-f"])
        .arg(at.join("slapd.conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn settings(at: &Path) -> String {
    let at = at.display();
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload unique
moduleload ppolicy
pidfile {at}/pid
TLSCertificateFile {at}/cert.pem
TLSCertificateKeyFile {at}/key.pem
database mdb
maxsize 268435456
suffix {BASE}
rootdn {ADMIN}
rootpw {PASSWORD}
directory {at}/db
dbnosync
index objectClass eq
index uid,employeeNumber,mail eq
overlay memberof
overlay ppolicy
overlay unique
unique_uri ldap:///?mail?sub
"
    )
}
