//! `docs/reference` is made by the program. `UPDATE=1` writes it anew.

use std::fmt::Write as _;

use http_types::problem::{Effect, ErrorCode};

use super::{printed, repository};

/// Compares a page with what the program says, or writes it.
fn check(page: &str, text: &str) {
    let path = repository("docs/reference").join(page);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "{} is not what the program says; `UPDATE=1 cargo test -p holdfast` writes it anew",
        path.display()
    );
}

#[test]
fn settings() {
    check("config.md", &printed(&["config", "reference"]));
}

#[test]
fn commands() {
    let mut text = String::from(
        "# Commands\n\nMade from the help of `holdfast`; a test compares it with the program.\n",
    );
    describe(&mut text, &[]);
    check("cli.md", &text);
}

/// The help of one command, and of those below it.
fn describe(text: &mut String, words: &[String]) {
    let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = printed(&arguments);
    let name = [&["holdfast".to_owned()], words].concat().join(" ");
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let (help, level) = (lines.join("\n"), "#".repeat(words.len() + 2));
    let _ = write!(
        text,
        "\n{level} {name}\n\n```text\n{}\n```\n",
        help.trim_end()
    );
    for command in commands_in(&help) {
        describe(text, &[words, &[command]].concat());
    }
}

/// Names in the section `Commands:` of a help text, `help` itself left out.
fn commands_in(help: &str) -> Vec<String> {
    let section = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let section = section.take_while(|line| !line.is_empty());
    // What belongs to a name is indented further than the name.
    let names = section.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn errors() {
    let mut text = String::from(
        "# Problems\n\n\
         Every answer that is not a success is a problem document (RFC 9457) with `code`, `outcome` and \
         `retryable`. Each node explains them under `/errors/…`. `outcome` says whether it happened; \
         `retryable`, whether the same request can succeed later without anything else being changed.\n\n\
         Made from the catalogue in `crates/http-types`; a test compares it with the program.\n",
    );
    for code in ErrorCode::ALL {
        let about = code.explanation();
        let outcome = match about.outcome {
            Effect::Applied => "applied",
            Effect::NotApplied => "not-applied",
            Effect::Unknown => "unknown",
        };
        let retryable = if about.retryable { "yes" } else { "no" };
        let _ = write!(
            text,
            "\n## {}\n\n{}.\n\n| status | outcome | retryable |\n|---|---|---|\n| {} | {outcome} | {retryable} \
             |\n\n**Cause.** {}\n\n**Remedy.** {}\n",
            about.code, about.title, about.status, about.cause, about.remedy
        );
    }
    check("errors.md", &text);
}
