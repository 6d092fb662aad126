//! The one way to make an HTTP client: encrypted, never redirected, never waiting for ever.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, redirect};
use url::{Host, Url};

use crate::meter::{self, Counter};

/// How long a connection may take to be made. A reachable host answers within a second or two; a wrong
/// address would otherwise use up the whole time of the call.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest answer that is read. A page of 999 users is about 1 MiB; more is no answer to anything asked here.
pub const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Longest wait that a server may ask for with `Retry-After`. Throttling windows are minutes long; a wrong
/// header must not stop a job for a day.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Why no client can be made: all of it is for whoever wrote the configuration.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// Plain HTTP to another machine.
    #[error("`{0}` is not https: a token would travel in the clear")]
    InTheClear(String),
    /// Neither http nor https, or no host.
    #[error("`{0}` is no address of a web service")]
    NoWebAddress(String),
    /// The extra certificate authority is no PEM certificate.
    #[error("the certificate authority cannot be read as PEM")]
    Certificate(#[source] reqwest::Error),
    /// A file in which is something else, or nothing.
    #[error("the certificate authority has no certificate in PEM")]
    NoCertificate,
    /// The TLS library refused its settings.
    #[error("the HTTP client cannot be made")]
    Build(#[source] reqwest::Error),
}

/// Refuses an address to which a secret would travel unencrypted.
///
/// Plain HTTP is allowed to this very machine only: for the sandbox, and for tests.
///
/// # Errors
/// [`HttpClientError::InTheClear`] and [`HttpClientError::NoWebAddress`].
pub fn check_url(url: &Url) -> Result<(), HttpClientError> {
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(HttpClientError::InTheClear(shown(url))),
        _ => Err(HttpClientError::NoWebAddress(shown(url))),
    }
}

/// Whether the address is this very machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The address without the parts in which people leave passwords.
fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// A client for `url`: rustls, no redirects (a token must not follow one to another host), time-outs.
///
/// A request may take `timeout` in all, its answer read. `extra_ca` is one or more PEM certificates trusted
/// besides the machine's own. A system proxy is used, but never for this very machine: there plain HTTP is
/// allowed, and the proxy would read it.
///
/// # Errors
/// [`HttpClientError`]: the address, the certificate or the TLS settings are wrong.
pub fn build(url: &Url, timeout: Duration, extra_ca: Option<&[u8]>) -> Result<Client, HttpClientError> {
    check_url(url)?;
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .user_agent(concat!("muster/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    if let Some(pem) = extra_ca {
        let certificates = Certificate::from_pem_bundle(pem).map_err(HttpClientError::Certificate)?;
        if certificates.is_empty() {
            return Err(HttpClientError::NoCertificate);
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(HttpClientError::Build)
}

/// How long the server asks us to wait; a fraction of a second counts as a whole one.
///
/// Microsoft documents a fraction (`2.128`), which RFC 9110 does not know (`facts/graph_users.md` §10).
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    let asked = Duration::try_from_secs_f64(seconds.ceil()).ok()?;
    Some(asked.min(RETRY_AFTER_MAX))
}

/// Why a body could not be had.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// More than [`ANSWER_BYTES_MAX`].
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// The connection ended, or the time was up.
    #[error("the answer did not come to its end")]
    Broken(#[source] reqwest::Error),
}

/// Reads an answer to its end.
///
/// # Errors
/// [`AnswerError`]: it is too long, or was cut off.
pub async fn read_answer(mut response: Response) -> Result<Vec<u8>, AnswerError> {
    let (host, status) = (response.url().host_str().unwrap_or_default(), response.status());
    meter::count(Counter::Answers, &[("host", host), ("status", status.as_str())], 1);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(AnswerError::Broken)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(AnswerError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What went wrong, cause by cause, without the address: a query has people's data in it.
pub fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<(), String> {
        check_url(&Url::parse(url).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_never_travels_in_the_clear() {
        assert_eq!(check("https://graph.microsoft.com/v1.0"), Ok(()));
        assert_eq!(check("http://127.0.0.1:8080"), Ok(()));
        assert_eq!(check("http://[::1]:8080"), Ok(()));
        assert_eq!(check("http://localhost:8080"), Ok(()));
        let words = check("http://someone:hunter2@graph.example/v1.0").unwrap_err();
        assert_eq!(words, "`http://graph.example/v1.0` is not https: a token would travel in the clear");
        assert!(check("http://127.0.0.1.example.com").is_err());
        assert!(check("ftp://graph.example").is_err());
    }

    #[test]
    fn a_fraction_of_a_second_is_waited_out_whole() {
        let waits = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(waits("2.128"), Some(Duration::from_secs(3)));
        assert_eq!(waits("10"), Some(Duration::from_secs(10)));
        assert_eq!(waits("99999999"), Some(RETRY_AFTER_MAX));
        for nonsense in ["-1", "NaN", "inf", "soon"] {
            assert_eq!(waits(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_certificate_that_is_none_is_refused() {
        let url = Url::parse("https://graph.example").unwrap();
        let pem = b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n";
        for none in [&pem[..], b"nonsense", b""] {
            assert!(build(&url, Duration::from_secs(1), Some(none)).is_err());
        }
    }
}
