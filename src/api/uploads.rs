//! How an upload ended: every operation, page by page.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::auth::{caller, has};
use super::error::ApiError;
use super::role::Role;
use super::{Api, blocking, show};
use crate::model::UploadId;
use crate::store::{OperationState, Store, StoreError, UploadState};

/// Operations on a page, unless another number is asked for.
const PAGE: u32 = 100;
/// Operations on a page, at most: about half a megabyte of JSON.
const PAGE_MAX: u32 = 1_000;

/// From which operation on, and how many.
#[derive(Debug, Clone, Copy)]
struct Page {
    from: u32,
    top: u32,
}

/// What the store says of an upload.
struct Read {
    job: String,
    state: UploadState,
    counts: Vec<(&'static str, u64)>,
    operations: Vec<OperationState>,
}

/// `GET /muster/v1/uploads/{upload}?from=&top=`.
pub(super) async fn get(
    api: web::Data<Api>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let roles = [Role::ReadLogs, Role::Upload, Role::UploadOwnedBy];
    let client = caller(&api, &request, &roles).await?;
    let page = Page::read(request.query_string())?;
    let id = path.parse().map(UploadId).map_err(|_| unknown())?;
    let found = blocking(&api, move |api| read(&api.app.store, id, page)).await?;
    let found = found.map_err(|error| ApiError::store(&error))?;
    // Whether somebody else's upload exists is nobody's business.
    let found = found.filter(|found| has(&client, Role::ReadLogs) || found.state.origin == client.id);
    let found = found.ok_or_else(unknown)?;
    Ok(HttpResponse::Ok().json(answer(&api.base_url, &found, page)))
}

fn unknown() -> ApiError {
    ApiError::NotFound("there is no such upload, or it is not yours; its number came as Muster-Upload-Id".to_owned())
}

impl Page {
    fn read(query: &str) -> Result<Self, ApiError> {
        let mut page = Self { from: 0, top: PAGE };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let number = value.parse::<u32>();
            match (name.as_ref(), number) {
                ("from", Ok(from)) => page.from = from,
                ("top", Ok(top)) if (1..=PAGE_MAX).contains(&top) => page.top = top,
                ("from" | "top", _) => {
                    let words = format!("`from` must be a number, and `top` one from 1 to {PAGE_MAX}");
                    return Err(ApiError::BadRequest(words));
                }
                _ => {}
            }
        }
        Ok(page)
    }
}

fn read(store: &Store, id: UploadId, page: Page) -> Result<Option<Read>, StoreError> {
    let Some((job, state)) = store.upload(id)? else { return Ok(None) };
    let counts = store.outcomes(id)?;
    // One more than asked for tells whether there is another page.
    let operations = store.operations(id, page.from, page.top as usize + 1)?;
    Ok(Some(Read { job, state, counts, operations }))
}

fn answer(base_url: &str, read: &Read, page: Page) -> Json {
    let state = &read.state;
    let (operations, next) = operations(read, page);
    let link = |next| format!("{base_url}/muster/v1/uploads/{}?from={next}&top={}", state.id, page.top);
    json!({
        "id": state.id.0,
        "job": read.job,
        "clientRequestId": state.request_id,
        "acceptedAt": state.accepted_at.to_string(),
        "complete": state.complete,
        "operationCount": state.operations,
        "decidedCount": state.decided,
        "unchangedRows": state.unchanged,
        "outcomes": show::counts(&with_undecided(&read.counts, state)),
        "operations": operations,
        "nextLink": next.map(link),
    })
}

/// The operations of a page, and where the next one begins.
fn operations(read: &Read, page: Page) -> (Vec<Json>, Option<u32>) {
    let top = page.top as usize;
    let decided = &read.operations[..read.operations.len().min(top)];
    let shown = decided.last().map_or(page.from, |last| last.id.index + 1);
    let first_undecided = shown.max(number(read.state.decided));
    let undecided = (first_undecided..number(read.state.operations)).take(top - decided.len());
    let end = undecided.clone().next_back().map_or(shown, |last| last + 1);
    let has_more = read.operations.len() > top || end.max(first_undecided) < number(read.state.operations);
    let mut operations: Vec<_> = decided.iter().map(show::operation).collect();
    operations.extend(undecided.map(|index| show::undecided(read.state.id.0, index)));
    let next = has_more.then_some(end);
    (operations, next)
}

fn number(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Those not decided are pending, as those decided and not ended are.
fn with_undecided(counts: &[(&'static str, u64)], state: &UploadState) -> Vec<(&'static str, u64)> {
    // Counted, not as the upload says: it may have been decided further between the two questions.
    let recorded: u64 = counts.iter().map(|(_, count)| count).sum();
    let undecided = state.operations.saturating_sub(recorded);
    let pending = counts.iter().find(|(word, _)| *word == show::PENDING).map_or(0, |(_, count)| *count) + undecided;
    let ended = counts.iter().filter(|(word, _)| *word != show::PENDING).copied();
    ended.chain((pending > 0).then_some((show::PENDING, pending))).collect()
}
