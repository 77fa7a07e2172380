//! What the functions say of their routes, as OpenAPI 3.1 (I12).
//!
//! A function lists its routes as [`Route`]s over the very types it reads and answers, and this module adds
//! what every route has in common: the credential, the refusals that follow from it, and the form of
//! problems. So a route cannot forget its 401, and a problem that is no [`ProblemKind`] cannot be named.
//! [`whole`] joins the parts; nothing of this runs in a function, where only the finished text is served.

mod answer;
mod forms;
mod refusal;
mod whole;

use http::Method;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, OpenApi, OpenApiBuilder, PathItem, Paths, Ref, RefOr, Required,
    Schema,
    schema::{ObjectBuilder, Type},
    tag::TagBuilder,
};
use utoipa::{IntoParams, ToSchema};

use crate::body::BODY_BYTES_MAX;
pub use crate::openapi::answer::Answer;
pub use crate::openapi::forms::*;
pub use crate::openapi::whole::{Part, whole};
use crate::problem::ProblemKind;
use crate::scope::Scope;

/// Schemas by name.
type Schemas = Vec<(String, RefOr<Schema>)>;

/// The name of the scheme for tokens.
const BEARER: &str = "bearer";
/// The name of the scheme for id and secret.
const BASIC: &str = "basic";
/// The name of the scheme for browsers that have signed in.
const SESSION: &str = "session";

/// One operation: a method of a path.
pub struct Route {
    method: HttpMethod,
    path: String,
    operation: OperationBuilder,
    refusals: Vec<ProblemKind>,
    /// Refusals are pages too.
    is_page: bool,
    schemas: Schemas,
}

impl Route {
    /// A route that needs no credential.
    ///
    /// `id` names the operation for generated clients, noun first.
    #[must_use]
    pub fn open(method: &Method, path: &str, id: &str) -> Self {
        Self {
            method: spoken(method),
            path: path.to_owned(),
            operation: OperationBuilder::new().operation_id(Some(id)),
            refusals: vec![ProblemKind::Internal],
            is_page: false,
            schemas: Vec::new(),
        }
    }

    /// A page for people that needs no session; it answers HTML, its refusals included.
    #[must_use]
    pub fn open_page(method: &Method, path: &str, id: &str) -> Self {
        Self { is_page: true, ..Self::open(method, path, id) }
    }

    /// A page for people who have signed in; others are led to the sign-in.
    #[must_use]
    pub fn page(method: &Method, path: &str, id: &str) -> Self {
        let mut route = Self::open_page(method, path, id)
            .refuses(&[ProblemKind::CapabilityNotEnabled, ProblemKind::Unavailable])
            .answers(
                Answer::empty(303, "To the sign-in, or to where it goes on.")
                    .with_header("Location", "Relative to the page."),
            );
        let requirement = SecurityRequirement::new::<_, [&str; 0], &str>(SESSION, []);
        route.operation = route.operation.security(requirement);
        route
    }

    /// The fields of a form; others are not looked at.
    #[must_use]
    pub fn form(mut self, fields: &[&str]) -> Self {
        let object = ObjectBuilder::new().schema_type(Type::Object);
        let form = fields.iter().fold(object, |form, field| {
            form.property(*field, ObjectBuilder::new().schema_type(Type::String)).required(*field)
        });
        let content = ContentBuilder::new().schema(Some(form)).build();
        let body = RequestBodyBuilder::new()
            .required(Some(Required::True))
            .content("application/x-www-form-urlencoded", content)
            .build();
        self.operation = self.operation.request_body(Some(body));
        self.refuses(&[
            ProblemKind::Forbidden,
            ProblemKind::PayloadTooLarge,
            ProblemKind::UnsupportedMediaType,
        ])
    }

    /// A route of the L3 capability for credentials with one of `scopes`; with none, for every credential.
    #[must_use]
    pub fn new(method: &Method, path: &str, id: &str, scopes: &[Scope]) -> Self {
        let mut route = Self::open(method, path, id).refuses(&[
            ProblemKind::Unauthorized,
            ProblemKind::CapabilityNotEnabled,
            ProblemKind::Unavailable,
        ]);
        if !scopes.is_empty() {
            route = route.refuses(&[ProblemKind::Forbidden]);
        }
        for scheme in [BEARER, BASIC] {
            let words: Vec<Vec<&str>> = match scopes {
                [] => vec![Vec::new()],
                scopes => scopes.iter().map(|scope| vec![scope.as_str()]).collect(),
            };
            for word in words {
                let requirement = SecurityRequirement::new(scheme, word);
                route.operation = route.operation.security(requirement);
            }
        }
        route
    }

