//! The settings of a queue other than the embedded one: of the server (`muster serve --queue FILE`), and of an agent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::secret::{SecretError, SecretSource};
use crate::model::TargetId;
use crate::queue::OfferSettings;
use crate::queue::envelope::{KeyError, PinnedKeys};
use crate::queue::nats::{NatsLogin, NatsSettings};

/// Longest file, in bytes. It holds a few addresses.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Servers of one cluster that are named; the others are learnt from these.
const SERVERS_MAX: usize = 16;
/// The stream, where none is named.
const STREAM_DEFAULT: &str = "muster";
/// Characters of a stream's name.
const STREAM_CHARACTERS_MAX: usize = 32;
/// Nodes that may keep each message: one, or a number that has a majority.
const REPLICAS: [usize; 3] = [1, 3, 5];
/// How long an offer may live. Under a minute it would run out while agents work; over an hour, what NATS lost is missed.
const OFFER_SECONDS: std::ops::RangeInclusive<u64> = 60..=3_600;
/// How much may be offered at once: more than an agent takes, and no more than a stream bears.
const OFFERS: std::ops::RangeInclusive<usize> = 100..=100_000;

/// Why there is no queue as a file says.
#[derive(Debug, thiserror::Error)]
pub enum QueueFileError {
    /// The file cannot be read.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is not written as it must be. Nothing of what stands there is shown: a secret may.
    #[error("{}:{line}:{column} is not written as a queue's settings are: {why}", path.display())]
    Written {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// In that line.
        column: usize,
        /// What is wrong there.
        why: String,
    },
    /// Something in it has no meaning.
    #[error("`{field}` {why}")]
    Meaning {
        /// Which setting.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A key of the server.
    #[error("`server_key` cannot be used")]
    Key(#[source] KeyError),
    /// A secret is not where it should be.
    #[error("NATS cannot be logged in to without its secret")]
    Secret(#[source] SecretError),
}

fn wrong(field: &'static str, why: impl Into<String>) -> QueueFileError {
    QueueFileError::Meaning { field, why: why.into() }
}

/// How a server offers work to its agents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerQueueWritten {
    /// The targets whose work goes by NATS; agents may ask the server for it all the same.
    targets: Vec<String>,
    /// Nodes that keep each message.
    #[serde(default = "one")]
    replicas: usize,
    /// How long an offer lives.
    offer_seconds: Option<u64>,
    /// How much is offered at once.
    offers_max: Option<usize>,
    /// Where NATS is.
    nats: NatsWritten,
}

/// How an agent gets its work, where it does not ask the server for all of it (`muster agent --queue FILE`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentQueueWritten {
    /// The server's public key, as `muster key` prints it.
    server_key: String,
    /// The one that will follow it.
    server_key_next: Option<String>,
    /// Where NATS is.
    nats: NatsWritten,
}

/// Where NATS is, and who muster is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsWritten {
    servers: Vec<String>,
    ca: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_key: Option<PathBuf>,
    credentials: Option<PathBuf>,
    nkey: Option<SecretPlace>,
    token: Option<SecretPlace>,
    user: Option<String>,
    password: Option<SecretPlace>,
    stream: Option<String>,
}

/// Where a secret is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "`{ env = \"NAME\" }` or `{ file = \"PATH\" }`; a secret that stands in the file has been seen, so change it"
)]
struct SecretPlace {
    env: Option<String>,
    file: Option<PathBuf>,
}

fn one() -> usize {
    1
}

/// The settings of the server's side, from a file.
///
/// # Errors
/// [`QueueFileError`]. Secrets are read.
pub fn load_server_queue(path: &Path) -> Result<(NatsSettings, OfferSettings), QueueFileError> {
    let written: ServerQueueWritten = parse(path)?;
    let (replicas, defaults) = (written.replicas, OfferSettings::default());
    let offer_seconds = written.offer_seconds.unwrap_or(defaults.offer_life.as_secs());
    let offers_max = written.offers_max.unwrap_or(defaults.offers_max);
    if written.targets.is_empty() || written.targets.iter().any(String::is_empty) {
        return Err(wrong("targets", "names the targets whose work goes by NATS, at least one"));
    }
    if !REPLICAS.contains(&replicas) {
        return Err(wrong("replicas", "is 1, 3 or 5: nodes that keep each message"));
    }
    if !OFFER_SECONDS.contains(&offer_seconds) {
        let (least, most) = (OFFER_SECONDS.start(), OFFER_SECONDS.end());
        return Err(wrong("offer_seconds", format!("is between {least} and {most}")));
    }
    if !OFFERS.contains(&offers_max) {
        return Err(wrong("offers_max", format!("is between {} and {}", OFFERS.start(), OFFERS.end())));
    }
    let targets = written.targets.iter().map(|target| TargetId::new(target)).collect();
    let offer_life = Duration::from_secs(offer_seconds);
    let offers = OfferSettings { targets, replicas, offer_life, offers_max, ..defaults };
    Ok((written.nats.mean(folder(path))?, offers))
}

