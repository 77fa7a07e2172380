//! What the shelf answers.

use std::fmt::Write as _;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use super::{State, Version};

/// A request as far as the shelf understands it.
#[derive(Debug)]
pub(crate) struct Asked {
    method: String,
    /// `SendMessage` and the like; of S3 nothing.
    target: Option<String>,
    bucket: String,
    key: String,
    query: Vec<(String, String)>,
    if_match: Option<String>,
    if_none_match: bool,
    range: Option<String>,
    copy_source: Option<String>,
    body: Bytes,
}

impl Asked {
    pub(crate) fn of(request: &HttpRequest, body: Bytes) -> Option<Self> {
        let header = |name: &str| request.headers().get(name).map(str::to_owned);
        let rest = request.uri().split_once("://")?.1;
        let rest = rest.split_once('/').map_or("", |(_, path)| path);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (plain(name), plain(value))
        });
        let chunked = header("content-encoding").is_some_and(|it| it.contains("aws-chunked"));
        Some(Self {
            method: request.method().to_owned(),
            target: header("x-amz-target").and_then(|it| Some(it.rsplit_once('.')?.1.to_owned())),
            bucket: plain(bucket),
            key: plain(key),
            query: pairs.collect(),
            if_match: header("if-match"),
            if_none_match: header("if-none-match").is_some(),
            range: header("range"),
            copy_source: header("x-amz-copy-source"),
            body: if chunked { unchunked(&body)? } else { body },
        })
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn place(&self) -> (&str, &str) {
        (&self.bucket, &self.key)
    }
}

fn plain(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The bytes of a body that comes in chunks, each after a line with its length, with trailers behind them.
fn unchunked(mut body: &[u8]) -> Option<Bytes> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let line = std::str::from_utf8(body.get(..end)?).ok()?;
        let len = usize::from_str_radix(line.split(';').next()?, 16).ok()?;
        if len == 0 {
            return Some(whole.into());
        }
        let begin = end.checked_add(2)?;
        let end = begin.checked_add(len)?;
        whole.extend_from_slice(body.get(begin..end)?);
        body = body.get(end.checked_add(2)?..)?;
    }
}

/// Answers, with the state as it is at `at`.
pub(crate) fn answer(state: &mut State, asked: &Asked, at: i64) -> HttpResponse {
    if let Some(target) = &asked.target {
        return queue(state, target, &asked.body);
    }
    match asked.method.as_str() {
        "PUT" if asked.copy_source.is_some() => copy(state, asked, at),
        "PUT" => put(state, asked, at),
        "GET" if asked.key.is_empty() && asked.query("versions").is_some() => {
            versions(state, asked)
        }
        "GET" if asked.key.is_empty() => list(state, asked),
        "GET" | "HEAD" => get(state, asked),
        "DELETE" => {
            let (bucket, key) = asked.place();
            state.objects.remove(&(bucket.to_owned(), key.to_owned()));
            respond(204, Vec::new(), &[])
        }
        _ => refused(501, "NotImplemented"),
    }
}

fn queue(state: &mut State, target: &str, body: &[u8]) -> HttpResponse {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let answer = match target {
        "SendMessage" => {
            let text = body.get("MessageBody").and_then(Value::as_str).unwrap_or_default();
            state.messages.push_back(text.to_owned());
            json!({ "MessageId": format!("m{}", state.messages.len()) })
        }
        "ChangeMessageVisibility" => json!({}),
        _ => return refused(501, "NotImplemented"),
    };
    respond(200, answer.to_string().into_bytes(), &[("content-type", "application/x-amz-json-1.0")])
}

fn put(state: &mut State, asked: &Asked, at: i64) -> HttpResponse {
    let latest = state.latest(asked.place());
    let changed = asked.if_match.is_some() && asked.if_match != latest.map(tag);
    if changed || asked.if_none_match && latest.is_some() {
        return refused(412, "PreconditionFailed");
    }
    let id = state.put(asked.place(), asked.body.clone(), at);
    let tag = state.latest(asked.place()).map(tag).unwrap_or_default();
    respond(200, Vec::new(), &[("etag", &tag), ("x-amz-version-id", &id)])
}

fn copy(state: &mut State, asked: &Asked, at: i64) -> HttpResponse {
    let source = asked.copy_source.as_deref().unwrap_or_default().trim_start_matches('/');
    let (path, version) = source.split_once("?versionId=").unwrap_or((source, ""));
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let (bucket, key, version) = (plain(bucket), plain(key), plain(version));
    let Some(found) = version_of(state, (&bucket, &key), &version).cloned() else {
        return refused(404, "NoSuchKey");
    };
    state.put(asked.place(), found.bytes.clone(), at);
    let (tag, time) = (tag(&found), rfc3339(at));
    xml(&format!(
        "<CopyObjectResult><ETag>{tag}</ETag><LastModified>{time}</LastModified></CopyObjectResult>"
    ))
}

