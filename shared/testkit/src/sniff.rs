//! What the fault client reads from requests and answers of `DynamoDB`.

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;

/// The operation of a request: the end of `x-amz-target`, else the HTTP method.
pub fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
    target.unwrap_or_else(|| request.method()).to_owned()
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

/// Reads the units from an answer: (write, read), of the table without its indexes.
pub async fn units(
    operation: &str,
    mut response: HttpResponse,
) -> Result<(HttpResponse, f64, f64), ConnectorError> {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let bytes = ByteStream::new(body).collect().await;
    let bytes = bytes.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    let consumed = serde_json::from_slice::<Value>(&bytes).ok();
    let consumed = consumed.as_ref().and_then(|answer| answer.get("ConsumedCapacity"));
    let tables = match consumed {
        Some(Value::Array(tables)) => tables.iter().collect(),
        Some(table) => vec![table],
        None => Vec::new(),
    };
    *response.body_mut() = SdkBody::from(bytes);
    let writes = ["Put", "Update", "Delete", "BatchWrite", "TransactWrite"];
    let units = if writes.iter().any(|write| operation.starts_with(write)) {
        (tables.iter().map(|table| number(table, "WriteCapacityUnits")).sum(), 0.0)
    } else {
        (0.0, tables.iter().map(|table| number(table, "ReadCapacityUnits")).sum())
    };
    Ok((response, units.0, units.1))
}

/// The table's own units in `field`; single operations do not split reads from writes.
fn number(table: &Value, field: &str) -> f64 {
    let own = table.get("Table").unwrap_or(table);
    let split = own.get(field).or_else(|| own.get("CapacityUnits"));
    split.and_then(Value::as_f64).unwrap_or(0.0)
}