/// The settings of an agent's side, from a file of their own.
///
/// # Errors
/// [`QueueFileError`]. Secrets are read.
pub fn load_agent_queue(path: &Path) -> Result<(NatsSettings, PinnedKeys), QueueFileError> {
    parse::<AgentQueueWritten>(path)?.mean(folder(path))
}

impl AgentQueueWritten {
    /// What is meant; paths are relative to `folder`.
    ///
    /// # Errors
    /// [`QueueFileError`]. Secrets are read.
    pub fn mean(&self, folder: &Path) -> Result<(NatsSettings, PinnedKeys), QueueFileError> {
        let keys = [Some(&self.server_key), self.server_key_next.as_ref()];
        let keys = PinnedKeys::parse(keys.into_iter().flatten().map(String::as_str)).map_err(QueueFileError::Key)?;
        Ok((self.nats.mean(folder)?, keys))
    }
}

impl NatsWritten {
    fn mean(&self, folder: &Path) -> Result<NatsSettings, QueueFileError> {
        if self.servers.is_empty() || self.servers.len() > SERVERS_MAX {
            return Err(wrong("servers", format!("names 1 to {SERVERS_MAX} servers of one cluster")));
        }
        let servers = self.servers.iter().map(|server| server_url(server)).collect::<Result<_, _>>()?;
        let at = |path: &PathBuf| folder.join(path);
        let client_certificate = match (&self.client_certificate, &self.client_key) {
            (Some(certificate), Some(key)) => Some((at(certificate), at(key))),
            (None, None) => None,
            _ => return Err(wrong("client_certificate", "and `client_key` go together")),
        };
        let stream = self.stream.clone().unwrap_or_else(|| STREAM_DEFAULT.to_owned());
        let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if stream.is_empty() || stream.len() > STREAM_CHARACTERS_MAX || !stream.chars().all(is_fit) {
            let why = format!("is 1 to {STREAM_CHARACTERS_MAX} letters, digits, `-` or `_`");
            return Err(wrong("stream", why));
        }
        let login = self.login(folder)?;
        Ok(NatsSettings { servers, ca: self.ca.as_ref().map(at), client_certificate, login, stream })
    }

    fn login(&self, folder: &Path) -> Result<NatsLogin, QueueFileError> {
        match (&self.credentials, &self.nkey, &self.token, &self.user, &self.password) {
            (None, None, None, None, None) => Ok(NatsLogin::Nobody),
            (Some(file), None, None, None, None) => Ok(NatsLogin::Credentials(folder.join(file))),
            (None, Some(seed), None, None, None) => Ok(NatsLogin::Nkey(seed.read("nkey", folder)?)),
            (None, None, Some(token), None, None) => Ok(NatsLogin::Token(token.read("token", folder)?)),
            (None, None, None, Some(user), Some(password)) => {
                Ok(NatsLogin::User(user.clone(), password.read("password", folder)?))
            }
            _ => Err(wrong("credentials", "or `nkey` or `token` or `user` and `password`: one of the four, or none")),
        }
    }
}

impl SecretPlace {
    fn read(&self, field: &'static str, folder: &Path) -> Result<secrecy::SecretString, QueueFileError> {
        let source = match (&self.env, &self.file) {
            (Some(env), None) => SecretSource::Env(env.clone()),
            (None, Some(file)) => SecretSource::File(folder.join(file)),
            _ => return Err(wrong(field, "is `{ env = \"NAME\" }` or `{ file = \"PATH\" }`")),
        };
        source.read().map_err(QueueFileError::Secret)
    }
}

fn server_url(text: &str) -> Result<Url, QueueFileError> {
    let shape = || wrong("servers", "are addresses such as `tls://nats1.contoso.example:4222`");
    let url = Url::parse(text).map_err(|_| shape())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("servers", "hold no user and no password; there are settings for both"));
    }
    let is_whole = matches!(url.scheme(), "nats" | "tls") && url.host_str().is_some_and(|host| !host.is_empty());
    if is_whole { Ok(url) } else { Err(shape()) }
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, QueueFileError> {
    use std::io::Read as _;

    let unreadable = |error| QueueFileError::Unreadable(path.to_owned(), error);
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    toml::from_str(&text).map_err(|error| unwritten(path, &text, &error))
}

