//! What the fault client reads from requests and answers of `DynamoDB`.

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;

/// Who a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// `DynamoDB`.
    DynamoDb,
    /// SQS.
    Sqs,
    /// S3, the only one of ours that names no operation.
    S3,
}

/// What a call consumed of `DynamoDB`, as the answer reported it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Units {
    /// Write units of the table itself.
    pub table_writes: f64,
    /// Write units of its indexes.
    pub index_writes: f64,
    /// Read units of table and indexes.
    pub reads: f64,
    /// Write units of a refused condition, which is charged and not reported: one for each item, twice in
    /// a transaction, since our items that are written with conditions others may fail are small.
    pub refused_writes: f64,
}

/// Who a request is for.
pub fn service(request: &HttpRequest) -> Service {
    match request.headers().get("x-amz-target") {
        Some(target) if target.starts_with("DynamoDB") => Service::DynamoDb,
        Some(_) => Service::Sqs,
        None => Service::S3,
    }
}

/// The operation of a request: the end of `x-amz-target`, else the HTTP method, of listings `LIST`.
pub fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    let query = request.uri().split_once('?').map_or("", |(_, query)| query);
    let names = |name: &str| query.split('&').any(|part| part.split('=').next() == Some(name));
    let is_listing = ["list-type", "versions", "uploads"].into_iter().any(names);
    if request.method() == "GET" && is_listing { "LIST" } else { request.method() }.to_owned()
}

/// The number of elements of a transaction.
pub fn transaction_len(request: &HttpRequest) -> usize {
    let body = request.body().bytes().and_then(|body| serde_json::from_slice::<Value>(body).ok());
    let items = body.as_ref().and_then(|body| body.get("TransactItems")).and_then(Value::as_array);
    items.map_or(0, Vec::len)
}

/// Operations whose answer may say what they consumed.
const METERED: [&str; 9] = [
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
];

/// Adds to a request the wish to hear the units of table and indexes apart. The signature covers the body,
/// but the servers of tests do not verify it.
pub fn asking_for_units(mut request: HttpRequest) -> HttpRequest {
    if !METERED.contains(&operation(&request).as_str()) {
        return request;
    }
    let Some(Ok(Value::Object(mut fields))) = request.body().bytes().map(serde_json::from_slice)
    else {
        return request;
    };
    fields.insert("ReturnConsumedCapacity".into(), "INDEXES".into());
    let text = Value::Object(fields).to_string();
    request.headers_mut().insert("content-length", text.len().to_string());
    *request.body_mut() = SdkBody::from(text);
    request
}

/// Reads the units from an answer.
pub async fn units(
    operation: &str,
    mut response: HttpResponse,
) -> Result<(HttpResponse, Units), ConnectorError> {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let bytes = ByteStream::new(body).collect().await;
    let bytes = bytes.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    let answer = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
    *response.body_mut() = SdkBody::from(bytes);
    let tables = match answer.get("ConsumedCapacity") {
        Some(Value::Array(tables)) => tables.iter().collect(),
        Some(table) => vec![table],
        None => Vec::new(),
    };
    let all = || tables.iter().map(|table| number(table)).sum::<f64>();
    let own = || tables.iter().map(|table| number(table.get("Table").unwrap_or(table))).sum();
    let indexes = || {
        let maps = tables.iter().filter_map(|table| table.get("GlobalSecondaryIndexes"));
        maps.filter_map(Value::as_object).flat_map(|map| map.values()).map(number).sum()
    };
    let writes = ["Put", "Update", "Delete", "BatchWrite", "TransactWrite"];
    let units = if writes.iter().any(|write| operation.starts_with(write)) {
        Units {
            table_writes: own(),
            index_writes: indexes(),
            refused_writes: refused(&answer),
            ..Units::default()
        }
    } else {
        Units { reads: all(), ..Units::default() }
    };
    Ok((response, units))
}

fn number(consumed: &Value) -> f64 {
    consumed.get("CapacityUnits").and_then(Value::as_f64).unwrap_or(0.0)
}

/// What a refusal costs; 0 for an answer that is none.
fn refused(answer: &Value) -> f64 {
    let kind = answer.get("__type").and_then(Value::as_str).unwrap_or_default();
    if kind.ends_with("ConditionalCheckFailedException") {
        return 1.0;
    }
    let reasons = answer.get("CancellationReasons").and_then(Value::as_array);
    reasons.map_or(0.0, |reasons| reasons.iter().map(|_| 2.0).sum())
}
