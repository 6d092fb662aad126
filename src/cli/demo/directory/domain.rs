//! A domain of the demo's own: Samba as Active Directory, below the demo's folder, on an address of this machine.

use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::needs::Programs;
use super::process::{Group, last_lines, run};
use crate::chance;
use crate::cli::demo::props::write_private;

/// Everything in the domain stands below this.
pub(super) const BASE: &str = "DC=contoso,DC=example";
/// Everybody muster makes stands below this.
pub(super) const PEOPLE: &str = "OU=People,DC=contoso,DC=example";
/// Who may do everything there.
pub(super) const ADMINISTRATOR: &str = "Administrator@CONTOSO.EXAMPLE";
/// As whom the agent is there: it may write below [`PEOPLE`], and nowhere else.
pub(super) const AGENT: &str = "svc-muster@CONTOSO.EXAMPLE";
/// The divisions of the practice company, each with a container.
const DIVISIONS: [&str; 4] = ["Corporate", "Commercial", "Operations", "Technology"];
const MAKE: &str = include_str!("provision.py");

/// Addresses of this machine that are tried; nobody else is there, but another demo may be.
const ADDRESSES: std::ops::RangeInclusive<u8> = 1..=20;
/// The ports of a directory: LDAP, LDAPS, and the global catalogue's. They are fixed.
const PORTS: [u16; 4] = [389, 636, 3268, 3269];
/// LDAPS.
const PORT: u16 = 636;
/// Nobody's port. Who listens there has the address, from before its domain is made until after it has ended: two demos
/// that begin at the same moment take two addresses.
const CLAIM: u16 = 3270;
/// Ten seconds where it was measured; machines differ.
const MAKE_MAX: Duration = Duration::from_secs(180);
/// A second where it was measured.
const START_MAX: Duration = Duration::from_secs(60);
/// Making a key takes a moment.
const CERTIFICATE_MAX: Duration = Duration::from_secs(30);
/// How often it is tried whether the domain controller serves.
const TRY_EVERY: Duration = Duration::from_millis(50);
/// Longest name of Samba's folder: its sockets stand in it, and the kernel takes 107 bytes of a socket's name. With 82
/// it works, with 90 it does not.
const FOLDER_BYTES_MAX: usize = 80;

/// A domain, made and not served yet.
pub(super) struct Made {
    folder: PathBuf,
    address: Address,
    administrator: SecretString,
}

/// An address of this machine that is this demo's while this is held.
struct Address {
    ip: Ipv4Addr,
    _claim: TcpListener,
}

/// A domain with its controller. Dropping it takes the controller down, with all it has started.
pub(super) struct Domain {
    made: Made,
    controller: Group,
}

impl Made {
    /// Makes the domain, and an authority that vouches for its controller.
    pub(super) async fn new(folder: &Path, programs: &Programs) -> anyhow::Result<Self> {
        let folder = place(folder)?;
        let address = Address::claim()?;
        for inner in ["", "run", "log", "cache", "tls"] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder.join(inner))?;
        }
        let passwords = [password()?, password()?];
        write_private(&folder.join("administrator-password"), passwords[0].expose_secret())?;
        write_private(&folder.join("agent-password"), passwords[1].expose_secret())?;
        certificates(&programs.openssl, &folder.join("tls"), address.ip).await?;
        let told = format!("{}\n{}\n", passwords[0].expose_secret(), passwords[1].expose_secret());
        let mut command = Command::new(&programs.python);
        command.args(["-c", MAKE]).arg(&folder).arg(address.ip.to_string()).args(DIVISIONS);
        let made = run(&mut command, &told, &folder.join("log/made"), MAKE_MAX).await;
        made.context("the domain could not be made (on Debian: are samba-ad-provision and samba-dsdb-modules there?)")?;
        fs::write(folder.join("etc/smb.conf"), settings(&folder, address.ip))?;
        let [administrator, _] = passwords;
        Ok(Self { folder, address, administrator })
    }

    /// Starts the domain's controller, and waits until it serves.
    pub(super) async fn serve(self, programs: &Programs) -> anyhow::Result<Domain> {
        let mut command = Command::new(&programs.samba);
        // Interactive is what Samba calls it to end when its standard input does: however we go, it goes too.
        command.args(["-i", "--no-process-group", "-M", "single", "-d", "1", "-s"]);
        command.arg(self.folder.join("etc/smb.conf"));
        let controller = Group::start(&mut command, &self.folder.join("log/controller"))?;
        let mut domain = Domain { made: self, controller };
        let began = Instant::now();
        while TcpStream::connect((domain.made.address.ip, PORT)).is_err() {
            domain.must_serve()?;
            anyhow::ensure!(
                began.elapsed() < START_MAX,
                "the domain controller does not serve after {} s: {}",
                START_MAX.as_secs(),
                last_lines(&domain.log())
            );
            tokio::time::sleep(TRY_EVERY).await;
        }
        // Whoever answered, it was not ours if ours has ended.
        domain.must_serve()?;
        Ok(domain)
    }
}

