//! What holds once every source has spoken, read as what it is.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use raft_types::ClusterId;

use super::{NodeArgs, Origin, Value, file};
use crate::config::ConfigError;
use crate::config::cluster::{self, InitialCluster};
use crate::config::setting::{self, SETTINGS, Setting};
use crate::telemetry::{self, LogSettings};

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
            values.extend(file::read(path)?);
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

    /// `on` or `off`.
    pub(crate) fn switch(&self, key: &'static str) -> Result<bool, ConfigError> {
        match self.given(key) {
            Some("on") => Ok(true),
            Some("off") => Ok(false),
            Some(_) | None => Err(self.bad(key, "on or off is expected")),
        }
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
        cluster::check_address(text).map_err(|cause| self.bad(key, cause))?;
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
        telemetry::check_level(&level).map_err(|cause| self.bad("log-level", cause))?;
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
