use axum::http::HeaderValue;

use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    map
}

#[test]
fn a_version_stands_in_quotes() {
    let read = |value| if_match(&headers(&[("if-match", value)]));
    assert_eq!(read("\"v7\"").unwrap(), IfMatch::Version(7));
    assert_eq!(read("\"v7-91ab\"").unwrap(), IfMatch::Version(7));
    assert_eq!(read("*").unwrap(), IfMatch::Exists);
    assert_eq!(if_match(&HeaderMap::new()).unwrap(), IfMatch::Absent);
    for bad in [
        "\"7\"",
        "\"v\"",
        "\"v-1\"",
        "\"v7\", \"v8\"",
        "W/\"v7\"",
        "\"v99999999999\"",
    ] {
        assert!(read(bad).is_err(), "{bad} was accepted");
    }
}

#[test]
fn a_fence_is_told_from_a_version() {
    let read = |value| if_match_fence(&headers(&[("if-match", value)]));
    assert_eq!(read("\"f18231\"").unwrap(), Fence(18231));
    for bad in ["\"v7\"", "\"f\"", "*"] {
        assert!(read(bad).is_err(), "{bad} was accepted");
    }
    assert!(if_match_fence(&HeaderMap::new()).is_err());
}

#[test]
fn fences_repeat_as_headers_because_names_may_hold_commas() {
    let map = headers(&[
        ("holdfast-fence", "orders/42=18231"),
        ("holdfast-fence", "a,b=7"),
    ]);
    let fences = fences(&map).unwrap();
    let shown: Vec<String> = fences
        .iter()
        .map(|f| format!("{} {}", f.lock, f.fence))
        .collect();
    assert_eq!(shown, ["orders/42 18231", "a,b 7"]);
    for bad in [
        "",
        "orders",
        "orders=",
        "=1",
        "orders=-1",
        "orders=x",
        "a b=1",
    ] {
        assert!(
            super::fences(&headers(&[("holdfast-fence", bad)])).is_err(),
            "{bad} was accepted"
        );
    }
}

#[test]
fn if_none_match_is_a_list() {
    let read = |value| IfNoneMatch::from(&headers(&[("if-none-match", value)]));
    let tags = read("\"v7\", W/\"v8\"").unwrap();
    assert!(tags.has("\"v7\"") && tags.has("\"v8\"") && !tags.has("\"v9\""));
    assert!(!tags.is_create_only());
    assert!(read("*").unwrap().is_create_only());
    assert!(!IfNoneMatch::from(&HeaderMap::new()).unwrap().is_given());
    for bad in ["v7", "", "\"", "\"v7\" x"] {
        assert!(read(bad).is_err(), "{bad} was accepted");
    }
}

#[test]
fn preferences_combine() {
    let read = |value| Prefer::from(&headers(&[("prefer", value)]));
    let both = read("wait=30, return=minimal").unwrap();
    assert_eq!(
        both,
        Prefer {
            wait: Some(Duration::from_secs(30)),
            minimal: true
        }
    );
    assert_eq!(
        read("respond-async, colour=blue").unwrap(),
        Prefer::default()
    );
    let two = headers(&[("prefer", "wait=1"), ("prefer", "return=minimal")]);
    assert_eq!(
        Prefer::from(&two).unwrap().wait,
        Some(Duration::from_secs(1))
    );
    for bad in ["wait", "wait=", "wait=-1", "wait=soon", "wait=99999999999"] {
        assert!(read(bad).is_err(), "{bad} was accepted");
    }
}

#[test]
fn weaker_reads_are_asked_for_by_name() {
    let read = |value| read_options(&headers(&[("holdfast-consistency", value)]));
    let stale = |max_age| Consistency::Stale { max_age };
    assert_eq!(
        read("linearizable").unwrap().consistency,
        Consistency::Linearizable
    );
    assert_eq!(read("stale").unwrap().consistency, stale(None));
    assert_eq!(
        read("stale; max_age=500ms").unwrap().consistency,
        stale(Some(Duration::from_millis(500)))
    );
    for bad in [
        "",
        "fast",
        "stale; age=1s",
        "stale; max_age=1",
        "linearizable; max_age=1s",
    ] {
        assert!(read(bad).is_err(), "{bad} was accepted");
    }
    assert!(read_options(&headers(&[("holdfast-min-index", "x")])).is_err());
}

#[test]
fn a_header_that_stands_twice_is_refused() {
    let twice = headers(&[("holdfast-session", "a"), ("holdfast-session", "b")]);
    assert!(session(&twice).is_err());
}

#[test]
fn only_a_well_formed_trace_is_echoed() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(traceparent(&headers(&[("traceparent", good)])), Some(good));
    for bad in [
        "",
        "00-xyz",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    ] {
        assert_eq!(traceparent(&headers(&[("traceparent", bad)])), None);
    }
}
