//! `POST /api/v1/l3/uploads`.

use axum::extract::State;
use data_encoding::HEXLOWER;
use domain::ids::SystemId;
use edge::openapi::Time;
use edge::{Caller, JsonBody, Problem, ProblemKind, Scope};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use service::store_problem;
use store::objects::PRESIGNED_LIFE;
use store::time::rfc3339_ms;
use utoipa::ToSchema;

use crate::Hub;
use crate::openapi::UploadMethod;

/// Longest file name, in characters.
pub(crate) const FILE_NAME_CHARACTERS_MAX: usize = 128;
/// Longest content type, in characters.
pub(crate) const CONTENT_TYPE_CHARACTERS_MAX: usize = 128;
/// Largest upload, in bytes: what one PUT may carry.
pub(crate) const UPLOAD_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// Body of `POST /api/v1/l3/uploads`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadBody {
    /// The end of the key, for people.
    #[schema(max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    file_name: Option<String>,
    /// Comes back among the headers to send.
    #[schema(max_length = 128, pattern = "^[ -.0-~]+/[ -~]+$")]
    content_type: Option<String>,
    /// Bytes, where they are known beforehand.
    #[schema(maximum = 5_368_709_120_u64)]
    content_length: Option<u64>,
}

/// Answer of `POST /api/v1/l3/uploads`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upload)]
pub(crate) struct UploadView {
    url: String,
    #[schema(value_type = UploadMethod)]
    method: &'static str,
    headers: Headers,
    bucket: String,
    key: String,
    #[schema(value_type = Time)]
    expires_at: String,
}

/// Headers to send with the PUT; none of them is part of the signature.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadHeaders)]
struct Headers {
    #[serde(rename = "content-type", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    content_type: Option<String>,
}

/// `POST /api/v1/l3/uploads`
pub(crate) async fn create(
    State(hub): State<Hub>,
    caller: Caller,
    body: JsonBody,
) -> Result<(StatusCode, axum::Json<UploadView>), Problem> {
    caller.require(Scope::UploadsWrite)?;
    let body = body.parse_optional::<UploadBody>()?.unwrap_or_default();
    body.check()?;
    let system = SystemId::parse(caller.system()).map_err(|error| Problem::internal(&error))?;
    let entropy: [u8; 16] = hub.entropy.draw().map_err(|error| Problem::internal(&error))?;
    let now = hub.clock.now();
    let key = object_key(&system, now.date(), entropy, body.file_name.as_deref());
    let bucket = hub.objects.buckets.inbound.to_string();
    let url =
        hub.objects.presigned_put(&bucket, &key).await.map_err(|error| store_problem(&error))?;
    let expires_at = rfc3339_ms(now.saturating_add(LIFE));
    let headers = Headers { content_type: body.content_type };
    let view = UploadView { url, method: "PUT", headers, bucket, key, expires_at };
    Ok((StatusCode::CREATED, axum::Json(view)))
}

/// How long an address lives, as the calendar counts.
const LIFE: time::Duration = time::Duration::seconds(PRESIGNED_LIFE.as_secs().cast_signed());

/// Where the upload goes: always below the system's own prefix, and never twice the same.
fn object_key(
    system: &SystemId,
    date: time::Date,
    entropy: [u8; 16],
    file_name: Option<&str>,
) -> String {
    let unique = HEXLOWER.encode(&entropy);
    let name = file_name.map(|name| format!("-{name}")).unwrap_or_default();
    format!("inbound/{system}/{date}/{unique}{name}")
}

impl UploadBody {
    fn check(&self) -> Result<(), Problem> {
        let malformed = |pointer: &str, detail: &str| {
            Err(Problem::bad_request("A value does not have its form.").violation(pointer, detail))
        };
        if self.file_name.as_deref().is_some_and(|name| !is_file_name(name)) {
            let rule = "1 to 128 characters of A-Z a-z 0-9 . _ -, the first a letter or digit";
            return malformed("/file_name", rule);
        }
        if self.content_type.as_deref().is_some_and(|text| !is_content_type(text)) {
            return malformed("/content_type", "a media type of at most 128 characters");
        }
        if self.content_length.is_some_and(|bytes| bytes > UPLOAD_BYTES_MAX) {
            let problem = Problem::new(ProblemKind::SizeLimit);
            let detail = format!("An upload may have {UPLOAD_BYTES_MAX} bytes.");
            let problem = problem.detail(detail).with("max", UPLOAD_BYTES_MAX);
            return Err(problem.violation("/content_length", "too large"));
        }
        Ok(())
    }
}

fn is_file_name(name: &str) -> bool {
    name.len() <= FILE_NAME_CHARACTERS_MAX
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_content_type(text: &str) -> bool {
    text.len() <= CONTENT_TYPE_CHARACTERS_MAX
        && text.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty())
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}
