//! Values of EDN.

use std::fmt;

use serde_json::Value;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Edn {
    /// `nil`
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A string.
    Text(String),
    /// `:name`
    Keyword(String),
    /// A bare word.
    Symbol(String),
    /// `[…]`, and `(…)` when read.
    Vector(Vec<Edn>),
    /// `{…}`, in the order of writing.
    Map(Vec<(Edn, Edn)>),
    /// `#{…}`
    Set(Vec<Edn>),
}

impl From<u64> for Edn {
    fn from(number: u64) -> Edn {
        Edn::Number(number.to_string())
    }
}

impl Edn {
    /// A keyword. What cannot stand in a name becomes a dash.
    #[must_use]
    pub fn keyword(name: &str) -> Edn {
        let fits = |c: char| c.is_alphanumeric() || "-_.?!*+/<>=".contains(c);
        Edn::Keyword(
            name.chars()
                .map(|c| if fits(c) { c } else { '-' })
                .collect(),
        )
    }

    /// A JSON value; names of fields become keywords.
    #[must_use]
    pub fn json(value: &Value) -> Edn {
        match value {
            Value::Null => Edn::Nil,
            Value::Bool(bool) => Edn::Bool(*bool),
            Value::Number(number) => Edn::Number(number.to_string()),
            Value::String(text) => Edn::Text(text.clone()),
            Value::Array(list) => Edn::Vector(list.iter().map(Edn::json).collect()),
            Value::Object(map) => Edn::Map(
                map.iter()
                    .map(|(k, v)| (Edn::keyword(k), Edn::json(v)))
                    .collect(),
            ),
        }
    }

    /// As JSON: keywords become their names, sets become lists.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let list = |list: &[Edn]| Value::Array(list.iter().map(Edn::to_json).collect());
        match self {
            Edn::Nil => Value::Null,
            Edn::Bool(bool) => Value::Bool(*bool),
            Edn::Number(number) => {
                serde_json::from_str(number).unwrap_or_else(|_| Value::String(number.clone()))
            }
            Edn::Text(text) | Edn::Keyword(text) | Edn::Symbol(text) => Value::String(text.clone()),
            Edn::Vector(elements) | Edn::Set(elements) => list(elements),
            Edn::Map(map) => {
                let field = |(k, v): &(Edn, Edn)| {
                    let name = k.to_json();
                    (
                        name.as_str()
                            .map_or_else(|| name.to_string(), str::to_owned),
                        v.to_json(),
                    )
                };
                Value::Object(map.iter().map(field).collect())
            }
        }
    }
}

impl fmt::Display for Edn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Edn::Nil => f.write_str("nil"),
            Edn::Bool(bool) => write!(f, "{bool}"),
            Edn::Number(text) | Edn::Symbol(text) => f.write_str(text),
            Edn::Text(text) => write_text(f, text),
            Edn::Keyword(name) => write!(f, ":{name}"),
            Edn::Vector(list) => write_list(f, "[", list, "]"),
            Edn::Set(list) => write_list(f, "#{", list, "}"),
            Edn::Map(map) => {
                f.write_str("{")?;
                for (at, (key, value)) in map.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{key} {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, open: &str, list: &[Edn], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (at, value) in list.iter().enumerate() {
        let space = if at > 0 { " " } else { "" };
        write!(f, "{space}{value}")?;
    }
    f.write_str(close)
}

/// With the escapes that readers of EDN know.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}
