//! A small reader of EDN: what histories are written in, and no more (no tags, no characters).

use super::Edn;

/// Values within each other.
const DEPTH_MAX: usize = 64;

/// The values of a text.
///
/// # Errors
/// What is wrong, and at which byte.
pub fn parse(text: &str) -> Result<Vec<Edn>, String> {
    let mut reader = Reader { text, at: 0 };
    let mut values = Vec::new();
    while reader.skip_space() {
        values.push(reader.value(0)?);
    }
    Ok(values)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn error<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("byte {}: {what}", self.at))
    }

    /// Skips what separates; `false` at the end of the text.
    fn skip_space(&mut self) -> bool {
        while let Some(c) = self.peek() {
            if c == ';' {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if c.is_whitespace() || c == ',' {
                self.take();
            } else {
                return true;
            }
        }
        false
    }

    fn value(&mut self, depth: usize) -> Result<Edn, String> {
        if depth > DEPTH_MAX {
            return self.error("nested too deeply");
        }
        match self.peek() {
            None => self.error("a value is missing"),
            Some('[') => Ok(Edn::Vector(self.list(']', depth)?)),
            Some('(') => Ok(Edn::Vector(self.list(')', depth)?)),
            Some('{') => self.map(depth),
            Some('#') if self.rest().starts_with("#{") => {
                self.take();
                Ok(Edn::Set(self.list('}', depth)?))
            }
            Some('"') => self.string(),
            Some(_) => self.word(),
        }
    }

    fn list(&mut self, close: char, depth: usize) -> Result<Vec<Edn>, String> {
        self.take();
        let mut list = Vec::new();
        while self.skip_space() && self.peek() != Some(close) {
            list.push(self.value(depth + 1)?);
        }
        match self.take() {
            Some(_) => Ok(list),
            None => self.error("the end of a list is missing"),
        }
    }

    fn map(&mut self, depth: usize) -> Result<Edn, String> {
        let list = self.list('}', depth)?;
        let mut pairs = Vec::new();
        let mut list = list.into_iter();
        while let Some(key) = list.next() {
            match list.next() {
                Some(value) => pairs.push((key, value)),
                None => return self.error("a map with a key and no value"),
            }
        }
        Ok(Edn::Map(pairs))
    }

    fn string(&mut self) -> Result<Edn, String> {
        self.take();
        let mut text = String::new();
        loop {
            match self.take() {
                None => return self.error("the end of a string is missing"),
                Some('"') => return Ok(Edn::Text(text)),
                Some('\\') => text.push(self.escaped()?),
                Some(c) => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, String> {
        match self.take() {
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some(c @ ('"' | '\\')) => Ok(c),
            Some('u') => {
                let digits = self.rest().get(..4).unwrap_or("");
                let code = u32::from_str_radix(digits, 16)
                    .ok()
                    .and_then(char::from_u32);
                self.at += digits.len();
                code.map_or_else(|| self.error("no such character"), Ok)
            }
            _ => self.error("no such escape"),
        }
    }

    fn word(&mut self) -> Result<Edn, String> {
        let ends = |c: char| c.is_whitespace() || "[](){}\",;".contains(c);
        let len = self.rest().find(ends).unwrap_or(self.rest().len());
        let word = self.rest().get(..len).unwrap_or("");
        if word.is_empty() {
            return self.error("something that begins no value");
        }
        self.at += len;
        if let Some(name) = word.strip_prefix(':') {
            return Ok(Edn::Keyword(name.to_owned()));
        }
        Ok(match word {
            "nil" => Edn::Nil,
            "true" => Edn::Bool(true),
            "false" => Edn::Bool(false),
            number if number.parse::<f64>().is_ok() => Edn::Number(number.to_owned()),
            symbol => Edn::Symbol(symbol.to_owned()),
        })
    }
}
