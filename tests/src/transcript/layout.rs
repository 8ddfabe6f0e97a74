//! Reads frames field by field, to say what they are and to put names in the place of what differs
//! from run to run.

use std::fmt::Write as _;

use super::names::{Names, PASSWORD_BYTES};
use super::ops;

/// A frame cannot be read as what it should be.
#[derive(Debug)]
pub(super) struct Unreadable;

type Result<T> = std::result::Result<T, Unreadable>;

/// A frame on its way through.
pub(super) struct Walk<'a> {
    from: &'a [u8],
    names: &'a mut Names,
    /// The frame with names in it.
    pub(super) bytes: Vec<u8>,
    /// What it is, in words.
    pub(super) words: String,
}

impl<'a> Walk<'a> {
    pub(super) fn new(frame: &'a [u8], names: &'a mut Names) -> Walk<'a> {
        Walk {
            from: frame,
            names,
            bytes: Vec::with_capacity(frame.len()),
            words: String::new(),
        }
    }

    /// Everything must have been read.
    pub(super) fn finish(self) -> Result<(Vec<u8>, String)> {
        if self.from.is_empty() {
            Ok((self.bytes, self.words))
        } else {
            Err(Unreadable)
        }
    }

    /// Says something about what comes.
    pub(super) fn say(&mut self, words: &str) {
        if !self.words.is_empty() {
            self.words.push(' ');
        }
        self.words.push_str(words);
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (field, rest) = self.from.split_first_chunk().ok_or(Unreadable)?;
        self.from = rest;
        Ok(*field)
    }

    fn take_len(&mut self, len: usize) -> Result<&'a [u8]> {
        let (field, rest) = self.from.split_at_checked(len).ok_or(Unreadable)?;
        self.from = rest;
        Ok(field)
    }

    pub(super) fn int(&mut self) -> Result<i32> {
        let field = self.take()?;
        self.bytes.extend_from_slice(&field);
        Ok(i32::from_be_bytes(field))
    }

    fn byte(&mut self) -> Result<u8> {
        let [field] = self.take()?;
        self.bytes.push(field);
        Ok(field)
    }

    fn long(&mut self) -> Result<i64> {
        self.take().map(i64::from_be_bytes)
    }

    fn put(&mut self, long: i64) {
        self.bytes.extend_from_slice(&long.to_be_bytes());
    }

    /// A zxid, and how it is called.
    pub(super) fn zxid(&mut self) -> Result<String> {
        let zxid = self.long()?;
        let (shown, name) = self.names.zxid(zxid);
        self.put(shown);
        Ok(name)
    }

    /// A string or buffer; `None`: null.
    fn buffer(&mut self) -> Result<Option<&'a [u8]>> {
        let len = self.int()?;
        if len == -1 {
            return Ok(None);
        }
        let len = usize::try_from(len).map_err(|_| Unreadable)?;
        let bytes = self.take_len(len)?;
        self.bytes.extend_from_slice(bytes);
        Ok(Some(bytes))
    }

    fn count(&mut self) -> Result<Option<usize>> {
        match self.int()? {
            -1 => Ok(None),
            count => usize::try_from(count).map(Some).map_err(|_| Unreadable),
        }
    }

    /// Bytes behind a reply that should have none.
    pub(super) fn rest(&mut self) -> Result<()> {
        if !self.from.is_empty() {
            self.say(&format!("and {} bytes", self.from.len()));
        }
        self.bytes.extend_from_slice(self.from);
        self.from = &[];
        Ok(())
    }

    /// Fields by their letters (see [`ops`]).
    pub(super) fn fields(&mut self, layout: &str) -> Result<()> {
        layout.chars().try_for_each(|field| self.field(field))
    }

    fn field(&mut self, field: char) -> Result<()> {
        let words = match field {
            'i' => self.int()?.to_string(),
            'l' => {
                let long = self.long()?;
                self.put(long);
                long.to_string()
            }
            'x' => self.zxid()?,
            'z' => self.byte()?.to_string(),
            's' | 'b' => shown(self.buffer()?),
            'S' => self.stat()?,
            'A' => self.list(Self::acl_entry)?,
            'V' => self.list(|walk| walk.buffer().map(shown))?,
            'C' => self.unordered(|walk| walk.buffer().map(shown))?,
            'W' => self.unordered(Self::identity)?,
            'M' => return self.members(),
            _ => return Err(Unreadable),
        };
        self.say(&words);
        Ok(())
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<String>) -> Result<String> {
        let Some(count) = self.count()? else {
            return Ok("null".to_owned());
        };
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(format!("[{}]", items.join(",")))
    }

    /// ZooKeeper keeps these in hash tables: what is compared is their sorted order.
    fn unordered(&mut self, mut item: impl FnMut(&mut Self) -> Result<String>) -> Result<String> {
        let Some(count) = self.count()? else {
            return Ok("null".to_owned());
        };
        let start = self.bytes.len();
        let mut items = Vec::new();
        for _ in 0..count {
            let at = self.bytes.len();
            let words = item(self)?;
            items.push((self.bytes[at..].to_vec(), words));
        }
        items.sort();
        self.bytes.truncate(start);
        let mut words = Vec::new();
        for (bytes, word) in items {
            self.bytes.extend_from_slice(&bytes);
            words.push(word);
        }
        Ok(format!("{{{}}}", words.join(",")))
    }

    fn acl_entry(&mut self) -> Result<String> {
        let perms = self.int()?;
        let scheme = shown(self.buffer()?);
        let id = shown(self.buffer()?);
        Ok(format!("{perms}:{scheme}:{id}"))
    }

    fn identity(&mut self) -> Result<String> {
        let scheme = shown(self.buffer()?);
        let user = shown(self.buffer()?);
        Ok(format!("{scheme}:{user}"))
    }

    fn stat(&mut self) -> Result<String> {
        let (czxid, mzxid) = (self.long()?, self.long()?);
        let (ctime, mtime) = (self.long()?, self.long()?);
        let (c, c_name) = self.names.zxid(czxid);
        let (m, m_name) = self.names.zxid(mzxid);
        let (ct, ct_name) = self.names.time(ctime, czxid);
        let (mt, mt_name) = self.names.time(mtime, mzxid);
        for long in [c, m, ct, mt] {
            self.put(long);
        }
        let mut words = format!("czxid={c_name} mzxid={m_name} ctime={ct_name} mtime={mt_name}");
        for name in ["version", "cversion", "aversion"] {
            let _ = write!(words, " {name}={}", self.int()?);
        }
        let owner = self.long()?;
        let (shown, name) = self.names.session(owner);
        self.put(shown);
        let _ = write!(words, " owner={name}");
        for name in ["bytes", "children"] {
            let _ = write!(words, " {name}={}", self.int()?);
        }
        let pzxid = self.zxid()?;
        Ok(format!("{{{words} pzxid={pzxid}}}"))
    }

    /// Results of a multi, each behind its header.
    fn members(&mut self) -> Result<()> {
        loop {
            let kind = self.int()?;
            let done = self.byte()? == 1;
            let err = self.int()?;
            if done {
                self.say(&format!("; end {kind} {err}"));
                return Ok(());
            }
            self.say(&format!("; {kind} {err}:"));
            let layout = ops::result_layout(kind).ok_or(Unreadable)?;
            self.fields(layout)?;
        }
    }

    /// The frame that asks for a session, or the answer to it.
    pub(super) fn handshake(&mut self, is_request: bool) -> Result<()> {
        let version = self.int()?;
        self.say(&format!("version={version}"));
        if is_request {
            let seen = self.zxid()?;
            self.say(&format!("seen={seen}"));
        }
        let timeout = self.int()?;
        let session = self.long()?;
        let (shown, name) = self.names.session(session);
        self.put(shown);
        self.say(&format!("timeout={timeout} session={name}"));
        match usize::try_from(self.int()?) {
            Ok(len) => {
                let password = self.take_len(len)?;
                let (shown, name) = self.names.password(password, session);
                self.bytes.extend_from_slice(&shown);
                self.say(&format!("password={len} bytes, {name}"));
            }
            Err(_) => self.say("password=null"),
        }
        if let [_, ..] = self.from {
            let read_only = self.byte()?;
            self.say(&format!("readOnly={read_only}"));
        }
        Ok(())
    }
}

/// The session and password in an answer to a connect request.
pub(super) fn granted(frame: &[u8]) -> Option<(i64, [u8; PASSWORD_BYTES])> {
    let session = i64::from_be_bytes(frame.get(8..16)?.try_into().ok()?);
    let password = frame.get(20..20 + PASSWORD_BYTES)?.try_into().ok()?;
    Some((session, password))
}

fn shown(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return "null".to_owned();
    };
    let mut words = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let _ = write!(words, "{}", chunk.valid().escape_debug());
        for byte in chunk.invalid() {
            let _ = write!(words, "\\x{byte:02x}");
        }
    }
    words.push('"');
    words
}
