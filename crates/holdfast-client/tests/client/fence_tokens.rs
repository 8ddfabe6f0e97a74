//! Signed fence tokens: what is asked for, and what is sent again.

use holdfast_client::ErrorCode;
use holdfast_client::http_types::v1::fence_tokens::{
    FenceKey, FenceKeyList, FenceToken, Jwk, Jwks, KeyState, Rotating,
};

use crate::client;
use crate::fake::{Fake, Reaction, Request, json, problem};

fn working(request: &Request) -> Reaction {
    let key = || FenceKey {
        kid: "k".to_owned(),
        node: "n2".to_owned(),
        state: KeyState::Revoked,
        ..FenceKey::default()
    };
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", _) => json(200, &Rotating { nodes: 1 }),
        ("DELETE", _) => json(200, &key()),
        ("GET", "/v1/fence-keys") => json(200, &FenceKeyList { keys: vec![key()] }),
        ("GET", "/.well-known/jwks.json") => {
            let keys = vec![Jwk::default()];
            json(200, &Jwks { keys })
        }
        _ => {
            let token = FenceToken {
                token: "a.b.c".to_owned(),
                fence: 18231,
                ..FenceToken::default()
            };
            json(200, &token)
        }
    }
}

#[tokio::test]
async fn tokens_and_keys_are_asked_for_as_the_contract_says() {
    let fake = Fake::start(|request, _| working(request)).await;
    let client = client(&[&fake.url]);
    let token = client.claim_token("orders/42", "c 1").await.unwrap();
    assert_eq!((token.token.as_str(), token.fence), ("a.b.c", 18231));
    client.candidate_token("app", "one").await.unwrap();
    assert_eq!(client.key_set().await.unwrap().keys.len(), 1);
    let keys = client.fence_keys().await.unwrap().keys;
    assert_eq!(keys[0].state, KeyState::Revoked);
    client.rotate_fence_keys(None).await.unwrap();
    client.rotate_fence_keys(Some("n2")).await.unwrap();
    client.revoke_fence_key("k").await.unwrap();
    assert_eq!(
        fake.lines(),
        [
            "GET /v1/locks/orders/42/-/claims/c%201/token",
            "GET /v1/elections/app/-/candidates/one/token",
            "GET /.well-known/jwks.json",
            "GET /v1/fence-keys",
            "POST /v1/fence-keys/-/rotate",
            "POST /v1/fence-keys/-/rotate",
            "DELETE /v1/fence-keys/k",
        ]
    );
    let requests = fake.requests();
    assert_eq!(requests[4].body, b"{}");
    assert_eq!(requests[5].body, br#"{"node":"n2"}"#);
}

/// A node without a key is a moment's matter.
#[tokio::test]
async fn a_key_that_is_not_there_yet_is_waited_for_and_a_claim_that_waits_is_not() {
    let fake = Fake::start(|request, n| match n {
        0 => problem(ErrorCode::FenceKeyPending),
        1 => working(request),
        _ => problem(ErrorCode::NotHolder),
    })
    .await;
    let client = client(&[&fake.url]);
    client.claim_token("a", "c").await.unwrap();
    let error = client.claim_token("a", "c").await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::NotHolder));
    assert_eq!(fake.requests().len(), 3);
}
