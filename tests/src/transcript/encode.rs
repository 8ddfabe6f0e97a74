//! Requests of a script as bytes.

use super::ops::{self, Op};
use super::token;

/// Ends the members of a multi.
const MULTI_END: [u8; 9] = [0xff, 0xff, 0xff, 0xff, 1, 0xff, 0xff, 0xff, 0xff];

/// The fields of a request. `zxid` knows what a word for a zxid means.
pub(super) fn body(
    op: &Op,
    words: &[&str],
    zxid: &dyn Fn(&str) -> Result<i64, String>,
) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    if op.request == "M" {
        multi(words, &mut out, zxid)?;
        return Ok(out);
    }
    if words.len() != op.request.len() {
        let (wanted, given) = (op.request.len(), words.len());
        return Err(format!("{} takes {wanted} words, not {given}", op.name));
    }
    for (field, word) in op.request.chars().zip(words) {
        put(field, word, &mut out, zxid).map_err(|why| format!("{}: {why}", op.name))?;
    }
    Ok(out)
}

fn multi(
    words: &[&str],
    out: &mut Vec<u8>,
    zxid: &dyn Fn(&str) -> Result<i64, String>,
) -> Result<(), String> {
    for member in words.split(|word| *word == ";") {
        let Some((name, rest)) = member.split_first() else {
            continue;
        };
        let (code, body) = match ops::by_name(name) {
            Some(op) => (op.code, body(op, rest, zxid)?),
            None => (unknown_code(name)?, raw(rest)?),
        };
        out.extend_from_slice(&code.to_be_bytes());
        out.extend_from_slice(&[0, 0xff, 0xff, 0xff, 0xff]);
        out.extend_from_slice(&body);
    }
    out.extend_from_slice(&MULTI_END);
    Ok(())
}

/// The code of an operation that is named by nothing else: `op=55`.
pub(super) fn unknown_code(name: &str) -> Result<i32, String> {
    let code = name.strip_prefix("op=");
    token::int(code.ok_or_else(|| format!("{name}: no such operation"))?)
}

/// Bytes as they are: at most one word of hexadecimal digits.
pub(super) fn raw(words: &[&str]) -> Result<Vec<u8>, String> {
    match words {
        [] => Ok(Vec::new()),
        [digits] => token::hex(digits),
        more => Err(format!("one word of digits is meant, not {}", more.len())),
    }
}

fn put(
    field: char,
    word: &str,
    out: &mut Vec<u8>,
    zxid: &dyn Fn(&str) -> Result<i64, String>,
) -> Result<(), String> {
    match field {
        'i' => out.extend_from_slice(&token::int(word)?.to_be_bytes()),
        'l' => out.extend_from_slice(&token::number(word)?.to_be_bytes()),
        'x' => out.extend_from_slice(&zxid(word)?.to_be_bytes()),
        'z' => match word {
            "watch" => out.push(1),
            "-" => out.push(0),
            other => return Err(format!("{other}: watch or - is meant")),
        },
        's' | 'b' => put_buffer(out, token::text(word)?.as_deref()),
        'A' => put_acl(out, token::acl(word)?)?,
        'V' => put_list(out, token::list(word)?)?,
        other => return Err(format!("no request has a field {other}")),
    }
    Ok(())
}

fn put_len(out: &mut Vec<u8>, len: Option<usize>) -> Result<(), String> {
    let len = match len {
        Some(len) => i32::try_from(len).map_err(|error| error.to_string())?,
        None => -1,
    };
    out.extend_from_slice(&len.to_be_bytes());
    Ok(())
}

pub(super) fn put_buffer(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    // Words of a script fit any field.
    let _ = put_len(out, bytes.map(<[u8]>::len));
    out.extend_from_slice(bytes.unwrap_or_default());
}

fn put_acl(out: &mut Vec<u8>, acl: Option<Vec<token::Entry>>) -> Result<(), String> {
    put_len(out, acl.as_ref().map(Vec::len))?;
    for entry in acl.unwrap_or_default() {
        out.extend_from_slice(&entry.perms.to_be_bytes());
        put_buffer(out, entry.scheme.as_deref());
        put_buffer(out, entry.id.as_deref());
    }
    Ok(())
}

fn put_list(out: &mut Vec<u8>, list: Option<Vec<Option<Vec<u8>>>>) -> Result<(), String> {
    put_len(out, list.as_ref().map(Vec::len))?;
    for item in list.unwrap_or_default() {
        put_buffer(out, item.as_deref());
    }
    Ok(())
}