    /// One line that says what it does, and more where there is more to say.
    #[must_use]
    pub fn says(mut self, summary: &str, description: &str) -> Self {
        let description = (!description.is_empty()).then_some(description);
        self.operation = self.operation.summary(Some(summary)).description(description);
        self
    }

    /// A variable of the path; what has another form is not found.
    #[must_use]
    pub fn path<T: ToSchema>(self, name: &str, description: &str) -> Self {
        self.parameter::<T>(ParameterIn::Path, name, description).refuses(&[ProblemKind::NotFound])
    }

    /// The parameters of the query; others are refused.
    #[must_use]
    pub fn query<T: IntoParams>(mut self) -> Self {
        for parameter in T::into_params(|| Some(ParameterIn::Query)) {
            self.operation = self.operation.parameter(parameter);
        }
        self.refuses(&[ProblemKind::Validation])
    }

    /// An optional header.
    #[must_use]
    pub fn header<T: ToSchema>(self, name: &str, description: &str) -> Self {
        self.parameter::<T>(ParameterIn::Header, name, description)
    }

    fn parameter<T: ToSchema>(mut self, at: ParameterIn, name: &str, description: &str) -> Self {
        let required = if at == ParameterIn::Path { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(at)
            .required(required)
            .description(Some(description))
            .schema(Some(self.reference::<T>()));
        self.operation = self.operation.parameter(parameter);
        self
    }

    /// A body that must be there, and an example that makes sense.
    #[must_use]
    pub fn body<T: ToSchema>(self, example: serde_json::Value) -> Self {
        self.with_body::<T>(example, Required::True)
    }

    /// A body that may be left out.
    #[must_use]
    pub fn optional_body<T: ToSchema>(self, example: serde_json::Value) -> Self {
        self.with_body::<T>(example, Required::False)
    }

    fn with_body<T: ToSchema>(mut self, example: serde_json::Value, required: Required) -> Self {
        let content = ContentBuilder::new()
            .schema(Some(self.reference::<T>()))
            .example(Some(example))
            .build();
        let body = RequestBodyBuilder::new()
            .required(Some(required))
            .content("application/json", content)
            .build();
        self.operation = self.operation.request_body(Some(body));
        self.refuses(&[
            ProblemKind::Validation,
            ProblemKind::PayloadTooLarge,
            ProblemKind::UnsupportedMediaType,
        ])
    }

    /// A body that is a text of some media type, and an example of it.
    #[must_use]
    pub fn text_body(mut self, media_type: &str, example: &str) -> Self {
        let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(BODY_BYTES_MAX));
        let content = ContentBuilder::new().schema(Some(text)).example(Some(example.into()));
        let body = RequestBodyBuilder::new()
            .required(Some(Required::True))
            .content(media_type, content.build())
            .build();
        self.operation = self.operation.request_body(Some(body));
        self.refuses(&[
            ProblemKind::Validation,
            ProblemKind::PayloadTooLarge,
            ProblemKind::UnsupportedMediaType,
        ])
    }

    /// One of the good answers.
    #[must_use]
    pub fn answers(mut self, answer: Answer) -> Self {
        let (status, response, schemas) = answer.into_parts();
        self.operation = self.operation.response(status, response);
        self.schemas.extend(schemas);
        self
    }

    /// Problems it answers beside those that follow from its credential, its query and its body.
    #[must_use]
    pub fn refuses(mut self, kinds: &[ProblemKind]) -> Self {
        self.refusals.extend_from_slice(kinds);
        self
    }

    /// A reference to the schema of `T`, which is kept for the document.
    fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        reference::<T>(&mut self.schemas)
    }
}

fn reference<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

/// The part of the document that one function answers for.
#[must_use]
pub fn part(function: &str, description: &str, routes: Vec<Route>) -> Part {
    let mut paths = Paths::new();
    let mut schemas = Vec::new();
    for mut route in routes {
        let responses = if route.is_page {
            refusal::pages(&route.refusals)
        } else {
            refusal::responses(&route.refusals)
        };
        for (status, response) in responses {
            route.operation = route.operation.response(status, response);
        }
        let operation = route.operation.tag(function).build();
        let item = PathItem::new(route.method, operation);
        match paths.paths.get_mut(&route.path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(route.path, item)),
        }
        schemas.extend(route.schemas);
    }
    let tag = TagBuilder::new().name(function).description(Some(description)).build();
    Part { document: base().paths(paths).tags(Some([tag])).build(), schemas }
}

fn base() -> OpenApiBuilder {
    OpenApi::builder()
}

fn spoken(method: &Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}
