//! JSON Schema as far as PDG's schema uses it; a keyword it does not know is a failure, so that nothing of
//! the schema is passed over.

use std::path::PathBuf;

use serde_json::{Value, json};

/// PDG's schema of reports.
pub(super) struct Schema {
    root: Value,
}

const FOLDER: &str = "data/dscsagovernance+ExceptionsSchemas";

fn corpus() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test asks where the corpus is")]
    let folder = std::env::var("EPCIS_CORPUS").ok().filter(|folder| !folder.is_empty());
    folder.map(|folder| PathBuf::from(folder).join(FOLDER))
}

impl Schema {
    /// The schema in the corpus; without a corpus only its members at the top, in our words.
    pub(super) fn read() -> Self {
        let root = match corpus() {
            Some(folder) => {
                let text = std::fs::read_to_string(folder.join("schemas/report_schema.json"));
                serde_json::from_str(&text.unwrap()).unwrap()
            }
            None => json!({
                "type": "object",
                "required": ["message_uuid", "exception_case_uuid", "timestamp", "po_number",
                    "sender_information", "case_resolved"],
                "properties": {
                    "message_uuid": {"type": "string"},
                    "exception_case_uuid": {"type": "string"},
                    "timestamp": {"type": "integer"},
                    "po_number": {"type": "string"},
                    "sender_information": {"type": "object", "required": ["email"]},
                    "case_resolved": {"type": "boolean"},
                },
            }),
        };
        Self { root }
    }

    /// Where a value breaks the schema. Members that the schema does not have are told as well: it would
    /// take them, but a partner would not read them.
    pub(super) fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(&self.root, value, "", &mut errors);
        errors
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
        for (keyword, rule) in schema.as_object().unwrap() {
            let broken = match keyword.as_str() {
                "title" | "default" | "$defs" => false,
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.root.pointer(pointer).unwrap(), value, at, errors);
                    false
                }
                "type" => !is_of(rule.as_str().unwrap(), value),
                "enum" => !rule.as_array().unwrap().contains(value),
                "anyOf" => {
                    let fits = |one: &Value| {
                        let mut inner = Vec::new();
                        self.check(one, value, at, &mut inner);
                        inner.is_empty()
                    };
                    !rule.as_array().unwrap().iter().any(fits)
                }
                "required" => {
                    let mut names =
                        rule.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                    !names.all(|name| value.get(name).is_some())
                }
                "items" => {
                    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}/{n}"), errors);
                    }
                    false
                }
                "properties" => {
                    for (name, member) in value.as_object().into_iter().flatten() {
                        match rule.get(name) {
                            Some(rule) => self.check(rule, member, &format!("{at}/{name}"), errors),
                            None if self.is_whole() => {
                                errors.push(format!("{at}/{name} is no member"));
                            }
                            None => {}
                        }
                    }
                    false
                }
                unknown => panic!("the schema uses {unknown}"),
            };
            if broken {
                errors.push(format!("{at} breaks {keyword} {rule}"));
            }
        }
    }

    /// Whether this is PDG's own schema.
    fn is_whole(&self) -> bool {
        self.root.get("$defs").is_some()
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        unknown => panic!("the schema has the type {unknown}"),
    }
}

/// The check itself can fail: PDG's own examples hold, and each of them spoilt in some way does not.
#[test]
fn examples_fit_the_schema_and_spoilt_ones_do_not() {
    let schema = Schema::read();
    let mut examples = vec![json!({
        "message_uuid": "a", "exception_case_uuid": "b", "timestamp": 1, "po_number": "",
        "sender_information": {"email": "a@b"}, "case_resolved": false,
    })];
    if let Some(folder) = corpus() {
        let folder = folder.join("example_generators/examples");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let reports = paths.filter(|path| path.to_str().unwrap().contains("report"));
        examples.extend(reports.map(|path| {
            serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap()
        }));
        assert!(examples.len() > 5);
    } else {
        println!("EPCIS_CORPUS names no corpus: reports are checked at their top only");
    }
    for example in examples {
        assert_eq!(schema.errors(&example), Vec::<String>::new(), "{example}");
        for name in ["message_uuid", "timestamp", "sender_information", "case_resolved"] {
            let mut spoilt = example.clone();
            spoilt[name] = json!([1]);
            assert!(!schema.errors(&spoilt).is_empty(), "{name}");
            spoilt.as_object_mut().unwrap().remove(name);
            assert!(!schema.errors(&spoilt).is_empty(), "{name}");
        }
        if schema.is_whole() {
            let mut spoilt = example.clone();
            spoilt["exceptions"] = json!({"overages": [{"gtin": 1}]});
            assert!(!schema.errors(&spoilt).is_empty());
        }
    }
}
