//! Problems as answers: one reusable response for each set of problems that share a status.

use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, Schema};

use crate::problem::{ProblemKind, Violation};

const PROBLEM: &str = "Problem";
const GATEWAY_MESSAGE: &str = "GatewayMessage";

/// References to the responses that stand for `kinds`, by status.
pub(super) fn responses(kinds: &[ProblemKind]) -> Vec<(String, RefOr<Response>)> {
    by_status(kinds)
        .into_iter()
        .map(|kinds| {
            let name = name(&kinds);
            (status(&kinds).to_string(), RefOr::Ref(Ref::from_response_name(name)))
        })
        .collect()
}

/// The same as pages for people.
pub(super) fn pages(kinds: &[ProblemKind]) -> Vec<(String, RefOr<Response>)> {
    let page = |kinds: Vec<ProblemKind>| {
        let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let description = format!("{}.", titles.join(". "));
        let mut response = ResponseBuilder::new().description(description);
        response = response.content("text/html", content);
        if kinds.contains(&ProblemKind::NotFound) {
            // A path that could be read in two ways is refused by the door, before there is a page.
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM)));
            response = response.content("application/problem+json", problem.build());
        }
        (status(&kinds).to_string(), RefOr::T(response.build()))
    };
    by_status(kinds).into_iter().map(page).collect()
}

/// The response that a name of [`responses`] stands for; `None` for other names.
pub(super) fn response(wanted: &str) -> Option<Response> {
    let kinds: Option<Vec<ProblemKind>> = wanted
        .split("Or")
        .map(|word| ProblemKind::ALL.iter().copied().find(|kind| format!("{kind:?}") == word))
        .collect();
    kinds.map(|kinds| described(&kinds))
}

/// The schemas that the responses refer to.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let problem = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "An error after RFC 9457. A type may add members, such as `available` or `max`.",
        ))
        .property("type", text().description(Some("Stable; what went wrong.")))
        .property("title", text().description(Some("The same for each problem of the type.")))
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .property("detail", text().description(Some("What happened this time.")))
        .property("instance", text().description(Some("The request: `urn:uuid:<id>`.")))
        .property("violations", <Vec<Violation> as utoipa::PartialSchema>::schema())
        .property("request_id", text().description(Some("Of a failure; names it in the logs.")))
        .required("type")
        .required("title")
        .required("status");
    let message = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("The gateway's own words, before any of our code has run."))
        .property("message", text())
        .required("message");
    vec![
        (PROBLEM.to_owned(), problem.into()),
        (GATEWAY_MESSAGE.to_owned(), message.into()),
        (Violation::name().into_owned(), <Violation as utoipa::PartialSchema>::schema()),
    ]
}

/// The kinds in the order of the table, each once, those of a status together.
fn by_status(kinds: &[ProblemKind]) -> Vec<Vec<ProblemKind>> {
    let mut groups: Vec<Vec<ProblemKind>> = Vec::new();
    for kind in ProblemKind::ALL.iter().filter(|kind| kinds.contains(kind)) {
        match groups.iter_mut().find(|group| status(group) == kind.status().as_u16()) {
            Some(group) => group.push(*kind),
            None => groups.push(vec![*kind]),
        }
    }
    groups
}

fn status(kinds: &[ProblemKind]) -> u16 {
    kinds.first().map_or(0, |kind| kind.status().as_u16())
}

fn name(kinds: &[ProblemKind]) -> String {
    let words: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
    words.join("Or")
}

fn described(kinds: &[ProblemKind]) -> Response {
    let titles: Vec<String> =
        kinds.iter().map(|kind| format!("`{}`: {}.", kind.slug(), kind.title())).collect();
    let uris: Vec<String> = kinds.iter().map(|kind| kind.type_uri()).collect();
    let narrowed = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("type", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(uris)))
        .property(
            "status",
            ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status(kinds)])),
        );
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(PROBLEM)).item(narrowed).build();
    let content = ContentBuilder::new().schema(Some(Schema::AllOf(schema))).build();
    let mut response = ResponseBuilder::new()
        .description(titles.join(" "))
        .content("application/problem+json", content);
    let text = |words: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        HeaderBuilder::new().schema(Some(schema)).description(Some(words)).build()
    };
    if kinds.contains(&ProblemKind::Unauthorized) {
        // Without an Authorization header the gateway answers by itself, in its own form.
        let schema = Ref::from_schema_name(GATEWAY_MESSAGE);
        let content = ContentBuilder::new().schema(Some(schema)).build();
        response = response
            .content("application/json", content)
            .header("WWW-Authenticate", text("How to present a credential; not from the gateway."));
    }
    if [429, 503].contains(&status(kinds)) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        let header = HeaderBuilder::new().schema(Some(seconds));
        let header = header.description(Some("Seconds after which to try again."));
        response = response.header("Retry-After", header.build());
    }
    response.build()
}

#[cfg(test)]
mod tests {
    use super::{by_status, name, response};
    use crate::problem::ProblemKind;

    #[test]
    fn problems_of_a_status_share_a_response_that_is_found_by_its_name() {
        let kinds = [ProblemKind::LineNotBound, ProblemKind::NotFound, ProblemKind::Forbidden];
        let groups = by_status(&kinds);
        let names: Vec<String> = groups.iter().map(|kinds| name(kinds)).collect();
        assert_eq!(names, ["ForbiddenOrLineNotBound", "NotFound"]);
        assert!(names.iter().all(|name| response(name).is_some()));
        assert!(response("Teapot").is_none());
        for kind in ProblemKind::ALL {
            assert!(!format!("{kind:?}").contains("Or"), "names could not be taken apart");
        }
    }
}
