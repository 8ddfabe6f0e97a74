//! Server-sent events, read as they come.

use std::collections::VecDeque;
use std::time::Instant;

use super::{Answer, BODY_BYTES_MAX, Why, Wire, head};

/// Longest event.
const EVENT_BYTES_MAX: usize = 4 << 20;

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its name.
    pub event: String,
    /// Its data.
    pub data: String,
}

/// What became of the request for a stream.
#[derive(Debug)]
pub enum Opened {
    /// Nobody was asked.
    NotSent(Why),
    /// No head came.
    NoAnswer(Why),
    /// Another answer than a stream.
    Answer(Answer),
    /// The stream, and the headers of its answer.
    Stream(Box<Stream>, Answer),
}

/// An open stream. Dropping it cuts it.
#[derive(Debug)]
pub struct Stream {
    wire: Wire,
    /// The chunk whose size was read and whose bytes are not here yet.
    chunk: Option<usize>,
    text: Vec<u8>,
    ready: VecDeque<Frame>,
    ended: bool,
}

impl Stream {
    pub(super) fn open(mut wire: Wire, deadline: Instant) -> Opened {
        let answer = match head::head(&mut wire, deadline) {
            Ok(answer) => answer,
            Err(why) => return Opened::NoAnswer(why),
        };
        let media_type = answer.header("content-type").unwrap_or_default();
        let is_stream = media_type.starts_with("text/event-stream") && head::is_chunked(&answer);
        if answer.status == 200 && is_stream {
            return Opened::Stream(Box::new(Stream::on(wire)), answer);
        }
        let length = answer.header("content-length").and_then(|l| l.parse().ok());
        let length = length.unwrap_or(0_usize).min(BODY_BYTES_MAX);
        match wire.exact(length, deadline) {
            Ok(body) => Opened::Answer(Answer { body, ..answer }),
            Err(why) => Opened::NoAnswer(why),
        }
    }

    fn on(wire: Wire) -> Stream {
        Stream {
            wire,
            chunk: None,
            text: Vec::new(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// The next event; heartbeats are passed over.
    ///
    /// # Errors
    /// `Timeout` when none comes until then (asking again is fine), `Reset` when the stream was cut,
    /// `None` when the server ended it.
    pub fn next(&mut self, deadline: Instant) -> Result<Option<Frame>, Why> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(Some(frame));
            }
            if self.ended {
                return Ok(None);
            }
            self.read_chunk(deadline)?;
        }
    }

    fn read_chunk(&mut self, deadline: Instant) -> Result<(), Why> {
        let size = match self.chunk {
            Some(size) => size,
            None => head::chunk_size(&mut self.wire, deadline)?,
        };
        self.chunk = Some(size);
        // With the end of line behind it.
        let bytes = self.wire.exact(size.saturating_add(2), deadline)?;
        self.chunk = None;
        if size == 0 {
            self.ended = true;
            return Ok(());
        }
        self.text
            .extend_from_slice(bytes.get(..size).unwrap_or_default());
        while let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
            let rest = self.text.split_off(end.saturating_add(2));
            let block = std::mem::replace(&mut self.text, rest);
            let block = String::from_utf8(block).map_err(|_| Why::Malformed)?;
            self.ready.extend(frame(&block));
        }
        if self.text.len() > EVENT_BYTES_MAX {
            return Err(Why::Malformed);
        }
        Ok(())
    }
}

/// One event of its lines; `None` for comments and settings.
pub(super) fn frame(block: &str) -> Option<Frame> {
    let mut frame = Frame::default();
    let mut has_data = false;
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => frame.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut frame.event),
            "data" => {
                if has_data {
                    frame.data.push('\n');
                }
                frame.data.push_str(value);
                has_data = true;
            }
            _ => {}
        }
    }
    has_data.then_some(frame)
}
