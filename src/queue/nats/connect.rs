//! A connection to NATS: made in the background, kept for ever, encrypted wherever it leaves this machine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::rustls::pki_types::pem::{self, PemObject as _};
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use secrecy::ExposeSecret as _;

use super::refused::Refusals;
use super::{ANSWER_MAX, NatsLogin, NatsSettings};
use crate::http_client::is_loopback;

/// How often a connection is asked whether it is alive. Two answers missing, it is made anew.
const PING_EVERY: Duration = Duration::from_secs(10);
/// The longest pause between two tries to connect.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The first pause; it doubles.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);
/// The length of an nkey's seed.
const USER_SEED_CHARACTERS: usize = 58;

/// Why NATS cannot be connected to, ever: all of it is for whoever wrote the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The credentials file.
    #[error("the NATS credentials file {file} cannot be used")]
    Credentials {
        /// Which.
        file: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file with certificates, or with a key.
    #[error("`{setting}` in the queue's settings: {file} cannot be used; it must hold {wanted} in PEM")]
    Pem {
        /// By which setting it is named.
        setting: &'static str,
        /// Which.
        file: String,
        /// What it must hold.
        wanted: &'static str,
        /// Why it cannot be.
        #[source]
        cause: pem::Error,
    },
    /// The seed of an nkey.
    #[error("`nkey` in the queue's settings is not the seed of a user: SU and 56 more letters and digits")]
    Nkey,
    /// An address, a certificate, or a key.
    #[error("NATS cannot be connected to as it is set up")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A client that connects in the background, and again whenever it has to.
///
/// # Errors
/// [`ConnectError`] for what will not mend itself. A server that is not there is no error.
pub(super) async fn connect(settings: &NatsSettings, name: &str) -> Result<Client, ConnectError> {
    let wrong = |error: std::io::Error| ConnectError::Settings(error.into());
    let servers = settings.servers.iter().map(|url| url.as_str().parse::<ServerAddr>().map_err(wrong));
    let servers = servers.collect::<Result<Vec<_>, _>>()?;
    check_files(settings)?;
    let refusals = Arc::new(Refusals::default());
    let needs_tls = settings.servers.iter().any(|url| url.scheme() == "tls" || !is_loopback_host(url));
    let mut options = ConnectOptions::new()
        .name(name)
        .require_tls(needs_tls)
        .retry_on_initial_connect()
        .connection_timeout(ANSWER_MAX)
        .request_timeout(Some(ANSWER_MAX))
        .ping_interval(PING_EVERY)
        .max_reconnects(None)
        .reconnect_delay_callback(pause)
        // It chooses no server, and is the one place that hears why the last try failed.
        .reconnect_to_server_callback(move |servers, _| {
            refusals.tell(&servers);
            async { None }
        })
        .event_callback(|event| async move { tell(&event) });
    if let Some(ca) = &settings.ca {
        options = options.add_root_certificates(ca.clone());
    }
    if let Some((certificate, key)) = &settings.client_certificate {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    let options = log_in(options, &settings.login).await?;
    options.connect(servers).await.map_err(|error| ConnectError::Settings(Box::new(error)))
}

async fn log_in(options: ConnectOptions, login: &NatsLogin) -> Result<ConnectOptions, ConnectError> {
    Ok(match login {
        NatsLogin::Nobody => options,
        NatsLogin::Credentials(file) => options
            .credentials_file(file)
            .await
            .map_err(|cause| ConnectError::Credentials { file: file.display().to_string(), cause })?,
        NatsLogin::Nkey(seed) if !is_user_seed(seed.expose_secret().trim()) => return Err(ConnectError::Nkey),
        NatsLogin::Nkey(seed) => options.nkey(seed.expose_secret().trim().to_owned()),
        NatsLogin::Token(token) => options.token(token.expose_secret().to_owned()),
        NatsLogin::User(user, password) => options.user_and_password(user.clone(), password.expose_secret().to_owned()),
    })
}

/// Whether a text can be the seed of a user: Base32 of 36 bytes, of which the first two say so.
fn is_user_seed(text: &str) -> bool {
    let is_base32 = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
    text.len() == USER_SEED_CHARACTERS && text.starts_with("SU") && text.bytes().all(is_base32)
}

/// Files are read when a connection is made, again and again: what is wrong with them is said now.
fn check_files(settings: &NatsSettings) -> Result<(), ConnectError> {
    let wrong = |setting, file: &Path, wanted, cause| {
        let file = file.display().to_string();
        ConnectError::Pem { setting, file, wanted, cause }
    };
    let certificate = |setting, file: &Path| match CertificateDer::from_pem_file(file) {
        Ok(_) => Ok(()),
        Err(cause) => Err(wrong(setting, file, "certificates", cause)),
    };
    settings.ca.iter().try_for_each(|file| certificate("ca", file))?;
    let Some((chain, key)) = &settings.client_certificate else { return Ok(()) };
    certificate("client_certificate", chain)?;
    let read = PrivateKeyDer::from_pem_file(key);
    read.map(drop).map_err(|cause| wrong("client_key", key, "a private key", cause))
}

/// `nats` is no scheme that the URL standard knows, so its hosts are plain text.
fn is_loopback_host(url: &url::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    is_loopback(url) || host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn pause(attempt: usize) -> Duration {
    let doubled = u32::try_from(attempt).unwrap_or(u32::MAX).min(10);
    (RECONNECT_PAUSE * 2_u32.pow(doubled)).min(RECONNECT_PAUSE_MAX)
}

fn tell(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("the connection to NATS is lost; it is made anew"),
        // Why is told by `refused`.
        Event::ClientError(error) => tracing::debug!(%error, "NATS"),
        other => tracing::warn!(event = %other, "NATS"),
    }
}
