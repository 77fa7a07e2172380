//! The shape of the repository: its top level, the arrows between crates, the size of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::tidy_kit::{functions, names, read, root};

/// Longest Rust file and longest wiring, in lines.
const FILE_LINES_MAX: usize = 400;
const MAIN_LINES_MAX: usize = 40;

#[test]
fn the_top_level_holds_only_what_the_layout_names() {
    let expected: BTreeSet<String> = [
        "Cargo.lock",
        "Cargo.toml",
        "README.md",
        "events",
        "functions",
        "infra",
        "samconfig.toml",
        "shared",
        "tests",
    ]
    .map(str::to_owned)
    .into();
    let mut found = names(".");
    found.retain(|name| !name.starts_with('.') && name != "target");
    assert_eq!(found, expected);
}

#[test]
fn crates_depend_downward_only() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|one| one["name"].as_str().unwrap()).collect();
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let target = dependency["name"].as_str().unwrap();
            if !ours.contains(target) {
                continue;
            }
            if dependency["kind"] == "dev" {
                // Tests may use what they like; nothing that ships uses the test kit.
                continue;
            }
            arrows.entry(name).or_default().insert(target);
        }
    }
    let below = |name: &str| arrows.get(name).cloned().unwrap_or_default();
    assert_eq!(below("domain"), BTreeSet::new());
    assert_eq!(below("edge"), BTreeSet::new());
    for name in ["epcis", "linefiles", "store"] {
        assert!(below(name).is_subset(&BTreeSet::from(["domain"])), "{name}");
    }
    assert_eq!(below("service"), BTreeSet::from(["domain", "edge", "store"]));
    let functions = functions();
    for (name, targets) in &arrows {
        assert!(*name == "hub-tests" || !targets.contains("testkit"), "{name} ships the test kit");
        for target in targets {
            assert!(!functions.contains(*target), "{name} depends on the function {target}");
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut checked = 0;
    for top in ["functions", "shared", "infra", "tests"] {
        for path in rust_files(&root().join(top)) {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            let wiring = path.ends_with("src/main.rs");
            let limit = if wiring { MAIN_LINES_MAX } else { FILE_LINES_MAX };
            assert!(lines <= limit, "{} has {lines} lines of {limit}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} files found");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_local_cloud_is_pinned_whole() {
    let text = read("infra/local/requirements.txt");
    let pins: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(pins.iter().all(|line| line.split_once("==").is_some()), "{pins:?}");
    for name in ["ministack", "aws-sam-translator", "cryptography", "boto3"] {
        assert!(pins.iter().any(|line| line.starts_with(&format!("{name}=="))), "{name}");
    }
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    for top in ["functions", "shared"] {
        for name in names(top) {
            let path = format!("{top}/{name}/Cargo.toml");
            for line in read(&path).lines() {
                let versioned = line.contains("version = \"") || line.contains(" = \"0.");
                assert!(!versioned, "{path}: {line}");
            }
            assert!(read(&path).contains("[lints]\nworkspace = true"), "{path}");
        }
    }
}

#[test]
fn no_test_is_ignored() {
    let word = concat!("#[ign", "ore");
    for top in ["functions", "shared", "infra", "tests"] {
        for path in rust_files(&root().join(top)) {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(word), "{}", path.display());
        }
    }
}

#[test]
fn the_readme_names_every_function_and_both_commands() {
    let readme = read("README.md");
    for function in functions() {
        assert!(readme.contains(&format!("`{function}`")), "README does not name {function}");
    }
    for command in [
        "cargo run --profile local -p pharmatrace -- demo",
        "cargo test --profile local --workspace",
    ] {
        assert!(readme.contains(command), "README does not name {command}");
        assert!(read(".ci/run").contains(command), "CI does not run {command}");
    }
}

#[test]
fn the_readme_shows_the_problem_types_of_the_code() {
    let readme = read("README.md");
    assert!(
        readme.contains(&edge::problem::markdown_table()),
        "replace the table in README.md by:\n{}",
        edge::problem::markdown_table()
    );
}

/// Otherwise the AWS SDK is compiled once for each of the three, which is two minutes each time.
#[test]
fn demo_functions_and_tests_ask_for_the_same_features() {
    let mut with_functions = vec!["-e", "normal,build", "-p", "pharmatrace"];
    let functions = functions();
    with_functions.extend(functions.iter().flat_map(|name| ["-p", name.as_str()]));
    let demo = features(&["-e", "normal,build", "-p", "pharmatrace"]);
    assert!(demo.len() > 100, "{}", demo.len());
    for other in [features(&with_functions), features(&["--workspace"])] {
        for (package, found) in &demo {
            let wanted = other.get(package);
            assert_eq!(Some(found), wanted, "{package}: name it in infra/pharmatrace/Cargo.toml");
        }
    }
}

/// Each package of a selection with the features it is built with.
fn features(selection: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--prefix", "none", "--format", "{p}|{f}"])
        .args(selection)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (package, features) = line.trim_end_matches(" (*)").split_once('|').unwrap_or_default();
        let package = package.trim_end_matches(" (proc-macro)");
        found.entry(package.to_owned()).or_default().insert(features.trim_end().to_owned());
    }
    found
}
