//! How one line looks.

use std::fmt;

use raft_types::NodeId;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::LogFormat;

/// Lines with the node's number, as text or JSON.
pub(super) struct LineFormat {
    pub(super) node: NodeId,
    pub(super) format: LogFormat,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = || {
            context
                .event_scope()
                .into_iter()
                .flat_map(|scope| scope.from_root())
        };
        let metadata = event.metadata();
        let now = jiff::Timestamp::now();
        match self.format {
            LogFormat::Text => {
                let (level, target) = (metadata.level(), metadata.target());
                write!(
                    out,
                    "{now:.3} {level:>5} n{} {target}: {}",
                    self.node, fields.message
                )?;
                for (name, value) in &fields.others {
                    write!(out, " {name}={}", Plain(value))?;
                }
                for span in spans() {
                    let extensions = span.extensions();
                    if let Some(text) = extensions.get::<FormattedFields<N>>()
                        && !text.is_empty()
                    {
                        write!(out, " {}", text.fields)?;
                    }
                }
            }
            LogFormat::Json => {
                let mut line = Map::new();
                line.insert("time".into(), format!("{now:.3}").into());
                line.insert("level".into(), metadata.level().as_str().into());
                line.insert("node".into(), self.node.into());
                line.insert("target".into(), metadata.target().into());
                line.insert("message".into(), fields.message.into());
                for span in spans() {
                    let extensions = span.extensions();
                    if let Some(text) = extensions.get::<FormattedFields<N>>() {
                        let name = format!("in_{}", span.name());
                        line.insert(name, text.fields.as_str().into());
                    }
                }
                // A field never hides what every line has.
                for (name, value) in fields.others {
                    line.entry(name).or_insert(value);
                }
                out.write_str(&Value::Object(line).to_string())?;
            }
        }
        writeln!(out)
    }
}

/// The fields of one event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), &value) {
            ("message", Value::String(text)) => self.message.clone_from(text),
            (name, _) => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

/// A field in text: quoted only where a reader could not see its end. Control characters of
/// whatever a client sent never reach the terminal.
struct Plain<'a>(&'a Value);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_graphic() && c != '"';
        match self.0.as_str() {
            Some(text) if !text.is_empty() && text.chars().all(plain) => f.write_str(text),
            Some(_) | None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .event_format(LineFormat { node: 3, format });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    fn say() {
        let span = tracing::info_span!("request", id = 7);
        let _inside = span.enter();
        tracing::warn!(
            session = 12_u64,
            name = "with space\u{1b}",
            "session expired"
        );
    }

    #[test]
    fn text_has_level_node_message_fields_and_span() {
        let line = logged(LogFormat::Text, say);
        let (_time, rest) = line.split_once(' ').unwrap();
        assert_eq!(
            rest,
            " WARN n3 holdfast::telemetry::format::tests: session expired session=12 \
             name=\"with space\\u001b\" id=7\n"
        );
    }

    #[test]
    fn json_is_one_object_per_line() {
        let line = logged(LogFormat::Json, say);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["level"], "WARN");
        assert_eq!(value["node"], 3);
        assert_eq!(value["session"], 12);
        assert_eq!(value["message"], "session expired");
        assert_eq!(value["in_request"], "id=7");
        assert!(value["time"].as_str().unwrap().ends_with('Z'));
    }
}