impl Domain {
    /// Nothing can be shown of a directory whose controller has ended.
    pub(super) fn must_serve(&mut self) -> anyhow::Result<()> {
        match self.controller.ended()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("the domain controller has ended ({status}): {}", last_lines(&self.log())),
        }
    }

    pub(super) fn process(&self) -> u32 {
        self.controller.id()
    }

    pub(super) fn url(&self) -> String {
        format!("ldaps://{}", self.made.address.ip)
    }

    /// Where the authority's certificate is.
    pub(super) fn authority(&self) -> PathBuf {
        self.made.folder.join("tls/ca.pem")
    }

    pub(super) fn administrator_password(&self) -> &SecretString {
        &self.made.administrator
    }

    fn log(&self) -> PathBuf {
        self.made.folder.join("log/controller")
    }
}

impl Address {
    /// The first that is no other demo's, and on which none of the ports is anybody's.
    fn claim() -> anyhow::Result<Self> {
        let mut first = None;
        for last in ADDRESSES {
            let ip = Ipv4Addr::new(127, 0, 9, last);
            let claimed = TcpListener::bind((ip, CLAIM)).map_err(|error| (CLAIM, error));
            let taken = PORTS.iter().find_map(|port| Some((*port, TcpListener::bind((ip, *port)).err()?)));
            match (claimed, taken) {
                (Ok(claim), None) => return Ok(Self { ip, _claim: claim }),
                (Ok(_), Some(taken)) | (Err(taken), _) => drop(first.get_or_insert(taken)),
            }
        }
        let (port, error) = first.context("no address is tried")?;
        let places = format!("127.0.9.{} to 127.0.9.{}", ADDRESSES.start(), ADDRESSES.end());
        Err(anyhow::Error::from(error).context(format!("port {port} cannot be had on any address from {places}")))
    }
}

/// Where the domain goes.
///
/// # Errors
/// The folder's name is too long for Samba.
pub(super) fn place(folder: &Path) -> anyhow::Result<PathBuf> {
    let folder = std::path::absolute(folder)?.join("domain");
    let length = folder.as_os_str().len();
    anyhow::ensure!(
        length <= FOLDER_BYTES_MAX,
        "the name {} has {length} bytes, and Samba takes {FOLDER_BYTES_MAX} at most; name another with --folder",
        folder.display()
    );
    Ok(folder)
}

/// A password that fits every policy: long, of four kinds of characters, and chance.
fn password() -> anyhow::Result<SecretString> {
    Ok(SecretString::from(format!("Aa1-{}", chance::token()?)))
}

/// An authority, and the controller's certificate that it signs.
async fn certificates(openssl: &Path, tls: &Path, address: Ipv4Addr) -> anyhow::Result<()> {
    let of_server = format!(
        "subjectAltName=DNS:dc1.contoso.example,IP:{address}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
    );
    fs::write(tls.join("extensions"), of_server)?;
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    let steps = [
        format!(
            "req -x509 -days 30 -subj /CN=muster_demo -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign {key}"
        ),
        format!("req -subj /CN=dc1.contoso.example -keyout key.pem -out request.pem {key}"),
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile extensions -out cert.pem"
            .to_owned(),
    ];
    for step in steps {
        let mut command = Command::new(openssl);
        command.args(step.split(' ')).current_dir(tls);
        let done = run(&mut command, "", &tls.join("log"), CERTIFICATE_MAX).await;
        done.context("the domain controller's certificate could not be made")?;
    }
    // Samba refuses a key that others may read.
    for key in ["ca.key", "key.pem"] {
        fs::set_permissions(tls.join(key), fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Samba's settings: the directory and nothing else of a domain controller, in this folder and on this address only.
fn settings(folder: &Path, address: Ipv4Addr) -> String {
    let at = folder.display();
    format!(
        "[global]
netbios name = DC1
realm = CONTOSO.EXAMPLE
workgroup = CONTOSO
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
log file = {at}/log/samba
tls enabled = yes
tls keyfile = {at}/tls/key.pem
tls certfile = {at}/tls/cert.pem
tls cafile = {at}/tls/ca.pem
ldap server require strong auth = allow_sasl_over_tls
ldb:nosync = true
"
    )
}
