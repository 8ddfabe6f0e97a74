//! The configuration file.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Origin, Value};
use crate::config::ConfigError;
use crate::config::setting::{self, Form, SETTINGS};

/// Largest configuration file, in bytes: whatever is larger is not one.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The settings that the file gives.
///
/// # Errors
/// When it cannot be read, is not TOML, or names a setting that does not exist.
pub(super) fn read(path: &Path) -> Result<BTreeMap<&'static str, Value>, ConfigError> {
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
