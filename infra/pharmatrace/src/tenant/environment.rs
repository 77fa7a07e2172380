//! An environment of `samconfig.toml`: one tenant.

use serde::Deserialize;

use crate::error::CommandError;
use crate::hub::HubArguments;
use crate::local::repository;

/// What we need to know of an environment; sam reads the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name in the file.
    pub name: String,
    /// The stack.
    pub stack: String,
    /// Its region.
    pub region: String,
    /// `arm64` or `x86_64`.
    pub architecture: String,
}

#[derive(Debug, Deserialize)]
struct Table {
    deploy: Option<Command>,
}

#[derive(Debug, Deserialize)]
struct Command {
    parameters: Parameters,
}

#[derive(Debug, Deserialize)]
struct Parameters {
    stack_name: String,
    region: String,
    #[serde(default)]
    parameter_overrides: Overrides,
}

/// Sam takes both forms.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Overrides {
    Line(String),
    List(Vec<String>),
}

impl Default for Overrides {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Overrides {
    fn value(&self, name: &str) -> Option<String> {
        let of = |pair: &str| {
            let value = pair.strip_prefix(name)?.strip_prefix('=')?;
            Some(value.trim_matches('"').to_owned())
        };
        match self {
            Self::Line(line) => line.split_whitespace().find_map(of),
            Self::List(pairs) => pairs.iter().find_map(|pair| of(pair)),
        }
    }
}

impl Environment {
    /// The environment of the repository's `samconfig.toml`.
    ///
    /// # Errors
    /// If there is no such environment, or it names no stack.
    pub fn read(name: &str) -> Result<Self, CommandError> {
        let path = repository()?.join("samconfig.toml");
        let text = std::fs::read_to_string(&path).map_err(CommandError::io("samconfig.toml"))?;
        Self::parse(&text, name)
    }

    /// The same from the text of the file.
    ///
    /// # Errors
    /// As [`Environment::read`].
    pub fn parse(text: &str, name: &str) -> Result<Self, CommandError> {
        let wrong = |detail: String| CommandError::Usage(format!("samconfig.toml: {detail}"));
        let file: toml::Table = text.parse().map_err(|error| wrong(format!("{error}")))?;
        let Some(section) = file.get(name).cloned() else {
            let known: Vec<&str> = file
                .iter()
                .filter(|(_, value)| value.is_table())
                .map(|(name, _)| &**name)
                .collect();
            let known = known.join(", ");
            return Err(wrong(format!("has no environment {name}; there are: {known}")));
        };
        let table: Table = section.try_into().map_err(|error| wrong(format!("{name}: {error}")))?;
        let Some(Command { parameters }) = table.deploy else {
            return Err(wrong(format!("{name} has no deploy.parameters")));
        };
        let architecture = parameters.parameter_overrides.value("Architecture");
        Ok(Self {
            name: name.to_owned(),
            stack: parameters.stack_name,
            region: parameters.region,
            // The default of the template.
            architecture: architecture.unwrap_or_else(|| "arm64".to_owned()),
        })
    }

    /// Its stack, as the other commands are told.
    #[must_use]
    pub fn target(&self) -> HubArguments {
        HubArguments {
            hub: None,
            stack: Some(self.stack.clone()),
            region: Some(self.region.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
version = 0.1
[acme.deploy.parameters]
stack_name = "pharmatrace-acme"
region = "eu-central-1"
parameter_overrides = "TenantProfile=manufacturer Architecture=\"x86_64\" LogLevel=info"
[north.deploy.parameters]
stack_name = "pharmatrace-north"
region = "us-east-1"
parameter_overrides = ["TenantProfile=prepackager"]
[bare.global.parameters]
template_file = "infra/template.yaml"
"#;

    #[test]
    fn an_environment_names_stack_region_and_processor() {
        let acme = Environment::parse(FILE, "acme").unwrap();
        assert_eq!((&*acme.stack, &*acme.region), ("pharmatrace-acme", "eu-central-1"));
        assert_eq!(acme.architecture, "x86_64");
        assert_eq!(Environment::parse(FILE, "north").unwrap().architecture, "arm64");
    }

    #[test]
    fn an_unknown_environment_is_told_with_the_known_ones() {
        let error = Environment::parse(FILE, "acm").unwrap_err().to_string();
        assert_eq!(error, "samconfig.toml: has no environment acm; there are: acme, bare, north");
        let error = Environment::parse(FILE, "bare").unwrap_err().to_string();
        assert_eq!(error, "samconfig.toml: bare has no deploy.parameters");
        assert!(Environment::parse("[", "acme").is_err());
    }

    #[test]
    fn every_environment_of_the_repository_can_be_read() {
        for name in ["default", "acme-pharma", "northpack"] {
            let environment = Environment::read(name).unwrap();
            assert!(environment.stack.starts_with("pharmatrace-"), "{environment:?}");
        }
    }
}
