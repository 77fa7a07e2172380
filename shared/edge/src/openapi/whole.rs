//! The parts of the functions as one document.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::Error as _;
use serde_json::{Map, Value};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, HttpBuilder, SecurityScheme,
};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, RefOr, Schema};

use super::{BASIC, BEARER, SESSION, Schemas, forms, refusal};

const DESCRIPTION: &str = "The serial number authority of one tenant.

Every route but `/health` needs a credential: the token as bearer, or its id and secret as HTTP Basic. Where \
an operation names a scope, the credential must have it; `operator` has all. A credential that is bound to \
lines sees only theirs, and what it may not see is not found.

The pages below `/operations` are for people: the token opens a session there, and they answer HTML.

Without any `Authorization` header the gateway answers 401 by itself, and above the stack's rate 429; these \
two have the gateway's form and are no problems after RFC 9457. Bodies have at most 4,000,000 bytes. Fields \
and parameters that are not described here are refused.";

/// What one function says.
#[derive(Clone)]
pub struct Part {
    pub(super) document: OpenApi,
    pub(super) schemas: Schemas,
}

/// Joins the parts. The members of each object are sorted, so that the same parts give the same text.
///
/// # Errors
/// If the document cannot be written as JSON, or two schemas have one name.
pub fn whole(parts: Vec<Part>, version: &str) -> Result<Value, serde_json::Error> {
    let info = InfoBuilder::new()
        .title("pharmatrace")
        .version(version)
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
        ))
        .build();
    let mut document = super::base().info(info).build();
    let mut components = ComponentsBuilder::new()
        .security_scheme(BEARER, SecurityScheme::Http(bearer()))
        .security_scheme(BASIC, SecurityScheme::Http(basic()))
        .security_scheme(SESSION, SecurityScheme::ApiKey(session()));
    let mut clashes = Names::default();
    for (name, schema) in forms::schemas().into_iter().chain(refusal::schemas()) {
        components = components.schema(name, schema);
    }
    for part in parts {
        for (name, schema) in part.schemas {
            clashes.note(&name, &schema)?;
            components = components.schema(name, schema);
        }
        document.merge(part.document);
    }
    document.components = Some(components.build());
    let mut document = serde_json::to_value(&document)?;
    add_responses(&mut document)?;
    never_null(&mut document);
    keep_what_is_used(&mut document);
    Ok(document)
}

/// What each name stands for.
#[derive(Default)]
struct Names(BTreeMap<String, Value>);

impl Names {
    /// Refuses a second meaning of a name.
    fn note(&mut self, name: &str, schema: &RefOr<Schema>) -> Result<(), serde_json::Error> {
        let schema = serde_json::to_value(schema)?;
        match self.0.get(name) {
            Some(known) if *known != schema => {
                let text = format!("two schemas are called {name}");
                Err(serde_json::Error::custom(text))
            }
            Some(_) => Ok(()),
            None => {
                self.0.insert(name.to_owned(), schema);
                Ok(())
            }
        }
    }
}

fn bearer() -> Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("tp_<id>_<secret>")
        .description(Some("The token of a credential."))
        .build()
}

fn basic() -> Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("User: the id of a credential; password: its secret."))
        .build()
}

fn session() -> ApiKey {
    let description = "The cookie that the sign-in sets, for the pages below `/operations`.";
    ApiKey::Cookie(ApiKeyValue::with_description("pharmatrace_session", description))
}

/// Adds every response that an operation refers to.
fn add_responses(document: &mut Value) -> Result<(), serde_json::Error> {
    let mut responses = Map::new();
    for name in referenced(document, "#/components/responses/") {
        if let Some(response) = refusal::response(&name) {
            responses.insert(name, serde_json::to_value(response)?);
        }
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("responses".to_owned(), Value::Object(responses));
    }
    Ok(())
}

/// A parameter is there or it is not; `null` would be a text like any other.
fn never_null(document: &mut Value) {
    let operations = document
        .get_mut("paths")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.values_mut());
    let parameters =
        operations.filter_map(|operation| operation.get_mut("parameters")?.as_array_mut());
    for schema in parameters.flatten().filter_map(|parameter| parameter.get_mut("schema")) {
        if let Some(kind) = schema.get_mut("type")
            && let Value::Array(types) = kind
        {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                *kind = only.clone();
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("oneOf") {
            choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
            if let [only] = choices.as_slice() {
                *schema = only.clone();
            }
        }
    }
}

/// Drops schemas that nothing refers to, such as forms that no route has.
fn keep_what_is_used(document: &mut Value) {
    let mut kept: BTreeSet<String> = BTreeSet::new();
    loop {
        let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
        let mut roots = document.clone();
        if let Some(components) = roots.get_mut("components").and_then(Value::as_object_mut) {
            components.remove("schemas");
        }
        let mut found = referenced(&roots, "#/components/schemas/");
        for schema in kept.iter().filter_map(|name| schemas.get(name)) {
            found.extend(referenced(schema, "#/components/schemas/"));
        }
        let grown = found.difference(&kept).count() > 0;
        kept.extend(found);
        if !grown {
            break;
        }
    }
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        schemas.retain(|name, _| kept.contains(name));
    }
}

/// The names that references with this prefix have.
fn referenced(value: &Value, prefix: &str) -> BTreeSet<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            let own = own.and_then(|text| text.strip_prefix(prefix)).map(str::to_owned);
            let below = members.values().flat_map(|value| referenced(value, prefix));
            own.into_iter().chain(below).collect()
        }
        Value::Array(items) => items.iter().flat_map(|value| referenced(value, prefix)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::new(),
    }
}
