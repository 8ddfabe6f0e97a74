//! One line of a script, taken apart.

use std::collections::VecDeque;

/// The words of a line, or of a part of it. Whoever understands a word takes it; what is left at
/// the end is a mistake in the script.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    words: VecDeque<String>,
}

impl Words {
    /// Splits at blanks outside double quotes. Inside them `\0`, `\n`, `\\`, `\"` and `\u{…}` are
    /// understood.
    pub(crate) fn parse(line: &str) -> Words {
        let mut words = VecDeque::new();
        let (mut word, mut quoted, mut started) = (String::new(), false, false);
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' => (quoted, started) = (!quoted, true),
                '\\' if quoted => word.push(escaped(&mut chars)),
                c if c.is_whitespace() && !quoted => {
                    if started {
                        words.push_back(std::mem::take(&mut word));
                    }
                    started = false;
                }
                c => {
                    word.push(c);
                    started = true;
                }
            }
        }
        assert!(!quoted, "quote not closed in {line:?}");
        if started {
            words.push_back(word);
        }
        Words { words }
    }

    /// The next plain word.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.words.pop_front()
    }

    /// The next word, which must be there.
    pub(crate) fn expect(&mut self, what: &str) -> String {
        self.next().unwrap_or_else(|| panic!("{what} is missing"))
    }

    pub(crate) fn peek(&self) -> Option<&str> {
        self.words.front().map(String::as_str)
    }

    /// Takes the value of `name=value`, wherever it stands.
    pub(crate) fn value(&mut self, name: &str) -> Option<String> {
        let is_it = |word: &String| word.strip_prefix(name).is_some_and(|r| r.starts_with('='));
        let at = self.words.iter().position(is_it)?;
        let word = self.words.remove(at)?;
        Some(word[name.len() + 1..].to_owned())
    }

    /// [`Words::value`] as a number.
    pub(crate) fn number<N: std::str::FromStr>(&mut self, name: &str) -> Option<N> {
        let text = self.value(name)?;
        Some(
            text.parse()
                .unwrap_or_else(|_| panic!("{name}={text} is not such a number")),
        )
    }

    /// Takes the word `name`, wherever it stands.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let at = self.words.iter().position(|word| word == name);
        at.is_some_and(|at| self.words.remove(at).is_some())
    }

    /// Takes the leading words of the form `name=value`.
    pub(crate) fn take_settings(&mut self) -> Words {
        let is_setting = |word: &String| word.contains('=') && !word.starts_with('/');
        let count = self
            .words
            .iter()
            .take_while(|word| is_setting(word))
            .count();
        Words {
            words: self.words.drain(..count).collect(),
        }
    }

    /// Everything up to the word `separator`, which is dropped, or to the end.
    pub(crate) fn until(&mut self, separator: &str) -> Words {
        let at = self.words.iter().position(|word| word == separator);
        let before = self.words.drain(..at.unwrap_or(self.words.len())).collect();
        if at.is_some() {
            self.words.pop_front();
        }
        Words { words: before }
    }

    /// The parts between the words `;`.
    pub(crate) fn parts(mut self) -> Vec<Words> {
        let mut parts = Vec::new();
        while !self.words.is_empty() {
            parts.push(self.until(";"));
        }
        parts
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) {
        assert!(self.words.is_empty(), "not understood: {:?}", self.words);
    }
}

fn escaped(chars: &mut impl Iterator<Item = char>) -> char {
    match chars.next() {
        Some('0') => '\0',
        Some('n') => '\n',
        Some('u') => {
            let digits: String = chars.skip(1).take_while(|c| *c != '}').collect();
            let code = u32::from_str_radix(&digits, 16).expect("hex digits after \\u{");
            char::from_u32(code).expect("a character")
        }
        Some(c) => c,
        None => panic!("a backslash at the end"),
    }
}

/// A list as scripts show it.
pub(crate) fn joined(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    format!("[{}]", items.join(" "))
}
