//! `holdfast config`: what a node would be started with, and why.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Config;
use super::setting::{Form, SETTINGS};
use super::source::{NodeArgs, Values};
use crate::exit;

/// Flags of `holdfast config`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting of a node with its value and who set it
    Print(NodeArgs),
    /// Say whether a node could be started like this; nothing is opened or connected to
    Check(NodeArgs),
    /// Print the reference of all settings as Markdown
    Reference,
}

/// Runs `holdfast config …`.
pub(crate) fn run(args: &ConfigArgs) -> ExitCode {
    let text = match &args.command {
        ConfigCommand::Print(node) => Values::resolve(node).map(|values| table(&values)),
        ConfigCommand::Check(node) => Values::resolve(node)
            .and_then(|values| Config::from_values(&values))
            .map(|config| format!("node {} can be started like this\n", config.node_id)),
        ConfigCommand::Reference => Ok(reference()),
    };
    match text {
        Ok(text) => exit::print(&text),
        Err(error) => exit::report_config(&error),
    }
}

/// One line per setting, in the form of the configuration file, so that it can be pasted there.
fn table(values: &Values) -> String {
    let mut out = String::new();
    for (setting, value) in values.iter() {
        let line = match value {
            None => format!("# {} =", setting.key),
            Some(value) => format!("{} = {}", setting.key, as_toml(setting.form, &value.text)),
        };
        let origin = value.map_or_else(|| "not set".to_owned(), |value| value.origin.to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{line:<50} # {origin}");
    }
    out
}

fn as_toml(form: Form, text: &str) -> String {
    match form {
        Form::Number if text.parse::<u64>().is_ok() => text.to_owned(),
        Form::Flag if matches!(text, "true" | "false") => text.to_owned(),
        Form::Text
        | Form::Address
        | Form::Number
        | Form::Bytes
        | Form::Duration
        | Form::Flag
        | Form::List => toml::Value::from(text).to_string(),
    }
}

/// `docs/reference/config.md`.
fn reference() -> String {
    let mut out = String::from(
        "# Settings of a node\n\n\
         Made by `holdfast config reference`; a test compares it with the program.\n\n\
         Each setting has one name. A flag of `holdfast serve` (`--node-id 1`) wins over an \
         environment variable (`HOLDFAST_NODE_ID=1`), that over a line of the file named by \
         `--config` or `HOLDFAST_CONFIG` (TOML: `node-id = 1`), that over the default. \
         `holdfast config print` shows the effective values and where each comes from; \
         `holdfast config check` says whether they fit together.\n\n\
         | setting | form | default | meaning |\n|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default = setting
            .default
            .map_or_else(String::new, |text| format!("`{text}`"));
        let _ = writeln!(
            out,
            "| `{}` | {} | {default} | {} |",
            setting.key,
            setting.form.in_words(),
            setting.help
        );
    }
    out
}
