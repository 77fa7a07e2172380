//! Forms of texts that many routes share, for `value_type` in derived schemas.
//!
//! A form is what a schema can say; a check digit it cannot. A tidy test of the repository holds each
//! against the parser that the functions use.

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::page::{CURSOR_CHARACTERS_MAX, LIMIT_DEFAULT, LIMIT_MAX};

macro_rules! texts {
    ($($name:ident = $pattern:literal, $lengths:expr, $example:literal, $description:literal;)*) => {
        $(
            #[doc = $description]
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let (min, max): (usize, usize) = $lengths;
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .description(Some($description))
                        .pattern(Some($pattern))
                        .min_length(Some(min))
                        .max_length(Some(max))
                        .examples([$example])
                        .into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }
            }
        )*

        /// Name and pattern of every form of text.
        pub const TEXT_FORMS: &[(&str, &str)] = &[$((stringify!($name), $pattern),)*];

        /// The schemas of all forms.
        pub(super) fn schemas() -> super::Schemas {
            let mut schemas = vec![(Limit::name().into_owned(), Limit::schema())];
            $(schemas.push(($name::name().into_owned(), $name::schema()));)*
            schemas
        }
    };
}

texts! {
    Gtin = "^(?:[0-9]{8}|[0-9]{12,14})$", (8, 14), "00313000007772",
        "A GTIN-14 with its check digit; shorter ones are padded with zeros.";
    Gtin14 = "^[0-9]{14}$", (14, 14), "00313000007772", "A GTIN-14 with its check digit.";
    CompanyPrefix = "^[0-9]{6,12}$", (6, 12), "0355555", "A GS1 company prefix.";
    Gln = "^[0-9]{13}$", (13, 13), "0313000000018", "A GLN with its check digit.";
    Index = "^[0-9]{1,20}$", (1, 20), "1000",
        "A number of a pool or a boundary: decimal text below 10^20.";
    Count = "^[0-9]{1,21}$", (1, 21), "994999",
        "A count of numbers, or the number behind the last one: decimal text up to 10^20.";
    PoolId = "^[A-Z2-7]{26}$", (26, 26), "K5XW6YTCOVZWKY3UNFXW4YLSMU", "The id of a pool.";
    AllocationId = "^[A-Z2-7]{26}$", (26, 26), "MFRGGZDFMZTWQ2LKNNWG23TPOB",
        "The id of an allocation.";
    SystemId = "^[A-Za-z0-9][A-Za-z0-9_.-]*$", (1, 64), "guardian-line-3",
        "The id of a connected system.";
    RequestId = "^[!-~]+$", (1, 64), "REQ-20261123-0007",
        "The caller's name for a request; the same name always means the same request.";
    Sha256 = "^[0-9a-f]{64}$", (64, 64),
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "A SHA-256 in lower-case hexadecimal.";
    Time = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$", (24, 24),
        "2026-11-23T07:40:00.000Z", "A time, UTC with milliseconds.";
    Date = "^20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-9]|3[01])$", (10, 10), "2028-10-31",
        "A day of this century.";
    Lot = "^[!\"%&'()*+,./0-9:;<=>?A-Z_a-z-]+$", (1, 20), "LOT42",
        "A batch or lot: the GS1 character set 82.";
    PlainText = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$", (1, 64), "WO-1",
        "Text without control characters.";
    Reason = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$", (1, 200), "line cleared",
        "Why it was done; text without control characters.";
    AuditActor = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(?:/[A-Za-z0-9_.-]{1,64})?$", (1, 129),
        "guardian-line-3/c7", "Who did it: a system, `<system>/<credential>`, or `hub`.";
    AuditEntity =
        "^(?:allocation|credential|document|finding|pool|product|run|system):[A-Za-z0-9][A-Za-z0-9_.-]*$", (5, 80),
        "pool:K5XW6YTCOVZWKY3UNFXW4YLSMU", "What was changed: `<kind>:<id>`.";
    Cursor = "^[A-Za-z0-9_-]+$", (1, CURSOR_CHARACTERS_MAX), "MjAyNg",
        "`next_cursor` of the page before, unchanged.";
}

/// A time with any offset, as callers send it.
#[derive(Debug)]
pub struct AnyTime;

impl PartialSchema for AnyTime {
    fn schema() -> RefOr<Schema> {
        let format = utoipa::openapi::KnownFormat::DateTime;
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A time after RFC 3339."))
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(format)))
            .examples(["2026-11-23T07:40:00Z"])
            .into()
    }
}

impl ToSchema for AnyTime {}

/// The number of items of a page.
#[derive(Debug)]
pub struct Limit;

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let default: Value = json!(LIMIT_DEFAULT);
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some("Items of a page at the most."))
            .minimum(Some(1))
            .maximum(Some(LIMIT_MAX))
            .default(Some(default))
            .into()
    }
}

impl ToSchema for Limit {}

/// Names types that stand for lists of words in schemas, from the words that the code itself uses.
#[macro_export]
macro_rules! words {
    ($($name:ident = $words:expr, $description:literal;)*) => {$(
        #[doc = $description]
        #[derive(Debug)]
        pub struct $name;

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                ::utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(::utoipa::openapi::schema::Type::String)
                    .description(Some($description))
                    .enum_values(Some($words))
                    .into()
            }
        }

        impl ::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}
