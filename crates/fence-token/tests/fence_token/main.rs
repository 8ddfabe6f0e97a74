//! Tokens are what they were, and whatever else is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use fence_token::{
    Claims, Expected, KeySet, SigningKey, Subject, TokenError, public_key_text, sign,
};
use proptest::prelude::*;

const NOW: u64 = 1_800_000_000;
const EXPECTED: Expected<'_> = Expected {
    now: NOW,
    issuer: Some("8fabac4f2a2f472e2a38d1959f893adc"),
};

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn set_of(keys: &[&SigningKey]) -> KeySet {
    let jwk = |key: &&SigningKey| {
        let (x, kid) = (public_key_text(&key.public()), key.id());
        format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"{kid}","alg":"EdDSA","use":"sig"}}"#
        )
    };
    let keys: Vec<String> = keys.iter().map(jwk).collect();
    KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
}

fn claims() -> Claims {
    Claims {
        issuer: EXPECTED.issuer.unwrap().to_owned(),
        subject: Subject::Claim {
            lock: "orders/42".to_owned(),
            claim: "c1".to_owned(),
            mode: "exclusive".to_owned(),
        },
        session: Some("worker-7".to_owned()),
        fence: 18_231,
        issued_at: NOW,
        expires: NOW + 3600,
    }
}

/// Signed as a token is, whatever the two first pieces say.
fn forged(key: &SigningKey, header: &str, payload: &str) -> String {
    use ed25519_dalek::Signer as _;
    let message = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(payload));
    let seed = [1; 32];
    assert_eq!(key.public(), SigningKey::from_seed(&seed).public());
    let signature = ed25519_dalek::SigningKey::from_bytes(&seed).sign(message.as_bytes());
    format!("{message}.{}", BASE64URL.encode(signature.to_bytes()))
}

/// A verifier of today must accept what a node of any later version signs.
#[test]
fn the_form_of_a_token_stays() {
    let token = sign(&key(1), &claims()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let pieces: Vec<String> = message
        .split('.')
        .map(|piece| String::from_utf8(BASE64URL.decode(piece).unwrap()).unwrap())
        .collect();
    let kid = key(1).id().to_owned();
    assert_eq!(
        pieces,
        [
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"holdfast-fence+jwt"}}"#),
            concat!(
                r#"{"iss":"8fabac4f2a2f472e2a38d1959f893adc","lock":"orders/42","claim":"c1","#,
                r#""mode":"exclusive","session":"worker-7","fence":18231,"iat":1800000000,"#,
                r#""exp":1800003600}"#
            )
            .to_owned()
        ]
    );
    assert_eq!(
        signature,
        "beOaj8sCcEaRhNJIzv_6OCZ6n_f-s8P_Rfz1PYJhEVX7ibkSUZU_gfnUyUeht3Y4do7Y5XX5IJO3KHvn6O0mAA"
    );
    assert_eq!(set_of(&[&key(1)]).verify(&token, EXPECTED), Ok(claims()));
}

#[test]
fn a_token_of_an_election_says_so() {
    let led = Claims {
        subject: Subject::Leader {
            election: "app".to_owned(),
            candidate: "one".to_owned(),
        },
        session: None,
        ..claims()
    };
    let token = sign(&key(1), &led).unwrap();
    assert_eq!(set_of(&[&key(1)]).verify(&token, EXPECTED), Ok(led));
}

#[test]
fn times_and_issuer_are_looked_at() {
    let token = sign(&key(1), &claims()).unwrap();
    let set = set_of(&[&key(1)]);
    let at = |now| set.verify(&token, Expected { now, ..EXPECTED }).map(|_| ());
    assert_eq!(at(NOW + 3599), Ok(()));
    assert_eq!(at(NOW + 3600), Err(TokenError::Expired { ago_s: 0 }));
    assert_eq!(at(NOW - 60), Ok(()));
    assert_eq!(at(NOW - 61), Err(TokenError::NotYet { ahead_s: 61 }));
    let other = Expected {
        issuer: Some("other"),
        ..EXPECTED
    };
    let refused = set.verify(&token, other);
    assert!(matches!(refused, Err(TokenError::OtherIssuer { .. })));
    let any = Expected {
        issuer: None,
        ..EXPECTED
    };
    assert_eq!(set.verify(&token, any), Ok(claims()));
}

#[test]
fn only_keys_of_the_set_count() {
    let token = sign(&key(1), &claims()).unwrap();
    let refused = set_of(&[&key(2)]).verify(&token, EXPECTED);
    let unknown = key(1).id().to_owned();
    assert_eq!(refused, Err(TokenError::UnknownKey { key: unknown }));
    let both = set_of(&[&key(2), &key(1)]);
    assert_eq!(both.verify(&token, EXPECTED), Ok(claims()));
    // The signature of one key under the id of another.
    let (message, _) = token.rsplit_once('.').unwrap();
    let other = sign(&key(2), &claims()).unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    let mixed = format!("{message}.{signature}");
    assert_eq!(
        both.verify(&mixed, EXPECTED),
        Err(TokenError::WrongSignature)
    );
}

