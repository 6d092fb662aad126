//! A throwaway OpenLDAP: `slapd` with a folder of its own, gone when it is dropped.
//!
//! It asks for TLS before a bind, and knows the overlays `ppolicy` (to lock accounts) and `memberof`.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::samba::make_certificates;

/// Everything stands in this.
pub(crate) const BASE: &str = "dc=example,dc=test";
/// Who writes there.
pub(crate) const WRITER: &str = "cn=writer,dc=example,dc=test";
/// That one's password.
pub(crate) const PASSWORD: &str = "Passw0rd.Test1";
const START_SECONDS_MAX: u64 = 30;
/// Where it listens; every instance has a loopback address of its own.
pub(crate) const PORT: u16 = 3389;

/// A directory that is running.
pub(crate) struct Slapd {
    process: Child,
    folder: TempDir,
    address: &'static str,
}

impl Slapd {
    /// Serves `dc=example,dc=test` with the containers `ou=people` and `ou=leavers`.
    pub(crate) fn start(address: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for inner in ["tls", "data"] {
            fs::create_dir(at.join(inner)).unwrap();
        }
        make_certificates(&at.join("tls"), address);
        let shown = at.display();
        let settings = format!(
            "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload memberof
TLSCACertificateFile {shown}/tls/ca.pem
TLSCertificateFile {shown}/tls/cert.pem
TLSCertificateKeyFile {shown}/tls/key.pem
security simple_bind=128
database mdb
suffix \"{BASE}\"
rootdn \"{WRITER}\"
rootpw {PASSWORD}
directory {shown}/data
dbnosync
overlay ppolicy
overlay memberof
"
        );
        fs::write(at.join("slapd.conf"), settings).unwrap();
        let tree = format!(
            "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n\
             dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n\
             dn: ou=leavers,{BASE}\nobjectClass: organizationalUnit\nou: leavers\n"
        );
        fs::write(at.join("tree.ldif"), tree).unwrap();
        let added = Command::new("/usr/sbin/slapadd")
            .arg("-f")
            .arg(at.join("slapd.conf"))
            .arg("-l")
            .arg(at.join("tree.ldif"))
            .output()
            .unwrap();
        assert!(added.status.success(), "{added:?}");
        let log = fs::File::create(at.join("log")).unwrap();
        let process = Command::new("/usr/sbin/slapd")
            .args(["-d", "0", "-h", &format!("ldap://{address}:{PORT}"), "-f"])
            .arg(at.join("slapd.conf"))
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        let mut slapd = Self { process, folder, address };
        slapd.wait_until_it_serves();
        slapd
    }

    fn wait_until_it_serves(&mut self) {
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while TcpStream::connect((self.address, PORT)).is_err() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(self.process.try_wait().unwrap().is_none(), "slapd ended: {}", log());
            assert!(Instant::now() < until, "slapd does not serve: {}", log());
            sleep(Duration::from_millis(50));
        }
    }

    /// The certificate of the authority that vouches for the server.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("tls/ca.pem")
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
