//! The repository and its template as the tidy checks read them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A text file of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names in a folder of the repository.
pub fn names(path: &str) -> BTreeSet<String> {
    std::fs::read_dir(root().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The crates under `functions/`.
pub fn functions() -> BTreeSet<String> {
    let found: BTreeSet<String> = names("functions")
        .into_iter()
        .filter(|name| root().join("functions").join(name).join("Cargo.toml").is_file())
        .collect();
    assert!(found.len() >= 8, "no functions found");
    found
}

/// The template; a short tag such as `!Ref X` reads as `{"!Ref": "X"}`.
pub struct Template(Value);

impl Template {
    /// Reads `infra/template.yaml`.
    pub fn read() -> Self {
        let yaml: Yaml = serde_yaml_ng::from_str(&read("infra/template.yaml")).unwrap();
        Self(plain(yaml))
    }

    /// A value by JSON pointer.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or_else(|| panic!("the template has no {pointer}"))
    }

    /// Logical names and properties of all resources of a type; there is at least one.
    pub fn all(&self, kind: &str) -> Vec<(&str, &Value)> {
        let found: Vec<(&str, &Value)> = self
            .at("/Resources")
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
            .collect();
        assert!(!found.is_empty(), "the template has no {kind}");
        found
    }

    /// A resource with its attributes.
    pub fn resource(&self, name: &str) -> &Value {
        self.at(&format!("/Resources/{name}"))
    }

    /// The statements of the policy of a bucket or queue.
    pub fn policy_statements(&self, kind: &str, target: &str, of: &str) -> Vec<&Value> {
        let wanted = reference(of);
        self.all(kind)
            .into_iter()
            .filter(|(_, policy)| {
                policy[target] == wanted || policy[target] == json!([wanted.clone()])
            })
            .flat_map(|(_, policy)| policy["PolicyDocument"]["Statement"].as_array().unwrap())
            .collect()
    }
}

/// `!Ref name`.
pub fn reference(name: &str) -> Value {
    json!({ "!Ref": name })
}

/// `!GetAtt name.attribute`.
pub fn attribute(name: &str, attribute: &str) -> Value {
    json!({ "!GetAtt": format!("{name}.{attribute}") })
}

/// One value or a list of them, as a list.
pub fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
    }
}

fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => {
            number.as_i64().map_or_else(|| json!(number.as_f64()), |whole| json!(whole))
        }
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(values) => Value::Array(values.into_iter().map(plain).collect()),
        Yaml::Mapping(mapping) => Value::Object(
            mapping
                .into_iter()
                .map(|(key, value)| (key.as_str().unwrap().to_owned(), plain(value)))
                .collect::<Map<String, Value>>(),
        ),
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            json!({ name: plain(tagged.value) })
        }
    }
}
