//! Where values come from: flags, environment, file, defaults, in this order.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use raft_types::ClusterId;

use super::ConfigError;
use super::cluster::InitialCluster;
use super::setting::{self, Form, SETTINGS, Setting};
use crate::telemetry::LogSettings;

/// Flag and variable that name the configuration file.
const FILE_KEY: &str = "config";
const FILE_VARIABLE: &str = "HOLDFAST_CONFIG";
/// Largest configuration file, in bytes: whatever is larger is not one.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag on the command line.
    Flag,
    /// This environment variable.
    Environment(String),
    /// This file.
    File(PathBuf),
    /// Nobody.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("command line"),
            Origin::Environment(name) => write!(f, "environment variable {name}"),
            Origin::File(path) => write!(f, "file {}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// One value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// The flags of a node as they were given. Kept as texts: they are judged together with the values
/// of the other sources.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeArgs {
    file: Option<PathBuf>,
    values: BTreeMap<&'static str, Value>,
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

/// The effective text of every setting that has one.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    values: BTreeMap<&'static str, Value>,
}

impl Values {
    /// Puts flags and environment over the file, and that over the defaults.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or names a setting that does not exist.
    pub(crate) fn resolve(args: &NodeArgs) -> Result<Values, ConfigError> {
        let defaults = SETTINGS.iter().filter_map(|setting| {
            let text = setting.default?.to_owned();
            Some((
                setting.key,
                Value {
                    text,
                    origin: Origin::Default,
                },
            ))
        });
        let mut values: BTreeMap<_, _> = defaults.collect();
        if let Some(path) = &args.file {
            values.extend(read_file(path)?);
        }
        values.extend(args.values.iter().map(|(key, value)| (*key, value.clone())));
        Ok(Values { values })
    }

    /// Every setting with its value, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Setting, Option<&Value>)> {
        SETTINGS
            .iter()
            .map(|setting| (setting, self.values.get(setting.key)))
    }

    /// Who set `key`.
    pub(crate) fn origin(&self, key: &'static str) -> Origin {
        self.values
            .get(key)
            .map_or(Origin::Default, |value| value.origin.clone())
    }

    /// An error about the value of `key`.
    pub(crate) fn bad(&self, key: &'static str, cause: impl fmt::Display) -> ConfigError {
        ConfigError::BadValue {
            key,
            value: self
                .values
                .get(key)
                .map(|value| value.text.clone())
                .unwrap_or_default(),
            origin: self.origin(key).to_string(),
            cause: cause.to_string(),
        }
    }

    /// The text of `key`, if it has one.
    pub(crate) fn given(&self, key: &'static str) -> Option<&str> {
        debug_assert!(
            setting::find(key).is_some(),
            "setting {key} is not in the table"
        );
        self.values
            .get(key)
            .map(|value| value.text.as_str())
            .filter(|text| !text.is_empty())
    }

    /// The text of a setting that must be given.
    pub(crate) fn text(&self, key: &'static str, why: &'static str) -> Result<&str, ConfigError> {
        let variable = || {
            setting::find(key)
                .map(Setting::variable)
                .unwrap_or_default()
        };
        self.given(key).ok_or_else(|| ConfigError::Missing {
            key,
            variable: variable(),
            why,
        })
    }

    /// A value of any type that reads itself from text.
    pub(crate) fn parsed<T>(&self, key: &'static str) -> Result<T, ConfigError>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        self.given(key)
            .unwrap_or_default()
            .parse()
            .map_err(|cause| self.bad(key, cause))
    }

    /// A whole number that must be given.
    pub(crate) fn number(&self, key: &'static str, why: &'static str) -> Result<u64, ConfigError> {
        self.text(key, why)?;
        self.whole(key)
    }

    /// A whole number, with or without a unit of bytes.
    pub(crate) fn whole(&self, key: &'static str) -> Result<u64, ConfigError> {
        whole(self.given(key).unwrap_or_default()).map_err(|cause| self.bad(key, cause))
    }

    /// A whole number that counts things in memory; at least 1.
    pub(crate) fn size(&self, key: &'static str) -> Result<usize, ConfigError> {
        match usize::try_from(self.whole(key)?) {
            Ok(0) => Err(self.bad(key, "at least 1 is needed")),
            Ok(size) => Ok(size),
            Err(cause) => Err(self.bad(key, cause)),
        }
    }

    /// A time that has a value.
    pub(crate) fn duration(&self, key: &'static str) -> Result<Duration, ConfigError> {
        Ok(self.given_duration(key)?.unwrap_or_default())
    }

    /// A time that may be left to others.
    pub(crate) fn given_duration(
        &self,
        key: &'static str,
    ) -> Result<Option<Duration>, ConfigError> {
        let Some(text) = self.given(key) else {
            return Ok(None);
        };
        humantime::parse_duration(text)
            .map(Some)
            .map_err(|cause| self.bad(key, cause))
    }

    /// `host:port` that has a value.
    pub(crate) fn address(&self, key: &'static str) -> Result<String, ConfigError> {
        Ok(self.given_address(key)?.unwrap_or_default())
    }

    /// `host:port` that may be left to others.
    pub(crate) fn given_address(&self, key: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(text) = self.given(key) else {
            return Ok(None);
        };
        super::cluster::check_address(text).map_err(|cause| self.bad(key, cause))?;
        Ok(Some(text.to_owned()))
    }

    /// Yes or no.
    pub(crate) fn flag(&self, key: &'static str) -> Result<bool, ConfigError> {
        match self.given(key) {
            Some("true" | "1" | "yes") => Ok(true),
            Some("false" | "0" | "no") | None => Ok(false),
            Some(_) => Err(self.bad(key, "true or false is expected")),
        }
    }

    /// The parts of a list.
    pub(crate) fn list(&self, key: &'static str) -> Vec<String> {
        let parts = self
            .given(key)
            .unwrap_or_default()
            .split(',')
            .map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The founding list, if there is one.
    pub(crate) fn initial_cluster(&self) -> Result<Option<InitialCluster>, ConfigError> {
        let parts = self.list("initial-cluster");
        if parts.is_empty() {
            return Ok(None);
        }
        let list =
            InitialCluster::parse(&parts).map_err(|cause| self.bad("initial-cluster", cause));
        list.map(Some)
    }

    /// The cluster id: given, or that of the founding list.
    pub(crate) fn cluster_id(&self) -> Result<Option<ClusterId>, ConfigError> {
        let Some(text) = self.given("cluster-id") else {
            return Ok(None);
        };
        if text.len() != 32 {
            return Err(self.bad("cluster-id", "32 hexadecimal digits are expected"));
        }
        text.parse()
            .map(Some)
            .map_err(|cause| self.bad("cluster-id", cause))
    }

    /// How to log. Read on its own as well, so that errors of the rest can be logged.
    pub(crate) fn log(&self) -> Result<LogSettings, ConfigError> {
        let format = self.parsed("log-format")?;
        let level = self.given("log-level").unwrap_or("info").to_owned();
        crate::telemetry::check_level(&level).map_err(|cause| self.bad("log-level", cause))?;
        Ok(LogSettings { format, level })
    }
}

