//! What an instance may say of itself.

use crate::command::RegisterInstance;
use crate::limits;
use crate::outcome::Refusal;
use crate::query::pick::at_most;
use crate::service::{CheckSpec, Probe, Registration};

/// What is reached and checked: another address, port or check is another target.
pub(super) fn target(registration: &Registration) -> (&str, u16, Option<&CheckSpec>) {
    let check = registration.check.as_ref();
    (&registration.address, registration.port, check)
}

/// Whether all of it makes sense and is within its limits.
pub(super) fn check(register: &RegisterInstance) -> Result<(), Refusal> {
    let Registration {
        address,
        port,
        weight,
        zone,
        tags,
        meta,
        check,
    } = &register.registration;
    check_address(address, *port)?;
    let most = limits::INSTANCE_WEIGHT_MAX;
    within("weight", u64::from(*weight), (0, u64::from(most)))?;
    if let Some(ttl_ms) = register.ttl_ms {
        let range = (limits::INSTANCE_TTL_MS_MIN, limits::INSTANCE_TTL_MS_MAX);
        within("ttl", ttl_ms, range)?;
    }
    at_most("tags of an instance", tags.len(), limits::TAGS_MAX)?;
    for text in tags.iter().chain(zone) {
        at_most("bytes of a tag or zone", text.len(), limits::TAG_BYTES_MAX)?;
        if text.is_empty() {
            return Err(bad("a tag or zone must not be empty"));
        }
    }
    if !tags.is_sorted_by(|one, next| one < next) {
        return Err(bad("tags come in order and each once"));
    }
    let bytes = meta.iter().map(|(key, value)| key.len() + value.len());
    at_most(
        "bytes of meta",
        bytes.sum(),
        limits::INSTANCE_META_BYTES_MAX,
    )?;
    check.as_ref().map_or(Ok(()), check_spec)
}

/// A host name or an address that can stand in a URL.
fn check_address(address: &str, port: u16) -> Result<(), Refusal> {
    let limit = limits::INSTANCE_ADDRESS_BYTES_MAX;
    at_most("bytes of an address", address.len(), limit)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    if address.is_empty() || !address.chars().all(allowed) {
        return Err(bad(&format!(
            "{address:?} is not a host name, an IPv4 or an IPv6 address (without brackets)"
        )));
    }
    if port == 0 {
        return Err(bad("a port is 1 to 65535, not 0"));
    }
    Ok(())
}

fn check_spec(check: &CheckSpec) -> Result<(), Refusal> {
    let range = (limits::CHECK_INTERVAL_MS_MIN, limits::CHECK_INTERVAL_MS_MAX);
    within("interval of a check", check.interval_ms, range)?;
    within(
        "timeout of a check",
        check.timeout_ms,
        (1, check.interval_ms),
    )?;
    let most = u64::from(limits::CHECKS_IN_A_ROW_MAX);
    within("fail_after", u64::from(check.fail_after), (1, most))?;
    within("pass_after", u64::from(check.pass_after), (1, most))?;
    match &check.probe {
        Probe::Tcp => Ok(()),
        Probe::Http(path) => {
            let limit = limits::CHECK_PATH_BYTES_MAX;
            at_most("bytes of the path of a check", path.len(), limit)?;
            let printable = path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'#');
            if path.starts_with('/') && printable {
                return Ok(());
            }
            Err(bad(&format!(
                "{path:?} is not a path to check: it begins with / and has neither spaces nor # in it"
            )))
        }
    }
}

fn within(what: &str, value: u64, (least, most): (u64, u64)) -> Result<(), Refusal> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(bad(&format!(
        "{what} must be between {least} and {most}, not {value}"
    )))
}

fn bad(why: &str) -> Refusal {
    Refusal::BadArguments(why.to_owned())
}
