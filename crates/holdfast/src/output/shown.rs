//! An answer in all the forms it can be printed in.

use serde::Serialize;
use serde_json::Value;

use super::text::{clean, clean_lines, quote, table, tabs};
use crate::args::globals::Format;
use crate::exit::{Exit, Failure};

/// An answer in all the forms it can be printed in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    json: Value,
    /// What `ndjson` prints one by one, where the answer is a list.
    items: Option<Vec<Value>>,
    body: Body,
    names: Vec<String>,
    env: Vec<(String, String)>,
}

/// What a person sees.
#[derive(Clone, Debug)]
enum Body {
    Table {
        columns: Vec<&'static str>,
        rows: Vec<Vec<String>>,
        foot: Vec<String>,
    },
    Fields(Vec<(&'static str, String)>),
    Text(String),
}

impl Default for Body {
    fn default() -> Body {
        Body::Text(String::new())
    }
}

impl Shown {
    /// A list; each item is a row.
    pub(crate) fn list<T: Serialize>(
        items: &[T],
        columns: &[&'static str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<Shown, Failure> {
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        let items = items.iter().map(json).collect::<Result<Vec<_>, _>>()?;
        Ok(Shown {
            json: Value::Array(items.clone()),
            names: rows.iter().filter_map(|row| row.first().cloned()).collect(),
            items: Some(items),
            body: Body::Table {
                columns: columns.to_vec(),
                rows,
                foot: Vec::new(),
            },
            env: Vec::new(),
        })
    }

    /// One thing; each field is a line.
    pub(crate) fn one(
        value: &impl Serialize,
        name: impl Into<String>,
        fields: Vec<(&'static str, String)>,
    ) -> Result<Shown, Failure> {
        Ok(Shown {
            json: json(value)?,
            items: None,
            body: Body::Fields(fields),
            names: vec![name.into()],
            env: Vec::new(),
        })
    }

    /// One thing said in sentences.
    pub(crate) fn text(
        value: &impl Serialize,
        name: impl Into<String>,
        text: impl Into<String>,
    ) -> Result<Shown, Failure> {
        Ok(Shown {
            body: Body::Text(text.into()),
            ..Shown::one(value, name, Vec::new())?
        })
    }

    /// With variables for `-o env`.
    pub(crate) fn env(mut self, env: Vec<(&str, String)>) -> Shown {
        self.env = env
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        self
    }

    /// With lines below the table, for people only.
    pub(crate) fn foot(mut self, line: impl Into<String>) -> Shown {
        if let Body::Table { foot, .. } = &mut self.body {
            foot.push(line.into());
        }
        self
    }

    /// With other JSON than the rows.
    pub(crate) fn json(mut self, value: &impl Serialize) -> Result<Shown, Failure> {
        self.json = json(value)?;
        Ok(self)
    }

    /// The text to print.
    pub(super) fn render(&self, format: Format, terminal: bool) -> Result<String, Failure> {
        Ok(match format {
            Format::Json => format!("{:#}\n", self.json),
            Format::Ndjson => match &self.items {
                Some(items) => items.iter().map(|item| format!("{item}\n")).collect(),
                None => format!("{}\n", self.json),
            },
            Format::Name => self.names.iter().map(|name| format!("{name}\n")).collect(),
            Format::Env if self.env.is_empty() => {
                return Err(Failure::new(
                    Exit::Usage,
                    "print this as variables",
                    "this command has no variables",
                )
                .remedy("use -o json"));
            }
            Format::Env => self
                .env
                .iter()
                .map(|(key, value)| format!("{key}={}\n", quote(value)))
                .collect(),
            Format::Table => self.body.render(terminal),
        })
    }
}

impl Body {
    fn render(&self, terminal: bool) -> String {
        match self {
            Body::Text(text) if terminal => clean_lines(text),
            Body::Text(text) => text.clone(),
            Body::Table {
                columns,
                rows,
                foot,
            } if terminal => {
                let foot: String = foot.iter().map(|line| format!("{line}\n")).collect();
                table(columns, rows) + &foot
            }
            Body::Table { rows, .. } => tabs(rows),
            Body::Fields(fields) => {
                let width = fields.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
                let line = |(key, value): &(&str, String)| {
                    if terminal {
                        format!("{key:<width$}  {}\n", clean(value))
                    } else {
                        format!("{key}\t{value}\n")
                    }
                };
                fields.iter().map(line).collect()
            }
        }
    }
}

fn json(value: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value)
        .map_err(|error| Failure::new(Exit::Internal, "print the answer", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Item {
        name: &'static str,
        size: u32,
    }

    fn list() -> Shown {
        let items = [
            Item { name: "a", size: 1 },
            Item {
                name: "long",
                size: 22,
            },
        ];
        Shown::list(&items, &["NAME", "SIZE"], |i| {
            vec![i.name.into(), i.size.to_string()]
        })
        .unwrap()
        .foot("2 in all")
    }

    #[test]
    fn a_list_has_every_form() {
        let forms = [
            (
                Format::Table,
                true,
                "NAME  SIZE\na     1\nlong  22\n2 in all\n",
            ),
            (Format::Table, false, "a\t1\nlong\t22\n"),
            (Format::Name, false, "a\nlong\n"),
            (
                Format::Ndjson,
                false,
                "{\"name\":\"a\",\"size\":1}\n{\"name\":\"long\",\"size\":22}\n",
            ),
        ];
        for (format, terminal, text) in forms {
            assert_eq!(list().render(format, terminal).unwrap(), text, "{format:?}");
        }
    }

    #[test]
    fn a_terminal_gets_nothing_that_it_would_act_on() {
        let bad = || "a\u{1b}[2Jb".to_owned();
        let shown = [
            Shown::list(&[1], &["REASON"], |_| vec![bad()]),
            Shown::one(&1, "x", vec![("reason", bad())]),
            Shown::text(&1, "x", bad() + "\n  second line\n"),
        ];
        let shown = shown.map(|shown| shown.unwrap().render(Format::Table, true).unwrap());
        assert_eq!(
            shown,
            [
                "REASON\na\u{fffd}[2Jb\n",
                "reason  a\u{fffd}[2Jb\n",
                "a\u{fffd}[2Jb\n  second line\n"
            ]
        );
    }

    #[test]
    fn variables_survive_a_shell() {
        let shown = Shown::one(&1, "x", vec![])
            .unwrap()
            .env(vec![("A", "plain-1".into()), ("B", "it's; rm -rf".into())]);
        assert_eq!(
            shown.render(Format::Env, false).unwrap(),
            "A=plain-1\nB='it'\\''s; rm -rf'\n"
        );
        assert_eq!(list().render(Format::Env, false).unwrap_err().code, 64);
    }
}
