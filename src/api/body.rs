//! Bodies: read and inflated within limits, and never more of them at once than there is room for.

use std::io::Read as _;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use flate2::read::MultiGzDecoder;

use super::error::ApiError;
use super::incoming::Incoming;
use super::limits::Taken;
use super::{Api, blocking};

/// A body, and the room it takes.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    room: Taken,
}

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
}

/// Reads the body of a request, at most `bytes_max` of it, inflated.
///
/// # Errors
/// 413 when it is too large, 415 when it is packed in a way that is not known, 408 when it does not come to its
/// end, 429 when there is no room for it, 400 when it cannot be inflated or breaks off.
pub(super) async fn read(api: &web::Data<Api>, request: &HttpRequest, bytes_max: usize) -> Result<Body, ApiError> {
    let packing = packing(request)?;
    let declared = declared_length(request, bytes_max)?;
    // Taken at once: bodies that took room bit by bit could all wait for each other.
    let inflated = if packing == Packing::Gzip { bytes_max } else { 0 };
    let mut room = api.room.take(declared.unwrap_or(bytes_max) + inflated).await?;
    let reading = tokio::time::timeout(api.settings.body_read_max, gather(request, declared, bytes_max));
    let seconds = api.settings.body_read_max.as_secs();
    let slow = |_| ApiError::TimedOut(format!("the body did not arrive within {seconds} s; send it in smaller parts"));
    let bytes = reading.await.map_err(slow)??;
    let bytes = match packing {
        Packing::Plain => bytes,
        Packing::Gzip => blocking(api, move |_| inflate(&bytes, bytes_max)).await??,
    };
    room.shrink_to(bytes.len());
    Ok(Body { bytes, room })
}

impl Body {
    /// The bytes alone, and the room they take: to be kept until they are let go.
    pub(super) fn split(self) -> (Vec<u8>, Taken) {
        (self.bytes, self.room)
    }
}

fn packing(request: &HttpRequest) -> Result<Packing, ApiError> {
    let words = match request.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str()) {
        None => return Ok(Packing::Plain),
        Some(Ok(words)) => words.trim().to_ascii_lowercase(),
        Some(Err(_)) => String::new(),
    };
    match words.as_str() {
        "identity" => Ok(Packing::Plain),
        "gzip" | "x-gzip" => Ok(Packing::Gzip),
        _ => Err(ApiError::MediaType("this Content-Encoding is not known; send the body plain or as gzip".to_owned())),
    }
}

fn declared_length(request: &HttpRequest, bytes_max: usize) -> Result<Option<usize>, ApiError> {
    let Some(value) = request.headers().get(header::CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse::<usize>().ok());
    match length {
        Some(length) if length <= bytes_max => Ok(Some(length)),
        // A number that does not even fit is too large as well.
        _ => Err(too_large(bytes_max)),
    }
}

fn too_large(bytes_max: usize) -> ApiError {
    ApiError::TooLarge(format!("the body has more than {bytes_max} bytes, inflated; send it in parts"))
}

async fn gather(request: &HttpRequest, declared: Option<usize>, bytes_max: usize) -> Result<Vec<u8>, ApiError> {
    let incoming = Incoming::of(request).ok_or(ApiError::Broken)?;
    let mut bytes = Vec::with_capacity(declared.unwrap_or(0));
    while let Some(piece) = incoming.next().await {
        let piece = piece.map_err(|_| ApiError::BadRequest("the body broke off; send it again".to_owned()))?;
        if bytes.len() + piece.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Stops at one byte too many, whatever the packed body claims to hold.
fn inflate(packed: &[u8], bytes_max: usize) -> Result<Vec<u8>, ApiError> {
    let mut inflated = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(packed).take(limit).read_to_end(&mut inflated);
    if inflated.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    match read {
        Ok(_) => Ok(inflated),
        Err(_) => Err(ApiError::BadRequest("the body is said to be gzip, and cannot be inflated".to_owned())),
    }
}