fn get(state: &State, asked: &Asked) -> HttpResponse {
    let version = asked.query("versionId").unwrap_or_default();
    let Some(found) = version_of(state, asked.place(), version) else {
        // An answer to HEAD has no body that could say why.
        if asked.method == "HEAD" {
            return respond(404, Vec::new(), &[]);
        }
        return refused(404, if version.is_empty() { "NoSuchKey" } else { "NoSuchVersion" });
    };
    let at = OffsetDateTime::from_unix_timestamp(found.at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let at = at.format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT");
    let part = asked.range.as_deref().map(|range| part_of(&found.bytes, range));
    let Some(bytes) = part.unwrap_or_else(|| Some(found.bytes.clone())) else {
        return refused(416, "InvalidRange");
    };
    let (tag, len) = (tag(found), bytes.len().to_string());
    let headers = [
        ("etag", tag.as_str()),
        ("x-amz-version-id", &found.id),
        ("last-modified", &at),
        ("content-length", &len),
    ];
    let body = if asked.method == "HEAD" { Vec::new() } else { bytes.to_vec() };
    respond(if asked.range.is_some() { 206 } else { 200 }, body, &headers)
}

/// The bytes of `bytes=first-last`; `None` where there are none.
fn part_of(bytes: &Bytes, range: &str) -> Option<Bytes> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let end = last.parse::<usize>().ok()?.saturating_add(1).min(bytes.len());
    (first < end).then(|| bytes.slice(first..end))
}

fn version_of<'a>(state: &'a State, of: (&str, &str), version: &str) -> Option<&'a Version> {
    let versions = state.objects.get(&(of.0.to_owned(), of.1.to_owned()))?;
    versions.iter().rev().find(|known| version.is_empty() || known.id == version)
}

/// The entries of a listing: everything below the prefix; no test fills a second page.
fn below<'a>(
    state: &'a State,
    asked: &'a Asked,
) -> impl Iterator<Item = (&'a String, &'a Vec<Version>)> {
    let prefix = asked.query("prefix").unwrap_or_default();
    let mine = move |((bucket, key), _): &(&(String, String), &Vec<Version>)| {
        *bucket == asked.bucket && key.starts_with(prefix)
    };
    state.objects.iter().filter(mine).map(|((_, key), versions)| (key, versions))
}

fn list(state: &State, asked: &Asked) -> HttpResponse {
    let mut out = String::from("<ListBucketResult><IsTruncated>false</IsTruncated>");
    for (key, versions) in below(state, asked) {
        let Some(latest) = versions.last() else { continue };
        let (key, at, len) = (escaped(key), rfc3339(latest.at), latest.bytes.len());
        let entry = format!(
            "<Contents><Key>{key}</Key><LastModified>{at}</LastModified><Size>{len}</Size></Contents>"
        );
        out.push_str(&entry);
    }
    out.push_str("</ListBucketResult>");
    xml(&out)
}

fn versions(state: &State, asked: &Asked) -> HttpResponse {
    let mut out = String::from(
        "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>",
    );
    for (key, versions) in below(state, asked) {
        let key = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
        for version in versions.iter().rev() {
            let (id, at) = (&version.id, rfc3339(version.at));
            // Writing to a text does not fail.
            write!(
                out,
                "<Version><Key>{key}</Key><VersionId>{id}</VersionId>\
                 <LastModified>{at}</LastModified></Version>"
            )
            .unwrap_or_default();
        }
    }
    out.push_str("</ListVersionsResult>");
    xml(&out)
}

/// What tells one content of an object from another.
fn tag(version: &Version) -> String {
    format!("\"{}\"", version.id)
}

fn rfc3339(at: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn xml(text: &str) -> HttpResponse {
    let whole = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{text}");
    respond(200, whole.into_bytes(), &[("content-type", "application/xml")])
}

fn refused(status: u16, code: &str) -> HttpResponse {
    let text = format!("<Error><Code>{code}</Code><Message>said by the shelf</Message></Error>");
    respond(status, text.into_bytes(), &[("content-type", "application/xml")])
}

fn respond(status: u16, body: Vec<u8>, headers: &[(&str, &str)]) -> HttpResponse {
    let status = aws_smithy_runtime_api::http::StatusCode::try_from(status);
    let status = status.unwrap_or_else(|_| http::StatusCode::IM_A_TEAPOT.into());
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in headers {
        response.headers_mut().insert((*name).to_owned(), (*value).to_owned());
    }
    response
}
