//! A connection to NATS: made in the background, kept for ever, encrypted wherever it leaves this machine.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use secrecy::ExposeSecret as _;

use super::{ANSWER_MAX, NatsLogin, NatsSettings};
use crate::http_client::is_loopback;

/// How often a connection is asked whether it is alive. Two answers missing, it is made anew.
const PING_EVERY: Duration = Duration::from_secs(10);
/// The longest pause between two tries to connect.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The first pause; it doubles.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

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
        NatsLogin::Nkey(seed) => options.nkey(seed.expose_secret().trim().to_owned()),
        NatsLogin::User(user, password) => options.user_and_password(user.clone(), password.expose_secret().to_owned()),
    })
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
        other => tracing::warn!(event = %other, "NATS"),
    }
}
