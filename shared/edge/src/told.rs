//! What the deserializer says of a wrong input, in words for the caller.

/// A deserializer's message, read.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// The field it is about, where the message itself names one.
    pub field: Option<String>,
    /// What is wrong, without the names of our types.
    pub detail: String,
}

impl Told {
    /// Reads a message.
    #[must_use]
    pub fn of(message: &str) -> Self {
        let quoted = |prefix: &str| message.strip_prefix(prefix)?.split('`').next();
        if let Some(field) = quoted("missing field `") {
            return Self::field(field, "is missing".to_owned());
        }
        if let Some(field) = quoted("duplicate field `") {
            return Self::field(field, "is given twice".to_owned());
        }
        if let Some(field) = quoted("unknown field `") {
            let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
            let detail = match known.as_slice() {
                [] => "is not known here".to_owned(),
                known => format!("is not known here; known: {}", known.join(", ")),
            };
            return Self::field(field, detail);
        }
        Self { field: None, detail: plain(message) }
    }

    fn field(name: &str, detail: String) -> Self {
        Self { field: Some(name.to_owned()), detail }
    }
}

/// The message without the names of number types.
fn plain(message: &str) -> String {
    if message.contains("invalid digit") || message.contains("cannot parse integer") {
        return "a whole number is expected".to_owned();
    }
    let mut text = message.to_owned();
    for (ours, theirs) in [
        ("expected u64", "expected a whole number from 0"),
        ("expected u32", "expected a whole number from 0"),
        ("expected u8", "expected a whole number from 0"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected struct", "expected an object"),
    ] {
        text = text.replace(ours, theirs);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Told;

    #[test]
    fn messages_name_the_field_and_no_type_of_ours() {
        let cases = [
            ("missing field `ts`", Some("ts"), "is missing"),
            ("duplicate field `limit`", Some("limit"), "is given twice"),
            ("unknown field `x`, expected `a`", Some("x"), "is not known here; known: a"),
            (
                "unknown field `x`, expected one of `a`, `b`, `c`",
                Some("x"),
                "is not known here; known: a, b, c",
            ),
            ("unknown field `x`, there are no fields", Some("x"), "is not known here"),
            ("invalid digit found in string", None, "a whole number is expected"),
            (
                "invalid type: string \"1\", expected u64 at line 1 column 9",
                None,
                "invalid type: string \"1\", expected a whole number from 0 at line 1 column 9",
            ),
        ];
        for (message, field, detail) in cases {
            let expected = Told { field: field.map(str::to_owned), detail: detail.to_owned() };
            assert_eq!(Told::of(message), expected, "{message}");
        }
    }
}
