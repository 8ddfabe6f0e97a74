//! RESP2, as far as it is needed: arrays of words out, single values in.

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// `+OK`.
    Simple(String),
    /// `-ERR …`: its first word, for errors are counted.
    Error(String),
    /// `:1`.
    Integer(i64),
    /// `$3` and that many bytes.
    Bulk(Vec<u8>),
    /// Nothing there.
    Null,
}

/// A command.
pub(super) fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Reads one answer off the front: it, and how many bytes it took. `None` when bytes are missing.
pub(super) fn parse(from: &[u8]) -> Result<Option<(Value, usize)>, String> {
    let Some(end) = from.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let line = from.get(..end).unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let after = end + 2;
    let Some(kind) = line.chars().next() else {
        return Err("an empty line".to_owned());
    };
    let rest = line.get(kind.len_utf8()..).unwrap_or_default();
    let value = match kind {
        '+' => Value::Simple(rest.to_owned()),
        '-' => Value::Error(rest.split(' ').next().unwrap_or_default().to_owned()),
        ':' => Value::Integer(integer(rest)?),
        '$' => match usize::try_from(integer(rest)?) {
            Ok(bytes) => return Ok(bulk(from, after, bytes)),
            Err(_) => Value::Null,
        },
        other => return Err(format!("an answer that begins with {other:?}")),
    };
    Ok(Some((value, after)))
}

fn bulk(from: &[u8], begin: usize, bytes: usize) -> Option<(Value, usize)> {
    let end = begin.checked_add(bytes)?;
    let all = end.checked_add(2)?;
    if from.len() < all {
        return None;
    }
    Some((Value::Bulk(from.get(begin..end)?.to_vec()), all))
}

fn integer(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|error| format!("number {text:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_arrays_of_words() {
        assert_eq!(encode(&[b"GET", b"k"]), b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    }

    #[test]
    fn answers_are_read_whole_and_one_at_a_time() {
        let check = |bytes: &[u8]| parse(bytes).unwrap();
        assert_eq!(
            check(b"+OK\r\n:1\r\n"),
            Some((Value::Simple("OK".into()), 5))
        );
        assert_eq!(check(b":-7\r\n"), Some((Value::Integer(-7), 5)));
        assert_eq!(check(b"$-1\r\n"), Some((Value::Null, 5)));
        assert_eq!(
            check(b"$2\r\n\r\n\r\n"),
            Some((Value::Bulk(b"\r\n".into()), 8))
        );
        let error = Value::Error("NOSCRIPT".into());
        assert_eq!(check(b"-NOSCRIPT No script\r\n"), Some((error, 21)));
    }

    #[test]
    fn what_is_cut_off_waits_for_the_rest() {
        let whole = b"$5\r\nhello\r\n";
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]).unwrap(), None, "{end} bytes");
        }
    }

    #[test]
    fn what_is_not_resp_is_an_error() {
        assert!(parse(b"HTTP/1.1 400\r\n").is_err());
        assert!(parse(b":x\r\n").is_err());
        assert!(parse(b"\r\n").is_err());
    }
}
