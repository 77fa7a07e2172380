//! Schemas in words.

use maud::{Markup, html};
use serde_json::Value;

use super::{at, object, words};

const SCHEMAS: &str = "#/components/schemas/";

/// The id of a schema's place on the page.
pub(super) fn anchor(name: &str) -> String {
    format!("schema-{name}")
}

/// What a reference leads to; everything else is itself.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = at(value, "/$ref").as_str().and_then(|text| text.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The name of a schema as a link, or its kind.
pub(super) fn named(schema: &Value) -> Markup {
    let general = at(schema, "/allOf").as_array().and_then(|parts| parts.first());
    match words(at(general.unwrap_or(schema), "/$ref")).strip_prefix(SCHEMAS) {
        Some(name) => html! { a .mono href={ "#" (anchor(name)) } { (name) } },
        None => kind(schema),
    }
}

/// The kind of a value and its limits.
pub(super) fn kind(schema: &Value) -> Markup {
    if let Some(name) = words(at(schema, "/$ref")).strip_prefix(SCHEMAS) {
        return html! { a .mono href={ "#" (anchor(name)) } { (name) } };
    }
    for (word, between) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = at(schema, &format!("/{word}")).as_array() {
            return html! {
                @for (place, part) in parts.iter().enumerate() {
                    @if place > 0 { (between) }
                    (kind(part))
                }
            };
        }
    }
    if let Some(choices) = at(schema, "/enum").as_array() {
        let choices: Vec<String> = choices.iter().map(text).collect();
        return html! { "one of " span .mono { (choices.join(", ")) } };
    }
    let kinds: Vec<String> = match (at(schema, "/type"), at(schema, "/type").as_array()) {
        (_, Some(kinds)) => kinds.iter().map(text).collect(),
        (Value::Null, None) => vec!["anything".to_owned()],
        (kind, None) => vec![text(kind)],
    };
    html! {
        (kinds.join(" or "))
        @if !at(schema, "/items").is_null() { " of " (kind(at(schema, "/items"))) }
        (limits(schema))
    }
}

fn limits(schema: &Value) -> Markup {
    let names = [
        ("minimum", "from"),
        ("maximum", "to"),
        ("minLength", "at least"),
        ("maxLength", "at most"),
        ("minItems", "at least"),
        ("maxItems", "at most"),
        ("format", "format"),
        ("pattern", "as"),
    ];
    html! {
        @for (name, word) in names {
            @if !at(schema, &format!("/{name}")).is_null() { ", " (word) " " span .mono { (text(at(schema, &format!("/{name}")))) } }
        }
    }
}

/// The members of an object, those of its parts included.
pub(super) fn members(document: &Value, schema: &Value) -> Markup {
    let parts: Vec<&Value> = match at(schema, "/allOf").as_array() {
        Some(parts) => parts.iter().map(|part| resolved(document, part)).collect(),
        None => vec![schema],
    };
    let has_members = parts.iter().any(|part| at(part, "/properties").is_object());
    html! {
        @if has_members {
            dl .facts {
                @for part in parts {
                    @for (name, member) in object(at(part, "/properties")) {
                        dt .mono { (name) }
                        dd {
                            (kind(member))
                            @if !is_required(part, name) { ", may be absent" }
                            ". " (words(at(member, "/description")))
                        }
                    }
                }
            }
        } @else {
            p { (kind(schema)) }
        }
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    at(schema, "/required").as_array().is_some_and(|names| names.iter().any(|one| one == name))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
