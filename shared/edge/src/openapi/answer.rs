//! Good answers of a route.

use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, Schema};

use super::{Schemas, reference};

/// An answer with its status.
pub struct Answer {
    status: String,
    response: ResponseBuilder,
    schemas: Schemas,
}

impl Answer {
    /// JSON of a type.
    #[must_use]
    pub fn json<T: ToSchema>(status: u16, description: &str) -> Self {
        let mut answer = Self::empty(status, description);
        let schema = reference::<T>(&mut answer.schemas);
        answer.with_content("application/json", schema)
    }

    /// One page of a list: `items` and `next_cursor`.
    #[must_use]
    pub fn list<T: ToSchema>(description: &str) -> Self {
        let mut answer = Self::empty(200, description);
        let item = reference::<T>(&mut answer.schemas);
        let cursor = ObjectBuilder::new()
            .schema_type([Type::String, Type::Null].into_iter().collect::<SchemaType>())
            .description(Some("Opaque; pass it as `cursor`. Null on the last page."));
        let page = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("items", ArrayBuilder::new().items(item))
            .property("next_cursor", cursor)
            .required("items")
            .required("next_cursor");
        let name = format!("{}List", T::name());
        answer.schemas.push((name.clone(), page.into()));
        answer.with_content("application/json", RefOr::Ref(Ref::from_schema_name(name)))
    }

    /// An answer without a body, or to which contents are added.
    #[must_use]
    pub fn empty(status: u16, description: &str) -> Self {
        Self {
            status: status.to_string(),
            response: ResponseBuilder::new().description(description),
            schemas: Vec::new(),
        }
    }

    /// Text of a media type such as CSV or HTML.
    #[must_use]
    pub fn text(self, media_type: &str) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        self.with_content(media_type, schema.into())
    }

    /// Any JSON object.
    #[must_use]
    pub fn any_json(self) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::Object);
        self.with_content("application/json", schema.into())
    }

    /// JSON of a type beside other contents of the same status.
    #[must_use]
    pub fn or_json<T: ToSchema>(mut self) -> Self {
        let schema = reference::<T>(&mut self.schemas);
        self.with_content("application/json", schema)
    }

    /// A header of the answer, text.
    #[must_use]
    pub fn with_header(mut self, name: &str, description: &str) -> Self {
        let header = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some(description))
            .build();
        self.response = self.response.header(name, header);
        self
    }

    fn with_content(mut self, media_type: &str, schema: RefOr<Schema>) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        self.response = self.response.content(media_type, content);
        self
    }

    pub(super) fn into_parts(self) -> (String, Response, Schemas) {
        (self.status, self.response.build(), self.schemas)
    }
}