fn whole(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let with_unit = units
        .iter()
        .find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
    let (digits, bits) = with_unit.unwrap_or((text, 0));
    let expected = "a whole number is expected, for bytes also like 64MiB";
    let number: u64 = digits
        .trim()
        .replace('_', "")
        .parse()
        .map_err(|_| expected.to_owned())?;
    number
        .checked_mul(1 << bits)
        .ok_or_else(|| "this is too large".to_owned())
}

fn read_file(path: &Path) -> Result<BTreeMap<&'static str, Value>, ConfigError> {
    let shown = path.display().to_string();
    let unreadable = |cause: String| ConfigError::Unreadable {
        path: shown.clone(),
        cause,
    };
    let length = std::fs::metadata(path)
        .map_err(|cause| unreadable(cause.to_string()))?
        .len();
    if length > FILE_BYTES_MAX {
        return Err(unreadable(format!(
            "it has {length} bytes, more than {FILE_BYTES_MAX}"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|cause| unreadable(cause.to_string()))?;
    let table: toml::Table =
        text.parse()
            .map_err(|cause: toml::de::Error| ConfigError::BadFile {
                path: shown,
                cause: cause.to_string(),
            })?;
    table
        .iter()
        .map(|(key, value)| file_value(path, key, value))
        .collect()
}

fn file_value(
    path: &Path,
    key: &str,
    value: &toml::Value,
) -> Result<(&'static str, Value), ConfigError> {
    let origin = Origin::File(path.to_owned());
    let Some(setting) = setting::find(key) else {
        let near = SETTINGS
            .iter()
            .find(|s| s.key.replace('-', "_") == key.to_ascii_lowercase());
        let hint = near
            .map(|s| format!(", did you mean {}?", s.key))
            .unwrap_or_default();
        return Err(ConfigError::Unknown {
            origin: origin.to_string(),
            key: key.to_owned(),
            hint,
        });
    };
    let text = match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(parts) => {
            let parts: Option<Vec<&str>> = parts.iter().map(toml::Value::as_str).collect();
            parts
                .filter(|_| setting.form == Form::List)
                .map(|parts| parts.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    };
    match text {
        Some(text) => Ok((setting.key, Value { text, origin })),
        None => Err(ConfigError::BadValue {
            key: setting.key,
            value: value.to_string(),
            origin: origin.to_string(),
            cause: format!("{} is expected", setting.placeholder()),
        }),
    }
}