fn unwritten(path: &Path, text: &str, error: &toml::de::Error) -> QueueFileError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let in_line = before.rsplit('\n').next().unwrap_or_default();
    QueueFileError::Written {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: in_line.chars().count() + 1,
        why: without_value(error.message()),
    }
}

/// What a reader of TOML says of a text in the wrong place, without the text.
fn without_value(message: &str) -> String {
    match (message.find(" string \""), message.rfind("\", expected")) {
        (Some(from), Some(to)) if from < to => format!("{} a text{}", &message[..from], &message[to + 1..]),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn check_agent(text: &str) -> Result<(NatsSettings, PinnedKeys), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.toml");
        std::fs::write(&path, text).unwrap();
        load_agent_queue(&path).map_err(|error| error.to_string())
    }

    fn check_server(text: &str) -> Result<OfferSettings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.toml");
        std::fs::write(&path, text).unwrap();
        load_server_queue(&path).map(|(_, offers)| offers).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_that_stands_in_the_file_is_not_shown() {
        let nats = "[nats]\nservers = ['tls://a.example:4222']";
        for secret in [
            "token = 'hunter2'",
            "user = 'u'\npassword = 'hunter2'",
            "nkey = ['hunter2']",
            "token = hunter2",
            "token = { file = 'x', hunter = 'hunter2' }",
            "token = { env = 'hunter2\", expected' = }",
        ] {
            let told = check_agent(&format!("server_key = '{KEY}'\n{nats}\n{secret}")).unwrap_err();
            assert!(told.contains("queue.toml:") && !told.contains("hunter2"), "{told}");
        }
        let told = check_agent(&format!("server_key = '{KEY}'\n{nats}\ntoken = 'hunter2'")).unwrap_err();
        assert!(told.contains("queue.toml:4:9") && told.contains(r#"`{ file = "PATH" }`"#), "{told}");
        let told = check_agent("server_key = 'x'\n[nats]\nservers = 'tls://u:hunter2@a.example'").unwrap_err();
        assert!(told.contains("a text, expected a sequence") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn an_agent_pins_the_server_and_says_where_nats_is() {
        let nats = "[nats]\nservers = ['tls://a.example:4222', 'tls://b.example:4222']\ncredentials = 'x.creds'";
        let (settings, _) = check_agent(&format!("server_key = '{KEY}'\n{nats}")).unwrap();
        assert_eq!((settings.servers.len(), settings.stream.as_str()), (2, "muster"));
        assert!(matches!(settings.login, NatsLogin::Credentials(file) if file.ends_with("x.creds")));
        assert!(check_agent(nats).is_err(), "an agent without a key would believe anybody");
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        let agent = |nats: &str| check_agent(&format!("server_key = '{KEY}'\n[nats]\n{nats}")).unwrap_err();
        assert!(agent("servers = []").contains("`servers` names 1 to"));
        assert!(agent("servers = ['http://a']").contains("tls://"));
        assert!(agent("servers = ['nats://u:p@a:4222']").contains("no password"));
        assert!(agent("servers = ['nats://a']\nuser = 'u'").contains("`credentials` or `nkey`"));
        assert!(
            agent("servers = ['nats://a']\ntoken = { env = 'T' }\nnkey = { env = 'N' }").contains("one of the four")
        );
        assert!(agent("servers = ['nats://a']\nclient_key = 'k'").contains("go together"));
        assert!(agent("servers = ['nats://a']\nstream = 'a.b'").contains("`stream`"));
        assert!(agent("servers = ['nats://a']\nnkey = {}").contains("`nkey` is"));
        assert!(agent("servers = ['nats://a']\npasword = 'x'").contains("is not written as"));
        let server = |text: &str| check_server(&format!("{text}\n[nats]\nservers = ['nats://127.0.0.1:4222']"));
        assert!(server("targets = []").unwrap_err().contains("`targets`"));
        assert!(server("targets = ['hq']\nreplicas = 2").unwrap_err().contains("`replicas`"));
        assert!(server("targets = ['hq']\noffer_seconds = 1").unwrap_err().contains("`offer_seconds`"));
        assert!(server("targets = ['hq']\noffers_max = 1").unwrap_err().contains("`offers_max`"));
        assert_eq!(server("targets = ['hq']\nreplicas = 3").unwrap().replicas, 3);
    }
}
