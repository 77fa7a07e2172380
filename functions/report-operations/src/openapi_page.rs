//! `GET /openapi.json` and the page to browse it, `GET /operations/api-docs`.
//!
//! Both are the snapshot that a tidy test of the repository holds against the functions (I12). The first
//! is for every credential; the second is a page like the others, for a session, because a browser has no
//! other way to show a credential (I8).

mod schema;

use axum::response::{IntoResponse, Response};
use edge::{Caller, Problem};
use http::{StatusCode, header};
use maud::{Markup, html};
use serde_json::{Map, Value};

use self::schema::{anchor, kind, members, named, resolved};
use crate::page::{Links, failed, layout, page};
use crate::session::Visitor;

/// The snapshot of what all functions say.
const DOCUMENT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/openapi.json"));

/// `GET /openapi.json`
pub(crate) async fn fetch(_caller: Caller) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

/// `GET /operations/api-docs`
pub(crate) async fn browse(visitor: Visitor) -> Result<Response, Response> {
    let document: Value =
        serde_json::from_str(DOCUMENT).map_err(|error| failed(Problem::internal(&error)))?;
    let links = Links::at("/operations/api-docs");
    let body = view(&document, links);
    Ok(page(StatusCode::OK, layout::page("API", links, &visitor, &body)))
}

/// One operation of the document.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    said: &'a Value,
}

fn view(document: &Value, links: Links) -> Markup {
    let operations: Vec<Operation> = object(at(document, "/paths"))
        .flat_map(|(path, item)| {
            object(item).map(move |(method, said)| Operation { method, path, said })
        })
        .collect();
    html! {
        h1 { "API" }
        p { a href=(links.to("")) { "Back to what needs you" } }
        @for text in paragraphs(at(document, "/info/description")) { p { (text) } }
        @for tag in at(document, "/tags").as_array().into_iter().flatten() {
            h2 id=(words(at(tag, "/name"))) { (words(at(tag, "/name"))) }
            p { (words(at(tag, "/description"))) }
            @for operation in operations.iter().filter(|one| at(one.said, "/tags/0") == at(tag, "/name")) {
                (operation.view(document))
            }
        }
        h2 #schemas { "Schemas" }
        @for (name, said) in object(at(document, "/components/schemas")) {
            details id=(anchor(name)) {
                summary .mono { (name) }
                p { (words(at(said, "/description"))) }
                (members(document, said))
            }
        }
    }
}

impl Operation<'_> {
    fn view(&self, document: &Value) -> Markup {
        let method = self.method.to_uppercase();
        html! {
            details id=(words(at(self.said, "/operationId"))) {
                summary {
                    strong .mono { (method) " " (self.path) } " " (words(at(self.said, "/summary")))
                }
                @for text in paragraphs(at(self.said, "/description")) { p { (text) } }
                p { (needs(at(self.said, "/security"))) }
                (self.parameters())
                @for (media_type, content) in object(at(self.said, "/requestBody/content")) {
                    h3 { "Body" }
                    p .soft { (media_type) }
                    (named(at(content, "/schema")))
                }
                (self.answers(document))
                @if !self.path.starts_with("/operations") {
                    h3 { "Example" }
                    pre .mono tabindex="0" { code { (self.example(&method)) } }
                }
            }
        }
    }

    fn parameters(&self) -> Markup {
        let parameters = at(self.said, "/parameters").as_array();
        html! {
            @if let Some(parameters) = parameters {
                h3 { "Parameters" }
                dl .facts {
                    @for parameter in parameters {
                        dt .mono { (words(at(parameter, "/name"))) }
                        dd {
                            (words(at(parameter, "/in"))) ", " (kind(at(parameter, "/schema"))) ". "
                            (words(at(parameter, "/description")))
                        }
                    }
                }
            }
        }
    }

    fn answers(&self, document: &Value) -> Markup {
        html! {
            h3 { "Answers" }
            dl .facts {
                @for (status, response) in object(at(self.said, "/responses")) {
                    @let response = resolved(document, response);
                    dt .mono { (status) }
                    dd {
                        (words(at(response, "/description")))
                        @for (media_type, content) in object(at(response, "/content")) {
                            " " span .soft { (media_type) } " " (named(at(content, "/schema")))
                        }
                    }
                }
            }
        }
    }

    fn example(&self, method: &str) -> String {
        let body = at(self.said, "/requestBody/content/application~1json/example");
        let mut lines = vec![format!("curl -X {method} \"$HUB{}\"", self.path)];
        if !at(self.said, "/security").is_null() {
            lines.push("  -H \"Authorization: Bearer $TOKEN\"".to_owned());
        }
        if !body.is_null() {
            lines.push("  -H 'Content-Type: application/json'".to_owned());
            lines.push(format!("  -d '{body}'"));
        }
        lines.join(" \\\n")
    }
}

/// What a caller must show.
fn needs(security: &Value) -> String {
    let mut scopes: Vec<&str> = Vec::new();
    let requirements = security.as_array().into_iter().flatten().filter_map(Value::as_object);
    for (scheme, wanted) in requirements.flatten() {
        if scheme == "session" {
            return "Needs a session.".to_owned();
        }
        for scope in wanted.as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
    }
    match (security.is_null(), scopes.as_slice()) {
        (true, _) => "Needs no credential.".to_owned(),
        (false, []) => "Needs a credential.".to_owned(),
        (false, scopes) => format!("Needs a credential with the scope {}.", scopes.join(" or ")),
    }
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// The value at a JSON pointer; null where there is none.
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    static NULL: Value = Value::Null;
    value.pointer(pointer).unwrap_or(&NULL)
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn paragraphs(value: &Value) -> impl Iterator<Item = &str> {
    words(value).split("\n\n").filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{DOCUMENT, object, view};
    use crate::page::Links;

    #[test]
    fn every_operation_and_every_schema_is_on_the_page_and_every_link_leads_somewhere() {
        let document = serde_json::from_str(DOCUMENT).unwrap();
        let page = view(&document, Links::at("/operations/api-docs")).into_string();
        let mut operations = 0;
        for (path, item) in object(&document["paths"]) {
            for (method, said) in object(item) {
                let shown = format!("{} {path}", method.to_uppercase());
                assert!(page.contains(&shown), "{shown}");
                assert!(
                    page.contains(&format!("id=\"{}\"", said["operationId"].as_str().unwrap()))
                );
                operations += 1;
            }
        }
        assert!(operations >= 16 && page.matches("<details").count() > operations);
        for rest in page.split("href=\"#").skip(1) {
            let target = rest.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{target}\"")), "#{target}");
        }
        assert!(!page.contains("<script") && !page.contains("style="));
    }
}
