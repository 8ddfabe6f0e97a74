//! Readers of single arguments.

use std::time::Duration;

use http_types::duration::TextDuration;
use http_types::headers;
use http_types::v1::locks::{ClaimPart, Mode};

/// A duration with its unit, or bare seconds as flock takes them.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    text.parse::<TextDuration>()
        .map(TextDuration::as_duration)
        .map_err(|error| error.to_string())
}

/// `key=value`
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("write key=value".to_owned()),
    }
}

/// `lock`, `lock:shared`, `lock:PERMITS` or `lock:PERMITS/LIMIT`. Other ends after a colon are part of the name;
/// a name that ends like one of these is followed by `:exclusive`.
pub(crate) fn claim_part(text: &str) -> Result<ClaimPart, String> {
    let wanted = |lock: &str, mode| ClaimPart {
        lock: lock.to_owned(),
        mode: Some(mode),
        ..ClaimPart::default()
    };
    let Some((lock, how)) = text.rsplit_once(':') else {
        return Ok(wanted(text, Mode::Exclusive));
    };
    match how {
        "shared" => return Ok(wanted(lock, Mode::Shared)),
        "exclusive" => return Ok(wanted(lock, Mode::Exclusive)),
        _ => {}
    }
    let (permits, limit) = match how.split_once('/') {
        Some((permits, limit)) => (permits, Some(limit)),
        None => (how, None),
    };
    let Ok(permits) = permits.parse::<u32>() else {
        return Ok(wanted(text, Mode::Exclusive));
    };
    let limit = limit.map(str::parse).transpose();
    Ok(ClaimPart {
        permits: Some(permits),
        limit: limit.map_err(|error| format!("the limit of permits: {error}"))?,
        ..wanted(lock, Mode::Permits)
    })
}

/// `lock=fence`
pub(crate) fn fence(text: &str) -> Result<(String, u64), String> {
    let (lock, fence) = headers::parse_fence_guard(text)
        .ok_or_else(|| "write lock=fence, for example orders/42=18231".to_owned())?;
    Ok((lock.to_owned(), fence))
}

/// `scheme:credentials`, or `@FILE` with that in its first line: other users of a machine see its
/// command lines.
pub(crate) fn credentials(text: &str) -> Result<(String, String), String> {
    let Some(file) = text.strip_prefix('@') else {
        return scheme_and_credentials(text);
    };
    let content = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    scheme_and_credentials(content.lines().next().unwrap_or_default())
        .map_err(|error| format!("{file}: {error}"))
}

fn scheme_and_credentials(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() => {
            Ok((scheme.to_owned(), rest.to_owned()))
        }
        Some(_) | None => Err("write scheme:credentials, for example digest:user:secret".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_or_explained() {
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert!(duration("soon").unwrap_err().contains("1m30s"));
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("=b").is_err() && pair("a").is_err());
        assert_eq!(fence("orders/42=7"), Ok(("orders/42".into(), 7)));
        let digest = Ok(("digest".to_owned(), "user:a:b".to_owned()));
        assert_eq!(credentials("digest:user:a:b"), digest);
        assert!(credentials("user").is_err() && credentials(":x").is_err());
        assert!(fence("orders/42").is_err() && fence("a=-1").is_err());
    }

    #[test]
    fn a_lock_is_named_with_how_it_is_wanted() {
        let read = |text| {
            let part = claim_part(text).unwrap();
            (part.lock, part.mode.unwrap(), part.permits, part.limit)
        };
        let alone = |lock: &str| (lock.to_owned(), Mode::Exclusive, None, None);
        assert_eq!(read("orders/42"), alone("orders/42"));
        assert_eq!(read("db:main"), alone("db:main"));
        assert_eq!(read("db:5:exclusive"), alone("db:5"));
        assert_eq!(read("fx:shared"), ("fx".into(), Mode::Shared, None, None));
        let permits = |permits, limit| ("pool".to_owned(), Mode::Permits, Some(permits), limit);
        assert_eq!(read("pool:2"), permits(2, None));
        assert_eq!(read("pool:2/8"), permits(2, Some(8)));
        assert!(claim_part("pool:2/many").is_err());
    }
}
