//! Histories as files: `history.jsonl` of the contract, written and read a line at a time.
//!
//! The reader takes a line apart by hand: what serde derives for an event with flattened facts
//! goes over every line twice, and a campaign has millions of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use checker::{Event, History, Outcome, Process, edn};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longest line of a history. A read of a large set is the longest there is: some 100,000 elements.
pub const LINE_BYTES_MAX: u64 = 4 << 20;

/// Most events of a history: a day of a few hundred operations a second.
pub const EVENTS_MAX: usize = 50_000_000;

/// Most keys that have a file of their own.
const KEYS_MAX: usize = 10_000;

/// Longest name of a directory.
const NAME_BYTES_MAX: usize = 200;

/// Writes a history, one event per line.
///
/// # Errors
/// The file cannot be written; what is there then is not a whole history.
pub fn write(path: &Path, history: &History) -> Result<()> {
    let words = || format!("write the history to {}", path.display());
    let mut out = BufWriter::new(File::create(path).with_context(words)?);
    for event in &history.events {
        serde_json::to_writer(&mut out, event).with_context(words)?;
        out.write_all(b"\n").with_context(words)?;
    }
    out.flush().with_context(words)
}

/// Writes `history.edn`, all of it, and per key `independent/KEY/history.edn` (what has no key:
/// `independent/history.edn`), for the checkers of others.
///
/// # Errors
/// A file or directory cannot be written.
pub fn write_edn(run_dir: &Path, history: &History) -> Result<()> {
    let write = |path: &Path, text: String| {
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    };
    write(&run_dir.join("history.edn"), edn::write(history))?;
    for (key, text) in edn::write_by_key(history).into_iter().take(KEYS_MAX) {
        let dir = run_dir.join("independent").join(file_name(&key));
        fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        write(&dir.join("history.edn"), text)?;
    }
    Ok(())
}

/// A key as the name of one directory: what is not plain in percent signs (also the dot, so that
/// none is `..`), what is too long by its beginning and its hash.
fn file_name(key: &str) -> String {
    let mut name = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if name.len() > NAME_BYTES_MAX {
        let hash = Sha256::digest(key);
        let hex: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        name.truncate(NAME_BYTES_MAX - hex.len() - 1);
        name = format!("{name}-{hex}");
    }
    name
}

/// Reads a history back.
///
/// # Errors
/// The file cannot be read, or a line is no event, or its index is not its place: named by line.
pub fn read(path: &Path) -> Result<History> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut lines = Lines::new(BufReader::with_capacity(1 << 20, file));
    let mut events = Vec::new();
    while let Some(line) = lines.next(&path.display())? {
        let event = line
            .event()
            .with_context(|| format!("{}, line {}", path.display(), line.number))?;
        if event.index != events.len() as u64 {
            bail!(
                "{}, line {}: the event has index {} where {} is next: lines are missing or twice",
                path.display(),
                line.number,
                event.index,
                events.len()
            );
        }
        events.push(event);
    }
    Ok(History { events })
}

/// The lines of a stream of events, each bounded, blank ones left out.
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
}

/// One line of it.
pub(crate) struct Line<'a> {
    bytes: &'a [u8],
    /// From 1.
    pub(crate) number: u64,
    /// It ends with a line end; otherwise the stream was cut here.
    pub(crate) whole: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Lines<R> {
        Lines {
            input,
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The next line; `name` is of the stream, for the error.
    pub(crate) fn next(&mut self, name: &dyn fmt::Display) -> Result<Option<Line<'_>>> {
        loop {
            self.buffer.clear();
            let read = (&mut self.input)
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut self.buffer)
                .with_context(|| format!("read {name} after line {}", self.number))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            let whole = self.buffer.ends_with(b"\n");
            if !whole && read as u64 == LINE_BYTES_MAX {
                bail!(
                    "{name}, line {}: longer than {LINE_BYTES_MAX} bytes",
                    self.number
                );
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(Line {
                    bytes: self.buffer.trim_ascii(),
                    number: self.number,
                    whole,
                }));
            }
        }
    }
}

impl Line<'_> {
    /// The event it holds; without an index it has index 0.
    pub(crate) fn event(&self) -> Result<Event> {
        let Parsed(event) = serde_json::from_slice(self.bytes)?;
        Ok(event)
    }
}

/// An event as the fast way reads it.
struct Parsed(Event);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Parsed, D::Error> {
        input.deserialize_map(EventVisitor)
    }
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = Parsed;

    fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
        words.write_str("an event: a JSON object with time, process, type and f")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parsed, A::Error> {
        let (mut index, mut time, mut process, mut outcome) = (0, None, None, None);
        let (mut f, mut key, mut value) = (None, None, Value::Null);
        let mut facts = BTreeMap::new();
        while let Some(Name(name)) = map.next_key()? {
            match name.as_ref() {
                "index" => index = map.next_value()?,
                "time" => time = Some(map.next_value::<u64>()?),
                "process" => process = Some(map.next_value::<Speaker>()?.0),
                "type" => outcome = Some(map.next_value::<Outcome>()?),
                "f" => f = Some(map.next_value::<String>()?),
                "key" => key = map.next_value()?,
                "value" => value = map.next_value()?,
                fact => {
                    facts.insert(fact.to_owned(), map.next_value::<Value>()?);
                }
            }
        }
        Ok(Parsed(Event {
            index,
            time: time.ok_or_else(|| de::Error::missing_field("time"))?,
            process: process.ok_or_else(|| de::Error::missing_field("process"))?,
            outcome: outcome.ok_or_else(|| de::Error::missing_field("type"))?,
            f: f.ok_or_else(|| de::Error::missing_field("f"))?,
            key,
            value,
            facts,
        }))
    }
}

/// The name of a field, borrowed from the line where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Name<'de>, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Name<'de>;
            fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
                words.write_str("the name of a field")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        input.deserialize_str(Words)
    }
}

/// Who speaks, told apart by the form of it without a second look.
struct Speaker(Process);

impl<'de> Deserialize<'de> for Speaker {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Speaker, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Speaker;
            fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
                words.write_str("the number of a client, or a name")
            }
            fn visit_u64<E>(self, number: u64) -> Result<Speaker, E> {
                Ok(Speaker(Process::Client(number)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Speaker, E> {
                Ok(Speaker(Process::Named(name.to_owned())))
            }
        }
        input.deserialize_any(Words)
    }
}

#[cfg(test)]
mod tests;
