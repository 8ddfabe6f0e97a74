//! Words of a script as values.

use super::ops::NUMBERS;

/// What stands for no value.
const NULL: &str = "null";

/// A string or buffer: `null`, or bytes in which `\e` is nothing, `\s` a space, `\xNN` a byte and
/// `\u{N}` a character.
pub(super) fn text(word: &str) -> Result<Option<Vec<u8>>, String> {
    if word == NULL {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], &mut bytes)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(Some(bytes))
}

/// Reads one escape and returns what stands behind it.
fn escape<'a>(word: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, String> {
    let wrong = || format!("\\{word}: no such escape");
    if let Some(rest) = word.strip_prefix('e') {
        return Ok(rest);
    }
    if let Some(rest) = word.strip_prefix('s') {
        bytes.push(b' ');
        return Ok(rest);
    }
    if let Some(rest) = word.strip_prefix('x') {
        let digits = rest.get(..2).ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        return Ok(&rest[2..]);
    }
    let (digits, rest) = word
        .strip_prefix("u{")
        .and_then(|rest| rest.split_once('}'))
        .ok_or_else(wrong)?;
    let code = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
    let character = char::from_u32(code).ok_or_else(wrong)?;
    bytes.extend_from_slice(character.to_string().as_bytes());
    Ok(rest)
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(word: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{word}: not hexadecimal digits");
    let pairs = word.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).ok().filter(|it| it.len() == 2);
        u8::from_str_radix(digits.ok_or_else(wrong)?, 16).map_err(|_| wrong())
    };
    pairs.map(byte).collect()
}

/// A number, or the name of one.
pub(super) fn number(word: &str) -> Result<i64, String> {
    if let Some((_, number)) = NUMBERS.iter().find(|(name, _)| *name == word) {
        return Ok(*number);
    }
    if let Some(digits) = word.strip_prefix("0x") {
        let number = u64::from_str_radix(digits, 16).map_err(|e| format!("{word}: {e}"))?;
        return Ok(number.cast_signed());
    }
    word.parse().map_err(|error| format!("{word}: {error}"))
}

/// As [`number`], for a field of four bytes.
pub(super) fn int(word: &str) -> Result<i32, String> {
    i32::try_from(number(word)?).map_err(|error| format!("{word}: {error}"))
}

/// An entry of an access list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) perms: i32,
    pub(super) scheme: Option<Vec<u8>>,
    pub(super) id: Option<Vec<u8>>,
}

/// An access list: `null`, `[]`, or entries `rwcda:scheme:id` with commas between them. `open` is
/// everything for everybody.
pub(super) fn acl(word: &str) -> Result<Option<Vec<Entry>>, String> {
    match word {
        NULL => Ok(None),
        "[]" => Ok(Some(Vec::new())),
        "open" => acl("rwcda:world:anyone"),
        word => word
            .split(',')
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Some),
    }
}

fn entry(word: &str) -> Result<Entry, String> {
    let mut parts = word.splitn(3, ':');
    let mut part = || {
        parts
            .next()
            .ok_or_else(|| format!("{word}: rwcda:scheme:id is meant"))
    };
    let (perms, scheme, id) = (part()?, part()?, part()?);
    let bit = |letter| match letter {
        'r' => Ok(1),
        'w' => Ok(2),
        'c' => Ok(4),
        'd' => Ok(8),
        'a' => Ok(16),
        // A bit that means nothing.
        '?' => Ok(32),
        letter => Err(format!("{word}: no permission is called {letter}")),
    };
    let bits: Vec<i32> = perms.chars().map(bit).collect::<Result<_, _>>()?;
    Ok(Entry {
        perms: bits.iter().sum(),
        scheme: text(scheme)?,
        id: text(id)?,
    })
}

/// Strings: `null`, or `[]` with commas between them.
pub(super) fn list(word: &str) -> Result<Option<Vec<Option<Vec<u8>>>>, String> {
    if word == NULL {
        return Ok(None);
    }
    let inner = word
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let inner = inner.ok_or_else(|| format!("{word}: a list in [] is meant"))?;
    if inner.is_empty() {
        return Ok(Some(Vec::new()));
    }
    inner
        .split(',')
        .map(text)
        .collect::<Result<_, _>>()
        .map(Some)
}