/// Signed with a good key, but not what a node signs.
#[test]
fn headers_and_claims_of_another_kind_are_refused() {
    let (key, set) = (key(1), set_of(&[&key(1)]));
    let kid = key.id();
    let good = serde_json::to_string(&claims()).unwrap();
    let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"holdfast-fence+jwt"}}"#);
    assert_eq!(
        set.verify(&forged(&key, &header, &good), EXPECTED),
        Ok(claims())
    );
    for other in [
        format!(r#"{{"alg":"none","kid":"{kid}","typ":"holdfast-fence+jwt"}}"#),
        format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"holdfast-fence+jwt"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"JWT"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        format!(
            r#"{{"alg":"EdDSA","kid":"{kid}","typ":"holdfast-fence+jwt","crit":["b64"],"b64":false}}"#
        ),
        format!(r#"{{"alg":"EdDSA","alg":"EdDSA","kid":"{kid}","typ":"holdfast-fence+jwt"}}"#),
        String::new(),
    ] {
        let refused = set.verify(&forged(&key, &other, &good), EXPECTED);
        let kinds = matches!(
            refused,
            Err(TokenError::OtherKind { .. } | TokenError::Malformed(_))
        );
        assert!(kinds, "{other}: {refused:?}");
    }
    for other in [
        good.replace(r#""lock":"orders/42","#, ""),
        good.replace(r#""lock""#, r#""candidate":"c","election":"e","lock""#),
        good.replace(r#""fence":18231"#, r#""fence":-1"#),
        good.replace(r#""fence":18231"#, r#""fence":18231.5"#),
        good.replace(r#""fence":18231"#, r#""fence":1,"fence":2"#),
        good.replace(r#""exp":"#, r#""ex":"#),
        "[]".to_owned(),
    ] {
        assert_ne!(other, good);
        let refused = set.verify(&forged(&key, &header, &other), EXPECTED);
        assert!(
            matches!(refused, Err(TokenError::Malformed(_))),
            "{other}: {refused:?}"
        );
    }
}

#[test]
fn key_sets_pass_over_what_they_do_not_know_and_refuse_what_is_damaged() {
    let (x, kid) = (public_key_text(&key(1).public()), key(1).id().to_owned());
    let others =
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"r"},{"kty":"OKP","crv":"X25519","x":"AA"}"#;
    let with = |text: &str| KeySet::parse(format!(r#"{{"keys":[{others},{text}]}}"#).as_bytes());
    let good = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"{kid}","more":1}}"#);
    assert_eq!(with(&good).unwrap().len(), 1);
    let encrypting = good.replace(r#""more":1"#, r#""use":"enc""#);
    assert!(with(&encrypting).unwrap().is_empty());
    for bad in [
        good.replace(&kid, "mine"),
        good.replace(&x, &x[1..]),
        good.replace(&x, ""),
        good.replace(r#""kid""#, r#""id""#),
    ] {
        assert!(with(&bad).is_err(), "{bad}");
    }
    let large = format!(r#"{{"keys":[{good}]}}{}"#, " ".repeat(256 << 10));
    for bad in ["", "{}", "[]", r#"{"keys":{}}"#, large.as_str()] {
        assert!(KeySet::parse(bad.as_bytes()).is_err());
    }
}

proptest! {
    /// One byte of a token is another: it may be one that is no base64url, or a dot.
    #[test]
    fn a_token_that_was_altered_in_any_byte_is_refused(at in any::<prop::sample::Index>(), to in 1..128_u8) {
        let token = sign(&key(1), &claims()).unwrap();
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        let altered = String::from_utf8(bytes).unwrap();
        prop_assert!(set_of(&[&key(1)]).verify(&altered, EXPECTED).is_err(), "{altered}");
    }

    #[test]
    fn a_token_that_was_cut_or_lengthened_is_refused(length in 0..400_usize, more in ".{1,5}") {
        let token = sign(&key(1), &claims()).unwrap();
        let set = set_of(&[&key(1)]);
        if length < token.len() {
            prop_assert!(set.verify(&token[..length], EXPECTED).is_err());
        }
        for longer in [[token.as_str(), &more].concat(), [&more, token.as_str()].concat()] {
            prop_assert!(set.verify(&longer, EXPECTED).is_err());
        }
    }

    /// Neither a token nor a key set can be made of what comes in by chance.
    #[test]
    fn garbage_is_refused_and_stops_nobody(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(set_of(&[&key(1)]).verify(&text, EXPECTED).is_err());
        prop_assert!(KeySet::parse(&bytes).is_err());
    }

    #[test]
    fn what_was_signed_is_what_is_read(fence in any::<u64>(), lock in ".{0,40}", session in prop::option::of(".{0,40}")) {
        let subject = Subject::Claim { lock, claim: "c".to_owned(), mode: "shared".to_owned() };
        let signed = Claims { fence, subject, session, ..claims() };
        let token = sign(&key(1), &signed).unwrap();
        prop_assert_eq!(set_of(&[&key(1)]).verify(&token, EXPECTED), Ok(signed));
    }
}
