//! Documents that point to something point to something that is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{printed, repository};

fn files_below(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Targets of `[text](target)` in a Markdown text.
fn links(text: &str) -> Vec<String> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    targets.map(str::to_owned).collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for file in files_below(&repository("."), "md") {
        let text = std::fs::read_to_string(&file).unwrap();
        for link in links(&text) {
            let outside = link.contains("://") || link.starts_with('#') || link.contains(' ');
            let target = link.split('#').next().unwrap_or_default();
            if !outside && !file.parent().unwrap().join(target).exists() {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn tests_named_as_evidence_exist() {
    let mut defined = BTreeSet::new();
    for file in files_below(&repository("tests/it"), "rs") {
        let module = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        for name in text
            .split("\nfn ")
            .skip(1)
            .filter_map(|rest| rest.split('(').next())
        {
            defined.insert(format!("{module}::{name}"));
        }
        defined.insert(format!("{module}::*"));
    }
    let documents = ["docs/guarantees.md", "docs/internals/zookeeper-pitfalls.md"];
    let documents: Vec<String> = documents
        .iter()
        .map(|name| std::fs::read_to_string(repository(name)).unwrap())
        .collect();
    let named = documents
        .iter()
        .flat_map(|text| text.split('`'))
        .filter(|word| word.contains("::") && !word.contains(' '));
    let missing: Vec<&str> = named
        .filter(|name| *name != "file::test" && !defined.contains(*name))
        .collect();
    assert!(missing.is_empty(), "no such test: {missing:?}");
}

#[test]
fn files_named_in_the_map_exist() {
    let text = std::fs::read_to_string(repository("ARCHITECTURE.md")).unwrap();
    let walk = text
        .split("## One request")
        .nth(1)
        .unwrap()
        .split("## What")
        .next()
        .unwrap();
    for word in walk.split('`').filter(|word| word.contains("/src/")) {
        let path = repository("crates").join(word);
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn the_example_configuration_could_be_used() {
    let example = repository("deploy/holdfast.example.toml");
    let said = printed(&["config", "check", "--config", example.to_str().unwrap()]);
    assert_eq!(said, "node 1 can be started like this\n");
}

#[test]
fn the_effective_configuration_names_who_set_what() {
    let said = printed(&["config", "print", "--node-id", "3", "--profile=wan"]);
    let line = |key: &str| {
        said.lines()
            .find(|line| line.starts_with(key))
            .unwrap()
            .to_owned()
    };
    assert!(line("node-id = 3 ").ends_with("# command line"));
    assert!(line("profile = \"wan\" ").ends_with("# command line"));
    assert!(line("api-listen = \"127.0.0.1:7400\" ").ends_with("# default"));
    assert!(line("# data-dir =").ends_with("# not set"));
}
