//! The built functions: each must be there, and for the processor that the stack asks for. CloudFormation
//! takes a binary of the wrong kind without a word, and every call fails afterwards.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::error::CommandError;

/// Where the template says that the code of a function lies.
const CODE_URI: &str = "CodeUri: ../target/lambda/";
/// An ELF header up to its machine.
const HEADER_BYTES: usize = 20;

/// What is wrong with the functions of the template, one line each.
///
/// # Errors
/// If the template cannot be read.
pub fn problems(root: &Path, architecture: &str) -> Result<Vec<String>, CommandError> {
    let template = std::fs::read_to_string(root.join("infra/template.yaml"))
        .map_err(CommandError::io("infra/template.yaml"))?;
    let names = functions(&template);
    if names.is_empty() {
        return Err(CommandError::Failed("the template has no functions".to_owned()));
    }
    let folder = root.join("target/lambda");
    let problem = |name: &str| {
        let binary = folder.join(name).join("bootstrap");
        let detail = match machine(&binary) {
            Ok(found) if found == architecture => return None,
            Ok(found) => format!("is built for {found}, not for {architecture}"),
            Err(detail) => detail,
        };
        Some(format!("target/lambda/{name}/bootstrap {detail}"))
    };
    Ok(names.into_iter().filter_map(problem).collect())
}

fn functions(template: &str) -> Vec<&str> {
    template
        .lines()
        .map(str::trim)
        .filter_map(|line| line.strip_prefix(CODE_URI))
        .map(|name| name.trim_end_matches('/'))
        .collect()
}

/// The processor of an ELF executable, in the words of the template.
fn machine(binary: &Path) -> Result<String, String> {
    let mut header = [0_u8; HEADER_BYTES];
    let mut file = File::open(binary).map_err(|_| "is missing".to_owned())?;
    let read = file.read_exact(&mut header);
    if read.is_err() || !header.starts_with(b"\x7fELF") {
        return Err("is no executable of Linux".to_owned());
    }
    // Little endian on both.
    Ok(match header.get(18..20) {
        Some([0xB7, 0]) => "arm64".to_owned(),
        Some([0x3E, 0]) => "x86_64".to_owned(),
        _ => "another processor".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            std::fs::create_dir_all(path.join("infra")).unwrap();
            let template = format!("X:\n  {CODE_URI}manage-pools/\n  {CODE_URI}trace-product/\n");
            std::fs::write(path.join("infra/template.yaml"), template).unwrap();
            Self(path)
        }

        fn build(&self, name: &str, bytes: &[u8]) {
            let folder = self.0.join("target/lambda").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("bootstrap"), bytes).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn elf(machine: u8) -> Vec<u8> {
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(18, 0);
        header.extend([machine, 0, 1, 0, 0, 0]);
        header
    }

    #[test]
    fn every_function_of_the_template_must_be_built_for_the_stack() {
        let folder = Folder::new("package");
        folder.build("manage-pools", &elf(0xB7));
        assert_eq!(
            problems(&folder.0, "arm64").unwrap(),
            ["target/lambda/trace-product/bootstrap is missing"]
        );
        folder.build("trace-product", &elf(0x3E));
        assert_eq!(
            problems(&folder.0, "arm64").unwrap(),
            ["target/lambda/trace-product/bootstrap is built for x86_64, not for arm64"]
        );
        folder.build("trace-product", b"#!/bin/sh");
        assert_eq!(
            problems(&folder.0, "arm64").unwrap(),
            ["target/lambda/trace-product/bootstrap is no executable of Linux"]
        );
        folder.build("trace-product", &elf(0xB7));
        assert_eq!(problems(&folder.0, "arm64").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_template_without_functions_is_no_template_of_ours() {
        let folder = Folder::new("no-functions");
        std::fs::write(folder.0.join("infra/template.yaml"), "Resources: {}").unwrap();
        assert!(problems(&folder.0, "arm64").is_err());
    }
}
