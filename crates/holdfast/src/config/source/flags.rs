//! Flags, and the environment variables that stand for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::{Origin, Value};
use crate::config::setting::{Form, SETTINGS, Setting};

/// Flag and variable that name the configuration file.
const FILE_KEY: &str = "config";
const FILE_VARIABLE: &str = "HOLDFAST_CONFIG";

/// The flags of a node as they were given. Kept as texts: they are judged together with the values
/// of the other sources.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeArgs {
    pub(super) file: Option<PathBuf>,
    pub(super) values: BTreeMap<&'static str, Value>,
}

impl Args for NodeArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE_KEY)
            .long(FILE_KEY)
            .env(FILE_VARIABLE)
            .value_name("FILE")
            .help("TOML file with any of the settings below as keys");
        SETTINGS.iter().fold(command.arg(file), |command, setting| {
            command.arg(flag(setting))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flag(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.key)
        .long(setting.key)
        .env(setting.variable())
        .value_name(setting.placeholder())
        .action(ArgAction::Set)
        .help(match setting.default {
            Some(default) => format!("{} [default: {default}]", setting.help),
            None => setting.help.to_owned(),
        })
        .hide_env_values(true);
    match setting.form {
        Form::Flag => arg
            .num_args(0..=1)
            .default_missing_value("true")
            .require_equals(true),
        Form::Text | Form::Address | Form::Number | Form::Bytes | Form::Duration | Form::List => {
            arg
        }
    }
}

impl FromArgMatches for NodeArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = NodeArgs::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        if let Some(file) = matches.get_one::<String>(FILE_KEY) {
            self.file = Some(PathBuf::from(file));
        }
        for setting in SETTINGS {
            let Some(text) = matches.get_one::<String>(setting.key) else {
                continue;
            };
            let origin = match matches.value_source(setting.key) {
                Some(ValueSource::EnvVariable) => Origin::Environment(setting.variable()),
                Some(_) | None => Origin::Flag,
            };
            self.values.insert(
                setting.key,
                Value {
                    text: text.clone(),
                    origin,
                },
            );
        }
        Ok(())
    }
}
