//! `/api/v1/l3/pools/{id}/serials`: numbers that are imported into a pool of the scheme `list`.
//!
//! The body is CSV of at most 4 MB, its first line names the columns: `SerialNumber` (or `serial`), and where
//! there are such `CryptoKey` and `CryptoCode`. All numbers of the file are imported or none: 422 names the
//! first hundred wrong lines. The same file again is answered the same, with `Idempotent-Replay: true`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use domain::ids::PoolId;
use edge::openapi::{Count, Index, Sha256, Time};
use edge::{Caller, JsonBody, List, Problem, ProblemKind, Scope};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use linefiles::imports::{ImportFault, ImportReader};
use serde::Serialize;
use service::store_problem;
use store::list::{ENTRIES_MAX, Import, ImportError, Importing, Outcome, Refusal, Step};
use store::time::rfc3339_ms;
use utoipa::ToSchema;

use crate::{Hub, pool_id};

/// How often an import is checked anew because the product's pools were changed meanwhile.
const TRIES: u32 = 5;
/// Bytes after which what has come together is stored.
const PIECE_BYTES: usize = 64 << 10;

/// Numbers that were imported together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub(crate) struct ImportView {
    /// Of the file; names the import.
    #[schema(value_type = Sha256)]
    sha256: String,
    /// The place of its first number in the pool.
    #[schema(value_type = Index)]
    first: String,
    /// The place of its last number.
    #[schema(value_type = Index)]
    last: String,
    /// How many numbers.
    count: u32,
    /// Whether some have crypto keys or codes.
    crypto: bool,
    /// `<system>/<credential>` of who imported them.
    imported_by: String,
    #[schema(value_type = Time)]
    created_at: String,
}

/// Numbers that were imported, and the pool since.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Imported)]
pub(crate) struct ImportedView {
    import: ImportView,
    /// Numbers left in the pool.
    #[schema(value_type = Count)]
    remaining: String,
}

impl From<&Import> for ImportView {
    fn from(import: &Import) -> Self {
        Self {
            sha256: import.sha256.clone(),
            first: import.first.to_string(),
            last: import.last().to_string(),
            count: import.count,
            crypto: import.longest.has_crypto(),
            imported_by: import.actor.clone(),
            created_at: import.at.clone(),
        }
    }
}

/// Why a file was not imported.
#[derive(Debug)]
enum Failure {
    File(ImportFault),
    Import(ImportError),
}

impl From<ImportFault> for Failure {
    fn from(fault: ImportFault) -> Self {
        Self::File(fault)
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

/// `GET /api/v1/l3/pools/{id}/serials`
pub(crate) async fn list(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<List<ImportView>>, Problem> {
    caller.require(Scope::PoolsRead)?;
    let imports = hub.store.list_imports(&pool_id(&id)?).await;
    let imports = imports.map_err(|error| store_problem(&error))?.ok_or_else(Problem::not_found)?;
    Ok(Json(List::new(imports.iter().map(ImportView::from).collect(), None)))
}

/// `POST /api/v1/l3/pools/{id}/serials`
pub(crate) async fn import(
    State(hub): State<Hub>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    caller.require(Scope::PoolsWrite)?;
    caller.require_line(None)?;
    let id = pool_id(&id)?;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|text| text.split(';').next()).unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("text/csv") {
        let problem = Problem::new(ProblemKind::UnsupportedMediaType);
        return Err(problem.detail("Send the numbers as text/csv."));
    }
    let bytes = body.bytes()?;
    let by = (caller.actor(), rfc3339_ms(hub.clock.now()));
    let mut outcome = Box::pin(run(&hub, &id, bytes, (&by.0, &by.1))).await;
    for _ in 1..TRIES {
        if !matches!(outcome, Err(Failure::Import(ImportError::Moved))) {
            break;
        }
        outcome = Box::pin(run(&hub, &id, bytes, (&by.0, &by.1))).await;
    }
    let outcome = outcome.map_err(problem)?;
    let (count, is_replay) = (outcome.import.count, outcome.is_replay);
    tracing::info!(pool.id = id.as_str(), count, is_replay, "numbers imported");
    let remaining = outcome.pool.remaining.to_string();
    let answer = Json(ImportedView { import: (&outcome.import).into(), remaining });
    if is_replay {
        let replay = [("idempotent-replay", HeaderValue::from_static("true"))];
        return Ok((replay, answer).into_response());
    }
    Ok((StatusCode::CREATED, answer).into_response())
}

async fn run(hub: &Hub, pool: &PoolId, bytes: &[u8], by: (&str, &str)) -> Result<Outcome, Failure> {
    let mut importing = hub.store.list_import(&hub.objects, pool, by, ENTRIES_MAX).await?;
    loop {
        read(&mut importing, bytes).await?;
        if let Step::Done(outcome) = importing.end_pass().await? {
            return Ok(*outcome);
        }
    }
}

/// Reads the file once.
async fn read(importing: &mut Importing<'_>, bytes: &[u8]) -> Result<(), Failure> {
    let mut reader = ImportReader::default();
    for piece in bytes.chunks(PIECE_BYTES) {
        importing.bytes(piece);
        reader.push(piece, &mut |line, row| importing.row(line, row))?;
        importing.drain().await?;
    }
    reader.finish(&mut |line, row| importing.row(line, row))?;
    Ok(())
}

fn problem(failure: Failure) -> Problem {
    let wrong =
        |detail: String| Problem::unprocessable("Nothing was imported.").violation("", detail);
    match failure {
        Failure::File(ImportFault { line, message }) => {
            Problem::unprocessable("The file cannot be read; nothing was imported.")
                .violation(format!("line {line}"), message)
        }
        Failure::Import(error) => match error {
            ImportError::NoPool => Problem::not_found(),
            ImportError::Refused(refusal) => refused(&refusal),
            ImportError::NoList | ImportError::Empty | ImportError::Full => {
                wrong(error.to_string())
            }
            ImportError::TooMany => Problem::new(ProblemKind::SizeLimit)
                .detail(error.to_string())
                .with("max", domain::list::IMPORT_ROWS_MAX),
            ImportError::Moved => Problem::unavailable(&error),
            ImportError::Store(error) => store_problem(&error),
        },
    }
}

/// I9: the numbers themselves stand in the answer and nowhere else.
fn refused(refusal: &Refusal) -> Problem {
    let lines: Vec<serde_json::Value> = refusal
        .lines
        .iter()
        .map(|it| serde_json::json!({ "line": it.line, "serial": it.serial, "reason": it.reason }))
        .collect();
    let problem = Problem::unprocessable("Lines of the file are wrong; nothing was imported.");
    let first = refusal.lines.first();
    let problem = first.into_iter().fold(problem, |problem, it| {
        problem.violation(format!("line {}", it.line), it.reason.clone())
    });
    problem.with("wrong_lines", refusal.count).with("lines", serde_json::Value::from(lines))
}
