//! `bulkUpload`: a bulk request is checked, put on the disk, and only then answered (promise 1).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::auth::caller;
use super::error::ApiError;
use super::ids::Ids;
use super::role::Role;
use super::settings::JobLimits;
use super::{Api, blocking, body, job_named};
use crate::pipeline::ingest::{BulkUpload, IngestLimits, ingest};
use crate::store::Accepted;

/// The number of the upload, to ask how it ended.
const UPLOAD_ID: &str = "Muster-Upload-Id";
/// What is encoded in a job's name: all but the unreserved characters (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `POST …/jobs/{job}/bulkUpload`.
pub(super) async fn post(
    api: web::Data<Api>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    upload(&api, &request, &path, &["application/scim+json", "application/json"]).await
}

/// `PUT …/jobs/{job}/bulkUpload/$value`, as generated SDKs send it (`facts/entra.md` §1.1).
pub(super) async fn put(
    api: web::Data<Api>,
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let types = ["application/scim+json", "application/json", "application/octet-stream"];
    upload(&api, &request, &path, &types).await
}

async fn upload(
    api: &web::Data<Api>,
    request: &HttpRequest,
    path: &(String, String, String),
    types: &[&str],
) -> Result<HttpResponse, ApiError> {
    let client = caller(api, request, &[Role::Upload, Role::UploadOwnedBy]).await?;
    let (version, _, job) = path;
    let job = std::sync::Arc::clone(job_named(api, job)?);
    check_type(request, types)?;
    let limits = api.settings.limits_of(&job.core.id);
    let body = body::read(api, request, limits.body_bytes_max).await?;
    let ids = Ids::of(request);
    let location = location(api, version, job.core.id.as_str());
    let accepted = blocking(api, move |api| {
        let (bytes, _room) = body.split();
        let upload =
            BulkUpload { client: &client.id, request_id: ids.client.as_deref(), body: &bytes, at: api.app.clock.now() };
        ingest(&api.app.store, job.state.key, &upload, &ingest_limits(api, limits))
    })
    .await??;
    api.app.accepted.ring();
    Ok(answer(accepted, location))
}

fn answer(accepted: Accepted, location: String) -> HttpResponse {
    let mut response = HttpResponse::Accepted();
    response.insert_header((header::LOCATION, location));
    response.insert_header((UPLOAD_ID, accepted.upload.to_string()));
    response.finish()
}

fn ingest_limits(api: &Api, limits: JobLimits) -> IngestLimits {
    IngestLimits {
        operations_max: limits.operations_max,
        staged_operations_max: limits.staged_operations_max,
        staged_bytes_max: api.settings.staged_bytes_max,
    }
}

/// Where Microsoft's service sends its clients to read how it went.
fn location(api: &Api, version: &str, job: &str) -> String {
    let job = utf8_percent_encode(job, SEGMENT);
    format!("{}/{version}/auditLogs/provisioning/?$filter=jobid%20eq%20'{job}'", api.base_url)
}

fn check_type(request: &HttpRequest, types: &[&str]) -> Result<(), ApiError> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if types.iter().any(|known| known.eq_ignore_ascii_case(essence)) {
        Ok(())
    } else {
        Err(ApiError::MediaType("send the body with `Content-Type: application/scim+json`".to_owned()))
    }
}
