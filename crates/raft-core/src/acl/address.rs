//! Addresses in access lists: `address` or `address/bits`, IPv4 and IPv6.

use core::net::IpAddr;

/// A network: its address as a number of `width` bits, of which the first `bits` count.
struct Network {
    address: u128,
    width: u32,
    bits: u32,
}

/// Whether `text` is an address, or an address with a prefix length.
pub(super) fn is_valid(text: &str) -> bool {
    Network::parse(text).is_some()
}

/// Whether the client address `client` lies in the network `network`. False for anything malformed.
pub(super) fn matches(network: &str, client: &str) -> bool {
    let (Some(network), Ok(client)) = (Network::parse(network), client.parse()) else {
        return false;
    };
    let (address, width) = number(client);
    let ignored = network.width.saturating_sub(network.bits);
    let differing = address ^ network.address;
    // A shift by the whole width of the type is no shift in Rust; no bit counts then.
    width == network.width && differing.checked_shr(ignored).unwrap_or(0) == 0
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let (address, width) = number(address.parse().ok()?);
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width)?,
            None => width,
        };
        Some(Network {
            address,
            width,
            bits,
        })
    }
}

fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_valid, matches};

    #[test]
    fn an_address_matches_by_its_prefix() {
        assert!(matches("10.1.0.0/16", "10.1.255.3"));
        assert!(!matches("10.1.0.0/16", "10.2.0.1"));
        assert!(matches("10.1.2.3", "10.1.2.3"));
        assert!(!matches("10.1.2.3", "10.1.2.4"));
        assert!(matches("0.0.0.0/0", "200.1.2.3"));
        assert!(matches("::/0", "fe80::1"));
        assert!(matches("2001:db8::/32", "2001:db8:1::1"));
        assert!(!matches("2001:db8::/32", "2001:db9::1"));
        assert!(!matches("0.0.0.0/0", "fe80::1"), "families do not mix");
    }

    #[test]
    fn malformed_addresses_are_not_valid() {
        for text in [
            "",
            "10.1.2",
            "10.1.2.3/33",
            "::1/129",
            "10.1.2.3/",
            "10.1.2.3/-1",
            "x/8",
        ] {
            assert!(!is_valid(text), "{text}");
        }
    }
}
