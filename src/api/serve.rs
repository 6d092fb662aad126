//! Listening: plain on this very machine, by TLS for others.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App as Web, HttpServer, web};
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::passage::passage;
use super::settings::{ApiSettings, TlsFiles};
use super::{Api, routes};
use crate::app::App;
use crate::pipeline::schedule::Shutdown;

/// Threads that serve connections. What waits for the disk has threads of its own, so two keep both cores busy.
const SERVER_THREADS: usize = 2;
/// How long a connection may stay silent between requests. Proxies commonly keep theirs for 60 seconds, and whoever
/// closes first should be they.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take to arrive.
const HEAD_READ_MAX: Duration = Duration::from_secs(10);
/// Connections one thread holds at once. Each costs some 30 KiB; a pipeline has a handful.
const CONNECTIONS_MAX: usize = 2_048;
/// How long requests under way may take to end once stopping was asked for: longer than a body may take to arrive.
const STOP_SECONDS_MAX: u64 = 90;
/// How often callers who have been quiet are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Why the doors cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could reach it, and tokens would travel in the clear.
    #[error(
        "{0} can be reached from other machines, and without TLS tokens and people's data would travel in the clear"
    )]
    InTheClear(SocketAddr),
    /// The operating system refuses the address.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A certificate or key file cannot be read.
    #[error("{file} cannot be read as PEM")]
    Pem {
        /// Which.
        file: std::path::PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// Certificate and key do not fit, or are of a kind that is not known.
    #[error("the certificate and its key cannot be used")]
    Tls(#[source] rustls::Error),
}

/// Opens the address, if it may be.
///
/// # Errors
/// [`ServeError::InTheClear`] for an address that others can reach, without TLS; [`ServeError::Listen`].
pub fn listen(address: SocketAddr, settings: &ApiSettings) -> Result<TcpListener, ServeError> {
    check_address(address, settings)?;
    TcpListener::bind(address).map_err(|source| ServeError::Listen { address, source })
}

fn check_address(address: SocketAddr, settings: &ApiSettings) -> Result<(), ServeError> {
    if settings.tls.is_some() || address.ip().is_loopback() { Ok(()) } else { Err(ServeError::InTheClear(address)) }
}

/// Open doors, to be run.
#[must_use = "nothing is served until it is run"]
pub struct Serving {
    /// The address it listens on.
    pub address: SocketAddr,
    /// How others reach it.
    pub url: String,
    server: Server,
    api: web::Data<Api>,
}

/// Serves `app` on `listener` until `shutdown` is asked for. Several may be served in one process.
///
/// # Errors
/// [`ServeError`], before anything is served.
pub fn serve(
    listener: TcpListener,
    app: Arc<App>,
    settings: ApiSettings,
    shutdown: Shutdown,
) -> Result<Serving, ServeError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    let address = listener.local_addr().map_err(|source| ServeError::Listen { address: unknown, source })?;
    check_address(address, &settings)?;
    let tls = settings.tls.as_ref().map(tls).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = settings.public_base_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let url = url.unwrap_or_else(|| format!("{scheme}://{address}"));
    let api = web::Data::new(Api::new(app, settings, url.clone(), shutdown));
    let shared = api.clone();
    let server = HttpServer::new(move || Web::new().app_data(shared.clone()).wrap(from_fn(passage)).configure(routes))
        .workers(SERVER_THREADS)
        .max_connections(CONNECTIONS_MAX)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_READ_MAX)
        // Whoever has hung up hears no answer: an agent's open question would be given work that nobody carries.
        .h1_allow_half_closed(false)
        .shutdown_timeout(STOP_SECONDS_MAX)
        .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls),
        None => server.listen(listener),
    };
    let server = server.map_err(|source| ServeError::Listen { address, source })?.run();
    Ok(Serving { address, url, server, api })
}

impl Serving {
    /// Serves until stopping is asked for; then nothing new is taken, and what is under way ends.
    ///
    /// # Errors
    /// When the server's threads cannot be started.
    pub async fn run(self) -> io::Result<()> {
        let handle = self.server.handle();
        let attending = tokio::spawn(attend(self.api, handle));
        let ended = self.server.await;
        attending.abort();
        ended
    }
}

/// Forgets quiet callers from time to time, and stops the server when asked to.
async fn attend(api: web::Data<Api>, server: ServerHandle) {
    let mut shutdown = api.shutdown.clone();
    loop {
        tokio::select! {
            () = shutdown.asked() => break,
            () = tokio::time::sleep(FORGET_EVERY) => {
                api.callers.forget_quiet();
                api.agents.forget_quiet();
                api.token_callers.forget_quiet();
            }
        }
    }
    server.stop(true).await;
}

/// The protocols offered (ALPN) are left to the server: it speaks HTTP/1.1 only.
fn tls(files: &TlsFiles) -> Result<ServerConfig, ServeError> {
    let unreadable = |file: &std::path::Path| {
        let file = file.to_owned();
        move |source| ServeError::Pem { file, source }
    };
    let certificates = CertificateDer::pem_file_iter(&files.certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(&files.certificates))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(ServeError::Tls)
}
